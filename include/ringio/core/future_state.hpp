// What a Future, a Promise and a TaskHandle share: one state machine with one transition, and
// those who want to hear of it. They are told through the ready queue, never inline.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/done_node.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/exceptions.hpp>
#include <ringio/core/repr.hpp>

#include <cstdint>
#include <exception>
#include <new>
#include <source_location>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace ringio::detail {

class FutureStateBase;
class PassingState;

/// A request to cancel on its way down what waits for what. FutureStateBase::cancel() carries it
/// from one to the next, so that a chain of any length takes no stack.
struct CancelWalk {
    /// Legend of the reply of who was asked last.
    enum class Reply : unsigned char {
        refused,   ///< it was done already
        accepted,  ///< it will end
        circle,    ///< the request came from it: in a circle nobody can end first
    };

    const std::string& message;
    Reply reply = Reply::refused;
};

/// Legend of the status: pending -> has_value, failed (with an exception) or cancelled. It changes
/// once; the value and the exception are written before. While the value is made, which may be
/// anybody's code, it is `filling`: pending to those who wait, but taken. A value that throws takes
/// that back.
enum class FutureStatus : unsigned char { pending, filling, has_value, failed, cancelled };

/// The part of a future's state that does not depend on its type. Single-threaded, counted.
///
/// It is a Runnable because a task is a future whose run() is the task's next step.
class FutureStateBase : public Runnable, public Pooled {
public:
    explicit FutureStateBase(EventLoop& loop) noexcept : FutureStateBase(loop, Kind::call) {}
    virtual ~FutureStateBase() {
        if (!waiting_.empty()) [[unlikely]] {
            drop_callbacks();
        }
        if (status_ > FutureStatus::has_value) [[unlikely]] {
            drop_reason();
        }
        intrusive_release(anchor_);
    }

    void run() override;
    void discard() noexcept override {}

    bool done() const noexcept { return status_ >= FutureStatus::has_value; }
    bool cancelled() const noexcept { return status_ == FutureStatus::cancelled; }
    bool has_value() const noexcept { return status_ == FutureStatus::has_value; }

    /// Where the user had it made; line 0 when the library made it for itself.
    const std::source_location& created() const noexcept { return created_; }
    void set_created(const std::source_location& where) noexcept { created_ = where; }

    /// The loop, or null once it is gone.
    EventLoop* loop_or_null() const noexcept { return anchor_->loop; }
    /// Refuses, in debug mode, to be used on a wrong thread. *Errors*: std::runtime_error.
    void check_thread() const {
        if (threads_are_checked.load(std::memory_order_relaxed)) [[unlikely]] {
            check_thread_of(anchor_->loop);
        }
    }
    /// Refuses to be waited for in another loop. *Errors*: std::runtime_error.
    void check_loop(const EventLoop& loop) const;
    /// *Errors*: std::runtime_error "Event loop is closed".
    EventLoop& loop() const;

    /// Asks for an end without a result. A plain future obeys at once; a task forwards the request.
    /// Returns false when there was nothing left to cancel.
    bool cancel(const std::string& message);

    /// Becomes finished with an exception. *Errors*: InvalidStateError when done already.
    void set_exception(std::exception_ptr exception);

    /// The same unless it is done: for what the making of its value threw.
    void fail(std::exception_ptr exception) noexcept {
        if (status_ == FutureStatus::pending) {
            become_failed(std::move(exception));
        }
    }

    /// Throws unless there is a value: InvalidStateError, CancelledError or the stored exception,
    /// which counts as retrieved from now on.
    void require_value() {
        if (!has_value()) [[unlikely]] {
            throw_no_value();
        }
    }

    /// Returns the stored exception (null: none), which counts as retrieved from now on.
    /// *Errors*: InvalidStateError while pending; CancelledError when cancelled.
    std::exception_ptr exception();

    /// The request that it was cancelled by, or null.
    const CancellationPtr* cancelled_by() const noexcept {
        return holds_request_ ? &request_ : nullptr;
    }

    /// Returns why there is no value, CancelledError included, or null; the state must be done.
    std::exception_ptr failure() noexcept;

    /// Marks an exception as seen by somebody, so that it is not reported.
    void mark_retrieved() noexcept { unretrieved_ = false; }
    /// The same for an exception that is still to come.
    void silence() noexcept {
        silenced_ = true;
        unretrieved_ = false;
    }

    /// The node must not wait. On a done future it is notified at once (through the queue).
    void add_done_node(DoneNode& node) noexcept;
    /// The same for a future that is not done.
    void add_waiting(DoneNode& node) noexcept { waiting_.push_back(node); }
    /// Takes back a node that waits here.
    void remove_waiting(DoneNode& node) noexcept { waiting_.remove(node); }

    /// Who waits, in the order of registration, for those who look on.
    const DoneNodes& waiting() const noexcept { return waiting_; }

    /// `awaiter` is the task on whose behalf the callback waits, if any.
    std::uint64_t add_done_callback(UniqueFunction<void(FutureStateBase&)> function,
                                    const std::source_location& where,
                                    const FutureStateBase* awaiter = nullptr);
    std::size_t remove_done_callback(std::uint64_t id) noexcept;

    /// "<Future pending cb=[…]>", as Python's repr.
    std::string repr() const override;

    /// The value as Python's repr would show it; only when there is one.
    virtual std::string repr_value() const { return "None"; }

    template <class T>
    T& value() noexcept {
        return *std::launder(reinterpret_cast<T*>(reinterpret_cast<char*>(this) + value_offset_));
    }

    bool is_shared() const noexcept { return references_ > 1; }
    friend void intrusive_add_ref(FutureStateBase* state) noexcept { ++state->references_; }
    friend void intrusive_release(FutureStateBase* state) noexcept {
        if (--state->references_ == 0) {
            state->retire();
        }
    }

protected:
    friend class PassingState;

    FutureStateBase(EventLoop& loop, Kind kind) noexcept
        : Runnable(kind), anchor_(loop.machine().anchor()) {
        intrusive_add_ref(anchor_);
    }

    /// Takes a request to cancel in. Returns whom to ask in turn, which only a PassingState does;
    /// null: nobody, and `walk.reply` is its own.
    virtual FutureStateBase* take_cancel(CancelWalk& walk) noexcept;

    /// Gives up one state's references to others: as any, but that a chain of them is not destroyed
    /// by calls within calls.
    static void release_links(std::span<IntrusivePtr<FutureStateBase>> links) noexcept;

    void set_value_address(const void* value) noexcept {
        value_offset_ = static_cast<std::uint16_t>(static_cast<const char*>(value) -
                                                   reinterpret_cast<const char*>(this));
    }

    /// Refuses a second result. *Errors*: InvalidStateError.
    void require_pending() const {
        if (status_ != FutureStatus::pending) [[unlikely]] {
            throw_done();
        }
    }
    void begin_value() noexcept { status_ = FutureStatus::filling; }
    void drop_value() noexcept { status_ = FutureStatus::pending; }

    /// The one transition: schedules everybody who waits, in the order of registration.
    void transition(FutureStatus status) noexcept {
        status_ = status;
        if (!waiting_.empty()) {
            notify_waiting();
        }
    }

    /// Ends without a value: with an exception; cancelled, with the CancelledError that somebody
    /// threw; or cancelled by a request, of which such an error is made only when it is thrown.
    void become_failed(std::exception_ptr exception) noexcept;
    void become_cancelled(std::exception_ptr thrown) noexcept;
    void become_cancelled(CancellationPtr request) noexcept;
    std::string repr_callbacks() const;
    std::string repr_outcome() const;

    /// Tells the exception handler: "Future exception was never retrieved", or a task's.
    virtual void report_never_retrieved() noexcept;
    void report_never_retrieved(const char* message) noexcept;

private:
    void retire() noexcept {
        if (unretrieved_) [[unlikely]] {
            report_and_retire();
            return;
        }
        delete this;
    }
    RINGIO_NOINLINE void report_and_retire() noexcept;
    RINGIO_NOINLINE void drop_callbacks() noexcept;
    RINGIO_NOINLINE void drop_reason() noexcept;
    void notify_waiting() noexcept;
    [[noreturn]] void throw_no_value();
    [[noreturn]] void throw_done() const;

    FutureStatus status_ = FutureStatus::pending;
    bool unretrieved_ = false;
    bool silenced_ = false;
    bool holds_request_ = false;
    std::uint16_t value_offset_ = 0;  // from this to the value, in bytes
    LoopAnchor* anchor_;
    DoneNodes waiting_;
    union {                             // why there is no value, when it is done:
        std::exception_ptr exception_;  // failed, or cancelled by it
        CancellationPtr request_;       // cancelled, and holds_request_
    };
    std::source_location created_;
    std::uint32_t references_ = 0;
};

/// One that passes a request to cancel on to what it waits for, and hears the reply.
class PassingState : public FutureStateBase {
public:
    using FutureStateBase::FutureStateBase;

protected:
    /// Hears `walk.reply` of the one asked last; returns as take_cancel() does.
    virtual FutureStateBase* hear_reply(CancelWalk& walk) noexcept = 0;

    /// Says whether a request that came through here is still on its way.
    bool asks_now() const noexcept { return asked_ != 0 && (asked_ & 1) == 0; }

    /// Says whether those below were asked since a task heard of anything last: once more tells
    /// them nothing new. Without it, requests to all tasks of a chain walk the rest of it each.
    bool has_asked() const noexcept { return asked_ != 0 && asked_ == stamp(); }
    void note_asked() noexcept { asked_ = stamp(); }

    /// Asks `first`, and whoever that leads to, on behalf of this one.
    CancelWalk::Reply ask(FutureStateBase& first, const std::string& message) noexcept;

private:
    friend class FutureStateBase;

    static CancelWalk::Reply walk(FutureStateBase& first, const std::string& message) noexcept;

    std::uintptr_t stamp() const noexcept {
        const EventLoop* const loop = loop_or_null();
        return loop == nullptr ? 0 : static_cast<std::uintptr_t>(loop->machine().steps() << 1 | 1);
    }

    std::uintptr_t asked_ = 0;  // even: while it asks, whom the request came from, or itself; else
                                // odd: when it was asked last; 0: never
};

/// Adds where a future or task was made to a report, when that is known.
void add_creation_site(ExceptionContext& context, const std::source_location& where);

/// What stands for T in memory: void has no value, so a Unit stands for it.
template <class T>
using Stored = std::conditional_t<std::is_void_v<T>, Unit, T>;

/// Adds room for the value to a state: a plain future, a task, or a combinator's own.
template <class Base, class T>
class WithValue : public Base {
    static_assert(!std::is_reference_v<T>,
                  "ringio: a future or task cannot hold a reference; use a pointer or "
                  "std::reference_wrapper");
    static_assert(alignof(Stored<T>) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                  "ringio: coroutine frames do not honour a larger alignment; return a "
                  "std::unique_ptr to the over-aligned value");

    using Value = Stored<T>;

public:
    template <class... Args>
    explicit WithValue(EventLoop& loop, Args&&... args) noexcept
        : Base(loop, std::forward<Args>(args)...) {
        this->set_value_address(&value_);
    }
    ~WithValue() override {
        if (this->has_value()) {
            value_.~Value();
        }
    }

    /// *Errors*: InvalidStateError when done already, or within the constructor of the value; what
    /// that throws. *Lifetime*: the caller keeps the state meanwhile.
    template <class... Args>
    void set_value(Args&&... args) {
        this->require_pending();
        if constexpr (std::is_trivially_constructible_v<Value, Args...>) {
            make_value(std::forward<Args>(args)...);
        } else {
            this->begin_value();
            try {
                make_value(std::forward<Args>(args)...);
            } catch (...) {
                this->drop_value();
                throw;
            }
        }
        this->transition(FutureStatus::has_value);
    }

    std::string repr_value() const override { return ringio::detail::repr(value_); }

private:
    template <class... Args>
    void make_value(Args&&... args) {
        ::new (static_cast<void*>(&value_)) Value(std::forward<Args>(args)...);
    }

    union {
        Value value_;
    };
};

template <class T>
using FutureState = WithValue<FutureStateBase, T>;

}  // namespace ringio::detail
