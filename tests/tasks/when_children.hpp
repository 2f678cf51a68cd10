// Children for the tests of when_all and when_any, by what they do when they are cancelled.
#pragma once

#include "scenario.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

namespace ringio::test_support {

/// Sleeps; logs "name cancelled" if it is.
inline Task<int> logs_cancel(EventLog& log, std::string name, Delay delay, int value) {
    try {
        co_await sleep(delay);
    } catch (const CancelledError&) {
        log(name + " cancelled");
        throw;
    }
    co_return value;
}

/// Fails in its cleanup when it is cancelled.
inline Task<int> fails_in_cleanup(std::string text) {
    try {
        co_await sleep(std::chrono::hours(1));
    } catch (const CancelledError&) {
        throw std::runtime_error(text);
    }
    co_return 0;
}

/// Takes no notice of being cancelled, save that it ends then.
inline Task<int> ends_with_value(int value) {
    try {
        co_await sleep(std::chrono::hours(1));
    } catch (const CancelledError&) {
    }
    co_await sleep(std::chrono::milliseconds(1));
    co_return value;
}

inline Task<std::unique_ptr<int>> pointer_after(Delay delay, int value) {
    co_await sleep(delay);
    co_return std::make_unique<int>(value);
}

}  // namespace ringio::test_support
