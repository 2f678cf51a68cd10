#include <ringio/sync/condition.hpp>

#include "sync_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// Waits for one notification and logs "name", or "name!" when it is cancelled; checks each time
/// that the lock is held afterwards.
Task<> wait_notified(Condition& condition, EventLog& log, std::string name) {
    auto held = co_await condition.scoped();
    bool cancelled = false;
    try {
        co_await condition.wait();
    } catch (const CancelledError&) {
        cancelled = true;
    }
    CHECK(condition.locked());
    log(name + (cancelled ? "!" : ""));
    if (cancelled) {
        throw CancelledError();
    }
}

}  // namespace

ASYNC_TEST_CASE("Condition: notify() wakes as many as it says, in order") {
    Condition condition;
    EventLog log;
    auto a = create_task(wait_notified(condition, log, "a"));
    auto b = create_task(wait_notified(condition, log, "b"));
    auto c = create_task(wait_notified(condition, log, "c"));
    co_await turns(2);
    CHECK(fmt::format("{}", condition) == "<Condition [unlocked, waiters:3]>");
    co_await condition.acquire();
    condition.notify();
    CHECK(log.joined() == "");
    condition.release();
    co_await turns(3);
    CHECK(log.joined() == "a");
    co_await condition.acquire();
    condition.notify(1);
    condition.notify(2048);
    condition.release();
    co_await gather(b, c);
    CHECK(log.joined() == "a b c");
    CHECK_FALSE(condition.locked());
}

ASYNC_TEST_CASE("Condition: notify_all() wakes all") {
    Condition condition;
    EventLog log;
    auto a = create_task(wait_notified(condition, log, "a"));
    auto b = create_task(wait_notified(condition, log, "b"));
    co_await turns(2);
    auto held = co_await condition.scoped();
    condition.notify_all();
    held.release();
    co_await gather(a, b);
    CHECK(log.joined() == "a b");
}

ASYNC_TEST_CASE("Condition: without the lock nothing can be done") {
    Condition condition;
    CHECK_AWAIT(text_of<std::runtime_error>(condition.wait()), "cannot wait on un-acquired lock");
    CHECK_THROWS_WITH(condition.notify(), "cannot notify on un-acquired lock");
    CHECK_THROWS_AS(condition.notify_all(), std::runtime_error);
    CHECK_THROWS_AS(condition.release(), std::runtime_error);
}

ASYNC_TEST_CASE("Condition: shares the lock that it is given", "[any_order]") {
    Lock lock;
    Condition first(lock);
    Condition second(lock);
    co_await lock.acquire();
    CHECK(first.locked());
    second.release();
    CHECK_FALSE(lock.locked());
}

ASYNC_TEST_CASE("Condition: wait_for() waits until the predicate is true, and gives what it gave") {
    Condition condition;
    int value = 0;
    auto wait_for_three = [&]() -> Task<int> {
        auto held = co_await condition.scoped();
        auto predicate = [&]() { return value >= 3 ? value : 0; };
        const int seen = co_await condition.wait_for(predicate);
        co_return seen;
    };
    auto waiting = create_task(wait_for_three());
    while (value < 4) {
        co_await turns(3);
        CHECK_FALSE(waiting.done());
        auto held = co_await condition.scoped();
        value += 2;
        condition.notify();
    }
    CHECK_AWAIT(waiting, 4);
    CHECK_AWAIT(text_of<std::runtime_error>(condition.wait_for([]() { return false; })),
                "cannot wait on un-acquired lock");
}

ASYNC_TEST_CASE("Condition: a cancelled wait acquires the lock before it ends") {
    Condition condition;
    EventLog log;
    auto a = create_task(wait_notified(condition, log, "a"));
    co_await turns(1);
    a.cancel();
    CHECK_AWAIT(is_cancelled(a), true);
    CHECK(condition.repr() == "<Condition [unlocked]>");
    CHECK(log.joined() == "a!");
}

ASYNC_TEST_CASE("Condition: a cancelled wait waits for a lock that somebody has") {
    Condition condition;
    EventLog log;
    auto a = create_task(wait_notified(condition, log, "a"));
    co_await turns(1);
    co_await condition.acquire();
    a.cancel();
    co_await turns(3);
    CHECK_FALSE(a.done());
    a.cancel();
    co_await turns(3);
    CHECK_FALSE(a.done());
    condition.release();
    CHECK_AWAIT(is_cancelled(a), true);
    CHECK(log.joined() == "a!");
    CHECK_FALSE(condition.locked());
}

ASYNC_TEST_CASE("Condition: a notification that meets a cancellation goes to another") {
    Condition condition;
    EventLog log;
    auto a = create_task(wait_notified(condition, log, "a"));
    auto b = create_task(wait_notified(condition, log, "b"));
    co_await turns(2);
    co_await condition.acquire();
    condition.notify();
    a.cancel();
    condition.release();
    co_await b;
    CHECK(log.joined() == "a! b");
}

ASYNC_TEST_CASE("Condition: so does one whose task is cancelled while it takes the lock again") {
    Condition condition;
    EventLog log;
    auto a = create_task(wait_notified(condition, log, "a"));
    auto b = create_task(wait_notified(condition, log, "b"));
    co_await turns(2);
    co_await condition.acquire();
    condition.notify();
    co_await turns(2);
    a.cancel();
    co_await turns(2);
    CHECK_FALSE(a.done());
    condition.release();
    co_await b;
    CHECK(log.joined() == "a! b");
    CHECK(a.cancelled());
}

ASYNC_TEST_CASE("Condition: a timeout within the block leaves the lock held", "[any_order]") {
    Condition condition;
    auto held = co_await condition.scoped();
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(condition.wait(), 500ms)), "timed out");
    CHECK(condition.locked());
}

ASYNC_TEST_CASE("Condition: a wait may be cancelled after the condition is gone") {
    auto condition = std::make_unique<Condition>();
    auto waiter = [](Condition& shared) -> Task<> {
        co_await shared.acquire();
        co_await shared.wait();
    };
    auto waiting = create_task(waiter(*condition));
    auto notified = create_task(waiter(*condition));
    co_await turns(2);
    co_await condition->acquire();
    condition->notify();
    co_await turns(1);
    condition.reset();
    waiting.cancel();
    notified.cancel();
    CHECK_AWAIT(is_cancelled(waiting), true);
    CHECK_AWAIT(is_cancelled(notified), true);
}

TEST_CASE("Condition: survives the destruction of the tasks that wait") {
    Condition condition;
    EventLog log;
    {
        EventLoop loop;
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        loop.create_task(wait_notified(condition, log, "a"));
        loop.create_task(wait_notified(condition, log, "b"));
        loop.run_until_complete(turns(3));
    }
    CHECK(condition.repr() == "<Condition [unlocked]>");
    CHECK(log.joined() == "");
}

namespace {

/// Takes one of what `count` counts each time there is one, until it is negative.
Task<> consume(Condition& condition, int& count) {
    auto held = co_await condition.scoped();
    auto any = [&count]() { return count != 0; };
    for (;;) {
        co_await condition.wait_for(any);
        if (count < 0) {
            break;
        }
        --count;
    }
}

/// Notifies one of two consumers, cancels it after some turns, and sees the other one take over.
Task<> cancel_notified_consumer(int turns_between) {
    Condition condition;
    int count = 0;
    auto first = create_task(consume(condition, count));
    auto second = create_task(consume(condition, count));
    co_await turns(1);
    {
        auto held = co_await condition.scoped();
        ++count;
        condition.notify(1);
        co_await turns(turns_between);
        first.cancel();
        auto none = [&count]() { return count == 0; };
        // Nobody notifies this task: the time is for the others.
        CHECK_AWAIT(text_of<TimeoutError>(wait_for(condition.wait_for(none), 10ms)), "timed out");
        CHECK(count == 0);
        count = -1;
        condition.notify_all();
    }
    co_await second;
    CHECK(first.cancelled());
}

/// The message of the cancellation that ends a wait, as the body saw it and as the task has it.
Task<std::string> seen_message(Condition& condition) {
    auto held = co_await condition.scoped();
    auto never = []() { return false; };
    std::string message;
    try {
        co_await condition.wait_for(never);
    } catch (const CancelledError& error) {
        message = error.message();
    }
    co_return message;
}

}  // namespace

ASYNC_TEST_CASE(
    "Condition: a notified one is cancelled, another is woken (test_cancelled_wakeup)") {
    co_await cancel_notified_consumer(0);
}

ASYNC_TEST_CASE("Condition: so it is when it waits for the lock (test_cancelled_wakeup_relock)") {
    co_await cancel_notified_consumer(1);
}

ASYNC_TEST_CASE(
    "Condition: the cancellation keeps its message (test_cancelled_error_wakeup, "
    "test_cancelled_error_re_aquire)") {
    Condition condition;
    auto waiting = create_task(seen_message(condition));
    co_await turns(1);
    waiting.cancel("foo");
    CHECK_AWAIT(waiting, "foo");

    auto relocking = create_task(seen_message(condition));
    co_await turns(1);
    co_await condition.acquire();
    condition.notify();
    co_await turns(1);
    relocking.cancel("bar");
    condition.release();
    CHECK_AWAIT(relocking, "bar");
}

ASYNC_TEST_CASE(
    "Condition: cancelled after a notification, it ends (test_wait_cancel_after_notify)") {
    Condition condition;
    EventLog log;
    auto a = create_task(wait_notified(condition, log, "a"));
    co_await turns(1);
    co_await condition.acquire();
    condition.notify();
    co_await turns(1);
    a.cancel();
    co_await turns(1);
    condition.release();
    co_await turns(1);
    CHECK(a.cancelled());
    CHECK(log.joined() == "a!");
}
