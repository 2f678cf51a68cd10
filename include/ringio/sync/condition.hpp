// Condition: to wait, without the lock, until somebody says that what the lock guards has changed.
#pragma once

#include <ringio/core/callable.hpp>
#include <ringio/core/format.hpp>
#include <ringio/core/task.hpp>
#include <ringio/sync/lock.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

class ConditionWait;

}  // namespace detail

/// A condition variable; asyncio.Condition. It has a lock of its own, or shares one.
///
/// *Lifetime*: it, and the lock given to it, outlive those who use it; a wait in it may be
/// cancelled after that.
class Condition {
public:
    Condition() noexcept : lock_(&own_) {}
    explicit Condition(Lock& lock) noexcept : lock_(&lock) {}
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;

    /// The methods of the lock.
    auto acquire() noexcept { return lock_->acquire(); }
    auto scoped() noexcept { return lock_->scoped(); }
    void release() { lock_->release(); }
    bool locked() const noexcept { return lock_->locked(); }

    /// Releases the lock, waits for a notification, and acquires the lock again; gives true. It may
    /// end without a notification, so that what is waited for must be checked again.
    ///
    /// *Errors*: std::runtime_error "cannot wait on un-acquired lock", or in another loop than
    /// before. *Cancellation*: the lock is acquired again all the same; a notification that came
    /// first goes to another task.
    Task<bool> wait();

    /// Waits until `predicate()` is true, and gives what it returned. The lock must be held.
    ///
    /// *Errors*, *Cancellation*: as wait(), and what the predicate throws.
    template <class Predicate>
    Task<std::decay_t<std::invoke_result_t<detail::Callable<Predicate>&>>> wait_for(
        Predicate&& predicate) {
        detail::require_safe_callable<Predicate>();
        return wait_for(detail::Guarded(),
                        detail::unwrap_callable(std::forward<Predicate>(predicate)));
    }

    /// Wakes up to `count` tasks that wait; they go on once they have got the lock.
    /// *Errors*: std::runtime_error "cannot notify on un-acquired lock".
    void notify(std::size_t count = 1);

    /// Wakes all of them. *Errors*: as notify().
    void notify_all() { notify(waiters_.size()); }

    /// "<Condition [locked, waiters:2]>".
    std::string repr() const;

private:
    friend class detail::ConditionWait;

    template <class Predicate>
    Task<std::decay_t<std::invoke_result_t<Predicate&>>> wait_for(detail::Guarded,
                                                                  Predicate predicate) {
        auto result = predicate();
        while (!static_cast<bool>(result)) {
            const bool notified = co_await wait();
            static_cast<void>(notified);
            result = predicate();
        }
        co_return result;
    }

    Lock own_;
    Lock* lock_;
    detail::LoopBinding binding_{"Condition"};
    detail::WaitQueue waiters_{binding_, "Condition.wait()"};
};

}  // namespace ringio

template <>
struct fmt::formatter<ringio::Condition> : ringio::detail::ReprFormatter<ringio::Condition> {};
