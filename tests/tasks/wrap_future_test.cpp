#include <ringio/tasks/wrap_future.hpp>

#include <ringio/concurrent/thread_pool_executor.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/gate.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

namespace {

/// Counts its copies.
struct Copies {
    Copies() = default;
    Copies(const Copies& other) : count(other.count + 1) {}
    Copies(Copies&& other) noexcept = default;
    int count = 0;
};

}  // namespace

ASYNC_TEST_CASE("wrap_future: a result from a thread is awaited in a task", "[any_order]") {
    concurrent::Promise<std::string> promise;
    Future<std::string> future = wrap_future(promise.get_future());
    std::thread thread([&] { promise.set_result("from there"); });
    const std::string result = co_await future;
    CHECK(result == "from there");
    thread.join();
}

ASYNC_TEST_CASE("wrap_future: an exception from a thread is thrown in the task") {
    concurrent::Promise<int> promise;
    Future<int> future = wrap_future(promise.get_future());
    std::thread thread([&] { promise.set_exception(std::runtime_error("boom")); });
    CHECK_AWAIT(text_of<std::runtime_error>(future), "boom");
    thread.join();
}

ASYNC_TEST_CASE("wrap_future: what is done already comes in a later turn", "[any_order]") {
    concurrent::Promise<> promise;
    promise.set_result();
    Future<> future = wrap_future(promise.get_future());
    CHECK_FALSE(future.done());
    co_await future;
    CHECK(future.done());
}

ASYNC_TEST_CASE("wrap_future: a source that is cancelled cancels the future") {
    const concurrent::Promise<int> promise;
    Future<int> future = wrap_future(promise.get_future());
    promise.get_future().cancel();
    CHECK_AWAIT(is_cancelled(future), true);
    CHECK(future.cancelled());
}

ASYNC_TEST_CASE("wrap_future: cancelling the future cancels the source") {
    const concurrent::Promise<int> promise;
    Future<int> future = wrap_future(promise.get_future());
    CHECK(future.cancel("enough"));
    CHECK_FALSE(future.cancel());
    CHECK(future.cancelled());
    CHECK(promise.cancelled());
    CHECK_AWAIT(is_cancelled(future), true);
}

ASYNC_TEST_CASE("wrap_future: a source that runs goes on; its result is dropped") {
    concurrent::Promise<int> promise;
    promise.set_running_or_notify_cancel();
    Future<int> future = wrap_future(promise.get_future());
    CHECK(future.cancel());
    CHECK_FALSE(promise.cancelled());
    promise.set_exception(std::runtime_error("too late"));
    const Reported reported;
    co_await turns(2);
    CHECK(future.cancelled());
    CHECK(reported.messages.empty());
}

ASYNC_TEST_CASE("wrap_future: a cancel that comes before the result was taken wins") {
    concurrent::Promise<int> promise;
    Future<int> future = wrap_future(promise.get_future());
    promise.set_result(1);  // posted to the loop, which has not looked yet
    CHECK(future.cancel());
    co_await turns(2);
    CHECK(future.cancelled());
}

ASYNC_TEST_CASE("wrap_future: a value is moved across, not copied", "[any_order]") {
    concurrent::Promise<Copies> promise;
    Future<Copies> future = wrap_future(promise.get_future());
    promise.set_result();
    const Copies copies = co_await std::move(future);
    CHECK(copies.count == 0);
}

ASYNC_TEST_CASE("wrap_future: a value that can only be moved comes over", "[any_order]") {
    concurrent::Promise<std::unique_ptr<int>> promise;
    Future<std::unique_ptr<int>> future = wrap_future(promise.get_future());
    promise.set_result(std::make_unique<int>(3));
    const std::unique_ptr<int> value = co_await std::move(future);
    CHECK(*value == 3);
}

ASYNC_TEST_CASE("wrap_future: one source may be wrapped twice", "[any_order]") {
    concurrent::Promise<int> promise;
    Future<int> one = wrap_future(promise.get_future());
    Future<int> other = wrap_future(promise.get_future());
    promise.set_result(4);
    const int sum = co_await one + co_await other;
    CHECK(sum == 8);
}

ASYNC_TEST_CASE("wrap_future: callbacks are called when nobody holds the future any more") {
    concurrent::Promise<int> promise;
    EventLog log;
    wrap_future(promise.get_future()).add_done_callback([&](const Future<int>& done) {
        log(std::to_string(done.result()));
    });
    promise.set_result(5);
    co_await turns(3);
    CHECK(log.joined() == "5");
}

ASYNC_TEST_CASE("wrap_future: an exception that nobody asks for is reported") {
    const Reported reported;
    concurrent::Promise<int> promise;
    static_cast<void>(wrap_future(promise.get_future()));
    promise.set_exception(std::runtime_error("boom"));
    co_await turns(3);
    CHECK(reported.messages == std::vector<std::string>{"Future exception was never retrieved"});
}

ASYNC_TEST_CASE("wrap_future: a handle that refers to nothing is refused") {
    CHECK_THROWS_AS(wrap_future(concurrent::Future<int>()), std::invalid_argument);
    co_return;
}

TEST_CASE("wrap_future: needs a loop that runs, or is named") {
    concurrent::Promise<int> promise;
    CHECK_THROWS_WITH(wrap_future(promise.get_future()), "no running event loop");
    EventLoop loop;
    Future<int> future = wrap_future(promise.get_future(), loop);
    promise.set_result(1);
    CHECK(loop.run_until_complete(future) == 1);
}

TEST_CASE("wrap_future: a result for a loop that was closed is dropped") {
    const testing::Balance balance;
    concurrent::Promise<std::string> promise;
    {
        EventLoop loop;
        Future<std::string> kept = wrap_future(promise.get_future(), loop);
        static_cast<void>(wrap_future(promise.get_future(), loop));
        loop.close();
        CHECK_FALSE(kept.done());
        CHECK(kept.cancel());
    }
    CHECK(balance.difference() == "");
    CHECK_FALSE(promise.cancelled());
    promise.set_result("too late");
}

TEST_CASE("wrap_future: a loop that closes while threads finish its futures") {
    const testing::Balance balance;
    for (int round = 0; round < 100; ++round) {
        EventLoop loop;
        concurrent::Promise<std::string> promise;
        Future<std::string> future = wrap_future(promise.get_future(), loop);
        std::thread thread([&] { promise.set_result("a value on the heap, long enough"); });
        loop.close();
        thread.join();
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("wrap_future: cancelling and finishing at the same time") {
    EventLoop loop;
    loop.run_until_complete(turns(1));
    const testing::Balance balance;
    for (int round = 0; round < 200; ++round) {
        concurrent::Promise<int> promise;
        Future<int> future = wrap_future(promise.get_future(), loop);
        std::thread thread([&] {
            if (promise.set_running_or_notify_cancel()) {
                promise.set_result(1);
            }
        });
        future.cancel();
        thread.join();
        REQUIRE(future.cancelled());
    }
    loop.run_until_complete(sleep(0s));
    CHECK(balance.difference() == "");
}
