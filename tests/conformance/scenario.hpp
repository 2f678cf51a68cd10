// What every scenario of ringio's side uses: the registry, and the log. A scenario prints the same
// lines as the one with the same id in <area>.py; see run.py. Scenarios stand inside of namespace
// ringio::conformance.
#pragma once

#include <ringio/core/future.hpp>
#include <ringio/core/repr.hpp>
#include <ringio/core/run_until_complete.hpp>
#include <ringio/core/task.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio::conformance {

using namespace std::chrono_literals;
using namespace std::string_literals;

/// What the time of a scenario is.
enum class Clock { jumping, real };

/// Puts a scenario into the registry: a coroutine, run in virtual time, or a plain function.
struct Registration {
    Registration(const char* id, Task<> (*body)(), Clock clock = Clock::jumping);
    Registration(const char* id, void (*body)());
};

/// The options of a loop in virtual time, for plain scenarios.
inline LoopOptions virtual_time() {
    LoopOptions options;
    options.virtual_time = true;
    return options;
}

/// A value as Python prints it: texts as they are, True, None, 1.5, [1, 2].
inline std::string text(std::string_view value) { return std::string(value); }
inline std::string text(const std::string& value) { return value; }
inline std::string text(const char* value) { return value; }
template <class T>
std::string text(const T& value) {
    return detail::repr(value);
}
template <class T>
std::string text(const std::optional<T>& value) {
    return value ? text(*value) : "None";
}
template <class T>
std::string text(const std::vector<T>& values) {
    std::string all;
    for (const T& value : values) {
        all += (all.empty() ? "" : ", ") + detail::repr(value);
    }
    return "[" + all + "]";
}

void log_line(const std::string& line);

/// Prints one line: the parts with blanks between them. C++ evaluates arguments in any order: parts
/// that have an effect are named first.
template <class First, class... Rest>
void log(const First& first, const Rest&... rest) {
    std::string line = text(first);
    ((line += " " + text(rest)), ...);
    log_line(line);
}

/// "ValueError: text", under Python's name of the exception; "None" for null.
std::string error(const std::exception_ptr& exception);

/// The same of the exception that is being handled.
inline std::string error_of_current() { return error(std::current_exception()); }

/// The type of an exception alone, for where the texts differ.
std::string kind(const std::exception_ptr& exception);
inline std::string kind_of_current() { return kind(std::current_exception()); }

/// Awaits, and gives the value as text, or the error.
template <class A>
Task<std::string> ended(A awaitable) {
    try {
        if constexpr (std::is_void_v<detail::AwaitValue<A>>) {
            co_await std::move(awaitable);
            co_return "None";
        } else {
            co_return text(co_await std::move(awaitable));
        }
    } catch (...) {
        co_return error_of_current();
    }
}

/// The same for a plain call.
template <class Fn>
std::string call(Fn&& function) {
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<Fn&>>) {
            function();
            return "None";
        } else {
            return text(function());
        }
    } catch (...) {
        return error_of_current();
    }
}

/// A promise of the running loop.
template <class T = void>
Promise<T> loop_promise() {
    return get_running_loop().create_future<T>();
}

template <class T>
Task<T> value(T result) {
    co_return result;
}

/// Throws ValueError.
template <class T = void>
Task<T> fail(const char* message) {
    throw std::invalid_argument(message);
    if constexpr (std::is_void_v<T>) {
        co_return;
    } else {
        co_return T();
    }
}

/// The time of the running loop in seconds.
double now();

/// Lets `count` turns of the loop go by.
Task<> turns(int count);

/// Logs what reaches the exception handler of a loop, without the names of places.
void log_reports(EventLoop& loop);
void log_reports();

}  // namespace ringio::conformance

#define CONFORMS_JOIN(a, b) a##b
#define CONFORMS_DECLARE(type, name, id, ...)                              \
    static type name();                                                    \
    static const ringio::conformance::Registration CONFORMS_JOIN(name, _)( \
        id, &name __VA_OPT__(, ) __VA_ARGS__);                             \
    static type name()
#define CONFORMS_NAME(line) CONFORMS_JOIN(scenario_at_line_, line)

/// A coroutine body: `CONFORMS("tasks.cancel") { log("…"); co_return; }`.
#define CONFORMS(id) CONFORMS_DECLARE(ringio::Task<>, CONFORMS_NAME(__COUNTER__), id)

/// The same on the real clock: for what others take their time for, such as programs.
#define CONFORMS_IN_REAL_TIME(id)                                    \
    CONFORMS_DECLARE(ringio::Task<>, CONFORMS_NAME(__COUNTER__), id, \
                     ringio::conformance::Clock::real)

/// A plain function, which makes its own loops.
#define CONFORMS_PLAIN(id) CONFORMS_DECLARE(void, CONFORMS_NAME(__COUNTER__), id)
