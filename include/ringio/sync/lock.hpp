// Lock: mutual exclusion between tasks of one loop, in the order in which they came.
#pragma once

#include <ringio/core/format.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <exception>
#include <string>
#include <utility>

namespace ringio {

class Lock;

/// Holds a Lock or Semaphore until it is destroyed: `async with`. Made by scoped().
///
/// *Lifetime*: what it holds must outlive it.
template <class Owner>
class [[nodiscard]] Held {
public:
    explicit Held(Owner& owner) noexcept : owner_(&owner) {}
    Held(Held&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Held& operator=(Held&& other) noexcept {
        Held(std::move(other)).swap(*this);
        return *this;
    }
    ~Held() {
        try {
            release();
        } catch (const std::exception&) {
            // Nothing is held: its task is destroyed in the middle of Condition::wait().
        }
    }
    void swap(Held& other) noexcept { std::swap(owner_, other.owner_); }

    /// Releases early; does nothing the second time.
    void release() {
        if (Owner* const owner = std::exchange(owner_, nullptr)) {
            owner->release();
        }
    }

    /// Says whether it still holds something.
    explicit operator bool() const noexcept { return owner_ != nullptr; }

private:
    Owner* owner_;
};

namespace detail {

class LockWait;
class LockAcquire;

/// Acquires by the wait given, and makes a guard.
template <class AcquiringWait, class Owner>
class AcquireScoped final : public AcquiringWait {
public:
    explicit AcquireScoped(Owner& owner) noexcept : AcquiringWait(owner), owner_(owner) {}
    Held<Owner> await_resume() {
        this->finish();
        return Held<Owner>(owner_);
    }

private:
    Owner& owner_;
};

}  // namespace detail

/// A lock for tasks; asyncio.Lock. It belongs to no task: any may release it. Not reentrant.
///
/// Fair: who comes first gets it first, and nobody overtakes one who was woken for it.
/// *Lifetime*: outlives those who use it; a wait in it may be cancelled after that.
class Lock {
public:
    Lock() = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    /// Awaited, waits until the lock is free and takes it; gives true.
    ///
    /// *Errors*: std::runtime_error when it waits in another loop than before. *Cancellation*: the
    /// lock is not taken; if it was on the way to this task, the next one gets it.
    detail::WaitOn<detail::LockAcquire, Lock> acquire() noexcept {
        return detail::WaitOn<detail::LockAcquire, Lock>(*this);
    }

    /// As acquire(), but gives a guard: `auto held = co_await lock.scoped();`.
    detail::WaitOn<detail::AcquireScoped<detail::LockWait, Lock>, Lock> scoped() noexcept {
        return detail::WaitOn<detail::AcquireScoped<detail::LockWait, Lock>, Lock>(*this);
    }

    /// Lets the lock go; who has waited longest is next.
    /// *Errors*: std::runtime_error "Lock is not acquired."
    void release();

    /// Says whether somebody has it.
    bool locked() const noexcept { return locked_; }

    /// "<Lock [locked, waiters:2]>".
    std::string repr() const;

private:
    friend class detail::LockWait;

    bool locked_ = false;
    detail::LoopBinding binding_{"Lock"};
    detail::WaitQueue waiters_{binding_, "Lock.acquire()"};
};

namespace detail {

/// Waits for a lock.
class LockWait : public QueuedWait {
public:
    explicit LockWait(Lock& lock) noexcept : QueuedWait(lock.waiters_), lock_(lock) {}

    bool await_ready() noexcept {
        if (lock_.locked_ || lock_.waiters_.has_live()) {
            return false;
        }
        lock_.locked_ = true;
        return true;
    }

protected:
    ~LockWait() = default;

    /// Takes the lock if it may, and says how the wait ended.
    WaitEnd finish_quietly() noexcept;
    void finish() {
        if (finish_quietly() != WaitEnd::woken) {
            throw_ended();
        }
    }

private:
    Lock& lock_;
};

class LockAcquire final : public LockWait {
public:
    using LockWait::LockWait;
    bool await_resume() {
        finish();
        return true;
    }
};

/// Tells how the wait ended instead of throwing.
class LockAcquireQuietly final : public LockWait {
public:
    using LockWait::LockWait;
    WaitEnd await_resume() noexcept { return finish_quietly(); }
};

}  // namespace detail
}  // namespace ringio

template <>
struct fmt::formatter<ringio::Lock> : ringio::detail::ReprFormatter<ringio::Lock> {};
