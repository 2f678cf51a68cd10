// Words that the scenarios of waiting share: how a task stands, the clock of turns, small jobs.
// telling.py has the same ones.
#pragma once

#include <ringio/tasks.hpp>
#include "scenario.hpp"

#include <string>
#include <utility>

namespace ringio::conformance {

/// Tells how a future stands, without awaiting it.
template <class T>
std::string state(const Future<T>& future) {
    if (!future.done()) {
        return "pending";
    }
    if (future.cancelled()) {
        return "cancelled";
    }
    if (const std::exception_ptr exception = future.exception()) {
        return error(exception);
    }
    if constexpr (std::is_void_v<T>) {
        return "None";
    } else {
        return text(future.result());
    }
}

template <class First, class... More>
std::string states(const First& first, const More&... more) {
    std::string all = state(first);
    ((all += " | " + state(more)), ...);
    return all;
}
template <class F>
std::string states(const std::vector<F>& futures) {
    std::string all;
    for (const F& future : futures) {
        all += (all.empty() ? "" : " | ") + state(future);
    }
    return all;
}

/// How many requests to cancel the current task has.
inline std::string cancelling() {
    return "cancelling " + std::to_string(current_task().cancelling());
}

/// The part of a repr in brackets: before it CPython has an address.
template <class P>
std::string shown(const P& primitive) {
    const std::string whole = primitive.repr();
    return whole.substr(whole.find('['), whole.rfind(']') - whole.find('[') + 1);
}

/// Logs each turn of the loop: in the log of a scenario it shows how many turns things take.
inline Task<> clock(int count) {
    for (int turn = 1; turn <= count; ++turn) {
        log("--", turn);
        co_await sleep(0s);
    }
}

/// Sleeps, gives its name, and logs when it starts, ends or is cancelled.
inline Task<std::string> sleeper(std::string name, Delay length) {
    log(name, "starts");
    try {
        co_await sleep(length);
    } catch (const CancelledError&) {
        log(name, "cancelled at", now());
        throw;
    }
    log(name, "ends at", now());
    co_return name;
}

/// As sleeper(), and throws at the end.
template <class E>
Task<std::string> failing(std::string name, Delay length, E exception) {
    co_await sleeper(name, length);
    throw exception;
    co_return name;
}

/// As sleeper(), but takes its time to clean up when it is cancelled.
inline Task<std::string> stubborn(std::string name, Delay length, Delay cleanup) {
    std::exception_ptr cancelled;
    try {
        co_await sleeper(name, length);
    } catch (const CancelledError&) {
        cancelled = std::current_exception();
    }
    if (cancelled) {
        co_await sleep(cleanup);
        log(name, "cleaned up at", now());
        std::rethrow_exception(cancelled);
    }
    co_return name;
}

/// Sleeps that long whatever happens, and gives its name.
inline Task<std::string> deaf(std::string name, Delay length) {
    EventLoop& loop = get_running_loop();
    const EventLoop::TimePoint end = saturating_add(loop.time(), length);
    while (loop.time() < end) {
        try {
            co_await sleep(end - loop.time());
        } catch (const CancelledError&) {
            log(name, "ignores a cancel at", now());
        }
    }
    log(name, "ends at", now());
    co_return name;
}

}  // namespace ringio::conformance
