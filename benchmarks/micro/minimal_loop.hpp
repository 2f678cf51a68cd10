// The loop under the limit of the micro benchmarks: frames from per-thread free lists, an intrusive
// ready queue run by snapshots, a 4-ary timer heap. No kernel but the clock.
#pragma once

#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <utility>
#include <vector>

namespace minimal {

/// Blocks of up to 1 KiB, kept per thread in one free list for every multiple of 16 bytes. New ones
/// are cut from large chunks, which are never given back.
class Pool {
public:
    static void* allocate(std::size_t size) {
        const std::size_t index = (size - 1) / granule;
        if (index >= classes) {
            return ::operator new(size);
        }
        Block*& head = free_[index];
        if (head == nullptr) {
            return cut((index + 1) * granule);
        }
        return std::exchange(head, head->next);
    }

    static void release(void* memory, std::size_t size) noexcept {
        const std::size_t index = (size - 1) / granule;
        if (index >= classes) {
            ::operator delete(memory);
        } else {
            free_[index] = ::new (memory) Block{free_[index]};
        }
    }

private:
    struct Block {
        Block* next;
    };

    static constexpr std::size_t granule = 16;
    static constexpr std::size_t classes = 64;
    static constexpr std::size_t chunk = 256 * 1024;

    [[gnu::noinline]] static void* cut(std::size_t size) {
        if (static_cast<std::size_t>(end_ - begin_) < size) {
            begin_ = static_cast<std::byte*>(::operator new(chunk));
            end_ = begin_ + chunk;
        }
        return std::exchange(begin_, begin_ + size);
    }

    static inline constinit thread_local std::array<Block*, classes> free_{};
    static inline constinit thread_local std::byte* begin_ = nullptr;
    static inline constinit thread_local std::byte* end_ = nullptr;
};

/// Something to be resumed in a coming turn; lives in whatever waits.
struct Ready {
    Ready* next = nullptr;
    std::coroutine_handle<> coroutine;
};

struct Timer {
    std::function<void()> callback;
    bool cancelled = false;
    bool in_heap = true;
    bool has_handle = true;

    static void* operator new(std::size_t size) { return Pool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) { Pool::release(memory, size); }
};

class EventLoop;

class TimerHandle {
public:
    TimerHandle(EventLoop& loop, Timer* timer) noexcept : loop_(&loop), timer_(timer) {}
    TimerHandle(TimerHandle&& other) noexcept
        : loop_(other.loop_), timer_(std::exchange(other.timer_, nullptr)) {}
    TimerHandle& operator=(TimerHandle&& other) noexcept {
        std::swap(loop_, other.loop_);
        std::swap(timer_, other.timer_);
        return *this;
    }
    ~TimerHandle() {
        if (timer_ != nullptr) {
            timer_->has_handle = false;
            if (!timer_->in_heap) {
                delete timer_;
            }
        }
    }

    void cancel() noexcept;

private:
    EventLoop* loop_;
    Timer* timer_;
};

template <class T>
class Promise;

class EventLoop {
public:
    using Nanoseconds = std::int64_t;

    ~EventLoop() {
        for (const Entry& entry : heap_) {
            drop(entry.timer);
        }
    }

    void push(Ready& ready) noexcept {
        ready.next = nullptr;
        *tail_ = &ready;
        tail_ = &ready.next;
    }

    static Nanoseconds time() noexcept {
        timespec now;
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * 1'000'000'000 + now.tv_nsec;
    }

    template <class Function>
    TimerHandle call_later(std::chrono::nanoseconds delay, Function&& function) {
        auto* timer = new Timer{.callback = std::forward<Function>(function)};
        insert({.when = time() + delay.count(), .order = ++order_, .timer = timer});
        return {*this, timer};
    }

    template <class T>
    Promise<T> create_future();

    /// One turn: expired timers, then what was ready when it began.
    void run_once() {
        if (!heap_.empty()) {
            expire();
        }
        Ready* ready = std::exchange(head_, nullptr);
        Ready** const end = std::exchange(tail_, &head_);
        if (ready == nullptr) {
            return;
        }
        *end = nullptr;
        while (ready != nullptr) {
            Ready* const next = ready->next;
            ready->coroutine.resume();
            ready = next;
        }
    }

private:
    friend class TimerHandle;

    struct Entry {
        Nanoseconds when;
        std::uint64_t order;
        Timer* timer;

        bool operator<(const Entry& other) const noexcept {
            return when != other.when ? when < other.when : order < other.order;
        }
    };

    static void drop(Timer* timer) noexcept {
        timer->in_heap = false;
        if (!timer->has_handle) {
            delete timer;
        }
    }

    void insert(const Entry& entry) {
        std::size_t at = heap_.size();
        heap_.push_back(entry);
        while (at > 0) {
            const std::size_t parent = (at - 1) / 4;
            if (!(entry < heap_[parent])) {
                break;
            }
            heap_[at] = heap_[parent];
            at = parent;
        }
        heap_[at] = entry;
    }

    void sift_down(std::size_t at) noexcept {
        const Entry entry = heap_[at];
        const std::size_t size = heap_.size();
        for (std::size_t child; (child = 4 * at + 1) < size;) {
            std::size_t least = child;
            const std::size_t last = std::min(child + 4, size);
            while (++child < last) {
                least = heap_[child] < heap_[least] ? child : least;
            }
            if (!(heap_[least] < entry)) {
                break;
            }
            heap_[at] = heap_[least];
            at = least;
        }
        heap_[at] = entry;
    }

    void pop() noexcept {
        heap_.front() = heap_.back();
        heap_.pop_back();
        if (!heap_.empty()) {
            sift_down(0);
        }
    }

    /// Cancelled timers stay where they are until they are the larger part of the heap.
    void note_cancelled() noexcept {
        if (++cancelled_ < 64 || 2 * cancelled_ < heap_.size()) {
            return;
        }
        std::erase_if(heap_, [](const Entry& entry) {
            const bool dead = entry.timer->cancelled;
            if (dead) {
                drop(entry.timer);
            }
            return dead;
        });
        cancelled_ = 0;
        for (std::size_t at = heap_.size() / 4 + 1; at-- > 0;) {
            if (at < heap_.size()) {
                sift_down(at);
            }
        }
    }

    void expire() {
        Nanoseconds now = time();
        if (head_ == nullptr && heap_.front().when > now) {
            const timespec until{heap_.front().when / 1'000'000'000,
                                 heap_.front().when % 1'000'000'000};
            ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
            now = time();
        }
        while (!heap_.empty() && heap_.front().when <= now) {
            Timer* const timer = heap_.front().timer;
            pop();
            if (timer->cancelled) {
                --cancelled_;
            } else {
                timer->callback();
            }
            drop(timer);
        }
    }

    Ready* head_ = nullptr;
    Ready** tail_ = &head_;
    std::vector<Entry> heap_;
    std::uint64_t order_ = 0;
    std::size_t cancelled_ = 0;
};

inline void TimerHandle::cancel() noexcept {
    if (timer_->in_heap && !timer_->cancelled) {
        timer_->cancelled = true;
        timer_->callback = nullptr;
        loop_->note_cancelled();
    }
}

inline constinit thread_local EventLoop* running_loop = nullptr;

inline EventLoop& get_running_loop() noexcept { return *running_loop; }

}  // namespace minimal
