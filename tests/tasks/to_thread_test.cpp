#include <ringio/tasks/to_thread.hpp>

#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/gate.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

namespace {

int add(int a, int b) { return a + b; }

}  // namespace

ASYNC_TEST_CASE("to_thread: gives what the function returns") {
    CHECK_AWAIT(to_thread(add, 1, 2), 3);
    CHECK_AWAIT(to_thread([] { return std::string("text"); }), "text");
}

ASYNC_TEST_CASE("to_thread: runs on another thread") {
    CHECK_AWAIT(to_thread([here = std::this_thread::get_id()] {
                    return std::this_thread::get_id() == here;
                }),
                false);
}

ASYNC_TEST_CASE("to_thread: a function of nothing", "[any_order]") {
    int calls = 0;
    const auto count = [&calls] { ++calls; };
    co_await to_thread(count);
    CHECK(calls == 1);
}

ASYNC_TEST_CASE("to_thread: throws what the function throws") {
    const auto fail = [] { throw std::logic_error("boom"); };
    CHECK_AWAIT(text_of<std::logic_error>(to_thread(fail)), "boom");
}

ASYNC_TEST_CASE("to_thread: nothing happens before it is awaited") {
    int calls = 0;
    const auto count = [&calls] { ++calls; };
    {
        const Task<> never = to_thread(count);
        co_await turns(2);
    }
    CHECK(calls == 0);
}

ASYNC_TEST_CASE(
    "to_thread: the callable and the arguments are copied; they may go before the call") {
    Task<std::string> task;
    {
        std::string suffix = "b";
        const std::string argument = "a";
        auto work = [suffix](const std::string& text) { return text + suffix; };
        task = to_thread(work, argument);
    }
    CHECK_AWAIT(std::move(task), "ab");
}

ASYNC_TEST_CASE(
    "to_thread: a callable that can only be moved goes by_move, arguments by std::move") {
    auto owned = std::make_unique<int>(20);
    auto work = [first = std::make_unique<int>(22)](const std::unique_ptr<int>& second) {
        return *first + *second;
    };
    CHECK_AWAIT(to_thread(by_move(work), std::move(owned)), 42);
}

ASYNC_TEST_CASE("to_thread: std::ref passes a reference", "[any_order]") {
    std::vector<int> numbers;
    const auto fill = [](std::vector<int>& target) { target.assign(3, 7); };
    co_await to_thread(fill, std::ref(numbers));
    CHECK(numbers == std::vector<int>{7, 7, 7});
}

ASYNC_TEST_CASE("to_thread: a result that can only be moved", "[any_order]") {
    const std::unique_ptr<int> value = co_await to_thread([] { return std::make_unique<int>(5); });
    CHECK(*value == 5);
}

ASYNC_TEST_CASE("to_thread: calls in a gather run side by side", "[any_order]") {
    Gate first;
    Gate second;
    const auto meet = [](Gate& mine, Gate& other) {
        mine.open();
        other.pass();
    };
    co_await gather(to_thread(meet, std::ref(first), std::ref(second)),
                    to_thread(meet, std::ref(second), std::ref(first)));
}

ASYNC_TEST_CASE("to_thread: cancelled at once while the function runs on") {
    EventLog log;
    Gate gate;
    Gate end;
    const auto block = [&] {
        gate.pass();
        end.open();
    };
    auto task = create_task(to_thread(block));
    co_await turns(1);
    gate.wait_until_reached();
    task.cancel();
    CHECK_AWAIT(is_cancelled(task), true);
    log("cancelled");
    gate.open();
    end.pass();
    CHECK(log.joined() == "cancelled");
    co_await get_running_loop().shutdown_default_executor();
}

ASYNC_TEST_CASE("to_thread: a call that did not begin never does when it is cancelled") {
    get_running_loop().set_default_executor(std::make_shared<concurrent::ThreadPoolExecutor>(1));
    Gate gate;
    const auto block = [&gate] { gate.pass(); };
    auto first = create_task(to_thread(block));
    co_await turns(1);
    gate.wait_until_reached();
    bool called = false;
    const auto call = [&called] { called = true; };
    auto second = create_task(to_thread(call));
    co_await turns(1);
    second.cancel();
    CHECK_AWAIT(is_cancelled(second), true);
    gate.open();
    co_await first;
    co_await to_thread([] {});
    CHECK_FALSE(called);
}

ASYNC_TEST_CASE("to_thread: with a limit, TimeoutError when it passes", "[any_order]") {
    Gate gate;
    const auto block = [&gate] { gate.pass(); };
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(to_thread(block), 1ms)), "timed out");
    gate.open();
    co_await get_running_loop().shutdown_default_executor();
}

ASYNC_TEST_CASE("to_thread: fifty at a time all come back", "[any_order]") {
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 50; ++i) {
        tasks.push_back(to_thread([i] { return i; }));
    }
    int sum = 0;
    const std::vector<int> results = co_await gather(std::move(tasks));
    for (const int result : results) {
        sum += result;
    }
    CHECK(sum == 49 * 50 / 2);
}

ASYNC_TEST_CASE("to_thread: after shutdown_default_executor it is refused", "[any_order]") {
    co_await get_running_loop().shutdown_default_executor();
    CHECK_AWAIT(text_of<std::runtime_error>(to_thread([] {})), "Executor shutdown has been called");
}

ASYNC_TEST_CASE("to_thread: the call runs in a copy of the task's context") {
    ContextVar<int> variable("variable", 0);
    variable.set(1);
    const auto look = [&variable] {
        const int seen = variable.get();
        variable.set(2);
        return seen;
    };
    CHECK_AWAIT(to_thread(look), 1);
    CHECK(variable.get() == 1);
    CHECK_AWAIT(get_running_loop().run_in_executor(nullptr, look), 0);
    CHECK(variable.get() == 1);
}
