// What the tests of the sync layer share.
#pragma once

#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <string>
#include <utility>

namespace ringio::test_support {

using testing::EventLog;

/// Acquires a lock or semaphore and logs "name", or "name!" when it is cancelled meanwhile.
template <class L>
Task<> acquire_and_log(L& lock, EventLog& log, std::string name) {
    bool cancelled = false;
    try {
        co_await lock.acquire();
    } catch (const CancelledError&) {
        cancelled = true;
    }
    log(name + (cancelled ? "!" : ""));
    if (cancelled) {
        throw CancelledError();
    }
}

/// Waits for an event or a condition's notification, and logs as acquire_and_log() does.
inline Task<> wait_and_log(Event& event, EventLog& log, std::string name) {
    co_await event.wait();
    log(name);
}

/// Runs something in a loop of its own that does nothing else.
template <class Fn>
std::string error_in_another_loop(Fn&& make) {
    EventLoop loop;
    try {
        loop.run_until_complete(make());
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

}  // namespace ringio::test_support
