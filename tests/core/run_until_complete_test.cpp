#include <ringio/core/run_until_complete.hpp>

#include <support/catch.hpp>

#include <stdexcept>
#include <string>

using namespace ringio;

namespace {

Task<int> give(int value) { co_return value; }

Task<> fail() {
    throw std::runtime_error("boom");
    co_return;
}

struct Ready {
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    std::string await_resume() const { return "ready"; }
};

}  // namespace

TEST_CASE("run_until_complete: gives the result of a coroutine, a task and a future") {
    EventLoop loop;
    CHECK(loop.run_until_complete(give(1)) == 1);
    CHECK(loop.run_until_complete(loop.create_task(give(2))) == 2);
    TaskHandle<int> task = loop.create_task(give(3));
    CHECK(loop.run_until_complete(task) == 3);
    CHECK(loop.run_until_complete(task) == 3);
    Promise<int> promise = loop.create_future<int>();
    loop.call_soon([&] { promise.set_result(4); });
    CHECK(loop.run_until_complete(promise.get_future()) == 4);
}

TEST_CASE("run_until_complete: takes any awaitable") {
    EventLoop loop;
    CHECK(loop.run_until_complete(Ready()) == "ready");
}

TEST_CASE("run_until_complete: throws what the coroutine throws, and the loop goes on") {
    EventLoop loop;
    CHECK_THROWS_WITH(loop.run_until_complete(fail()), "boom");
    CHECK(loop.run_until_complete(give(5)) == 5);
}

TEST_CASE("run_until_complete: says when the loop was stopped before") {
    EventLoop loop;
    Promise<> never = loop.create_future<void>();
    loop.call_soon([&] { loop.stop(); });
    CHECK_THROWS_WITH(loop.run_until_complete(never.get_future()),
                      "Event loop stopped before Future completed.");
}

TEST_CASE("run_until_complete: refuses a future of another loop, and a handle of nothing") {
    EventLoop loop;
    EventLoop other;
    Promise<int> promise = other.create_future<int>();
    CHECK_THROWS_AS(loop.run_until_complete(promise.get_future()), std::invalid_argument);
    CHECK_THROWS_AS(loop.run_until_complete(Future<int>()), std::invalid_argument);
}
