// Where coroutine frames, tasks and futures live: per-thread free lists by size class, so that
// creating a task costs no call to malloc once the program is warm.
#pragma once

#include <ringio/base/config.hpp>

#include <cstddef>
#include <new>

namespace ringio::detail {

/// A free list per size class of 64 bytes. Blocks come from operator new one by one, rounded up
/// to their class, so a block may be freed by either route whatever flags a translation unit had.
class FramePool {
public:
    void* allocate(std::size_t size) {
        ++live_;
        const std::size_t index = class_of(size);
        if (RINGIO_SANITIZE_ADDRESS == 0 && index < class_count && free_[index] != nullptr) {
            Block* block = free_[index];
            free_[index] = block->next;
            --spare_[index];
            return block;
        }
        return allocate_slowly(size);
    }

    void deallocate(void* memory, std::size_t size) noexcept {
        --live_;
        const std::size_t index = class_of(size);
        if (RINGIO_SANITIZE_ADDRESS == 0 && index < class_count && spare_[index] < spare_max) {
            Block* block = ::new (memory) Block{free_[index]};
            free_[index] = block;
            ++spare_[index];
            return;
        }
        ::operator delete(memory);
    }

    /// Number of blocks that were handed out on this thread and have not come back to it.
    std::ptrdiff_t live() const noexcept { return live_; }

    /// Gives the spare blocks back to the system.
    void trim() noexcept;

    /// Takes a block off the books of this thread, for another one to enter it into its own.
    void depart() noexcept { --live_; }
    /// Enters a block that departed elsewhere, and is going to be freed here.
    void arrive() noexcept;

private:
    struct Block {
        Block* next;
    };
    static constexpr std::size_t granularity = 64;
    static constexpr std::size_t class_count = 33;  // up to 2 KiB
    static constexpr unsigned spare_max = 1u << 20;

    static constexpr std::size_t class_of(std::size_t size) noexcept {
        return (size + granularity - 1) / granularity;
    }
    void* allocate_slowly(std::size_t size);

    Block* free_[class_count] = {};
    unsigned spare_[class_count] = {};
    std::ptrdiff_t live_ = 0;
    unsigned arrived_ = 0;
};

/// The pool of this thread. Trivially destructible, so it may be used until the thread is gone.
inline constinit thread_local FramePool frame_pool;

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
