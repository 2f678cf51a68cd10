// Call graphs: where a task stands, and who waits for it, and for them, up to main. A coroutine
// asks for its own with co_await; a task or future may be looked at from anywhere in its loop's
// thread.
#pragma once

#include <ringio/core/awaitable.hpp>
#include <ringio/core/future.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace ringio::debug {

/// One coroutine on a call stack, by the await at which it stands.
struct FrameCallGraphEntry {
    std::source_location location;

    /// Returns the coroutine's name without namespaces and parameters; "<lambda>" for a lambda.
    std::string function() const;
    const char* file() const noexcept { return location.file_name(); }
    unsigned line() const noexcept { return location.line(); }
};

/// Legend of where a graph goes no further.
enum class CallGraphEnd : unsigned char {
    none,    ///< awaited_by is complete
    circle,  ///< the future stands on the way to itself: its tasks wait for each other
    cut,     ///< the graph became too large; who waits for this one is left out
};

/// A future or task, the awaits it is suspended in, and those who wait for it.
///
/// *Lifetime*: holds the futures, not the coroutines.
struct FutureCallGraph {
    AnyFuture future;
    std::vector<FrameCallGraphEntry> call_stack;  ///< newest first; empty for a plain future
    std::vector<FutureCallGraph> awaited_by;      ///< tasks, in the order in which they came
    CallGraphEnd end = CallGraphEnd::none;

    FutureCallGraph() = default;
};

/// How much of a call graph is wanted.
struct CallGraphOptions {
    /// How many of the newest coroutines of the caller's own stack are left out. *Python*: counts
    /// from 1, for there capture_call_graph() has a frame itself.
    std::size_t depth = 0;
    /// Of each stack: n > 0 keeps the n newest entries, n < 0 the -n oldest, 0 none; unset: all.
    std::optional<int> limit = {};
};

}  // namespace ringio::debug

namespace ringio::detail {

/// Captures the graph of the task whose innermost coroutine is `caller`, which runs now.
debug::FutureCallGraph capture_caller(std::coroutine_handle<> caller,
                                      const debug::CallGraphOptions& options);

/// Looks at the awaiting coroutine, which goes on at once.
class CallerGraphAwaiter : public NativeAwaiter {
public:
    CallerGraphAwaiter(const debug::CallGraphOptions& options, std::FILE* file) noexcept
        : options_(options), file_(file) {}

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> caller) {
        graph_ = capture_caller(caller, options_);
        return false;
    }
    debug::FutureCallGraph await_resume() noexcept { return std::move(graph_); }

protected:
    debug::CallGraphOptions options_;
    std::FILE* file_;
    debug::FutureCallGraph graph_;
};

class CallerTextAwaiter : public CallerGraphAwaiter {
public:
    using CallerGraphAwaiter::CallerGraphAwaiter;
    std::string await_resume() const;
};

class CallerPrintAwaiter : public CallerGraphAwaiter {
public:
    using CallerGraphAwaiter::CallerGraphAwaiter;
    void await_resume() const;
};

/// What is to be awaited by the coroutine that asks for its own call graph.
template <class Awaiter>
class [[nodiscard("co_await it")]] OfCaller {
public:
    explicit OfCaller(const debug::CallGraphOptions& options, std::FILE* file = nullptr) noexcept
        : options_(options), file_(file) {}
    Awaiter operator co_await() const noexcept { return Awaiter(options_, file_); }

private:
    debug::CallGraphOptions options_;
    std::FILE* file_;
};

}  // namespace ringio::detail

namespace ringio::debug {

/// Awaited, gives the call graph of the current task, with its whole stack; it does not yield. A
/// plain function cannot: from there, `capture_call_graph(current_task())` has what is known.
inline detail::OfCaller<detail::CallerGraphAwaiter> capture_call_graph(
    const CallGraphOptions& options = {}) noexcept {
    return detail::OfCaller<detail::CallerGraphAwaiter>(options);
}

/// Returns the call graph of a task or future. Of a task that runs now, or has not begun, the stack
/// is its own coroutine alone, at the last await that it came to; of one that is done, empty.
///
/// A gather() or shield() is no entry of its own: who waits for it waits for its children.
/// *Errors*: std::invalid_argument for a handle that refers to nothing. *Python*:
/// asyncio.capture_call_graph(future), which does not return when tasks wait in a circle.
FutureCallGraph capture_call_graph(const AnyFuture& future, const CallGraphOptions& options = {});

/// Returns the text of a graph, in lines: the task or future, `+ Call stack:` newest first, and
/// `+ Awaited by:` with each of them likewise, indented. No newline at the end.
std::string format_call_graph(const FutureCallGraph& graph);
std::string format_call_graph(const AnyFuture& future, const CallGraphOptions& options = {});

/// The same of the current task; to be awaited.
inline detail::OfCaller<detail::CallerTextAwaiter> format_call_graph(
    const CallGraphOptions& options = {}) noexcept {
    return detail::OfCaller<detail::CallerTextAwaiter>(options);
}

/// Prints what format_call_graph() returns, and a newline.
void print_call_graph(const AnyFuture& future, const CallGraphOptions& options = {},
                      std::FILE* file = stdout);

/// The same of the current task; to be awaited.
inline detail::OfCaller<detail::CallerPrintAwaiter> print_call_graph(
    const CallGraphOptions& options = {}, std::FILE* file = stdout) noexcept {
    return detail::OfCaller<detail::CallerPrintAwaiter>(options, file);
}

}  // namespace ringio::debug
