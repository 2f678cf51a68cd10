#include <ringio/concurrent/future.hpp>

#include <ringio/concurrent/thread_pool_executor.hpp>
#include <support/catch.hpp>
#include <support/printed.hpp>

#include <atomic>
#include <cmath>
#include <latch>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using ringio::CancelledError;
using ringio::InvalidStateError;
using ringio::TimeoutError;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::concurrent::Future;
using ringio::concurrent::Promise;

namespace {

/// The repr without the address.
template <class T>
std::string state_of(const Future<T>& future) {
    const std::string text = future.repr();
    const std::size_t at = text.find("state=");
    return text.substr(0, 13) == "<Future at 0x" && at != std::string::npos
               ? text.substr(at, text.size() - at - 1)
               : text;
}

/// Counts its copies and moves.
struct Counted {
    Counted() = default;
    Counted(const Counted& other) : copies(other.copies + 1), moves(other.moves) {}
    Counted(Counted&& other) noexcept : copies(other.copies), moves(other.moves + 1) {}
    int copies = 0;
    int moves = 0;
};

}  // namespace

TEST_CASE("concurrent future: pending, running, finished") {
    Promise<int> promise;
    const Future<int> future = promise.get_future();
    CHECK_FALSE(future.done());
    CHECK_FALSE(future.running());
    CHECK_FALSE(future.cancelled());
    CHECK(promise.set_running_or_notify_cancel());
    CHECK(future.running());
    CHECK_FALSE(future.done());
    promise.set_result(42);
    CHECK(future.done());
    CHECK_FALSE(future.running());
    CHECK_FALSE(future.cancelled());
    CHECK(future.result() == 42);
    CHECK(future.result(0s) == 42);
    CHECK(future.exception() == nullptr);
}

TEST_CASE("concurrent future: its repr tells the state and the type, as Python's") {
    Promise<int> number;
    CHECK(state_of(number.get_future()) == "state=pending");
    number.set_running_or_notify_cancel();
    CHECK(state_of(number.get_future()) == "state=running");
    number.set_result(1);
    CHECK(state_of(number.get_future()) == "state=finished returned int");
    CHECK(fmt::format("{}", number.get_future()) == number.get_future().repr());

    Promise<std::string> text;
    text.set_result("hello");
    CHECK(state_of(text.get_future()) == "state=finished returned std::string");
    Promise<> nothing;
    nothing.set_result();
    CHECK(state_of(nothing.get_future()) == "state=finished returned void");
    Promise<int> failed;
    failed.set_exception(std::runtime_error("boom"));
    CHECK(state_of(failed.get_future()) == "state=finished raised std::runtime_error");
    Promise<int> cancelled;
    cancelled.get_future().cancel();
    CHECK(state_of(cancelled.get_future()) == "state=cancelled");
    CHECK(Future<int>().repr() == "<Future none>");
}

TEST_CASE("concurrent future: an exception is thrown to each who asks for the result") {
    Promise<int> promise;
    const Future<int> future = promise.get_future();
    promise.set_exception(std::runtime_error("boom"));
    CHECK_THROWS_WITH(future.result(), "boom");
    CHECK_THROWS_WITH(future.result(1s), "boom");
    CHECK_THROWS_WITH(std::rethrow_exception(future.exception()), "boom");
    CHECK_THROWS_AS(std::rethrow_exception(future.exception(0s)), std::runtime_error);
    CHECK_FALSE(future.cancelled());
}

TEST_CASE("concurrent future: a timeout that passes is a TimeoutError, and changes nothing") {
    Promise<int> promise;
    Future<int> future = promise.get_future();
    CHECK_THROWS_AS(future.result(0s), TimeoutError);
    CHECK_THROWS_AS(future.result(-1s), TimeoutError);
    CHECK_THROWS_AS(future.exception(1ns), TimeoutError);
    CHECK_THROWS_AS(std::move(future).result(0s), TimeoutError);
    REQUIRE(future.valid());
    promise.set_result(1);
    CHECK(future.result(std::chrono::hours::max()) == 1);
}

TEST_CASE("concurrent future: a timeout of NaN is no delay") {
    Promise<int> promise;
    const Future<int> future = promise.get_future();
    CHECK_THROWS_AS(future.result(std::chrono::duration<double>(std::nan(""))),
                    std::invalid_argument);
}

TEST_CASE("concurrent future: cancel works while pending, and says so again later") {
    Promise<int> promise;
    const Future<int> future = promise.get_future();
    CHECK(future.cancel());
    CHECK(future.cancel());
    CHECK(future.cancelled());
    CHECK(future.done());
    CHECK(promise.cancelled());
    CHECK_FALSE(promise.set_running_or_notify_cancel());
    CHECK_THROWS_AS(future.result(), CancelledError);
    CHECK_THROWS_AS(future.exception(), CancelledError);
}

TEST_CASE("concurrent future: what runs or is finished cannot be cancelled") {
    Promise<int> promise;
    const Future<int> future = promise.get_future();
    promise.set_running_or_notify_cancel();
    CHECK_FALSE(future.cancel());
    CHECK(future.running());
    promise.set_result(1);
    CHECK_FALSE(future.cancel());
    CHECK(future.result() == 1);
}

TEST_CASE("concurrent future: a second result is an InvalidStateError and is dropped") {
    Promise<int> promise;
    promise.set_result(1);
    CHECK_THROWS_AS(promise.set_result(2), InvalidStateError);
    CHECK_THROWS_AS(promise.set_exception(std::runtime_error("late")), InvalidStateError);
    CHECK(promise.get_future().result() == 1);

    Promise<int> cancelled;
    cancelled.get_future().cancel();
    CHECK_THROWS_AS(cancelled.set_result(1), InvalidStateError);
    CHECK_THROWS_AS(cancelled.set_exception(std::runtime_error("late")), InvalidStateError);
}

TEST_CASE("concurrent future: work that runs already does not begin again") {
    Promise<int> promise;
    promise.set_running_or_notify_cancel();
    CHECK_THROWS_WITH(promise.set_running_or_notify_cancel(), "Future in unexpected state");
    promise.set_result(1);
    CHECK_THROWS_AS(promise.set_running_or_notify_cancel(), std::runtime_error);
}

TEST_CASE("concurrent future: a null exception is refused") {
    Promise<int> promise;
    CHECK_THROWS_AS(promise.set_exception(std::exception_ptr()), std::invalid_argument);
    CHECK_FALSE(promise.get_future().done());
}

TEST_CASE("concurrent future: handles that refer to nothing say so") {
    Future<int> nothing;
    CHECK_FALSE(nothing.valid());
    CHECK_THROWS_AS(nothing.done(), std::invalid_argument);
    CHECK_THROWS_AS(nothing.result(), std::invalid_argument);
    CHECK_THROWS_AS(nothing.cancel(), std::invalid_argument);
    Promise<int> promise;
    const Promise<int> taken = std::move(promise);
    CHECK_THROWS_AS(promise.set_result(1), std::invalid_argument);
    CHECK_THROWS_AS(promise.get_future(), std::invalid_argument);
    CHECK_FALSE(taken.get_future().done());
}

TEST_CASE("concurrent future: copies mean the same result") {
    Promise<int> promise;
    const Future<int> one = promise.get_future();
    const Future<int> other = one;
    CHECK(one == other);
    CHECK_FALSE(one == Promise<int>().get_future());
    other.cancel();
    CHECK(one.cancelled());
}

TEST_CASE("concurrent future: a promise that goes without a result cancels") {
    Future<int> pending = Promise<int>().get_future();
    CHECK(pending.cancelled());
    Future<int> running;
    bool told = false;
    {
        Promise<int> promise;
        running = promise.get_future();
        running.add_done_callback([&] { told = true; });
        promise.set_running_or_notify_cancel();
    }
    CHECK(running.cancelled());
    CHECK(told);
    CHECK_THROWS_AS(running.result(), CancelledError);
    Promise<int> replaced;
    const Future<int> old = replaced.get_future();
    replaced = Promise<int>();
    CHECK(old.cancelled());
}

TEST_CASE("concurrent future: a value that can only be moved is taken from an rvalue") {
    Promise<std::unique_ptr<int>> promise;
    Future<std::unique_ptr<int>> future = promise.get_future();
    promise.set_result(std::make_unique<int>(7));
    CHECK(*future.result() == 7);
    const std::unique_ptr<int> taken = std::move(future).result();
    CHECK(*taken == 7);
    CHECK_FALSE(future.valid());
}

TEST_CASE("concurrent future: the last handle moves the value out, another one copies it") {
    Promise<Counted> promise;
    promise.set_result();
    Future<Counted> one = promise.get_future();
    Future<Counted> other = one;
    CHECK(std::move(one).result().copies == 1);
    CHECK(std::move(other).result().copies == 0);  // the promise holds no value back
}

TEST_CASE("concurrent future: nobody moves the value away from a callback that is to come") {
    Promise<Counted> promise;
    Future<Counted> future = promise.get_future();
    int copies = -1;
    future.add_done_callback([&] { copies = std::move(future).result().copies; });
    bool called = false;
    future.add_done_callback(
        [&](const Future<Counted>& done) { called = done.result().copies == 0; });
    promise.set_result();
    CHECK(copies == 1);
    CHECK(called);
}

TEST_CASE("concurrent future: a value whose constructor throws leaves it pending") {
    struct Thrower {
        explicit Thrower(bool fail) {
            if (fail) {
                throw std::logic_error("no value");
            }
        }
    };
    Promise<Thrower> promise;
    CHECK_THROWS_WITH(promise.set_result(true), "no value");
    CHECK_FALSE(promise.get_future().done());
    promise.set_result(false);
    CHECK(promise.get_future().done());
}

TEST_CASE("concurrent future: result() waits for another thread") {
    Promise<std::string> promise;
    std::binary_semaphore waiting(0);
    std::thread waiter;
    std::string seen;
    waiter = std::thread([&, future = promise.get_future()] {
        waiting.release();
        seen = future.result();
    });
    waiting.acquire();
    promise.set_result("from there");
    waiter.join();
    CHECK(seen == "from there");
}

TEST_CASE("concurrent future: every thread that waits is woken, by a result and by cancel") {
    for (const bool cancelled : {false, true}) {
        Promise<int> promise;
        const Future<int> future = promise.get_future();
        std::latch waiting(4);
        std::atomic<int> values = 0;
        std::atomic<int> cancellations = 0;
        std::vector<std::thread> waiters;
        for (int i = 0; i < 4; ++i) {
            waiters.emplace_back([&, future] {
                waiting.count_down();
                try {
                    values += future.result(std::chrono::hours(1));
                } catch (const CancelledError&) {
                    ++cancellations;
                }
            });
        }
        waiting.wait();
        if (cancelled) {
            future.cancel();
        } else {
            promise.set_result(1);
        }
        for (std::thread& waiter : waiters) {
            waiter.join();
        }
        CHECK(values == (cancelled ? 0 : 4));
        CHECK(cancellations == (cancelled ? 4 : 0));
    }
}

TEST_CASE("concurrent future: callbacks run in the finishing thread, in the order of adding") {
    Promise<int> promise;
    const Future<int> future = promise.get_future();
    std::string order;
    std::thread::id where;
    future.add_done_callback([&](const Future<int>& done) {
        order += "a" + std::to_string(done.result());
        where = std::this_thread::get_id();
    });
    future.add_done_callback([&] { order += "b"; });
    std::thread finisher([&] { promise.set_result(1); });
    const std::thread::id there = finisher.get_id();
    finisher.join();
    CHECK(order == "a1b");
    CHECK(where == there);
}

TEST_CASE("concurrent future: a callback added to a done one runs at once") {
    Promise<int> promise;
    promise.set_result(1);
    bool called = false;
    promise.get_future().add_done_callback([&] { called = true; });
    CHECK(called);
    const Future<int> cancelled = Promise<int>().get_future();
    int times = 0;
    cancelled.add_done_callback([&](const Future<int>& done) { times += done.cancelled(); });
    cancelled.cancel();
    CHECK(times == 1);
}

TEST_CASE("concurrent future: cancel calls the callbacks in its own thread") {
    Promise<int> promise;
    std::thread::id where;
    promise.get_future().add_done_callback([&] { where = std::this_thread::get_id(); });
    promise.get_future().cancel();
    CHECK(where == std::this_thread::get_id());
}

TEST_CASE("concurrent future: what a callback throws is printed, and the others run") {
    Promise<int> promise;
    bool second = false;
    promise.get_future().add_done_callback([] { throw std::runtime_error("boom"); });
    promise.get_future().add_done_callback([&] { second = true; });
    const std::string text = printed([&] { promise.set_result(1); });
    CHECK(second);
    CHECK_THAT(text, Catch::Matchers::StartsWith("exception calling callback for <Future at 0x"));
    CHECK_THAT(text, Catch::Matchers::Contains("state=finished returned int>"));
    CHECK_THAT(text, Catch::Matchers::Contains("std::runtime_error: boom"));
    const std::string late = printed(
        [&] { promise.get_future().add_done_callback([] { throw CancelledError("odd"); }); });
    CHECK_THAT(late, Catch::Matchers::Contains("ringio::CancelledError: odd"));
}

TEST_CASE("concurrent future: a null callback is refused") {
    Promise<int> promise;
    void (*null)() = nullptr;
    CHECK_THROWS_AS(promise.get_future().add_done_callback(null), std::invalid_argument);
}

TEST_CASE("concurrent future: callbacks are destroyed once they have run") {
    auto watched = std::make_shared<int>(0);
    const std::weak_ptr<int> gone = watched;
    Promise<int> promise;
    const Future<int> future = promise.get_future();
    future.add_done_callback([kept = std::move(watched), future] {});  // a circle until then
    CHECK_FALSE(gone.expired());
    promise.set_result(1);
    CHECK(gone.expired());
}

TEST_CASE("concurrent future: a callback may use the future, and add another one") {
    Promise<int> promise;
    std::string order;
    promise.get_future().add_done_callback([&](const Future<int>& done) {
        order += done.done() && !done.cancel() ? "first " : "wrong ";
        done.add_done_callback([&] { order += "second"; });
    });
    promise.set_result(1);
    CHECK(order == "first second");
}

TEST_CASE("concurrent future: of cancel and the beginning of the work, one wins") {
    for (int round = 0; round < 200; ++round) {
        Promise<int> promise;
        const Future<int> future = promise.get_future();
        std::latch both(2);
        bool cancelled = false;
        std::thread canceller([&] {
            both.arrive_and_wait();
            cancelled = future.cancel();
        });
        both.arrive_and_wait();
        const bool running = promise.set_running_or_notify_cancel();
        if (running) {
            promise.set_result(round);
        }
        canceller.join();
        REQUIRE(running != cancelled);
        REQUIRE(future.cancelled() == cancelled);
    }
}

TEST_CASE("concurrent future: the last owner may be any thread") {
    for (int round = 0; round < 200; ++round) {
        Promise<std::string> promise;
        std::latch all(3);
        std::atomic<int> right = 0;
        std::vector<std::thread> readers;
        for (int i = 0; i < 2; ++i) {
            readers.emplace_back([&, future = promise.get_future()]() mutable {
                all.arrive_and_wait();
                right += std::move(future).result() == "a value on the heap, long enough";
            });
        }
        std::thread producer([&all, promise = std::move(promise)]() mutable {
            all.arrive_and_wait();
            promise.set_result("a value on the heap, long enough");
        });
        producer.join();
        for (std::thread& reader : readers) {
            reader.join();
        }
        REQUIRE(right == 2);
    }
}

// Whoever waits may take everything away at once: for the sanitizers to see.
TEST_CASE("Promise: may be destroyed by the one who waits, before set_result() returns") {
    for (int round = 0; round < 200; ++round) {
        auto promise = std::make_unique<Promise<int>>();
        std::thread setter([promise = promise.get()] { promise->set_result(1); });
        {
            const Future<int> future = promise->get_future();
            CHECK(future.result() == 1);
        }
        promise.reset();
        setter.join();
    }
}
