#include <ringio/core/frame_allocator.hpp>

#include "frame_depot.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

namespace ringio::detail {
namespace {

constexpr std::size_t taken_at_once = 4 * 1024;       // bytes of one class that a refill takes
constexpr std::size_t spilled_down_to = 8;            // blocks of each class that a spill leaves
constexpr std::ptrdiff_t spilled_at_once = 4 * 1024;  // blocks, in one call of tend()

struct EndAtThreadExit {
    ~EndAtThreadExit() { frame_pool.end(); }
};

}  // namespace

void* FramePool::allocate_slowly(std::size_t size) {
    const std::size_t index = class_of(size);
    if (RINGIO_SANITIZE_ADDRESS != 0 || index >= class_count) {
        void* const block = ::operator new(index * granularity);
        ++held_;
        return block;
    }
    enroll();
    if (free_[index] == nullptr) {
        refill(index);
    }
    ++room_;
    return pop(index);
}

void FramePool::deallocate_slowly(void* memory, std::size_t size) noexcept {
    const std::size_t index = class_of(size);
    if (RINGIO_SANITIZE_ADDRESS != 0 || index >= class_count) {
        --held_;
        ::operator delete(memory);
        return;
    }
    push(index, memory);
    if (--room_ < 0) {
        spill();
    }
}

// Fills the empty list of a class.
void FramePool::refill(std::size_t index) {
    const std::size_t size = index * granularity;
    if (probing_) {
        ::operator delete(::operator new(size));
    }
    const std::size_t wanted = probing_ ? 1 : std::max<std::size_t>(1, taken_at_once / size);
    Depot& depot = Depot::instance();
    const std::lock_guard lock(depot.mutex);
    const auto taken = static_cast<std::ptrdiff_t>(depot.take(index, wanted, free_[index]));
    held_ += taken;
    room_ -= taken;
}

// A child of fork(2) has the one thread that made it: the depot must be whole then, and nobody's.
void FramePool::keep_depot_at_fork() noexcept {
    static const int watched = ::pthread_atfork([] { Depot::instance().mutex.lock(); },
                                                [] { Depot::instance().mutex.unlock(); },
                                                [] { Depot::instance().mutex.unlock(); });
    static_cast<void>(watched);
}

// On a thread's first use: sees to its end.
void FramePool::enroll() noexcept {
    if (limit_ == 0 && !ended_) {
        keep_depot_at_fork();
        static thread_local EndAtThreadExit end_at_thread_exit;
        static_cast<void>(end_at_thread_exit);
        set_limit(spare_min);
    }
}

// The main thread ends with the process, and spares itself the work.
void FramePool::end() noexcept {
    if (::gettid() != ::getpid()) {
        ended_ = true;
        set_limit(0);
        trim();
    }
}

void FramePool::set_limit(std::ptrdiff_t limit) noexcept {
    room_ += limit - limit_;
    limit_ = limit;
}

void FramePool::set_alarm(bool* alarm) noexcept {
    alarm_ = alarm;
    if (alarm != nullptr && limit_ > spare_min) {
        *alarm = true;  // what the loop before left
    }
}

// Too much is spare here. Where a loop runs it may be needed again at once, and is looked after
// some time later; elsewhere, and beyond all measure, it is for others.
void FramePool::spill() noexcept {
    enroll();
    if (room_ >= 0) {
        return;  // the thread's first block
    }
    if (alarm_ == nullptr || limit_ == spare_max) {
        give_to_depot(ended_ ? 0 : spilled_down_to, spare_max);
        return;
    }
    set_limit(spare_max);
    spill_time_ = std::chrono::steady_clock::now() + Depot::period;
    *alarm_ = true;
}

void FramePool::trim() noexcept { give_to_depot(0, held_ - live()); }

// Gives up to `most` blocks away.
void FramePool::give_to_depot(std::size_t kept_of_each, std::ptrdiff_t most) noexcept {
    Depot& depot = Depot::instance();
    const std::lock_guard lock(depot.mutex);
    for (Block*& list : free_) {
        Block** end = &list;
        for (std::size_t kept = 0; kept < kept_of_each && *end != nullptr; ++kept) {
            end = &(*end)->next;
        }
        Block* block = std::exchange(*end, nullptr);
        for (; block != nullptr && most > 0; --most) {
            depot.give(std::exchange(block, block->next));
            --held_;
            ++room_;
        }
        *end = block;
    }
}

std::chrono::nanoseconds FramePool::tend_spare(std::chrono::steady_clock::time_point now) noexcept {
    if (limit_ <= spare_min) {
        return std::chrono::nanoseconds::max();
    }
    if (now < spill_time_) {
        return spill_time_ - now;
    }
    give_to_depot(spilled_down_to, spilled_at_once);
    if (limit_ - room_ > spare_min) {
        return std::chrono::nanoseconds(0);
    }
    set_limit(spare_min);
    return std::chrono::nanoseconds::max();
}

std::chrono::nanoseconds FramePool::tend() noexcept {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::nanoseconds spare = tend_spare(now);
    Depot& depot = Depot::instance();
    const std::unique_lock lock(depot.mutex, std::try_to_lock);
    if (!lock) {
        return std::min<std::chrono::nanoseconds>(spare, Depot::period);  // another thread is at it
    }
    return depot_surplus.load(std::memory_order_relaxed) ? std::min(spare, depot.tend(now)) : spare;
}

std::size_t FramePool::mapped() noexcept {
    Depot& depot = Depot::instance();
    const std::lock_guard lock(depot.mutex);
    return depot.mapped_chunks * Depot::chunk_size;
}

}  // namespace ringio::detail
