#include <ringio/core/future.hpp>

#include <chrono>
#include <functional>
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

/// Counts how it travels.
struct Traveller {
    int copies = 0;
    int moves = 0;

    Traveller() = default;
    Traveller(const Traveller& other) : copies(other.copies + 1), moves(other.moves) {}
    Traveller(Traveller&& other) noexcept : copies(other.copies), moves(other.moves + 1) {}
};

Task<> log_result(Future<int> future, EventLog& log, std::string name) {
    const int value = co_await future;
    log(name + std::to_string(value));
}

}  // namespace

ASYNC_TEST_CASE("future: pending, then finished, with its result") {
    Promise<int> promise = get_running_loop().create_future<int>();
    Future<int> future = promise.get_future();
    CHECK_FALSE(future.done());
    CHECK(thrown<InvalidStateError>([&] { static_cast<void>(future.result()); }) ==
          "Result is not set.");
    CHECK(thrown<InvalidStateError>([&] { static_cast<void>(future.exception()); }) ==
          "Exception is not set.");
    promise.set_result(5);
    CHECK(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK(future.result() == 5);
    CHECK(future.exception() == nullptr);
    CHECK_FALSE(future.cancel());
    CHECK_FALSE(future.cancelled());
    co_return;
}

ASYNC_TEST_CASE("future: an exception is the result, as often as it is asked for") {
    Promise<int> promise = get_running_loop().create_future<int>();
    Future<int> future = promise.get_future();
    promise.set_exception(std::out_of_range("boom"));
    for (int i = 0; i < 2; ++i) {
        CHECK(thrown<std::out_of_range>([&] { static_cast<void>(future.result()); }) == "boom");
        CHECK(future.exception() != nullptr);
    }
    std::string text;
    try {
        co_await future;
    } catch (const std::out_of_range& error) {
        text = error.what();
    }
    CHECK(text == "boom");
}

ASYNC_TEST_CASE("future: cancelled at once, with the message") {
    Promise<> promise = get_running_loop().create_future();
    Future<> future = promise.get_future();
    CHECK(future.cancel("no longer needed"));
    CHECK(future.done());
    CHECK(future.cancelled());
    CHECK_FALSE(future.cancel());
    CHECK(thrown<CancelledError>([&] { future.result(); }) == "cancelled: no longer needed");
    CHECK(thrown<CancelledError>([&] { static_cast<void>(future.exception()); }) ==
          "cancelled: no longer needed");
    std::string text;
    try {
        co_await future;
    } catch (const CancelledError& error) {
        text = error.message();
    }
    CHECK(text == "no longer needed");
}

ASYNC_TEST_CASE("future: done callbacks are scheduled in order, never run inline") {
    EventLog log;
    Promise<int> promise = get_running_loop().create_future<int>();
    Future<int> future = promise.get_future();
    future.add_done_callback([&](Future<int> done) { log(std::to_string(done.result())); });
    future.add_done_callback([&] { log("second"); });
    promise.set_result(1);
    future.add_done_callback([&] { log("late"); });
    CHECK(log.joined().empty());
    co_await sleep(0s);
    CHECK(log.joined() == "1 second late");
}

ASYNC_TEST_CASE("future: a cancelled one calls its callbacks too") {
    EventLog log;
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.get_future().add_done_callback(
        [&](const Future<int>& done) { log(done.cancelled() ? "cancelled" : "?"); });
    promise.get_future().cancel();
    CHECK(log.joined().empty());
    co_await sleep(0s);
    CHECK(log.joined() == "cancelled");
}

ASYNC_TEST_CASE("future: a callback is taken back by its id, and its captures with it") {
    EventLog log;
    auto held = std::make_shared<int>(1);
    Promise<> promise = get_running_loop().create_future();
    Future<> future = promise.get_future();
    const std::uint64_t first = future.add_done_callback([&log, held] { log("first"); });
    const std::uint64_t second = future.add_done_callback([&] { log("second"); });
    CHECK(first != second);
    CHECK(future.remove_done_callback(first) == 1);
    CHECK(future.remove_done_callback(first) == 0);
    CHECK(future.remove_done_callback(0) == 0);
    CHECK(held.use_count() == 1);
    promise.set_result();
    CHECK(future.remove_done_callback(second) == 0);  // scheduled by now
    co_await sleep(0s);
    CHECK(log.joined() == "second");
}

ASYNC_TEST_CASE("future: a null callback is refused") {
    Future<> future = get_running_loop().create_future().get_future();
    CHECK_THROWS_AS(future.add_done_callback(std::function<void()>()), std::invalid_argument);
    CHECK_THROWS_AS(future.add_done_callback(static_cast<void (*)()>(nullptr)),
                    std::invalid_argument);
    co_return;
}

ASYNC_TEST_CASE("future: what a callback throws is reported, the others run") {
    EventLog log;
    Reports reports(get_running_loop());
    Promise<int> promise = get_running_loop().create_future<int>();
    promise.get_future().add_done_callback([] { throw std::runtime_error("boom"); });
    promise.get_future().add_done_callback([&] { log("second"); });
    promise.set_result(3);
    co_await sleep(0s);
    CHECK(log.joined() == "second");
    const std::string report = reports.only();
    CHECK(report.find("Exception in callback ") == 0);
    CHECK(report.find(" | future: <Future finished result=3>") != std::string::npos);
}

ASYNC_TEST_CASE("future: several waiters wake in the order in which they came") {
    EventLog log;
    Promise<int> promise = get_running_loop().create_future<int>();
    TaskHandle<> last;
    for (const char* name : {"a", "b", "c"}) {
        last = create_task(log_result(promise.get_future(), log, name));
    }
    co_await sleep(0s);
    promise.set_result(1);
    co_await last;
    CHECK(log.joined() == "a1 b1 c1");
}

ASYNC_TEST_CASE("future: an lvalue lends its value, as often as it is awaited") {
    Promise<Traveller> promise = get_running_loop().create_future<Traveller>();
    promise.set_result();
    Future<Traveller> future = promise.get_future();
    static_assert(std::is_same_v<AwaitResult<Future<Traveller>&>, const Traveller&>);
    static_assert(std::is_same_v<AwaitResult<Future<Traveller>>, Traveller>);
    static_assert(std::is_same_v<AwaitResult<Future<>&>, void>);
    const Traveller& first = co_await future;
    const Traveller& second = co_await future;
    CHECK(&first == &second);
    CHECK(first.copies + first.moves == 0);
}

ASYNC_TEST_CASE("future: an rvalue gives its value away when it is the last handle") {
    Promise<Traveller> promise = get_running_loop().create_future<Traveller>();
    promise.set_result();
    Future<Traveller> future = promise.get_future();
    promise = Promise<Traveller>();
    const Traveller value = co_await std::move(future);
    CHECK(value.copies == 0);
    CHECK(value.moves >= 1);
    CHECK_FALSE(future.valid());
}

ASYNC_TEST_CASE("future: an rvalue that is shared copies the value") {
    Promise<Traveller> promise = get_running_loop().create_future<Traveller>();
    promise.set_result();
    Future<Traveller> kept = promise.get_future();
    const Traveller value = co_await promise.get_future();
    CHECK(value.copies == 1);
    CHECK(kept.result().copies + kept.result().moves == 0);
}

ASYNC_TEST_CASE("future: a value that cannot be copied is moved, shared or not") {
    Promise<std::unique_ptr<int>> promise =
        get_running_loop().create_future<std::unique_ptr<int>>();
    Future<std::unique_ptr<int>> kept = promise.get_future();
    promise.set_result(std::make_unique<int>(7));
    std::unique_ptr<int> value = co_await promise.get_future();
    CHECK(*value == 7);
    CHECK(kept.result() == nullptr);
}

ASYNC_TEST_CASE("future: a handle of nothing is refused, and equal to its like") {
    Future<int> none;
    CHECK_FALSE(none.valid());
    CHECK_THROWS_AS(none.done(), std::invalid_argument);
    CHECK_THROWS_AS(none.cancel(), std::invalid_argument);
    CHECK_THROWS_AS(none.result(), std::invalid_argument);
    bool refused = false;
    try {
        co_await none;
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    CHECK(refused);
    const Future<int> one = get_running_loop().create_future<int>().get_future();
    const Future<int> same = one;
    CHECK(one == same);
    CHECK_FALSE(one == none);
    CHECK(none == Future<int>());
}

ASYNC_TEST_CASE("future: AnyFuture waits for any of them, and gives nothing") {
    Promise<int> promise = get_running_loop().create_future<int>();
    AnyFuture any = promise.get_future();
    promise.set_result(5);
    co_await any;
    CHECK(any.done());
    static_assert(std::is_same_v<AwaitResult<AnyFuture&>, void>);
    CHECK(&any.get_loop() == &get_running_loop());
}

TEST_CASE("future: outlives its loop, with its result or without") {
    const testing::Balance balance;
    {
        Future<int> finished, pending;
        Promise<int> promise;
        auto held = std::make_shared<int>(1);
        {
            EventLoop loop;
            Promise<int> other = loop.create_future<int>();
            other.set_result(5);
            finished = other.get_future();
            promise = loop.create_future<int>();
            pending = promise.get_future();
            pending.add_done_callback([held] {});
            CHECK(&pending.get_loop() == &loop);
        }
        CHECK(finished.result() == 5);
        CHECK_FALSE(pending.done());
        CHECK(thrown<std::runtime_error>([&] { pending.get_loop(); }) == "Event loop is closed");
        CHECK(thrown<std::runtime_error>([&] { pending.add_done_callback([] {}); }) ==
              "Event loop is closed");
        promise.set_result(6);
        CHECK(pending.result() == 6);
        CHECK_FALSE(pending.cancel());
        pending = {};
        promise = {};
        CHECK(held.use_count() == 1);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("future: one that is dropped while pending destroys its callbacks") {
    const testing::Balance balance;
    {
        EventLoop loop;
        auto held = std::make_shared<int>(1);
        loop.create_future().get_future().add_done_callback([held] {});
        CHECK(held.use_count() == 1);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("future: repeated handles are found") {
    EventLoop loop;
    const Future<> a = loop.create_future().get_future();
    const Future<> b = loop.create_future().get_future();
    CHECK(detail::find_repeated({a, b, a, a, b}) ==
          std::vector<bool>{false, false, true, true, true});
    CHECK(detail::find_repeated({}).empty());
}
