// Queue: items from those who put to those who get. What does not depend on the type of the items
// is QueueBase; the three kinds of queue differ only in where the next item is taken from.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/format.hpp>
#include <ringio/core/task.hpp>
#include <ringio/sync/event.hpp>
#include <ringio/sync/queue_items.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

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

    /// Throws QueueShutDown, or std::runtime_error while the items are lent, or does nothing.
    void require_open() const {
        if (shut_down_ || lent_) [[unlikely]] {
            refuse_to_put();
        }
    }
    /// Throws QueueShutDown or QueueFull when no item may be put now.
    void require_room() const;
    /// Throws QueueShutDown or QueueEmpty when there is no item.
    void require_item() const {
        if (empty() || lent_) [[unlikely]] {
            refuse_to_get();
        }
    }

    /// Awaited, waits for a chance: the other side or shutdown() ends the wait.
    WaitOn<WaitForItem, QueueBase> wait_for_item() noexcept {
        return WaitOn<WaitForItem, QueueBase>(*this);
    }
    WaitOn<WaitForRoom, QueueBase> wait_for_room() noexcept {
        return WaitOn<WaitForRoom, QueueBase>(*this);
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
    bool is_lent() const noexcept { return lent_; }
    void set_lent(bool lent) const noexcept { lent_ = lent; }

    std::string repr_with(const std::string& items) const;

private:
    friend class WaitForItem;
    friend class WaitForRoom;

    [[noreturn]] RINGIO_NOINLINE void refuse_to_put() const;
    [[noreturn]] RINGIO_NOINLINE void refuse_to_get() const;
    [[noreturn]] static void throw_lent();

    std::ptrdiff_t maxsize_;
    std::size_t size_ = 0;
    std::size_t unfinished_ = 0;
    bool shut_down_ = false;
    mutable bool lent_ = false;
    const char* name_;
    LoopBinding binding_;
    WaitQueue getters_{binding_, "Queue.get()"};
    WaitQueue putters_{binding_, "Queue.put()"};
    Event finished_;
};

/// Waits in get(). Woken and cancelled at once, it leaves the item to the next.
class WaitForItem final : public QueuedWait {
public:
    explicit WaitForItem(QueueBase& queue) noexcept : QueuedWait(queue.getters_), queue_(queue) {}
    bool await_ready() const noexcept { return false; }
    void await_resume();

private:
    QueueBase& queue_;
};

/// Waits in put(). Woken and cancelled at once, it leaves the room to the next.
class WaitForRoom final : public QueuedWait {
public:
    explicit WaitForRoom(QueueBase& queue) noexcept : QueuedWait(queue.putters_), queue_(queue) {}
    bool await_ready() const noexcept { return false; }
    void await_resume();

private:
    QueueBase& queue_;
};

/// A queue of the items that `Items` keeps and orders.
template <class T, class Items>
class BasicQueue : public QueueBase {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "ringio: a queue cannot hold references; use pointers or "
                  "std::reference_wrapper");

public:
    /// Puts an item, after waiting for room when the queue is full.
    ///
    /// *Errors*: QueueShutDown; std::runtime_error when it waits in another loop than before, or
    /// within a comparison or formatter of an item; what moving or comparing items throws: the item
    /// is then not put.
    /// *Cancellation*: the item is not put, and is destroyed; the room goes to the next.
    template <class U = T>
        requires detail::Gives<U, T>
    Task<> put(U&& item) {
        detail::require_safe_value<U, T>();
        return put(detail::Guarded(), detail::unwrap_callable(std::forward<U>(item)));
    }

    /// Takes the next item, after waiting for one when the queue is empty.
    ///
    /// *Errors*: QueueShutDown when it is shut down and empty; std::runtime_error as put().
    /// *Cancellation*: no item is taken; the next one gets it.
    Task<T> get() {
        while (empty()) {
            require_open();
            co_await wait_for_item();
        }
        co_return get_nowait();
    }

    /// Puts an item at once. *Errors*: QueueFull; QueueShutDown; as put().
    void put_nowait(T item) {
        require_room();
        QueueSlot<T> slot(std::move(item));
        if constexpr (!std::is_trivially_copyable_v<T>) {
            require_room();  // which the item's own code may have taken
        }
        store(std::move(slot));
    }

    /// Takes an item at once. *Errors*: QueueEmpty; QueueShutDown; as get().
    T get_nowait() {
        require_item();
        QueueSlot<T> slot = take();
        count_get();
        try {
            return std::move(*slot);
        } catch (...) {
            give_back(std::move(slot));
            throw;
        }
    }

    /// Lets nobody put any more; who gets is given what is left, then QueueShutDown. `immediate`
    /// drops what is left and counts it as done: the items are destroyed when the queue is shut.
    /// All who wait are woken.
    void shutdown(bool immediate = false) {
        if (!immediate) {
            shut_down(0);
            return;
        }
        List dropped;
        dropped.swap(items_.list);
        shut_down(qsize());
        if (is_lent()) {
            loan_->kept.emplace(std::move(dropped));
        }
    }

    /// "<Queue maxsize=2 _queue=[1, 2] _putters[1] tasks=2>".
    std::string repr() const {
        const Loan loan(*this);
        std::string text;
        for (std::size_t index = 0; index < items_.list.size(); ++index) {
            text += (text.empty() ? "" : ", ") + detail::repr(std::as_const(*items_.list[index]));
        }
        return repr_with(text);
    }

protected:
    BasicQueue(std::ptrdiff_t maxsize, const char* name, Items items = {})
        : QueueBase(maxsize, name), items_(std::move(items)) {}
    ~BasicQueue() {
        refuse();
        while (!items_.list.empty()) {
            [[maybe_unused]] const QueueSlot<T> last(std::move(items_.list.back()));
            items_.list.pop_back();
        }
    }

private:
    using List = typename Items::List;

    /// Keeps the items while they are lent; the outermost of several does.
    struct Loan {
        explicit Loan(const BasicQueue& queue) noexcept
            : lender(queue.is_lent() ? nullptr : &queue) {
            if (lender != nullptr) {
                lender->set_lent(true);
                lender->loan_ = this;
            }
        }
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        ~Loan() {
            if (lender != nullptr) {
                lender->set_lent(false);
            }
        }

        const BasicQueue* lender;
        std::optional<List> kept;  // destroyed when the loan is over
    };
    struct NoLoan {
        explicit NoLoan(const BasicQueue&) noexcept {}
    };
    using LoanToCompare = std::conditional_t<Items::compares, Loan, NoLoan>;

    Task<> put(detail::Guarded, T item) {
        QueueSlot<T> slot(std::move(item));
        while (full()) {
            require_open();
            co_await wait_for_room();
        }
        require_open();
        store(std::move(slot));
    }

    void store(QueueSlot<T>&& slot) {
        try {
            [[maybe_unused]] const LoanToCompare loan(*this);
            items_.put(std::move(slot));
        } catch (...) {
            pass_room_on();
            throw;
        }
        count_put();
    }
    QueueSlot<T> take() {
        try {
            [[maybe_unused]] const LoanToCompare loan(*this);
            return items_.take();
        } catch (...) {
            pass_item_on();
            throw;
        }
    }
    void give_back(QueueSlot<T>&& slot) {
        [[maybe_unused]] const LoanToCompare loan(*this);
        items_.put_back(std::move(slot));
        count_return();
    }

    mutable Loan* loan_ = nullptr;
    Items items_;
};

}  // namespace detail

/// A queue between tasks, first in, first out; asyncio.Queue. `T` may be move-only.
///
/// Those who wait are woken in the order in which they came; but who comes before the one that was
/// woken runs may take its item or room, and that one then waits again, at the end.
/// *Lifetime*: outlives those who use it; a put(), get() or join() that waits may be cancelled
/// after that.
template <class T>
class Queue final : public detail::BasicQueue<T, detail::FifoItems<T>> {
public:
    /// A `maxsize` that is not positive means no limit.
    explicit Queue(std::ptrdiff_t maxsize = 0)
        : detail::BasicQueue<T, detail::FifoItems<T>>(maxsize, "Queue") {}
};

/// A queue that gives the smallest item first, by `Compare`, and of equal ones the one that came
/// first; asyncio.PriorityQueue. *Lifetime*: as Queue. *Python*: the order of equal ones is open.
template <class T, class Compare = std::less<T>>
class PriorityQueue final : public detail::BasicQueue<T, detail::PriorityItems<T, Compare>> {
public:
    explicit PriorityQueue(std::ptrdiff_t maxsize = 0, Compare compare = Compare())
        : detail::BasicQueue<T, detail::PriorityItems<T, Compare>>(
              maxsize, "PriorityQueue", detail::PriorityItems<T, Compare>(std::move(compare))) {}
};

/// A queue that gives the item put last first; asyncio.LifoQueue. *Lifetime*: as Queue.
template <class T>
class LifoQueue final : public detail::BasicQueue<T, detail::LifoItems<T>> {
public:
    explicit LifoQueue(std::ptrdiff_t maxsize = 0)
        : detail::BasicQueue<T, detail::LifoItems<T>>(maxsize, "LifoQueue") {}
};

}  // namespace ringio

template <class T>
struct fmt::formatter<ringio::Queue<T>> : ringio::detail::ReprFormatter<ringio::Queue<T>> {};
template <class T, class Compare>
struct fmt::formatter<ringio::PriorityQueue<T, Compare>>
    : ringio::detail::ReprFormatter<ringio::PriorityQueue<T, Compare>> {};
template <class T>
struct fmt::formatter<ringio::LifoQueue<T>> : ringio::detail::ReprFormatter<ringio::LifoQueue<T>> {
};
