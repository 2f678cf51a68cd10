#include <ringio/sync/queue.hpp>

#include "sync_scenario.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// An item that throws once when it is moved, the one with the number `refused`.
struct Fragile {
    explicit Fragile(int id) : number(id) {}
    Fragile(Fragile&& other) : number(movable(other.number)) {}
    Fragile& operator=(Fragile&& other) {
        number = movable(other.number);
        return *this;
    }
    ~Fragile() = default;

    static int movable(int number) {
        if (number == refused) {
            refused = 0;
            throw std::runtime_error("cannot be moved");
        }
        return number;
    }
    static inline int refused = 0;
    int number;
};

/// Refuses negative numbers.
struct Naturals {
    bool operator()(int a, int b) const {
        if (a < 0 || b < 0) {
            throw std::runtime_error("cannot be compared");
        }
        return a < b;
    }
};

}  // namespace

ASYNC_TEST_CASE("Queue: each kind has its order", "[any_order]") {
    Queue<int> fifo;
    PriorityQueue<int> smallest;
    PriorityQueue<int, std::greater<int>> largest;
    LifoQueue<int> lifo;
    for (const int item : {1, 3, 2}) {
        co_await fifo.put(item);
        smallest.put_nowait(item);
        largest.put_nowait(item);
        lifo.put_nowait(item);
    }
    for (const int item : {1, 3, 2}) {
        CHECK_AWAIT(fifo.get(), item);
    }
    for (const int item : {1, 2, 3}) {
        CHECK(smallest.get_nowait() == item);
        CHECK(largest.get_nowait() == 4 - item);
    }
    for (const int item : {2, 3, 1}) {
        CHECK_AWAIT(lifo.get(), item);
    }
}

ASYNC_TEST_CASE("Queue: knows its size, and refuses what cannot be done at once") {
    Queue<int> queue(2);
    CHECK(queue.maxsize() == 2);
    CHECK(queue.empty());
    CHECK_THROWS_AS(queue.get_nowait(), QueueEmpty);
    queue.put_nowait(1);
    CHECK_FALSE(queue.full());
    queue.put_nowait(2);
    CHECK(queue.full());
    CHECK(queue.qsize() == 2);
    CHECK_THROWS_AS(queue.put_nowait(3), QueueFull);
    CHECK(fmt::format("{}", queue) == "<Queue maxsize=2 _queue=[1, 2] tasks=2>");
    Queue<int> boundless(-1);
    boundless.put_nowait(1);
    CHECK_FALSE(boundless.full());
    co_return;
}

ASYNC_TEST_CASE("Queue: its errors say what is wrong") {
    Queue<int> queue(1);
    CHECK_THROWS_WITH(queue.get_nowait(), "the queue is empty");
    queue.put_nowait(1);
    CHECK_THROWS_WITH(queue.put_nowait(2), "the queue is full");
    queue.shutdown(true);
    CHECK_THROWS_WITH(queue.put_nowait(2), "the queue was shut down");
    CHECK_THROWS_WITH(queue.get_nowait(), "the queue was shut down");
    co_return;
}

ASYNC_TEST_CASE("Queue: get() waits for an item, put() for room; move-only items pass") {
    Queue<std::unique_ptr<int>> queue(1);
    auto consumer = [&queue]() -> Task<int> {
        int sum = 0;
        for (int turn = 0; turn < 3; ++turn) {
            auto item = co_await queue.get();
            sum += *item;
        }
        co_return sum;
    };
    auto sum = create_task(consumer());
    co_await turns(1);
    CHECK_THAT(queue.repr(), Catch::Matchers::Contains("_getters[1]"));
    for (int item = 1; item <= 3; ++item) {
        auto owned = std::make_unique<int>(item);
        co_await queue.put(std::move(owned));
    }
    CHECK_AWAIT(sum, 6);
}

ASYNC_TEST_CASE("Queue: nobody waits any longer after everything was taken") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto a = create_task(queue.put(2));
    auto b = create_task(queue.put(3));
    co_await turns(1);
    CHECK_THAT(queue.repr(), Catch::Matchers::Contains("_putters[2]"));
    CHECK(queue.get_nowait() == 1);
    CHECK_THAT(queue.repr(), Catch::Matchers::Contains("_putters[1]"));  // the other one is woken
    co_await turns(1);
    CHECK(queue.get_nowait() == 2);
    co_await turns(1);
    CHECK(queue.get_nowait() == 3);
    CHECK(queue.repr() == "<Queue maxsize=1 tasks=3>");
    co_await gather(a, b);
}

ASYNC_TEST_CASE("Queue: a cancelled get() leaves the item to the next") {
    Queue<int> queue;
    auto a = create_task(queue.get());
    auto b = create_task(queue.get());
    auto c = create_task(queue.get());
    co_await turns(1);
    queue.put_nowait(7);
    a.cancel();
    b.cancel();
    CHECK_AWAIT(c, 7);
    CHECK(a.cancelled());
    CHECK(b.cancelled());
    CHECK(queue.repr() == "<Queue maxsize=0 tasks=1>");
}

ASYNC_TEST_CASE("Queue: an item whose get() times out is not lost") {
    Queue<int> queue;
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(queue.get(), 100ms)), "timed out");
    queue.put_nowait(1);
    CHECK_AWAIT(queue.get(), 1);
    auto get = create_task(queue.get());
    co_await turns(1);
    queue.put_nowait(2);
    get.cancel();
    CHECK_AWAIT(is_cancelled(get), true);
    CHECK(queue.get_nowait() == 2);
}

ASYNC_TEST_CASE("Queue: a cancelled put() leaves the room to the next, and its item is dropped") {
    Queue<std::shared_ptr<int>> queue(1);
    queue.put_nowait(nullptr);
    auto item = std::make_shared<int>(1);
    auto a = create_task(queue.put(item));
    auto b = create_task(queue.put(std::make_shared<int>(2)));
    co_await turns(1);
    CHECK(queue.get_nowait() == nullptr);
    a.cancel();
    co_await b;
    CHECK(a.cancelled());
    CHECK(item.use_count() == 1);
    CHECK(*queue.get_nowait() == 2);
}

ASYNC_TEST_CASE("Queue: a put() whose item cannot be moved leaves the room to the next") {
    Queue<Fragile> queue(1);
    queue.put_nowait(Fragile(1));
    auto refused = queue.put(Fragile(2));
    auto a = create_task(std::move(refused));
    auto b = create_task(queue.put(Fragile(3)));
    Fragile::refused = 2;
    co_await turns(1);
    CHECK(queue.get_nowait().number == 1);
    CHECK_AWAIT(text_of<std::runtime_error>(a), "cannot be moved");
    co_await b;
    CHECK(queue.get_nowait().number == 3);
    CHECK(queue.empty());
}

ASYNC_TEST_CASE("Queue: a get() that cannot move the item leaves it to the next") {
    Queue<Fragile> queue;
    auto a = create_task(queue.get());
    auto b = create_task(queue.get());
    co_await turns(1);
    queue.put_nowait(Fragile(1));
    Fragile::refused = 1;
    CHECK_AWAIT(text_of<std::runtime_error>(a), "cannot be moved");
    const Fragile item = co_await std::move(b);
    CHECK(item.number == 1);
    CHECK(queue.empty());
}

ASYNC_TEST_CASE("Queue: a put() whose item cannot be compared leaves the queue as it was") {
    PriorityQueue<int, Naturals> queue(2);
    queue.put_nowait(5);
    queue.put_nowait(3);
    auto a = create_task(queue.put(-1));
    auto b = create_task(queue.put(4));
    co_await turns(1);
    CHECK(queue.get_nowait() == 3);
    CHECK_AWAIT(text_of<std::runtime_error>(a), "cannot be compared");
    co_await b;
    CHECK(queue.qsize() == 2);
    CHECK(queue.get_nowait() == 4);
    CHECK(queue.get_nowait() == 5);
    CHECK_THROWS_AS(queue.get_nowait(), QueueEmpty);
}

ASYNC_TEST_CASE("Queue: a get() that cannot compare the items leaves them to the next") {
    bool broken = false;
    auto compare = [&broken](int a, int b) {
        if (std::exchange(broken, false)) {
            throw std::runtime_error("cannot be compared");
        }
        return a < b;
    };
    PriorityQueue<int, decltype(compare)> queue(0, compare);
    auto a = create_task(queue.get());
    auto b = create_task(queue.get());
    co_await turns(1);
    for (const int item : {4, 3, 2, 1}) {
        queue.put_nowait(item);
    }
    broken = true;
    CHECK_AWAIT(text_of<std::runtime_error>(a), "cannot be compared");
    CHECK_AWAIT(b, 1);
    CHECK(queue.repr().find("_queue=[2, ") != std::string::npos);
    for (const int item : {2, 3, 4}) {
        CHECK(queue.get_nowait() == item);
    }
}

ASYNC_TEST_CASE("PriorityQueue: equal items leave in the order in which they came") {
    using Numbered = std::pair<int, int>;
    auto by_first = [](const Numbered& a, const Numbered& b) { return a.first < b.first; };
    PriorityQueue<Numbered, decltype(by_first)> queue(0, by_first);
    std::vector<Numbered> expected;
    for (int number = 0; number < 60; ++number) {
        expected.emplace_back(number * 7 % 4, number);
        queue.put_nowait(expected.back());
    }
    std::ranges::stable_sort(expected, {}, &Numbered::first);
    std::vector<Numbered> got;
    while (got.size() < 30) {
        got.push_back(queue.get_nowait());
    }
    expected.emplace_back(3, 60);
    queue.put_nowait(expected.back());
    while (!queue.empty()) {
        got.push_back(queue.get_nowait());
    }
    CHECK(got == expected);
    co_return;
}

ASYNC_TEST_CASE("Queue: many items, in the order of their priority") {
    PriorityQueue<std::string> queue;
    std::vector<std::string> items;
    for (unsigned number = 1; number < 200; ++number) {
        items.push_back(std::to_string(number * 7919 % 101));
        queue.put_nowait(items.back());
    }
    std::ranges::sort(items);
    std::vector<std::string> got;
    while (!queue.empty()) {
        got.push_back(queue.get_nowait());
    }
    CHECK(got == items);
    co_return;
}

ASYNC_TEST_CASE("Queue: a newcomer may take the item, and the one who was woken waits on") {
    Queue<int> queue;
    auto get = create_task(queue.get());
    co_await turns(1);
    queue.put_nowait(1);
    CHECK(queue.get_nowait() == 1);
    co_await turns(2);
    CHECK_FALSE(get.done());
    queue.put_nowait(2);
    CHECK_AWAIT(get, 2);
}

ASYNC_TEST_CASE("Queue: join() waits until all work is done", "[any_order]") {
    Queue<int> queue;
    co_await queue.join();
    CHECK_THROWS_WITH(queue.task_done(), "task_done() called too many times");
    int sum = 0;
    auto work = [&]() -> Task<> {
        for (;;) {
            const int item = co_await queue.get();
            co_await sleep(1s);
            sum += item;
            queue.task_done();
        }
    };
    auto a = create_task(work());
    auto b = create_task(work());
    for (int item = 0; item < 100; ++item) {
        queue.put_nowait(item);
    }
    co_await queue.join();
    CHECK(sum == 99 * 100 / 2);
    CHECK_THROWS_AS(queue.task_done(), std::invalid_argument);
    a.cancel();
    b.cancel();
    CHECK_AWAIT(is_cancelled(a), true);
    CHECK_AWAIT(is_cancelled(b), true);
}

ASYNC_TEST_CASE("Queue: shutdown() wakes all who wait") {
    Queue<int> queue(1);
    auto a = create_task(queue.get());
    auto b = create_task(queue.get());
    co_await turns(1);
    queue.shutdown();
    CHECK_AWAIT(text_of<QueueShutDown>(a), "the queue was shut down");
    CHECK_AWAIT(text_of<QueueShutDown>(b), "the queue was shut down");
    CHECK_AWAIT(text_of<QueueShutDown>(queue.put(1)), "the queue was shut down");
    CHECK_THROWS_AS(queue.put_nowait(1), QueueShutDown);
    CHECK_THROWS_AS(queue.get_nowait(), QueueShutDown);
    CHECK(queue.repr() == "<Queue maxsize=1 shutdown>");
    co_await queue.join();
}

ASYNC_TEST_CASE("Queue: shutdown() leaves what is there to be got") {
    Queue<std::string> queue(1);
    queue.put_nowait("last");
    auto put = create_task(queue.put("never"));
    auto join = create_task(queue.join());
    co_await turns(1);
    queue.shutdown();
    CHECK_AWAIT(text_of<QueueShutDown>(put), "the queue was shut down");
    CHECK_FALSE(join.done());
    CHECK_AWAIT(queue.get(), "last");
    CHECK_AWAIT(text_of<QueueShutDown>(queue.get()), "the queue was shut down");
    queue.task_done();
    co_await join;
}

ASYNC_TEST_CASE("Queue: shutdown(true) drops what is there, and counts it as done") {
    LifoQueue<int> queue;
    for (int item = 0; item < 3; ++item) {
        queue.put_nowait(item);
    }
    auto join = create_task(queue.join());
    CHECK_AWAIT(queue.get(), 2);
    queue.shutdown(true);
    CHECK(queue.empty());
    CHECK_THROWS_AS(queue.get_nowait(), QueueShutDown);
    co_await turns(2);
    CHECK_FALSE(join.done());
    queue.task_done();
    co_await join;
}

ASYNC_TEST_CASE("Queue: a wait may be cancelled after the queue is gone") {
    auto queue = std::make_unique<Queue<int>>(1);
    auto a = create_task(queue->get());
    auto b = create_task(queue->get());
    co_await turns(1);
    queue->put_nowait(1);
    auto join = create_task(queue->join());
    auto put = create_task(queue->put(2));
    join.cancel();
    put.cancel();
    a.cancel();
    b.cancel();
    queue.reset();
    CHECK_AWAIT(is_cancelled(a), true);
    CHECK_AWAIT(is_cancelled(b), true);
    CHECK_AWAIT(is_cancelled(join), true);
    CHECK_AWAIT(is_cancelled(put), true);
}

TEST_CASE("Queue: belongs to the loop in which somebody first waited for it") {
    Queue<int> queue;
    auto wait = [&queue]() -> Task<> {
        auto get = create_task(queue.get());
        co_await turns(1);
        queue.put_nowait(1);
        co_await get;
    };
    testing::run_virtual(wait());
    auto again = [&queue]() -> Task<> { static_cast<void>(co_await queue.get()); };
    CHECK(error_in_another_loop(again) == "Queue is bound to a different event loop");
}

// Cases of CPython's test_queues, by name.

ASYNC_TEST_CASE("Queue: a getter cancelled before there is an item (test_get_cancelled_race)") {
    Queue<std::string> queue;
    auto a = create_task(queue.get());
    auto b = create_task(queue.get());
    co_await turns(1);
    a.cancel();
    co_await turns(1);
    CHECK(a.done());
    co_await queue.put("item");
    CHECK_AWAIT(b, "item");
}

ASYNC_TEST_CASE("Queue: putters that have not run yet (test_get_with_waiting_putters)") {
    Queue<std::string> queue(1);
    auto a = create_task(queue.put("a"));
    auto b = create_task(queue.put("b"));
    CHECK_AWAIT(queue.get(), "a");
    CHECK_AWAIT(queue.get(), "b");
    co_await gather(a, b);
}

ASYNC_TEST_CASE("Queue: as many gets as puts all end (test_why_are_getters_waiting)",
                "[any_order]") {
    Queue<int> queue(1);
    auto consumer = [&queue]() -> Task<> {
        for (int item = 0; item < 5; ++item) {
            CHECK_AWAIT(queue.get(), item);
        }
    };
    auto producer = [&queue]() -> Task<> {
        for (int item = 0; item < 5; ++item) {
            co_await queue.put(item);
        }
    };
    co_await gather(producer(), consumer());
}

ASYNC_TEST_CASE(
    "Queue: putters wait no longer than there is no room (test_why_are_putters_waiting)") {
    Queue<int> queue(2);
    auto getter = [&queue]() -> Task<> {
        co_await turns(1);
        while (!queue.empty()) {
            static_cast<void>(queue.get_nowait());
        }
    };
    co_await gather(getter(), queue.put(0), queue.put(1), queue.put(2), queue.put(3));
    CHECK(queue.full());
}

ASYNC_TEST_CASE(
    "Queue: those who are cancelled are forgotten (test_cancelled_getters_not_being_held_in_"
    "self_getters, test_cancelled_puts_not_being_held_in_self_putters)") {
    Queue<int> queue(1);
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(queue.get(), 100ms)), "timed out");
    CHECK(queue.repr() == "<Queue maxsize=1>");
    queue.put_nowait(1);
    auto put = create_task(queue.put(2));
    co_await turns(1);
    put.cancel();
    CHECK_AWAIT(is_cancelled(put), true);
    CHECK(queue.repr() == "<Queue maxsize=1 _queue=[1] tasks=1>");
}

ASYNC_TEST_CASE(
    "Queue: many readers, one cancelled with two items there "
    "(test_get_cancel_drop_many_pending_readers)") {
    Queue<int> queue;
    auto a = create_task(queue.get());
    auto b = create_task(queue.get());
    auto c = create_task(queue.get());
    co_await turns(1);
    queue.put_nowait(1);
    queue.put_nowait(2);
    a.cancel();
    CHECK_AWAIT(is_cancelled(a), true);
    CHECK_AWAIT(gather(b, c), std::tuple(1, 2));
}

ASYNC_TEST_CASE("Queue: a put() that is cancelled can be made again (test_put_cancel_drop)") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto put = create_task(queue.put(2));
    co_await turns(1);
    CHECK(queue.get_nowait() == 1);
    put.cancel();
    CHECK_AWAIT(is_cancelled(put), true);
    co_await queue.put(2);
    CHECK(queue.get_nowait() == 2);
    CHECK(queue.empty());
}

ASYNC_TEST_CASE("Queue: the last of three putters is cancelled (test_put_cancelled_race)") {
    Queue<std::string> queue(1);
    auto a = create_task(queue.put("a"));
    auto b = create_task(queue.put("b"));
    auto c = create_task(queue.put("X"));
    co_await turns(1);
    CHECK(a.done());
    CHECK_FALSE(b.done());
    c.cancel();
    co_await turns(1);
    CHECK(c.done());
    CHECK(queue.get_nowait() == "a");
    co_await turns(1);
    CHECK(queue.get_nowait() == "b");
    co_await b;
}

ASYNC_TEST_CASE(
    "Queue: a put() wakes who waits (test_put_with_waiting_getters, test_put_cancelled)") {
    Queue<std::string> queue;
    auto get = create_task(queue.get());
    co_await turns(1);
    co_await queue.put("a");
    CHECK_AWAIT(get, "a");
    auto put = create_task(queue.put("b"));
    CHECK_AWAIT(queue.get(), "b");
    CHECK(put.done());
}

ASYNC_TEST_CASE(
    "Queue: shutdown(true) with work outstanding (test_shutdown_immediate_with_unfinished)",
    "[any_order]") {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.put_nowait(2);
    CHECK(queue.get_nowait() == 1);
    auto join = create_task(queue.join());
    queue.shutdown(true);
    CHECK_AWAIT(text_of<QueueShutDown>(queue.get()), "the queue was shut down");
    CHECK_FALSE(join.done());
    queue.task_done();
    co_await join;
    CHECK_THROWS_AS(queue.task_done(), std::invalid_argument);
}
