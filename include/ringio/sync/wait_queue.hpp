// WaitQueue: what every primitive of sync/ is made of. A FIFO of waits that live in the frames of
// those who wait: joining, waking and leaving are O(1) and never allocate. A wait stays in its
// place until its task resumes, so that the order of arrival is known even of those woken already.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/awaitable.hpp>

#include <coroutine>
#include <cstddef>
#include <string>

namespace ringio::detail {

class WaitQueue;

/// The loop that a primitive belongs to: that of its first use that had to wait.
class LoopBinding {
public:
    /// `name` stands in the text of the error; it must live as long as the binding.
    explicit LoopBinding(const char* name) noexcept : name_(name) {}

    bool is_bound_to(EventLoop& loop) const noexcept {
        return anchor_.get() == loop.machine().anchor();
    }

    /// Binds to `loop`. *Errors*: std::runtime_error when it is bound to another one.
    void bind(EventLoop& loop) {
        if (!is_bound_to(loop)) [[unlikely]] {
            bind_first(loop);
        }
    }

    /// Refuses, in debug mode, a use on a wrong thread: aborts with a sentence.
    void require_thread() const noexcept {
        if (threads_are_checked.load(std::memory_order_relaxed) && anchor_) [[unlikely]] {
            require_thread_of(anchor_->loop);
        }
    }

private:
    RINGIO_NOINLINE void bind_first(EventLoop& loop);

    const char* name_;
    IntrusivePtr<LoopAnchor> anchor_;
};

/// How a wait ended.
enum class WaitEnd : unsigned char {
    woken,
    cancelled,    ///< before anybody woke it
    passed_over,  ///< cancelled after it was woken: somebody else must get what it was woken for
    orphaned,     ///< the queue is gone: nothing of its owner may be touched
};

/// The place of a wait in its queue.
struct QueuedPlace : public IntrusiveListHook {
    enum class Phase : unsigned char { fresh, waiting, woken, cancelled };

    explicit QueuedPlace(WaitQueue& queue) noexcept : home(&queue) {}

    WaitQueue* home;  // null once the queue is gone
    TaskStateBase* task = nullptr;
    Phase phase = Phase::fresh;
};

/// One wait in a queue: the part of an awaiter that does not depend on what is waited for.
class QueuedWait : public NativeAwaiter, public Wait, protected QueuedPlace {
public:
    explicit QueuedWait(WaitQueue& queue) noexcept : QueuedPlace(queue) {}

    /// *Errors*: std::runtime_error outside a task, or in another loop than that of the queue.
    void await_suspend(std::coroutine_handle<> coroutine);

    bool cancel(const std::string& message) noexcept final;
    const char* what() const noexcept final;
    std::string repr() const final;

protected:
    RINGIO_INLINE ~QueuedWait() { withdraw(); }

    /// Takes the wait out of the queue if it is in it: for a destructor that has more to do.
    void withdraw() noexcept {
        if (is_linked()) [[unlikely]] {
            remove();
        }
    }

    /// Says whether the task was suspended; if not, there is no end to ask for.
    bool has_waited() const noexcept { return phase != Phase::fresh; }

    /// Says whether it was woken, by an owner that is still there, and its task has not resumed.
    bool is_due() const noexcept { return phase == Phase::woken && home != nullptr; }

    /// Has one that is due wait again, at the end of the line.
    void rejoin() noexcept;

    /// As await_suspend(); with `asks`, for one that says waits_on().
    template <bool asks>
    void suspend(std::coroutine_handle<> coroutine);

    /// Takes the wait out of the queue. To be called once, in await_resume().
    WaitEnd leave() noexcept;

    /// Throws CancelledError, or, for a wait that was woken by an owner that is gone since,
    /// std::runtime_error.
    [[noreturn]] void throw_ended() const;

    /// For a wait that was passed over when it had got what it waited for, and cannot give it to
    /// another: the cancellation stays for the next wait.
    void defer_late_cancellation() noexcept {
        if (cancelled_late_) {
            task->defer_cancellation();
        }
    }

private:
    RINGIO_NOINLINE void remove() noexcept;
    RINGIO_NOINLINE void check_to_suspend() const;
    RINGIO_NOINLINE WaitEnd leave_otherwise() noexcept;

    bool cancelled_late_ = false;
};

/// Those who wait, in the order in which they came.
///
/// *Lifetime*: when it is destroyed before its waits, they stay asleep; cancelling them is safe.
class WaitQueue {
public:
    /// `what` names the wait for a reader.
    WaitQueue(LoopBinding& binding, const char* what) noexcept : binding_(binding), what_(what) {}
    WaitQueue(const WaitQueue&) = delete;
    WaitQueue& operator=(const WaitQueue&) = delete;
    ~WaitQueue();

    /// Wakes the first wait that was neither woken nor cancelled; false when there is none.
    bool wake_next() noexcept {
        binding_.require_thread();
        return next_ != nullptr && (wake(*next_), true);
    }

    /// Wakes the wait that came first, unless it was woken or cancelled: then it is about to run,
    /// and passes on what it does not take.
    void wake_first() noexcept;

    /// Wakes them all.
    void wake_all() noexcept {
        while (wake_next()) {
        }
    }

    /// How many have not resumed yet, those that were cancelled included.
    /// O(n): for statistics and those who wake all.
    std::size_t size() const noexcept;

    /// Says whether there is a wait that was not cancelled before it was woken.
    bool has_live() const noexcept { return next_ != nullptr || woken_ > 0; }

    /// How many were woken and have not resumed yet, whether they were cancelled since or not.
    std::size_t woken() const noexcept { return woken_; }

    /// The first that was neither woken nor cancelled, or null.
    QueuedPlace* first_waiting() const noexcept { return next_; }

    /// ", waiters:2", or nothing: how it ends the repr of its owner.
    std::string repr_suffix() const;

private:
    friend class QueuedWait;

    void wake(QueuedPlace& wait) noexcept;
    void join(QueuedPlace& wait) noexcept {
        waits_.push_back(wait);
        wait.phase = QueuedPlace::Phase::waiting;
        if (next_ == nullptr) {
            next_ = &wait;
        }
    }
    void remove(QueuedPlace& wait) noexcept;
    void remove_woken(QueuedPlace& wait) noexcept {
        wait.unlink();
        --woken_;
    }
    void cancel(QueuedPlace& wait) noexcept;
    void advance_past(QueuedPlace& wait) noexcept;

    LoopBinding& binding_;
    const char* what_;
    IntrusiveList<QueuedPlace> waits_;
    QueuedPlace* next_ = nullptr;  // the first that is still waiting
    std::size_t woken_ = 0;
};

template <bool asks>
void QueuedWait::suspend(std::coroutine_handle<> coroutine) {
    if (running_loop == nullptr || running_loop->machine().current_task() == nullptr ||
        !home->binding_.is_bound_to(*running_loop)) [[unlikely]] {
        check_to_suspend();
    }
    task = running_loop->machine().current_task();
    home->join(*this);
    if constexpr (asks) {
        task->ask_wait_first();
    }
    task->suspend(coroutine, *this);
}

inline WaitEnd QueuedWait::leave() noexcept {
    if (!is_due() || task->has_cancellation()) [[unlikely]] {
        return leave_otherwise();
    }
    home->remove_woken(*this);
    return WaitEnd::woken;
}

/// What the methods of a primitive return: awaited, it makes the awaiter in the awaiting frame.
template <class Awaiter, class Owner>
class [[nodiscard]] WaitOn {
public:
    explicit WaitOn(Owner& owner) noexcept : owner_(&owner) {}
    Awaiter operator co_await() const noexcept { return Awaiter(*owner_); }

private:
    Owner* owner_;
};

}  // namespace ringio::detail
