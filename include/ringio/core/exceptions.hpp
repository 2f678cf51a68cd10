// The exceptions of asyncio, under asyncio's names. OS errors are std::system_error, ValueError is
// std::invalid_argument, RuntimeError is std::runtime_error.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/core/cancel_source.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>

namespace ringio {

/// Thrown into a task at its wait when it was asked to cancel.
///
/// Not a std::exception, so that `catch (const std::exception&)` cannot swallow a cancellation.
/// *Python*: asyncio.CancelledError, a BaseException there.
class RINGIO_API CancelledError final {
public:
    CancelledError() = default;
    explicit CancelledError(std::string message);
    explicit CancelledError(const detail::CancellationPtr& request) noexcept : request_(request) {}

    /// Returns what was given to cancel(), or an empty text.
    const std::string& message() const noexcept;

    /// Returns who asked for the cancellation, and where. *Python*: not in asyncio; as the source
    /// and reason of trio.Cancelled.
    const CancelSource& source() const noexcept;

private:
    detail::CancellationPtr request_;
};

/// Thrown at the co_yield of an AsyncGenerator that is being closed, to have its body clean up.
///
/// Like CancelledError it is no std::exception. *Python*: GeneratorExit, a BaseException there.
class RINGIO_API GeneratorExit final {};

/// Thrown out of run() when Ctrl-C (SIGINT) ended the main task.
///
/// Like CancelledError it is no std::exception. Out of co_main() it ends the process by SIGINT, as
/// a shell expects; out of a main() of one's own, by std::terminate: catch it there.
/// *Python*: KeyboardInterrupt, a BaseException there.
class RINGIO_API KeyboardInterrupt final {};

/// Thrown when a deadline passed before the work was done. *Python*: its text is empty there.
class RINGIO_API TimeoutError : public std::runtime_error {
public:
    TimeoutError() : std::runtime_error("timed out") {}
    explicit TimeoutError(const std::string& text) : std::runtime_error(text) {}
};

/// Thrown when a future is asked for a result that it has not got, or given a second one.
class RINGIO_API InvalidStateError final : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

/// Thrown in debug mode and in virtual time when nothing can ever wake the loop again; the text
/// lists the tasks that wait.
class RINGIO_API DeadlockError final : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Thrown when a stream ends in the middle of what was asked for.
class RINGIO_API IncompleteReadError final : public std::runtime_error {
public:
    /// `expected` is the number of bytes asked for; `unknown` when a separator was awaited.
    IncompleteReadError(std::string partial, std::size_t expected);

    static constexpr std::size_t unknown = static_cast<std::size_t>(-1);

    /// Returns the bytes that came before the end.
    const std::string& partial() const noexcept { return partial_; }
    std::size_t expected() const noexcept { return expected_; }

private:
    std::string partial_;
    std::size_t expected_;
};

/// Thrown when a separator was not found within the stream's limit; the data stays in the buffer.
class RINGIO_API LimitOverrunError final : public std::runtime_error {
public:
    LimitOverrunError(const std::string& message, std::size_t consumed)
        : std::runtime_error(message), consumed_(consumed) {}

    /// Returns the number of bytes that were searched, and may be read off to go on.
    std::size_t consumed() const noexcept { return consumed_; }

private:
    std::size_t consumed_;
};

namespace detail {

/// How a coroutine or future ended, as far as the task layer treats exceptions differently.
enum class ExceptionKind : unsigned char { ordinary, cancelled, interrupt };

/// Classifies the exception that is being handled, without throwing it again.
ExceptionKind current_exception_kind() noexcept;

/// Classifies a stored exception. Null is ordinary.
ExceptionKind exception_kind(const std::exception_ptr& exception) noexcept;

/// Returns "std::runtime_error" for its typeid.
std::string type_name(const std::type_info& type);

/// Returns the name of the type of a stored exception.
std::string exception_type_name(const std::exception_ptr& exception);

/// Returns "std::runtime_error: boom" for a stored exception.
std::string describe_exception(const std::exception_ptr& exception);

/// Returns "std::runtime_error('boom')", as it stands in the repr of a future.
std::string repr_exception(const std::exception_ptr& exception);

}  // namespace detail
}  // namespace ringio
