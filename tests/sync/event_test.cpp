#include <ringio/sync/event.hpp>

#include "sync_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;

ASYNC_TEST_CASE("Event: wakes all who wait") {
    Event event;
    EventLog log;
    CHECK_FALSE(event.is_set());
    auto a = create_task(wait_and_log(event, log, "a"));
    auto b = create_task(wait_and_log(event, log, "b"));
    co_await turns(2);
    CHECK(log.joined() == "");
    CHECK(fmt::format("{}", event) == "<Event [unset, waiters:2]>");
    event.set();
    co_await turns(1);
    CHECK(log.joined() == "a b");
    CHECK(event.repr() == "<Event [set]>");
}

ASYNC_TEST_CASE("Event: that is set is not waited for") {
    Event event;
    event.set();
    event.set();
    CHECK_AWAIT(event.wait(), true);
    event.clear();
    CHECK_FALSE(event.is_set());
}

ASYNC_TEST_CASE("Event: cancelling a wait leaves the others alone") {
    Event event;
    EventLog log;
    auto a = create_task(wait_and_log(event, log, "a"));
    auto b = create_task(wait_and_log(event, log, "b"));
    co_await turns(1);
    a.cancel();
    CHECK_AWAIT(is_cancelled(a), true);
    CHECK(event.repr() == "<Event [unset, waiters:1]>");
    event.set();
    b.cancel();
    CHECK_AWAIT(is_cancelled(b), true);
    CHECK(log.joined() == "");
}

ASYNC_TEST_CASE("Event: who waited goes on even if it is cleared before they run") {
    Event event;
    EventLog log;
    auto a = create_task(wait_and_log(event, log, "a"));
    co_await turns(1);
    event.set();
    event.clear();
    auto late = create_task(wait_and_log(event, log, "late"));
    co_await turns(2);
    CHECK(log.joined() == "a");
    CHECK_FALSE(late.done());
    event.set();
    co_await late;
}

ASYNC_TEST_CASE("Event: a wait may be cancelled after the event is gone") {
    auto event = std::make_unique<Event>();
    auto waiting = create_task(event->wait());
    co_await turns(1);
    event.reset();
    waiting.cancel();
    CHECK_AWAIT(is_cancelled(waiting), true);
}

TEST_CASE("Event: belongs to the loop in which somebody first waited for it") {
    Event event;
    auto wait = [&event]() -> Task<> {
        auto waiting = create_task(event.wait());
        co_await turns(1);
        event.set();
        co_await waiting;
        event.clear();
    };
    testing::run_virtual(wait());
    auto again = [&event]() -> Task<> { co_await event.wait(); };
    CHECK(error_in_another_loop(again) == "Event is bound to a different event loop");
}
