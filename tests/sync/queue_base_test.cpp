#include <ringio/sync/queue_base.hpp>

#include "sync_scenario.hpp"

#include <ringio/debug.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// Gets items and logs "name item", or "name!" when it is cancelled.
Task<> get_and_log(Queue<int>& queue, EventLog& log, std::string name, int count = 1) {
    try {
        for (; count > 0; --count) {
            const int item = co_await queue.get();
            log(name + " " + std::to_string(item));
        }
    } catch (const CancelledError&) {
        log(name + "!");
        throw;
    }
}

/// Puts an item and logs "name", or "name!" when it is cancelled.
Task<> put_and_log(Queue<int>& queue, EventLog& log, std::string name, int item) {
    try {
        co_await queue.put(item);
    } catch (const CancelledError&) {
        log(name + "!");
        throw;
    }
    log(name);
}

/// Wakes who waits first for an item that is gone again, and has one more come into the line.
TaskHandle<> wake_in_vain(Queue<int>& queue, EventLog& log) {
    queue.put_nowait(0);
    CHECK(queue.get_nowait() == 0);
    return create_task(get_and_log(queue, log, "late"));
}

}  // namespace

ASYNC_TEST_CASE("Queue: who was woken in vain waits again at the end of the line") {
    Queue<int> queue;
    EventLog log;
    auto first = create_task(get_and_log(queue, log, "first"));
    auto second = create_task(get_and_log(queue, log, "second"));
    co_await turns(1);
    auto late = wake_in_vain(queue, log);
    co_await turns(2);
    CHECK_THAT(queue.repr(), Catch::Matchers::Contains("_getters[3]"));
    for (int item = 1; item < 4; ++item) {
        queue.put_nowait(item);
    }
    co_await gather(first, second, late);
    CHECK(log.events() == std::vector<std::string>{"second 1", "first 2", "late 3"});
}

ASYNC_TEST_CASE("Queue: who was woken for room that is gone waits again at the end of the line") {
    Queue<int> queue(1);
    EventLog log;
    queue.put_nowait(0);
    auto first = create_task(put_and_log(queue, log, "first", 1));
    auto second = create_task(put_and_log(queue, log, "second", 2));
    co_await turns(1);
    CHECK(queue.get_nowait() == 0);
    queue.put_nowait(3);
    co_await turns(2);
    CHECK(log.events().empty());
    CHECK_THAT(queue.repr(), Catch::Matchers::Contains("_putters[2]"));
    for (const int item : {3, 2, 1}) {
        CHECK(queue.get_nowait() == item);
        co_await turns(1);
    }
    co_await gather(first, second);
    CHECK(log.events() == std::vector<std::string>{"second", "first"});
}

ASYNC_TEST_CASE("Queue: one item and two newcomers, over and over") {
    Queue<int> queue(1);
    EventLog log;
    auto getting = create_task(get_and_log(queue, log, "task", 2));
    co_await turns(1);
    for (int item = 0; item < 5; ++item) {
        co_await queue.put(item);
        CHECK_AWAIT(queue.get(), item);
        co_await turns(1);
        CHECK_FALSE(getting.done());
    }
    co_await queue.put(5);
    co_await queue.put(6);
    co_await getting;
    CHECK(log.events() == std::vector<std::string>{"task 5", "task 6"});
}

ASYNC_TEST_CASE("Queue: who was woken in vain may be cancelled before it has run") {
    Queue<int> queue;
    EventLog log;
    auto first = create_task(get_and_log(queue, log, "first"));
    auto second = create_task(get_and_log(queue, log, "second"));
    co_await turns(1);
    queue.put_nowait(1);
    CHECK(queue.get_nowait() == 1);
    first.cancel();
    co_await turns(1);
    CHECK(first.cancelled());
    CHECK_FALSE(second.done());
    queue.put_nowait(2);
    co_await second;
    CHECK(log.events() == std::vector<std::string>{"first!", "second 2"});
}

ASYNC_TEST_CASE("Queue: who waits again may be cancelled, and hands over what it was woken for") {
    Queue<int> queue;
    EventLog log;
    auto first = create_task(get_and_log(queue, log, "first"));
    auto second = create_task(get_and_log(queue, log, "second"));
    co_await turns(1);
    auto late = wake_in_vain(queue, log);
    co_await turns(1);
    late.cancel();  // waits
    queue.put_nowait(1);
    second.cancel();  // is woken
    co_await first;
    CHECK(second.cancelled());
    CHECK(late.cancelled());
    CHECK(log.events() == std::vector<std::string>{"late!", "second!", "first 1"});
}

ASYNC_TEST_CASE("Queue: a request to cancel that comes with the second wait ends it") {
    Queue<int> queue;
    auto gets = [&]() -> Task<int> { co_return co_await queue.get(); };
    auto get = create_task(gets());
    co_await turns(1);
    queue.put_nowait(1);
    static_cast<detail::TaskStateBase&>(*get.shared_state()).cancel_at_next_wait();
    CHECK(queue.get_nowait() == 1);
    CHECK_AWAIT(is_cancelled(get), true);
    CHECK(queue.repr() == "<Queue maxsize=0 tasks=1>");
}

ASYNC_TEST_CASE("Queue: shutdown() refuses who was woken in vain") {
    Queue<int> queue(1);
    auto get = create_task(queue.get());
    co_await turns(1);
    queue.put_nowait(1);
    queue.shutdown(true);
    CHECK_AWAIT(text_of<QueueShutDown>(get), "the queue was shut down");
    Queue<int> full(1);
    full.put_nowait(1);
    auto put = create_task(full.put(2));
    co_await turns(1);
    CHECK(full.get_nowait() == 1);
    full.put_nowait(3);
    full.shutdown();
    CHECK_AWAIT(text_of<QueueShutDown>(put), "the queue was shut down");
    CHECK(full.get_nowait() == 3);
}

ASYNC_TEST_CASE("Queue: shutdown() refuses who waits again") {
    Queue<int> queue;
    EventLog log;
    auto first = create_task(queue.get());
    co_await turns(1);
    auto late = wake_in_vain(queue, log);
    co_await turns(2);
    queue.shutdown();
    CHECK_AWAIT(text_of<QueueShutDown>(first), "the queue was shut down");
    CHECK_AWAIT(text_of<QueueShutDown>(late), "the queue was shut down");
}

ASYNC_TEST_CASE("Queue: destroyed, it leaves who was woken, or waits again, to be cancelled") {
    const char* const text = "what this task waited for was destroyed before the task could run";
    auto queue = std::make_unique<Queue<int>>(1);
    auto get = create_task(queue->get());
    co_await turns(1);
    queue->put_nowait(1);
    CHECK(queue->get_nowait() == 1);
    queue.reset();
    CHECK_AWAIT(text_of<std::runtime_error>(get), text);
    queue = std::make_unique<Queue<int>>(1);
    queue->put_nowait(1);
    auto put = create_task(queue->put(2));
    auto other = create_task(queue->put(3));
    co_await turns(1);
    CHECK(queue->get_nowait() == 1);
    queue->put_nowait(4);
    co_await turns(1);
    queue.reset();
    co_await turns(1);
    CHECK_FALSE(put.done());
    put.cancel();
    other.cancel();
    CHECK_AWAIT(is_cancelled(put), true);
    CHECK_AWAIT(is_cancelled(other), true);
}

ASYNC_TEST_CASE("Queue: who waits again is shown where it waits, from its own coroutine on") {
    Queue<int> queue;
    auto inner = [&]() -> Task<int> { co_return co_await queue.get(); };
    auto outer = [&]() -> Task<int> { co_return co_await inner(); };
    auto get = create_task(outer(), {.name = "gets"});
    co_await turns(1);
    const std::string before = fmt::format("{}", get);
    const std::size_t depth = get.get_stack().size();
    CHECK_THAT(before, Catch::Matchers::Contains(" wait_for=<Future pending "));
    queue.put_nowait(1);
    CHECK(queue.get_nowait() == 1);
    co_await turns(1);
    CHECK(fmt::format("{}", get) == before);
    CHECK(get.get_stack().size() == depth);
    CHECK(debug::format_tasks().find("* Task 'gets' waits in Queue.get()\n") != std::string::npos);
    queue.put_nowait(2);
    CHECK_AWAIT(get, 2);
}

ASYNC_TEST_CASE("Queue: a wait that goes on leaves the contexts of the others alone") {
    ContextVar<int> number("number", 0);
    Queue<int> queue;
    std::vector<int> seen;
    auto gets = [&](int mine) -> Task<> {
        number.set(mine);
        const int item = co_await queue.get();
        seen.push_back(number.get() + item);
    };
    auto first = create_task(gets(10));
    auto second = create_task(gets(20));
    co_await turns(1);
    queue.put_nowait(1);
    queue.put_nowait(2);
    get_running_loop().call_soon([&] { seen.push_back(number.get()); });
    CHECK(queue.get_nowait() == 1);
    co_await turns(1);
    CHECK(seen == std::vector<int>{12, 0});
    queue.put_nowait(3);
    co_await gather(first, second);
    CHECK(seen == std::vector<int>{12, 0, 23});
}

ASYNC_TEST_CASE("Queue: a put() or get() that has a name is awaited once") {
    Queue<std::string> queue;
    auto put = queue.put("a");
    CHECK(queue.empty());  // nothing happens before it is awaited
    co_await put;
    CHECK_AWAIT(text_of<std::runtime_error>(std::move(put)),
                "cannot reuse already awaited coroutine");
    auto get = queue.get();
    CHECK(queue.qsize() == 1);
    const std::string item = co_await get;
    CHECK(item == "a");
    CHECK_AWAIT(text_of<std::runtime_error>(std::move(get)),
                "cannot reuse already awaited coroutine");
    CHECK(queue.empty());
}

ASYNC_TEST_CASE("Queue: a refusal of put() or get() is an outcome") {
    Queue<std::string> queue(1);
    auto put = co_await as_outcome(queue.put("a"));
    CHECK(put.has_value());
    auto item = co_await as_outcome(queue.get());
    CHECK(item.value() == "a");
    queue.shutdown();
    auto refused = co_await as_outcome(queue.put("b"));
    CHECK_THROWS_AS(refused.value(), QueueShutDown);
    item = co_await as_outcome(queue.get());
    CHECK_THROWS_AS(item.value(), QueueShutDown);
}

ASYNC_TEST_CASE("Queue: an item that cannot be moved is an outcome, too") {
    struct Unmovable {
        Unmovable() = default;
        Unmovable(Unmovable&& other) : moves(other.moves - 1) {
            if (moves == 0) {
                throw std::runtime_error("cannot be moved");
            }
        }
        ~Unmovable() = default;
        int moves = 9;
    };
    Queue<Unmovable> queue;
    int failures = 0;
    for (int moves = 1; moves < 9; ++moves) {
        Unmovable item;
        item.moves = moves;
        try {
            auto put = queue.put(std::move(item));
            auto outcome = co_await as_outcome(put);
            failures += outcome.has_value() ? 0 : 1;
        } catch (const std::runtime_error&) {  // by put() itself
        }
    }
    CHECK(failures > 0);
}

ASYNC_TEST_CASE("Queue: puts and gets that need not wait do not deepen the stack") {
    Queue<int> queue(1);
    std::int64_t sum = 0;
    for (int round = 0; round < 2'000'000; ++round) {
        co_await queue.put(round);
        sum += co_await queue.get();
    }
    CHECK(sum == std::int64_t(2'000'000) * 1'999'999 / 2);
}

ASYNC_TEST_CASE("Queue: the item of a put() that fails is destroyed before its exception is seen") {
    Queue<std::shared_ptr<int>> queue(1);
    queue.put_nowait(nullptr);
    const auto item = std::make_shared<int>(1);
    auto puts = [&]() -> Task<long> {
        long uses = 0;
        try {
            co_await queue.put(item);
        } catch (const CancelledError&) {
            uses = item.use_count();
        }
        co_return uses;
    };
    auto put = create_task(puts());
    co_await turns(1);
    CHECK(item.use_count() == 2);
    put.cancel();
    CHECK_AWAIT(put, 1);
}

ASYNC_TEST_CASE("Queue: a put() or get() is as good as a coroutine") {
    Queue<std::unique_ptr<int>> queue(1);
    auto put = queue.put(std::make_unique<int>(1));
    auto putting = create_task(put);  // taken, as a Task is
    co_await putting;
    auto next = [&queue]() -> Task<std::unique_ptr<int>> { return queue.get(); };
    const std::unique_ptr<int> item = co_await next();
    CHECK(*item == 1);
    std::vector<Task<>> puts;
    puts.push_back(queue.put(nullptr));
    puts.push_back(queue.put(nullptr));
    auto all = gather(std::move(puts));
    co_await turns(2);
    CHECK(queue.get_nowait() == nullptr);
    co_await all;
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(queue.put(nullptr), 0s)), "timed out");
    CHECK(queue.qsize() == 1);
    auto first = co_await when_any(queue.get(), sleep(1h));
    CHECK(first.index == 0);
}
