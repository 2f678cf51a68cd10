// What the tests of asynchronous generators share.
#pragma once

#include <ringio/tasks/async_generator.hpp>

#include <support/ends.hpp>
#include "scenario.hpp"

#include <optional>
#include <stdexcept>
#include <string>

namespace ringio::test_support {

inline AsyncGenerator<int> count_to(int last) {
    for (int n = 1; n <= last; ++n) {
        co_yield n;
    }
}

/// One value each second.
inline AsyncGenerator<int> ticker(int last) {
    for (int n = 1; n <= last; ++n) {
        co_await sleep(std::chrono::seconds(1));
        co_yield n;
    }
}

/// Logs "name1", "name2", … as it yields, and its end.
inline AsyncGenerator<int> traced(EventLog& log, std::string name, int last) {
    const Guard guard(log, name);
    for (int n = 1; n <= last; ++n) {
        log(name + std::to_string(n));
        co_yield n;
    }
    log(name + " ends");
}

/// Has no end; when it is closed, it cleans up for a second.
inline AsyncGenerator<int> careful(EventLog& log, std::string name) {
    bool closed = false;
    try {
        for (int n = 1;; ++n) {
            co_yield n;
        }
    } catch (const GeneratorExit&) {
        closed = true;
    }
    if (closed) {
        log(name + " closes");
        co_await sleep(std::chrono::seconds(1));
        log(name + " closed");
    }
}

/// Awaits next(), and tells how that ended: the value, "end", or the exception's name.
inline Task<std::string> told_next(AsyncGenerator<int>& generator) {
    try {
        const std::optional<int> item = co_await generator.next();
        co_return item ? std::to_string(*item) : "end";
    } catch (...) {
        co_return name_of(std::current_exception());
    }
}

}  // namespace ringio::test_support

// GCC 12: the values are named, for a co_await in CHECK is evaluated twice.
#define CHECK_NEXT(generator, expected) CHECK_AWAIT(told_next(generator), expected)
#define CHECK_CLOSE(generator, expected) CHECK_AWAIT(told((generator).aclose()), expected)
