// Semaphore: so many tasks at a time, in the order in which they came.
#pragma once

#include <ringio/core/format.hpp>
#include <ringio/sync/lock.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <cstddef>
#include <limits>
#include <string>

namespace ringio {

class Semaphore;

namespace detail {

class SemaphoreWait;
class SemaphoreAcquire;

}  // namespace detail

/// A counter of permits; asyncio.Semaphore. A permit that is released goes to who has waited
/// longest, and nobody overtakes.
///
/// *Lifetime*: outlives those who use it; a wait in it may be cancelled after that.
class Semaphore {
public:
    /// *Errors*: std::invalid_argument "Semaphore initial value must be >= 0".
    explicit Semaphore(std::ptrdiff_t value = 1)
        : Semaphore(value, std::numeric_limits<std::ptrdiff_t>::max()) {}
    Semaphore(const Semaphore&) = delete;
    Semaphore& operator=(const Semaphore&) = delete;

    /// Awaited, waits for a permit and takes it; gives true.
    ///
    /// *Errors*: std::runtime_error when it waits in another loop than before. *Cancellation*: no
    /// permit is taken; one that was on the way to this task goes to the next.
    detail::WaitOn<detail::SemaphoreAcquire, Semaphore> acquire() noexcept {
        return detail::WaitOn<detail::SemaphoreAcquire, Semaphore>(*this);
    }

    /// As acquire(), but gives a guard: `auto held = co_await semaphore.scoped();`.
    detail::WaitOn<detail::AcquireScoped<detail::SemaphoreWait, Semaphore>, Semaphore>
    scoped() noexcept {
        return detail::WaitOn<detail::AcquireScoped<detail::SemaphoreWait, Semaphore>, Semaphore>(
            *this);
    }

    /// Takes a permit if acquire() would not wait for it, and says whether it did; that of trio
    /// raises WouldBlock instead. Nobody who waits is overtaken.
    bool acquire_nowait() noexcept {
        if (locked()) {
            return false;
        }
        --value_;
        return true;
    }

    /// Gives a permit back, or adds one.
    /// *Errors*: of a BoundedSemaphore, std::invalid_argument "BoundedSemaphore released too many
    /// times".
    void release();

    /// Says whether acquire() would wait.
    bool locked() const noexcept { return value_ == 0 || waiters_.has_live(); }

    /// "<Semaphore [unlocked, value:3]>", "<Semaphore [locked, waiters:1]>".
    std::string repr() const;

protected:
    Semaphore(std::ptrdiff_t value, std::ptrdiff_t bound);

private:
    friend class detail::SemaphoreWait;

    bool is_bounded() const noexcept {
        return bound_ != std::numeric_limits<std::ptrdiff_t>::max();
    }

    std::ptrdiff_t value_;
    std::ptrdiff_t bound_;
    detail::LoopBinding binding_;
    detail::WaitQueue waiters_{binding_, "Semaphore.acquire()"};
};

/// A semaphore that refuses to have more permits than it began with; asyncio.BoundedSemaphore.
class BoundedSemaphore final : public Semaphore {
public:
    /// *Errors*: as Semaphore.
    explicit BoundedSemaphore(std::ptrdiff_t value = 1) : Semaphore(value, value) {}
};

namespace detail {

/// Waits for a permit.
class SemaphoreWait : public QueuedWait {
public:
    explicit SemaphoreWait(Semaphore& semaphore) noexcept
        : QueuedWait(semaphore.waiters_), semaphore_(semaphore) {}

    bool await_ready() noexcept { return semaphore_.acquire_nowait(); }

protected:
    ~SemaphoreWait() = default;

    void finish();

private:
    Semaphore& semaphore_;
};

class SemaphoreAcquire final : public SemaphoreWait {
public:
    using SemaphoreWait::SemaphoreWait;
    bool await_resume() {
        finish();
        return true;
    }
};

}  // namespace detail
}  // namespace ringio

template <>
struct fmt::formatter<ringio::Semaphore> : ringio::detail::ReprFormatter<ringio::Semaphore> {};
template <>
struct fmt::formatter<ringio::BoundedSemaphore> : ringio::detail::ReprFormatter<ringio::Semaphore> {
};
