// Where coroutine frames, tasks and futures live: per-thread free lists by size class, fed from
// large chunks, so that creating a task costs a few instructions and no call to malloc.
#pragma once

#include <ringio/base/config.hpp>

#include <cstddef>
#include <new>

namespace ringio::detail {

/// A free list per size class of 16 bytes. A block may be freed on any thread: it is used again
/// there. The memory of the lists is never given back to the system, but passed on: what a thread
/// leaves behind at its end is taken up by the next one that needs blocks.
///
/// Under AddressSanitizer each block comes from operator new, so that a dangling pointer is found.
class FramePool {
public:
    void* allocate(std::size_t size) {
        const std::size_t index = class_of(size);
        if (RINGIO_SANITIZE_ADDRESS == 0 && index < class_count && free_[index] != nullptr)
            [[likely]] {
            ++live_;
            return pop(index);
        }
        return allocate_slowly(size);
    }

    void deallocate(void* memory, std::size_t size) noexcept {
        const std::size_t index = class_of(size);
        if (RINGIO_SANITIZE_ADDRESS == 0 && index < class_count) [[likely]] {
            --live_;
            push(index, memory);
        } else {
            deallocate_slowly(memory, size);
        }
    }

    /// Number of blocks that were handed out on this thread and have not come back to it.
    std::ptrdiff_t live() const noexcept { return live_; }

    /// Leaves the spare blocks to the threads that need some.
    void trim() noexcept;

    /// Takes a block off the books of this thread, for another one to enter it into its own.
    void depart() noexcept { --live_; }
    /// Enters a block that departed elsewhere, and is going to be freed here.
    void arrive() noexcept;

    /// Has operator new asked, and perhaps refuse, each time that a list is empty, and one block
    /// cut at a time: for tests of what happens without memory.
    void set_probing(bool probing) noexcept { probing_ = probing; }

private:
    struct Block {
        Block* next;
    };
    struct Rest;
    struct Depot;

    static constexpr std::size_t granularity = 16;
    static constexpr std::size_t class_count = 128;  // up to 2 KiB less 16 bytes

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
    bool take_left_behind(std::size_t index) noexcept;
    void take_chunk(std::size_t size);

    Block* free_[class_count] = {};
    char* chunk_begin_ = nullptr;  // what is left of the chunk that blocks are cut from
    char* chunk_end_ = nullptr;
    std::ptrdiff_t live_ = 0;
    unsigned arrived_ = 0;
    bool probing_ = false;
};

/// The pool of this thread. Trivially destructible, so it may be used until the thread is gone.
RINGIO_API inline constinit thread_local FramePool frame_pool;

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
