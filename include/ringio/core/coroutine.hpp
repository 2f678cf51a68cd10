// What every coroutine of the library has in its frame: who resumes when it ends, and where it
// stands. From the innermost frame the chain of continuations leads to the root of the task.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/frame_allocator.hpp>

#include <coroutine>
#include <cstddef>
#include <source_location>

namespace ringio::detail {

/// Continues with `next`: by a jump where the compiler can, through the loop where it cannot.
inline std::coroutine_handle<> transfer(std::coroutine_handle<> next) noexcept {
#if RINGIO_HAS_TAIL_CALL
    return next;
#else
    // GCC 12: symmetric transfer without optimisation is a call, and a loop of awaits would grow
    // the stack; so this coroutine returns to the loop, which resumes the next one.
    running_loop->transfer_to(next);
    return std::noop_coroutine();
#endif
}

/// The first base of every promise type, so that it lies at one place in every frame.
struct PromiseBase {
    /// Resumed when the coroutine ends; null for the root of a task.
    std::coroutine_handle<> continuation;

    /// The await at which the coroutine stands; before the first one, its definition.
    std::source_location location;

    explicit PromiseBase(const std::source_location& where) noexcept : location(where) {}
    PromiseBase(const PromiseBase&) = delete;
    PromiseBase& operator=(const PromiseBase&) = delete;

    static void* operator new(std::size_t size) { return frame_pool.allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept {
        frame_pool.deallocate(memory, size);
    }

    /// The promise of a coroutine of this library. Every promise type has PromiseBase at offset 0
    /// and no larger alignment than operator new gives, so the frame layout is the same for all.
    static PromiseBase& of(std::coroutine_handle<> coroutine) noexcept {
        return std::coroutine_handle<PromiseBase>::from_address(coroutine.address()).promise();
    }

protected:
    ~PromiseBase() = default;
};

/// Hands control back to the one who awaits, or to the loop at the root of a task.
struct FinalAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> finished) const noexcept {
        const std::coroutine_handle<> next = finished.promise().continuation;
        return next ? transfer(next) : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
};

}  // namespace ringio::detail
