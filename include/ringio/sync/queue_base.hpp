// What the queues have in common that does not depend on the type of their items: how many there
// are, who waits for them, and how one of those who wait looks again before its task resumes.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/core/task.hpp>
#include <ringio/sync/event.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <coroutine>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace ringio {

/// Thrown by get_nowait() when there is no item.
class RINGIO_API QueueEmpty final : public std::runtime_error {
public:
    QueueEmpty() : std::runtime_error("the queue is empty") {}
};

/// Thrown by put_nowait() when there is no room.
class RINGIO_API QueueFull final : public std::runtime_error {
public:
    QueueFull() : std::runtime_error("the queue is full") {}
};

/// Thrown by those who put to a queue that was shut down, or get from it when it is empty.
class RINGIO_API QueueShutDown final : public std::runtime_error {
public:
    QueueShutDown() : std::runtime_error("the queue was shut down") {}
};

namespace detail {

class WaitForItem;
class WaitForRoom;

/// A queue without its items.
class QueueBase {
public:
    QueueBase(const QueueBase&) = delete;
    QueueBase& operator=(const QueueBase&) = delete;

    /// How many items it may have; without limit when not positive.
    std::ptrdiff_t maxsize() const noexcept { return maxsize_; }
    std::size_t qsize() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    bool full() const noexcept {
        return maxsize_ > 0 && size_ >= static_cast<std::size_t>(maxsize_);
    }

    /// Says that the work on one item that was got is done.
    /// *Errors*: std::invalid_argument "task_done() called too many times".
    void task_done();

    /// Waits until the work on every item that was ever put is done.
    ///
    /// *Errors*: std::runtime_error when it waits in another loop than before. *Cancellation*: ends
    /// the wait at once.
    Task<> join();

protected:
    QueueBase(std::ptrdiff_t maxsize, const char* name) noexcept;
    ~QueueBase() = default;

    /// What put() and get() wait on. One that is refused does not wait.
    bool must_wait_for_room() const noexcept { return full() && refusal_ == 0; }
    bool must_wait_for_item() const noexcept { return empty() && refusal_ == 0; }

    /// Throws QueueShutDown, or std::runtime_error while the items are lent, or does nothing.
    void require_open() const {
        if (refusal_ != 0) [[unlikely]] {
            refuse_to_put();
        }
    }
    /// Throws QueueShutDown or QueueFull when no item may be put now.
    void require_room() const;
    /// Throws QueueShutDown or QueueEmpty when there is no item.
    void require_item() const {
        if (empty() || is_lent()) [[unlikely]] {
            refuse_to_get();
        }
    }

    void count_put() noexcept {
        ++size_;
        ++unfinished_;
        finished_.clear();
        getters_.wake_next();
    }
    void count_get() noexcept {
        --size_;
        putters_.wake_next();
    }
    /// An item that was got has come back.
    void count_return() noexcept;

    /// For one who failed with an item or room at hand, perhaps woken for it: the next may try.
    void pass_item_on() noexcept;
    void pass_room_on() noexcept;

    /// The books of shutdown(); counts `dropped` items as done.
    void shut_down(std::size_t dropped) noexcept;
    /// Refuses everything: the queue is being destroyed. Wakes nobody.
    void refuse() noexcept;

    /// Items are lent to a comparison or a formatter, which may look at the queue and shut it
    /// down: then they live on until the loan is over, in a place that the lender has.
    bool is_lent() const noexcept { return (refusal_ & items_are_lent) != 0; }
    void begin_loan() const noexcept { refusal_ |= items_are_lent; }
    void end_loan() const noexcept { refusal_ &= is_shut_down; }

    std::string repr_with(const std::string& items) const;

private:
    friend class WaitForItem;
    friend class WaitForRoom;

    /// Legend of why a put() is refused: bits of refusal_.
    enum Refusal : unsigned char { is_shut_down = 1, items_are_lent = 2 };

    [[noreturn]] RINGIO_NOINLINE void refuse_to_put() const;
    [[noreturn]] RINGIO_NOINLINE void refuse_to_get() const;
    [[noreturn]] static void throw_lent();

    std::ptrdiff_t maxsize_;
    std::size_t size_ = 0;
    std::size_t unfinished_ = 0;
    mutable unsigned char refusal_ = 0;
    const char* name_;
    LoopBinding binding_;
    WaitQueue getters_{binding_, "Queue.get()"};
    WaitQueue putters_{binding_, "Queue.put()"};
    Event finished_;
};

/// The wait in get(). Woken and cancelled at once, it leaves the item to the next; woken, it waits
/// on when somebody else has taken it.
class WaitForItem final : public QueuedWait {
public:
    explicit WaitForItem(QueueBase& queue) noexcept : QueuedWait(queue.getters_), queue_(queue) {}
    bool await_ready() const noexcept { return !queue_.must_wait_for_item(); }
    void await_suspend(std::coroutine_handle<> coroutine) { suspend<true>(coroutine); }
    /// Throws what ended the wait, if that is not an item or shutdown().
    void await_resume() {
        if (const WaitEnd end = leave(); end != WaitEnd::woken) [[unlikely]] {
            fail(end);
        }
    }

    bool waits_on() noexcept override;

private:
    [[noreturn]] RINGIO_NOINLINE void fail(WaitEnd end);

    QueueBase& queue_;
};

/// The same in put(), for room.
class WaitForRoom final : public QueuedWait {
public:
    explicit WaitForRoom(QueueBase& queue) noexcept : QueuedWait(queue.putters_), queue_(queue) {}
    bool await_ready() const noexcept { return !queue_.must_wait_for_room(); }
    void await_suspend(std::coroutine_handle<> coroutine);
    void await_resume();

    bool waits_on() noexcept override;

private:
    QueueBase& queue_;
};

}  // namespace detail
}  // namespace ringio
