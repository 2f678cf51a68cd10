#include <ringio/core/task.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

namespace {

static_assert(!std::is_copy_constructible_v<Task<int>>);
static_assert(std::is_nothrow_move_constructible_v<Task<int>>);
static_assert(std::is_same_v<AwaitResult<Task<int>>, int>);
static_assert(std::is_same_v<AwaitResult<Task<int>&>, int>);
static_assert(std::is_same_v<AwaitResult<Task<>>, void>);
static_assert(std::is_base_of_v<Future<int>, TaskHandle<int>>);

struct NoDefault {
    explicit NoDefault(int n) : number(n) {}
    int number;
};

Task<int> number(int value) { co_return value; }
Task<NoDefault> no_default() { co_return NoDefault(3); }
Task<std::unique_ptr<int>> owned(int value) { co_return std::make_unique<int>(value); }
Task<int> fails(const char* text) {
    throw std::runtime_error(text);
    co_return 0;
}
Task<> holds(std::shared_ptr<int> argument) {
    co_await sleep(1h);
    static_cast<void>(argument);
}
Task<std::string> log_start(EventLog& log) {
    log("started");
    co_await sleep(1s);
    co_return "result";
}

}  // namespace

ASYNC_TEST_CASE("task: nothing runs until it is awaited, and then it runs at once") {
    EventLog log;
    Task<std::string> task = log_start(log);
    CHECK(log.joined().empty());
    co_await sleep(1s);
    CHECK(log.joined().empty());
    const std::string result = co_await task;
    CHECK(result == "result");
    CHECK(log.joined() == "started");
}

ASYNC_TEST_CASE("task: create_task starts it in the next turn") {
    EventLog log;
    TaskHandle<std::string> task = create_task(log_start(log));
    CHECK(log.joined().empty());
    co_await sleep(0s);
    CHECK(log.joined() == "started");
    CHECK_FALSE(task.done());
    const std::string result = co_await task;
    CHECK(result == "result");
    CHECK(task.done());
}

ASYNC_TEST_CASE("task: gives values of any type") {
    const int a = co_await number(5);
    CHECK(a == 5);
    const NoDefault b = co_await no_default();
    CHECK(b.number == 3);
    const std::unique_ptr<int> c = co_await owned(7);
    CHECK(*c == 7);
    const std::unique_ptr<int> d = co_await create_task(owned(8));
    CHECK(*d == 8);
}

ASYNC_TEST_CASE("task: its exception goes to the one who awaits, with its type and text") {
    std::string text;
    try {
        co_await fails("inner");
    } catch (const std::runtime_error& error) {
        text = error.what();
    }
    CHECK(text == "inner");
    TaskHandle<int> task = create_task(fails("as a task"));
    try {
        co_await task;
    } catch (const std::runtime_error& error) {
        text = error.what();
    }
    CHECK(text == "as a task");
    CHECK(task.exception() != nullptr);
}

ASYNC_TEST_CASE("task: awaiting one twice is an error") {
    Task<int> task = number(1);
    const int first = co_await task;
    CHECK(first == 1);
    std::string again, moved, spawned;
    try {
        co_await task;
    } catch (const std::runtime_error& error) {
        again = error.what();
    }
    try {
        co_await std::move(task);
    } catch (const std::runtime_error& error) {
        moved = error.what();
    }
    try {
        create_task(std::move(task));
    } catch (const std::runtime_error& error) {
        spawned = error.what();
    }
    CHECK(again == "cannot reuse already awaited coroutine");
    CHECK(moved == again);
    CHECK(spawned == again);
}

ASYNC_TEST_CASE("task: one that was moved from, or given away, holds no coroutine") {
    const std::string none = "this Task holds no coroutine: it was moved from or given away";
    Task<int> task = number(1);
    Task<int> taken = std::move(task);
    std::string text;
    try {
        co_await task;
    } catch (const std::runtime_error& error) {
        text = error.what();
    }
    CHECK(text == none);
    const int value = co_await taken;
    CHECK(value == 1);
    CHECK(thrown<std::runtime_error>([] { create_task(Task<int>()); }) == none);
    CHECK(all_tasks().size() == 1);
}

ASYNC_TEST_CASE("task: assignment destroys what was there") {
    auto held = std::make_shared<int>(1);
    Task<> task = holds(held);
    CHECK(held.use_count() == 2);
    task = holds(nullptr);
    CHECK(held.use_count() == 1);
    task = Task<>();
    co_return;
}

TEST_CASE("task: one that never ran destroys its arguments") {
    const testing::Balance balance;
    auto held = std::make_shared<int>(1);
    {
        const Task<> task = holds(held);
        CHECK(held.use_count() == 2);
    }
    CHECK(held.use_count() == 1);
    CHECK(balance.difference() == "");
}

TEST_CASE("task: a closed loop refuses it and destroys it") {
    const testing::Balance balance;
    {
        auto held = std::make_shared<int>(1);
        EventLoop loop;
        loop.close();
        CHECK_THROWS_AS(loop.create_task(holds(held)), std::runtime_error);
        CHECK(held.use_count() == 1);
    }
    CHECK(balance.difference() == "");
}

ASYNC_TEST_CASE("task: dropping the handle detaches it, the loop owns it") {
    EventLog log;
    static_cast<void>(create_task(log_start(log)));
    co_await sleep(2s);
    CHECK(log.joined() == "started");
    CHECK(all_tasks().size() == 1);
}

ASYNC_TEST_CASE("task: cannot await itself") {
    TaskHandle<> self;
    std::string text;
    auto awaits_itself = [&]() -> Task<> {
        try {
            co_await self;
        } catch (const std::runtime_error& error) {
            text = error.what();
        }
    };
    self = create_task(awaits_itself());
    co_await self;
    CHECK(text.find("Task cannot await on itself: <Task pending name='Task-") == 0);
}

TEST_CASE("task: cannot await a future of another loop") {
    EventLoop loop;
    EventLoop other;
    Promise<> promise = other.create_future();
    auto waits = [&]() -> Task<> { co_await promise.get_future(); };
    const std::string text = thrown<std::runtime_error>([&] { loop.run_until_complete(waits()); });
    CHECK(text.find("got Future <Future pending> attached to a different loop") !=
          std::string::npos);
    CHECK(text.find("Task <Task pending name='Task-") == 0);
}

ASYNC_TEST_CASE("task: a result whose move throws is the task's exception") {
    struct Fragile {
        explicit Fragile(int moves) : moves_left(moves) {}
        Fragile(Fragile&& other) : moves_left(other.moves_left - 1) {
            if (moves_left < 0) {
                throw std::runtime_error("too fragile");
            }
        }
        int moves_left;
    };
    auto makes = []() -> Task<Fragile> { co_return Fragile(1); };
    TaskHandle<Fragile> task = create_task(makes());
    co_await settled(task);
    CHECK(thrown<std::runtime_error>([&] { static_cast<void>(task.result()); }) == "too fragile");
}

ASYNC_TEST_CASE("task: a task is a future: callbacks take its handle") {
    EventLog log;
    TaskHandle<int> task = create_task(number(5), {.name = "five"});
    task.add_done_callback([&](const TaskHandle<int>& done) {
        log(done.get_name() + "=" + std::to_string(done.result()));
    });
    Future<int> future = task;
    future.add_done_callback([&](const Future<int>& done) { log(std::to_string(done.result())); });
    co_await task;
    co_await sleep(0s);
    CHECK(log.joined() == "five=5 5");
}

ASYNC_TEST_CASE("task: a thousand tasks end in the order in which they began") {
    std::vector<int> order;
    auto appends = [&](int index) -> Task<> {
        co_await sleep(0s);
        order.push_back(index);
    };
    TaskHandle<> last;
    for (int i = 0; i < 1'000; ++i) {
        last = create_task(appends(i));
    }
    co_await last;
    CHECK(order.size() == 1'000);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

ASYNC_TEST_CASE("task: locals are destroyed before the one who awaits goes on") {
    EventLog log;
    auto body = [&]() -> Task<> {
        const ScopeExit leave([&] { log("inner left"); });
        co_await sleep(1s);
        throw std::runtime_error("x");
    };
    try {
        co_await body();
    } catch (const std::runtime_error&) {
        log("caught");
    }
    CHECK(log.joined(", ") == "inner left, caught");
}
