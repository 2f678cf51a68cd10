// Op: one kernel request, awaited. It lives in the awaiting frame and its address travels as
// user_data; the frame stays until the request's own completion has come, cancelled or not.
#pragma once

#include <ringio/base/outcome.hpp>
#include <ringio/base/unique_fd.hpp>
#include <ringio/core/awaitable.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/task_state.hpp>
#include <ringio/ring/completion.hpp>

#include <cerrno>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

struct io_uring_sqe;

namespace ringio {
namespace detail {

/// Requests whose result is a new descriptor give an owner of it; others give the number.
template <class Request>
concept MakesDescriptor = requires { requires Request::makes_descriptor; };

/// Requests that an ordinary system call mostly answers are tried so first.
template <class Request>
concept TriedAtOnce = requires { requires Request::tried_at_once; };

template <class Request>
using OpResult = std::conditional_t<MakesDescriptor<Request>, UniqueFd, int>;

/// The text of a request's error: `what`, and for a refusal that a filter may be the reason of, a
/// sentence that says so.
std::string describe_failure(int error, std::string what);

/// A std::system_error with that text, made without a throw.
std::exception_ptr make_system_error(int error, const char* what);
[[noreturn]] void throw_system_error(int error, const char* what);

/// The part of an awaited request that does not depend on its type.
///
/// Legend: fresh -> (submitted, in the kernel) -> completed -> taken; or fresh -> refused, when a
/// cancellation was due before it was submitted.
class OpWait : public NativeAwaiter, public Completion, public Wait {
public:
    bool cancel(const std::string&) noexcept final;
    void complete(int result, std::uint32_t flags) noexcept final;

protected:
    enum class Phase : unsigned char { fresh, submitted, completed, refused, taken };

    ~OpWait() = default;
    void start(std::coroutine_handle<> coroutine);

    /// The rules of cancellation against completion: true when CancelledError is to be thrown;
    /// otherwise result_ is to be delivered, and a cancellation waits for the next wait.
    bool lost_to_cancellation() noexcept;

    /// Whether the kernel may be asked again after EINTR.
    virtual bool retries_on_eintr() const noexcept = 0;

    TaskStateBase* task_ = nullptr;
    Ring* ring_ = nullptr;
    int result_ = 0;
    std::uint32_t flags_ = 0;
    Phase phase_ = Phase::fresh;
    bool cancel_sent_ = false;
};

/// An awaited request that goes through the ring.
template <class Request>
class RequestWait : public OpWait {
public:
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) { start(coroutine); }
    void prepare(io_uring_sqe& sqe) noexcept final { request_.prepare(sqe); }
    const char* what() const noexcept final { return Request::name; }

protected:
    explicit RequestWait(const Request& request) noexcept : request_(request) {}
    ~RequestWait() {
        if (phase_ == Phase::completed && result_ >= 0) {
            Request::dispose(result_, flags_);  // nobody came for it
        }
    }

    /// Returns the kernel's result, or throws CancelledError.
    int take() {
        if (lost_to_cancellation()) {
            task_->throw_cancelled();
        }
        phase_ = Phase::taken;
        return result_;
    }

private:
    bool retries_on_eintr() const noexcept final { return Request::retry_on_eintr; }

    Request request_;
};

/// The ring, when the running task may have a request answered at once: no cancellation is due, and
/// the loop's rule and budget allow it. Else null.
inline Ring* ring_that_answers_at_once() noexcept {
    if (running_loop == nullptr) [[unlikely]] {
        return nullptr;
    }
    Machine& machine = running_loop->machine();
    const TaskStateBase* const task = machine.current_task();
    const bool may = task != nullptr && !task->has_undelivered_cancellation() &&
                     machine.may_send_at_once() && machine.take_immediate_budget();
    return may ? &machine.ring() : nullptr;
}

/// An awaited request that an ordinary system call mostly answers: what it takes to go through the
/// ring is made when that is needed.
template <class Request>
class TriedRequest : public NativeAwaiter {
public:
    explicit TriedRequest(const Request& request) noexcept : request_(request) {}
    TriedRequest(const TriedRequest&) = delete;
    TriedRequest& operator=(const TriedRequest&) = delete;
    ~TriedRequest() {
        if (waits_) [[unlikely]] {
            wait_.~Submitted();
        }
    }

    bool await_ready() {
        if (Ring* const ring = ring_that_answers_at_once()) {
            result_ = ring->try_now(request_);
            return result_ != -EAGAIN;
        }
        return false;
    }
    void await_suspend(std::coroutine_handle<> coroutine) {
        ::new (static_cast<void*>(&wait_)) Submitted(request_);
        waits_ = true;
        wait_.await_suspend(coroutine);
    }
    /// As RequestWait::take().
    int take() { return waits_ ? wait_.take() : result_; }

private:
    struct Submitted final : RequestWait<Request> {
        explicit Submitted(const Request& request) noexcept : RequestWait<Request>(request) {}
        using RequestWait<Request>::take;
    };

    Request request_;
    int result_ = 0;
    bool waits_ = false;
    union {
        Submitted wait_;
    };
};

template <class Request>
using RequestAwaiter =
    std::conditional_t<TriedAtOnce<Request>, TriedRequest<Request>, RequestWait<Request>>;

/// Gives the result as a value, and errors as std::system_error.
template <class Request>
class OpAwaiter final : public RequestAwaiter<Request> {
public:
    using Result = OpResult<Request>;

    explicit OpAwaiter(const Request& request) noexcept : RequestAwaiter<Request>(request) {}
    Result await_resume() {
        const int result = this->take();
        if (result < 0) {
            throw_system_error(-result, Request::name);
        }
        return Result(result);
    }
    Outcome<Result> await_outcome() {
        const int result = this->take();
        if (result < 0) {
            return Outcome<Result>(make_system_error(-result, Request::name));
        }
        return Outcome<Result>(Result(result));
    }
};

/// Gives the result as the kernel does: a negative errno is an error.
template <class Request>
class OpCodeAwaiter final : public RequestAwaiter<Request> {
public:
    explicit OpCodeAwaiter(const Request& request) noexcept : RequestAwaiter<Request>(request) {}
    int await_resume() { return this->take(); }
};

template <class Request>
class [[nodiscard]] OpCode {
public:
    explicit OpCode(const Request& request) noexcept : request_(request) {}
    OpCodeAwaiter<Request> operator co_await() const noexcept {
        return OpCodeAwaiter<Request>(request_);
    }

private:
    Request request_;
};

}  // namespace detail

/// Describes a kernel request; awaited, it is carried out.
///
/// Gives the kernel's result: a count of bytes, or a UniqueFd. *Errors*: std::system_error.
/// *Cancellation*: a request to the kernel; a result that comes in spite of it is delivered, and
/// the cancellation is raised at the next wait. *Lifetime*: what the request points to must live
/// until the await is over.
template <class Request>
class [[nodiscard]] Op {
public:
    explicit Op(const Request& request) noexcept : request_(request) {}

    detail::OpAwaiter<Request> operator co_await() const noexcept {
        return detail::OpAwaiter<Request>(request_);
    }

    /// The same, awaited for the kernel's own result: a negative errno instead of an exception.
    detail::OpCode<Request> as_code() const noexcept { return detail::OpCode<Request>(request_); }

private:
    Request request_;
};

}  // namespace ringio
