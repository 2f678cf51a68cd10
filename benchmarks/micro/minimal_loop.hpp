// The loop under the limit of the micro benchmarks: frames from per-thread free lists, an intrusive
// ready queue run by snapshots, a 4-ary timer heap. No kernel but the clock.
#pragma once

#include <sys/mman.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

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

/// Fires once its deadline has passed. The base of a callback, which a handle may cancel, and of a
/// sleep, which lives in a frame.
struct Timer {
    std::uint64_t order : 56 = 0;  // of equal deadlines
    bool cancelled : 1 = false;
    bool in_heap : 1 = true;
    bool has_handle : 1 = false;

    virtual void fire() = 0;
    virtual void drop() noexcept = 0;

protected:
    Timer() = default;
    ~Timer() = default;
};

template <class Function>
struct Callback final : Timer {
    Function function;

    explicit Callback(Function&& given) : function(std::move(given)) { has_handle = true; }

    void fire() override { function(); }
    void drop() noexcept override { delete this; }

    static void* operator new(std::size_t size) { return Pool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) { Pool::release(memory, size); }
};

class TimerHandle {
public:
    explicit TimerHandle(Timer* timer) noexcept : timer_(timer) {}
    TimerHandle(TimerHandle&& other) noexcept : timer_(std::exchange(other.timer_, nullptr)) {}
    TimerHandle& operator=(TimerHandle&& other) noexcept {
        std::swap(timer_, other.timer_);
        return *this;
    }
    ~TimerHandle() {
        if (timer_ != nullptr) {
            timer_->has_handle = false;
            if (!timer_->in_heap) {
                timer_->drop();
            }
        }
    }

    void cancel() noexcept;

private:
    Timer* timer_;
};

/// Four children of 16 bytes share a cache line. The array never grows: it is address space for 16
/// million timers, which has memory where it was touched.
class TimerHeap {
public:
    using Nanoseconds = std::int64_t;

    struct Entry {
        Nanoseconds when;
        Timer* timer;

        bool operator<(const Entry& other) const noexcept {
            return when != other.when ? when < other.when : timer->order < other.timer->order;
        }
    };

    TimerHeap() {
        void* const memory = ::mmap(nullptr, space, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            throw std::bad_alloc();
        }
        heap_ = static_cast<Entry*>(memory) + pad;
    }
    TimerHeap(const TimerHeap&) = delete;
    ~TimerHeap() { ::munmap(heap_ - pad, space); }

    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    const Entry& front() const noexcept { return heap_[0]; }

    void push(const Entry& entry) noexcept {
        std::size_t at = size_++;
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

    void pop() noexcept {
        if (--size_ > 0) {
            sift_down(0, heap_[size_]);
        }
    }

    template <class Condition>
    void erase_if(Condition condition) noexcept {
        size_ = static_cast<std::size_t>(std::remove_if(heap_, heap_ + size_, condition) - heap_);
        for (std::size_t at = size_ / 4 + 1; at-- > 0;) {
            if (at < size_) {
                sift_down(at, heap_[at]);
            }
        }
    }

private:
    static constexpr std::size_t space = std::size_t{256} << 20;
    static constexpr std::size_t pad = 3;

    // Without a branch on the deadlines, which nobody could predict.
    static Entry* least(Entry* a, Entry* b) noexcept {
        if (a->when == b->when) [[unlikely]] {
            return *b < *a ? b : a;
        }
        return a + (b - a) * (b->when < a->when);
    }

    void sift_down(std::size_t at, Entry entry) noexcept {
        for (;;) {
            Entry* const children = heap_ + (4 * at + 1);
            Entry* const end = heap_ + size_;
            Entry* child = children;
            if (children + 3 < end) {
                child = least(least(children, children + 1), least(children + 2, children + 3));
            } else if (children < end) {
                for (Entry* other = children + 1; other < end; ++other) {
                    child = least(child, other);
                }
            } else {
                break;
            }
            if (!(*child < entry)) {
                break;
            }
            heap_[at] = *child;
            at = static_cast<std::size_t>(child - heap_);
        }
        heap_[at] = entry;
    }

    Entry* heap_;  // one before a cache line's begin
    std::size_t size_ = 0;
};

template <class T>
class Promise;

class EventLoop {
public:
    using Nanoseconds = TimerHeap::Nanoseconds;

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

    void arm(Timer& timer, Nanoseconds delay) noexcept {
        timer.order = ++order_;
        heap_.push({.when = time() + delay, .timer = &timer});
    }

    template <class Function>
    TimerHandle call_later(std::chrono::nanoseconds delay, Function function) {
        auto* timer = new Callback<Function>(std::move(function));
        arm(*timer, delay.count());
        return TimerHandle(timer);
    }

    template <class T>
    Promise<T> create_future();

    bool idle() const noexcept { return head_ == nullptr && heap_.empty(); }

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

    static void drop(Timer& timer) noexcept {
        timer.in_heap = false;
        if (!timer.has_handle) {
            timer.drop();
        }
    }

    /// Cancelled timers stay where they are until they are the larger part of the heap.
    void note_cancelled() noexcept {
        if (++cancelled_ < 64 || 2 * cancelled_ < heap_.size()) {
            return;
        }
        heap_.erase_if([](const TimerHeap::Entry& entry) {
            const bool dead = entry.timer->cancelled;
            if (dead) {
                drop(*entry.timer);
            }
            return dead;
        });
        cancelled_ = 0;
    }

    void expire() {
        Nanoseconds now = time();
        const Nanoseconds first = heap_.front().when;
        if (head_ == nullptr && first > now) {
            const timespec until{first / 1'000'000'000, first % 1'000'000'000};
            ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
            now = time();
        }
        while (!heap_.empty() && heap_.front().when <= now) {
            Timer& timer = *heap_.front().timer;
            heap_.pop();
            if (timer.cancelled) {
                --cancelled_;
            } else {
                timer.fire();
            }
            drop(timer);
        }
    }

    Ready* head_ = nullptr;
    Ready** tail_ = &head_;
    TimerHeap heap_;
    std::uint64_t order_ = 0;
    std::size_t cancelled_ = 0;
};

inline constinit thread_local EventLoop* running_loop = nullptr;

inline void TimerHandle::cancel() noexcept {
    if (timer_->in_heap && !timer_->cancelled) {
        timer_->cancelled = true;
        running_loop->note_cancelled();
    }
}

inline EventLoop& get_running_loop() noexcept { return *running_loop; }

}  // namespace minimal
