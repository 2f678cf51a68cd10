// What the tests of the task layer share: coroutines that leave a trace in an EventLog, and the
// end of an await as a text.
#pragma once

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio::test_support {

using testing::EventLog;

/// Logs 1, 2, ... n, one each turn: a clock for counting hops.
inline Task<> tick(EventLog& log, int turns) {
    for (int turn = 1; turn <= turns; ++turn) {
        log(std::to_string(turn));
        co_await sleep(Delay());
    }
}

/// Logs "~name" when it is destroyed.
struct Guard {
    Guard(EventLog& events, std::string text) : log(events), name(std::move(text)) {}
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { log("~" + name); }

    EventLog& log;
    std::string name;
};

/// Lets `turns` turns of the loop go by.
inline Task<> yield(int turns) {
    for (int turn = 0; turn < turns; ++turn) {
        co_await sleep(Delay());
    }
}

/// Logs "name+", works for some turns, logs "name-" and gives the name.
inline Task<std::string> work(EventLog& log, std::string name, int turns) {
    log(name + "+");
    co_await yield(turns);
    log(name + "-");
    co_return name;
}

/// As work(), and throws std::runtime_error(error) at the end.
inline Task<std::string> failing(EventLog& log, std::string name, int turns, std::string error) {
    std::string result = co_await work(log, name, turns);
    throw std::runtime_error(error);
    co_return result;
}

/// Sleeps for long; when cancelled, starts a clock and takes some turns to clean up.
inline Task<> stubborn(EventLog& log, std::string name, int turns, int ticks) {
    bool cancelled = false;
    try {
        co_await sleep(std::chrono::hours(1));
    } catch (const CancelledError&) {
        cancelled = true;
    }
    if (cancelled) {
        log(name + " cancelled");
        create_task(tick(log, ticks));
        co_await yield(turns);
        log(name + " cleaned");
        throw CancelledError();
    }
}

inline std::string as_text(const std::string& value) { return value; }
inline std::string as_text(int value) { return std::to_string(value); }

/// Names an exception: "CancelledError", "TimeoutError", "group(a, b)", or its text.
inline std::string name_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const CancelledError&) {
        return "CancelledError";
    } catch (const TimeoutError&) {
        return "TimeoutError";
    } catch (const KeyboardInterrupt&) {
        return "KeyboardInterrupt";
    } catch (const ExceptionGroup& group) {
        std::string text;
        for (const std::exception_ptr& each : group.exceptions()) {
            text += (text.empty() ? "" : ", ") + name_of(each);
        }
        return "group(" + text + ")";
    } catch (const std::exception& exception) {
        return exception.what();
    }
}

/// Awaits, and tells how that ended: the value, "none" for void, or the exception's name.
template <class A>
Task<std::string> told(A awaitable) {
    try {
        if constexpr (std::is_void_v<detail::AwaitValue<A>>) {
            co_await std::move(awaitable);
            co_return "none";
        } else {
            co_return as_text(co_await std::move(awaitable));
        }
    } catch (...) {
        co_return name_of(std::current_exception());
    }
}

/// Awaits and drops the value.
template <class A>
Task<> joined(A awaitable) {
    if constexpr (std::is_void_v<detail::AwaitValue<A>>) {
        co_await std::move(awaitable);
    } else {
        static_cast<void>(co_await std::move(awaitable));
    }
}

/// The handles in a vector. GCC 12: a braced list inside a co_await operand does not compile.
template <class F, class... More>
std::vector<F> list_of(F first, More... more) {
    std::vector<F> list{std::move(first)};
    (list.push_back(std::move(more)), ...);
    return list;
}

/// Runs a function and names what it throws, or gives an empty text.
template <class Fn>
std::string thrown_by(Fn&& function) {
    try {
        function();
    } catch (...) {
        return name_of(std::current_exception());
    }
    return "";
}

inline Task<int> fail_with(std::string text) {
    throw std::runtime_error(text);
    co_return 0;
}

inline Task<int> give(int value) { co_return value; }
inline Task<int> give_after(Delay delay, int value) {
    co_await sleep(delay);
    co_return value;
}
inline Task<int> fail_after(Delay delay, std::string text) {
    co_await sleep(delay);
    throw std::runtime_error(text);
    co_return 0;
}

/// Collects what is reported to the running loop's exception handler, for as long as it lives.
class Reports {
public:
    Reports() : loop_(get_running_loop()) {
        loop_.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
            messages_.push_back(context.message);
        });
    }
    Reports(const Reports&) = delete;
    Reports& operator=(const Reports&) = delete;
    ~Reports() { loop_.set_exception_handler({}); }

    const std::vector<std::string>& messages() const noexcept { return messages_; }

private:
    EventLoop& loop_;
    std::vector<std::string> messages_;
};

}  // namespace ringio::test_support
