// What every coroutine of the library has in its frame: who resumes when it ends, and where it
// stands. From the innermost frame the chain of continuations leads to the root of the task.
#pragma once

#include <ringio/core/frame_allocator.hpp>
#include <ringio/core/transfer.hpp>

#include <coroutine>
#include <cstddef>
#include <source_location>

namespace ringio::detail {

/// Legend of the use of a coroutine, which runs once: fresh -> claimed -> perhaps hollow; or, of a
/// task's own, fresh -> claimed -> root. A generator's stays fresh.
enum class FrameUse : unsigned char {
    fresh,
    claimed,  ///< awaited, or given to create_task()
    root,     ///< of a task
    hollow,   ///< destroyed before its owner, which has but the memory to free
};

/// The frame whose memory destroy_chain() keeps for the frame's owner; null: none.
RINGIO_VARIABLE(thread_local void* kept_frame, = nullptr);

/// The first base of every promise type, so that it lies at one place in every frame.
struct PromiseBase {
    /// Resumed when the coroutine ends: the one that awaits, or nobody (noop) for a root.
    std::coroutine_handle<> continuation;

    /// The await at which the coroutine stands; before the first one, its definition.
    std::source_location location;

    FrameUse use = FrameUse::fresh;

    explicit PromiseBase(const std::source_location& where) noexcept : location(where) {}
    PromiseBase(const PromiseBase&) = delete;
    PromiseBase& operator=(const PromiseBase&) = delete;

    static void* operator new(std::size_t size) { return frame_pool.allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        if (memory == kept_frame) [[unlikely]] {
            keep_hollow(memory, size);
            return;
        }
        frame_pool.deallocate(memory, size);
    }

    /// The promise of a coroutine of this library. Every promise type has PromiseBase at offset 0
    /// and no larger alignment than operator new gives, so the frame layout is the same for all.
    static PromiseBase& of(std::coroutine_handle<> coroutine) noexcept {
        return std::coroutine_handle<PromiseBase>::from_address(coroutine.address()).promise();
    }

    /// The coroutine that awaits this one; null when there is none.
    static std::coroutine_handle<> awaiting(std::coroutine_handle<> coroutine) noexcept {
        const PromiseBase& promise = of(coroutine);
        return promise.use == FrameUse::root ? nullptr : promise.continuation;
    }

    /// Makes it the root of a task.
    void become_root() noexcept {
        use = FrameUse::root;
        continuation = std::noop_coroutine();
    }

protected:
    ~PromiseBase() = default;

private:
    static void keep_hollow(void* memory, std::size_t size) noexcept;
};

/// Destroys the suspended coroutines from `innermost` up to `root`, in this order, as the
/// destructors of their owners would, but without a call within a call for each link.
void destroy_chain(std::coroutine_handle<> innermost, std::coroutine_handle<> root) noexcept;

/// Frees the memory that destroy_chain() left to the owner of a frame.
void free_hollow(std::coroutine_handle<> frame) noexcept;

/// Hands control back to the one who awaits, or to the loop at the root of a task.
struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> finished) const noexcept {
        return transfer(finished.promise().continuation);
    }
    void await_resume() const noexcept {}
};

}  // namespace ringio::detail
