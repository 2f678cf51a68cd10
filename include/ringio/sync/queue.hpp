// Queue: items from those who put to those who get. What does not depend on the type of the items
// is QueueBase; the three kinds of queue differ only in where the next item is taken from.
#pragma once

#include <ringio/core/callable.hpp>
#include <ringio/core/format.hpp>
#include <ringio/core/run_until_complete.hpp>
#include <ringio/core/task.hpp>
#include <ringio/sync/queue_base.hpp>
#include <ringio/sync/queue_items.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

/// Awaits get(). What it needs to wait is made when it does: mostly there is an item.
///
/// Errors are thrown when an await ends, not when it begins: so they are outcomes.
template <class Queue>
class GetAwaiter final : public NativeAwaiter {
public:
    explicit GetAwaiter(Queue& queue) noexcept : queue_(queue) {}
    bool await_ready() const noexcept { return !queue_.must_wait_for_item(); }
    void await_suspend(std::coroutine_handle<> coroutine) {
        wait_.emplace(queue_).await_suspend(coroutine);
    }
    typename Queue::value_type await_resume() {
        if (wait_) {
            wait_->await_resume();
        }
        return queue_.get_nowait();
    }

private:
    Queue& queue_;
    std::optional<WaitForItem> wait_;
};

/// The item of a put(). It is brought to where the queue keeps it before there is a look at the
/// room: its own code may take that, or shut the queue down.
template <class T>
class ItemToPut {
public:
    explicit ItemToPut(T& item) noexcept : item_(item) {}
    void make_slot() noexcept {
        try {
            slot_.emplace(std::move(item_));
        } catch (...) {
            failure_ = std::current_exception();
        }
    }
    bool has_failed() const noexcept { return failure_ != nullptr; }
    QueueSlot<T> take() {
        if (failure_) {
            std::rethrow_exception(std::move(failure_));
        }
        return std::move(*slot_);
    }

private:
    T& item_;
    std::optional<QueueSlot<T>> slot_;
    std::exception_ptr failure_;
};

template <class T>
    requires std::is_trivially_copyable_v<T>
class ItemToPut<T> {
public:
    explicit ItemToPut(const T& item) noexcept : item_(item) {}
    void make_slot() const noexcept {}
    bool has_failed() const noexcept { return false; }
    QueueSlot<T> take() const noexcept { return QueueSlot<T>(item_); }

private:
    const T& item_;
};

/// Awaits put().
template <class Queue>
class PutAwaiter final : public NativeAwaiter {
    using T = typename Queue::value_type;

public:
    PutAwaiter(Queue& queue, T& item) noexcept : queue_(queue), item_(item) {}
    bool await_ready() noexcept {
        item_.make_slot();
        return item_.has_failed() || !queue_.must_wait_for_room();
    }
    void await_suspend(std::coroutine_handle<> coroutine) {
        wait_.emplace(queue_).await_suspend(coroutine);
    }
    void await_resume() {
        if (wait_) {
            wait_->await_resume();
        }
        queue_.put_slot(item_.take());
    }

private:
    Queue& queue_;
    ItemToPut<T> item_;
    std::optional<WaitForRoom> wait_;
};

/// What get() returns: awaited once, it gives the next item.
template <class Queue>
class [[nodiscard]] Getting : public SingleUse {
public:
    explicit Getting(Queue& queue) noexcept : queue_(&queue) {}
    Getting(Getting&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
    GetAwaiter<Queue> operator co_await() { return GetAwaiter<Queue>(claim(queue_)); }
    operator Task<typename Queue::value_type>() && { return to_coroutine(std::move(*this)); }

private:
    Queue* queue_;  // null once it was awaited
};

/// What put() returns: awaited once, it puts the item that it owns.
template <class Queue>
class [[nodiscard]] Putting : public SingleUse {
    using T = typename Queue::value_type;

public:
    Putting(Queue& queue, T item) : item_(std::move(item)), queue_(&queue) {}
    Putting(Putting&& other)
        : item_(std::move(other.item_)), queue_(std::exchange(other.queue_, nullptr)) {}
    PutAwaiter<Queue> operator co_await() { return PutAwaiter<Queue>(claim(queue_), item_); }
    operator Task<>() && { return to_coroutine(std::move(*this)); }

private:
    T item_;
    Queue* queue_;  // null once it was awaited
};

/// A queue of the items that `Items` keeps and orders.
template <class T, class Items>
class BasicQueue : public QueueBase {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "ringio: a queue cannot hold references; use pointers or "
                  "std::reference_wrapper");

public:
    using value_type = T;

    /// Awaited, puts an item, after waiting for room when the queue is full.
    ///
    /// *Errors*: QueueShutDown; std::runtime_error when it waits in another loop than before, or
    /// within a comparison or formatter of an item; what moving or comparing items throws: the item
    /// is then not put.
    /// *Cancellation*: the item is not put, and is destroyed; the room goes to the next.
    template <class U = T>
        requires detail::Gives<U, T>
    Putting<BasicQueue> put(U&& item) {
        detail::require_safe_value<U, T>();
        return Putting<BasicQueue>(*this, detail::unwrap_callable(std::forward<U>(item)));
    }

    /// Awaited, takes the next item, after waiting for one when the queue is empty.
    ///
    /// *Errors*: QueueShutDown when it is shut down and empty; std::runtime_error as put().
    /// *Cancellation*: no item is taken; the next one gets it.
    Getting<BasicQueue> get() noexcept {
        static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                      "ringio: coroutine frames do not honour a larger alignment; put a "
                      "std::unique_ptr to the over-aligned value");
        return Getting<BasicQueue>(*this);
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
    friend class GetAwaiter<BasicQueue>;
    friend class PutAwaiter<BasicQueue>;
    using List = typename Items::List;

    /// Keeps the items while they are lent; the outermost of several does.
    struct Loan {
        explicit Loan(const BasicQueue& queue) noexcept
            : lender(queue.is_lent() ? nullptr : &queue) {
            if (lender != nullptr) {
                lender->begin_loan();
                lender->loan_ = this;
            }
        }
        Loan(const Loan&) = delete;
        Loan& operator=(const Loan&) = delete;
        ~Loan() {
            if (lender != nullptr) {
                lender->end_loan();
            }
        }

        const BasicQueue* lender;
        std::optional<List> kept;  // destroyed when the loan is over
    };
    struct NoLoan {
        explicit NoLoan(const BasicQueue&) noexcept {}
    };
    using LoanToCompare = std::conditional_t<Items::compares, Loan, NoLoan>;

    void put_slot(QueueSlot<T>&& slot) {
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
