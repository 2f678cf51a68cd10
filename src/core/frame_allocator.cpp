#include <ringio/core/frame_allocator.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <utility>

namespace ringio::detail {
namespace {

constexpr std::size_t chunk_size = 256 * 1024;
constexpr std::size_t cut_at_once = 2 * 1024;  // bytes of one class that a refill cuts

// Trims the pool when the thread ends; what is freed later goes through the empty lists unharmed.
struct TrimAtThreadExit {
    ~TrimAtThreadExit() { frame_pool.trim(); }
};

}  // namespace

/// What is left of a chunk; written at its begin.
struct FramePool::Rest {
    Rest* next;
    char* end;
};

/// What threads left behind. Never destroyed: a thread may outlive main().
struct FramePool::Depot {
    std::mutex mutex;
    std::atomic<Block*> free[class_count] = {};  // written under mutex
    Rest* rests = nullptr;                       // guarded by mutex

    static Depot& instance() noexcept {
        static constinit Depot depot;
        return depot;
    }
};

void* FramePool::allocate_slowly(std::size_t size) {
    static thread_local TrimAtThreadExit trim_at_thread_exit;
    (void)trim_at_thread_exit;
    const std::size_t index = class_of(size);
    void* block = nullptr;
    if (RINGIO_SANITIZE_ADDRESS != 0 || index >= class_count) {
        block = ::operator new(index * granularity);
    } else {
        if (free_[index] == nullptr) {
            refill(index);
        }
        block = pop(index);
    }
    ++live_;
    return block;
}

void FramePool::deallocate_slowly(void* memory, std::size_t size) noexcept {
    --live_;
    const std::size_t index = class_of(size);
    if (RINGIO_SANITIZE_ADDRESS != 0 || index >= class_count) {
        ::operator delete(memory);
    } else {
        push(index, memory);
    }
}

// Fills the empty list of a class: with what other threads left behind, or from a chunk.
void FramePool::refill(std::size_t index) {
    const std::size_t size = index * granularity;
    if (probing_) {
        ::operator delete(::operator new(size));
    }
    if (take_left_behind(index)) {
        return;
    }
    if (static_cast<std::size_t>(chunk_end_ - chunk_begin_) < size) {
        take_chunk(size);
    }
    const auto room = static_cast<std::size_t>(chunk_end_ - chunk_begin_);
    std::size_t count = probing_ ? 1 : std::max<std::size_t>(1, std::min(cut_at_once, room) / size);
    for (Block** end = &free_[index]; count > 0; --count) {
        *end = ::new (static_cast<void*>(chunk_begin_)) Block{nullptr};
        end = &(*end)->next;
        chunk_begin_ += size;
    }
}

// Takes all blocks of a class that other threads left behind; says whether there was one.
bool FramePool::take_left_behind(std::size_t index) noexcept {
    Depot& depot = Depot::instance();
    if (depot.free[index].load(std::memory_order_relaxed) == nullptr) {
        return false;
    }
    const std::lock_guard lock(depot.mutex);
    Block* const first = depot.free[index].load(std::memory_order_relaxed);
    if (first == nullptr) {
        return false;
    }
    free_[index] = first;
    Block* const kept = probing_ ? std::exchange(first->next, nullptr) : nullptr;
    depot.free[index].store(kept, std::memory_order_relaxed);
    return true;
}

// Finds a chunk, or what a thread left of one, from which `size` bytes can be cut.
void FramePool::take_chunk(std::size_t size) {
    Depot& depot = Depot::instance();
    const std::lock_guard lock(depot.mutex);
    Rest* const rest = depot.rests;
    char* begin = nullptr;
    char* end = nullptr;
    if (rest != nullptr &&
        static_cast<std::size_t>(rest->end - reinterpret_cast<char*>(rest)) >= size) {
        depot.rests = rest->next;
        begin = reinterpret_cast<char*>(rest);
        end = rest->end;
    } else {
        begin = static_cast<char*>(::operator new(chunk_size));
        end = begin + chunk_size;
    }
    // What is left of the old one is too small for this class: it is a block of another.
    if (chunk_begin_ != chunk_end_) {
        push(static_cast<std::size_t>(chunk_end_ - chunk_begin_) / granularity, chunk_begin_);
    }
    chunk_begin_ = begin;
    chunk_end_ = end;
}

// What arrives is freed into the lists of this thread, which nobody here may ever draw from: they
// are emptied from time to time.
void FramePool::arrive() noexcept {
    constexpr unsigned arrivals_per_trim = 1024;
    ++live_;
    if (++arrived_ % arrivals_per_trim == 0) {
        trim();
    }
}

void FramePool::trim() noexcept {
    Depot& depot = Depot::instance();
    const std::lock_guard lock(depot.mutex);
    for (std::size_t index = 0; index < class_count; ++index) {
        while (free_[index] != nullptr) {
            Block* const block =
                ::new (pop(index)) Block{depot.free[index].load(std::memory_order_relaxed)};
            depot.free[index].store(block, std::memory_order_relaxed);
        }
    }
    if (chunk_begin_ != chunk_end_) {
        depot.rests = ::new (static_cast<void*>(chunk_begin_)) Rest{depot.rests, chunk_end_};
        chunk_begin_ = chunk_end_ = nullptr;
    }
}

}  // namespace ringio::detail
