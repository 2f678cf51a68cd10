// Where coroutine frames, tasks and futures live: per-thread free lists by size class, in front of
// a depot that all threads share, so that creating a task costs a few instructions and no call to
// malloc.
#pragma once

#include <ringio/base/config.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <new>

namespace ringio::detail {

/// Whether the depot has memory to give back.
RINGIO_VARIABLE(std::atomic<bool> depot_surplus, = false);

/// A free list per size class of 16 bytes. A block may be freed on any thread. What a thread has
/// spare beyond a bound, or leaves behind at its end, goes to the depot, from where all threads are
/// supplied; pages of which no block is in use go back to the system by and by (tend()). The thread
/// of a loop may have more spare for a while, so that bursts of tasks cost no more than others.
///
/// Under AddressSanitizer each block comes from operator new, so that a dangling pointer is found.
class FramePool {
public:
    void* allocate(std::size_t size) {
        const std::size_t index = class_of(size);
        if (RINGIO_SANITIZE_ADDRESS == 0 && index < class_count && free_[index] != nullptr)
            [[likely]] {
            ++room_;
            return pop(index);
        }
        return allocate_slowly(size);
    }

    void deallocate(void* memory, std::size_t size) noexcept {
        const std::size_t index = class_of(size);
        if (RINGIO_SANITIZE_ADDRESS == 0 && index < class_count) [[likely]] {
            push(index, memory);
            if (--room_ < 0) [[unlikely]] {
                spill();
            }
        } else {
            deallocate_slowly(memory, size);
        }
    }

    /// Number of blocks that were handed out on this thread and have not come back to it.
    std::ptrdiff_t live() const noexcept { return room_ - limit_ + held_; }

    /// Gives all spare blocks to the depot.
    void trim() noexcept;

    /// Takes a block off the books of this thread, for another one to enter it into its own.
    void depart() noexcept { --held_; }
    /// Enters a block that departed elsewhere, and is going to be freed here.
    void arrive() noexcept { ++held_; }

    /// Has operator new asked, and perhaps refuse, each time that a list is empty, and one block
    /// taken at a time: for tests of what happens without memory.
    void set_probing(bool probing) noexcept { probing_ = probing; }

    /// Says that a loop runs on this thread (null: no longer), which calls tend(); `alarm` is set
    /// when there is something to tend.
    void set_alarm(bool* alarm) noexcept;

    /// Says that there is memory to be given back, here or in the depot.
    bool has_surplus() const noexcept {
        return limit_ > spare_min || depot_surplus.load(std::memory_order_relaxed);
    }

    /// Gives a part of what was not needed for a while back, first to the depot, then to the
    /// system. To be called now and then while has_surplus(); returns after which time it has
    /// something to do again.
    std::chrono::nanoseconds tend() noexcept;

    /// How many bytes the depot has from the system.
    static std::size_t mapped() noexcept;

    /// Called when the thread ends: from now on nothing is spare here.
    void end() noexcept;

private:
    struct Block {
        Block* next;
    };
    struct Slab;
    struct Chunk;
    struct Depot;

    static constexpr std::size_t granularity = 16;
    static constexpr std::size_t class_count = 128;  // up to 2 KiB less 16 bytes
    // How many blocks may be spare, of all classes together: in any case, and for a while.
    static constexpr std::ptrdiff_t spare_min = 2 * 1024;
    static constexpr std::ptrdiff_t spare_max = 64 * 1024;

    static constexpr std::size_t class_of(std::size_t size) noexcept {
        return (size + granularity - 1) / granularity;
    }
    void* pop(std::size_t index) noexcept {
        Block* const block = free_[index];
        free_[index] = block->next;
        return block;
    }
    void push(std::size_t index, void* memory) noexcept {
        free_[index] = ::new (memory) Block{free_[index]};
    }
    // The library's own flags decide, so that a program may use the sanitizer when the library does
    // not.
    void* allocate_slowly(std::size_t size);
    void deallocate_slowly(void* memory, std::size_t size) noexcept;
    void refill(std::size_t index);
    void enroll() noexcept;
    static void keep_depot_at_fork() noexcept;
    RINGIO_NOINLINE void spill() noexcept;
    void set_limit(std::ptrdiff_t limit) noexcept;
    void give_to_depot(std::size_t kept_of_each, std::ptrdiff_t most) noexcept;
    std::chrono::nanoseconds tend_spare(std::chrono::steady_clock::time_point now) noexcept;

    Block* free_[class_count] = {};
    std::ptrdiff_t room_ = 0;   // how many more may be spare: less than 0 makes it spill
    std::ptrdiff_t held_ = 0;   // blocks that came from the depot and did not go back
    std::ptrdiff_t limit_ = 0;  // how many may be spare; 0 until the thread is enrolled
    bool* alarm_ = nullptr;
    std::chrono::steady_clock::time_point spill_time_{};  // while limit_ is the larger one
    bool probing_ = false;
    bool ended_ = false;  // the thread is about to
};

/// The pool of this thread. Trivially destructible, so it may be used until the thread is gone.
RINGIO_VARIABLE(thread_local FramePool frame_pool);

/// Gives a class pooled storage.
struct Pooled {
    static void* operator new(std::size_t size) { return frame_pool.allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        frame_pool.deallocate(memory, size);
    }
};

/// Number of coroutine frames, tasks, futures and callbacks alive on this thread.
inline std::ptrdiff_t live_frames() noexcept { return frame_pool.live(); }

}  // namespace ringio::detail
