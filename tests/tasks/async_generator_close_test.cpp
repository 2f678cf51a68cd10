// The end of asynchronous generators: aclose(), destruction, and the loop's shutdown.
#include "async_generators.hpp"

#include <memory>
#include <optional>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

ASYNC_TEST_CASE("aclose: runs the cleanup, also one that awaits") {
    EventLog log;
    AsyncGenerator<int> generator = careful(log, "a");
    CHECK_NEXT(generator, "1");
    CHECK_CLOSE(generator, "none");
    CHECK(log.joined() == "a closes a closed");
    CHECK(get_running_loop().time() == EventLoop::TimePoint(1s));
    CHECK_NEXT(generator, "end");
}

ASYNC_TEST_CASE("aclose: destructors clean up, and a second one does nothing") {
    EventLog log;
    AsyncGenerator<int> generator = traced(log, "a", 9);
    CHECK_NEXT(generator, "1");
    CHECK_CLOSE(generator, "none");
    CHECK(log.joined() == "a1 ~a");
    CHECK_CLOSE(generator, "none");
    CHECK(log.joined() == "a1 ~a");
}

ASYNC_TEST_CASE("aclose: a generator that has not begun does not run any more") {
    EventLog log;
    AsyncGenerator<int> generator = traced(log, "a", 9);
    CHECK_CLOSE(generator, "none");
    CHECK_NEXT(generator, "end");
    CHECK(log.joined() == "");
}

ASYNC_TEST_CASE("aclose: a generator that has ended is left alone") {
    AsyncGenerator<int> generator = count_to(0);
    CHECK_NEXT(generator, "end");
    CHECK_CLOSE(generator, "none");
}

ASYNC_TEST_CASE("aclose: catch (const std::exception&) does not hold GeneratorExit up") {
    EventLog log;
    auto body = [&]() -> AsyncGenerator<int> {
        for (;;) {
            try {
                co_yield 1;
            } catch (const std::exception&) {
                log("caught");
            }
        }
    };
    AsyncGenerator<int> generator = body();
    CHECK_NEXT(generator, "1");
    CHECK_CLOSE(generator, "none");
    CHECK(log.joined() == "");
}

ASYNC_TEST_CASE("aclose: a generator that yields again is an error, and ended all the same") {
    EventLog log;
    auto body = [&]() -> AsyncGenerator<int> {
        const Guard guard(log, "body");
        for (;;) {
            try {
                co_yield 1;
            } catch (...) {
                log("caught");
            }
        }
    };
    {
        AsyncGenerator<int> generator = body();
        CHECK_NEXT(generator, "1");
        CHECK_CLOSE(generator, "async generator ignored GeneratorExit");
        CHECK_NEXT(generator, "end");
        CHECK_CLOSE(generator, "none");
        CHECK(log.joined() == "caught");
    }
    CHECK(log.joined() == "caught ~body");
}

ASYNC_TEST_CASE("aclose: an error of the cleanup comes out of it") {
    auto body = []() -> AsyncGenerator<int> {
        try {
            co_yield 1;
        } catch (const GeneratorExit&) {
            throw std::runtime_error("bad cleanup");
        }
    };
    AsyncGenerator<int> generator = body();
    CHECK_NEXT(generator, "1");
    CHECK_CLOSE(generator, "bad cleanup");
    CHECK_CLOSE(generator, "none");
}

ASYNC_TEST_CASE("aclose: the body may just return") {
    auto body = []() -> AsyncGenerator<int> {
        try {
            co_yield 1;
        } catch (const GeneratorExit&) {
            co_return;
        }
        co_yield 2;
    };
    AsyncGenerator<int> generator = body();
    CHECK_NEXT(generator, "1");
    CHECK_CLOSE(generator, "none");
    CHECK_NEXT(generator, "end");
}

ASYNC_TEST_CASE("aclose: can be cancelled in the middle of the cleanup, which ends it") {
    EventLog log;
    AsyncGenerator<int> generator = careful(log, "a");
    CHECK_NEXT(generator, "1");
    auto closing = create_task(joined(generator.aclose()));
    co_await sleep(500ms);
    CHECK_NEXT(generator, "anext(): asynchronous generator is already running");
    CHECK_CLOSE(generator, "aclose(): asynchronous generator is already running");
    closing.cancel();
    const std::string ended = co_await told(closing);
    CHECK(ended == "CancelledError");
    CHECK(log.joined() == "a closes");
    CHECK_NEXT(generator, "end");
}

ASYNC_TEST_CASE("aclose: closes the generators that the body awaits, where it does so itself") {
    EventLog log;
    auto outer = [&]() -> AsyncGenerator<int> {
        AsyncGenerator<int> inner = careful(log, "inner");
        try {
            for (;;) {
                const auto item = co_await inner.next();
                co_yield *item;
            }
        } catch (const GeneratorExit&) {
            log("outer closes");
        }
        co_await inner.aclose();
    };
    AsyncGenerator<int> generator = outer();
    CHECK_NEXT(generator, "1");
    CHECK_NEXT(generator, "2");
    CHECK_CLOSE(generator, "none");
    CHECK(log.joined() == "outer closes inner closes inner closed");
}

ASYNC_TEST_CASE("async generator: destroyed at a co_yield, it runs destructors and no code") {
    EventLog log;
    {
        AsyncGenerator<int> generator = traced(log, "a", 9);
        CHECK_NEXT(generator, "1");
        AsyncGenerator<int> other = careful(log, "b");
        CHECK_NEXT(other, "1");
    }
    CHECK(log.joined() == "a1 ~a");
}

ASYNC_TEST_CASE("async generator: one that never ran is destroyed with its arguments") {
    auto argument = std::make_shared<int>(1);
    auto body = [](std::shared_ptr<int> held) -> AsyncGenerator<int> { co_yield *held; };
    {
        AsyncGenerator<int> generator = body(argument);
        CHECK(argument.use_count() == 2);
    }
    CHECK(argument.use_count() == 1);
    co_return;
}

ASYNC_TEST_CASE("async generator: destroyed while it runs, it goes on to its next co_yield") {
    EventLog log;
    auto body = [&]() -> AsyncGenerator<int> {
        const Guard guard(log, "body");
        co_await sleep(1s);
        log("yields");
        co_yield 1;
        log("never");
    };
    std::optional<AsyncGenerator<int>> generator = body();
    auto ask = [&]() -> Task<std::string> {
        const std::optional<int> item = co_await generator->next();
        co_return std::to_string(*item);
    };
    auto running = create_task(ask());
    co_await sleep(500ms);
    generator.reset();
    CHECK(log.joined() == "");
    CHECK_AWAIT(running, "1");
    CHECK(log.joined() == "yields ~body");
}

ASYNC_TEST_CASE("async generator: one that destroys its own handle ends with that step") {
    EventLog log;
    std::optional<AsyncGenerator<int>> generator;
    auto body = [&]() -> AsyncGenerator<int> {
        const Guard guard(log, "body");
        co_yield 1;
        generator.reset();
        throw std::runtime_error("bad");
    };
    generator = body();
    CHECK_NEXT(*generator, "1");
    CHECK_NEXT(*generator, "bad");
    CHECK(log.joined() == "~body");
}

ASYNC_TEST_CASE("shutdown_asyncgens: closes generators, and those that begin later still work") {
    EventLog log;
    AsyncGenerator<int> a = careful(log, "a");
    AsyncGenerator<int> b = careful(log, "b");
    CHECK_NEXT(a, "1");
    CHECK_NEXT(b, "1");
    co_await get_running_loop().shutdown_asyncgens();
    CHECK(log.joined() == "a closes b closes a closed b closed");
    CHECK_NEXT(a, "end");
    AsyncGenerator<int> late = count_to(1);
    CHECK_NEXT(late, "1");
    CHECK_NEXT(late, "end");
}

ASYNC_TEST_CASE("shutdown_asyncgens: one that runs is reported, and goes on") {
    const Reports reports;
    AsyncGenerator<int> generator = ticker(1);
    auto running = create_task(told_next(generator));
    co_await sleep(0s);
    co_await get_running_loop().shutdown_asyncgens();
    REQUIRE(reports.messages().size() == 1);
    CHECK(reports.messages()[0].find("an error occurred during closing of asynchronous generator "
                                     "<AsyncGenerator ticker() running at") == 0);
    CHECK_AWAIT(running, "1");
}

ASYNC_TEST_CASE("shutdown_asyncgens: a cleanup may destroy a generator whose turn is to come") {
    EventLog log;
    std::optional<AsyncGenerator<int>> second;
    auto body = [&]() -> AsyncGenerator<int> {
        const ScopeExit drop([&] { second.reset(); });
        co_yield 1;
    };
    AsyncGenerator<int> first = body();
    CHECK_NEXT(first, "1");
    second = careful(log, "second");
    CHECK_NEXT(*second, "1");
    co_await get_running_loop().shutdown_asyncgens();
    CHECK(log.joined() == "");
}

TEST_CASE("run: closes the generators that outlive main") {
    const testing::Balance balance;
    EventLog log;
    {
        std::optional<AsyncGenerator<int>> kept = careful(log, "kept");
        auto program = [&]() -> Task<> {
            CHECK_NEXT(*kept, "1");
            log("main ends");
        };
        testing::run_virtual(program());
        CHECK(log.joined(", ") == "main ends, kept closes, kept closed");
        CHECK(kept->repr() == "<AsyncGenerator careful() done>");
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("run: reports what the cleanup of a generator throws") {
    auto body = []() -> AsyncGenerator<int> {
        const std::shared_ptr<int> held = std::make_shared<int>(1);
        try {
            co_yield *held;
        } catch (const GeneratorExit&) {
            throw std::runtime_error("bad cleanup");
        }
    };
    AsyncGenerator<int> kept = body();
    std::vector<std::string> reported;
    auto program = [&]() -> Task<> {
        get_running_loop().set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
            reported.push_back(name_of(context.exception));
        });
        CHECK_NEXT(kept, "1");
    };
    testing::run_virtual(program());
    CHECK(reported == std::vector<std::string>{"bad cleanup"});
}

TEST_CASE("run: closes generators after the tasks are cancelled, also if main fails") {
    EventLog log;
    std::optional<AsyncGenerator<int>> kept = careful(log, "kept");
    auto program = [&]() -> Task<> {
        CHECK_NEXT(*kept, "1");
        auto left = create_task(stubborn(log, "task", 1, 0));
        co_await sleep(0s);
        throw std::runtime_error("main");
    };
    CHECK(thrown_by([&] { testing::run_virtual(program()); }) == "main");
    CHECK(log.joined(", ") == "task cancelled, task cleaned, kept closes, kept closed");
}

TEST_CASE("async generator: may outlive its loop in every state") {
    const testing::Balance balance;
    EventLog log;
    {
        AsyncGenerator<int> fresh = traced(log, "fresh", 1);
        AsyncGenerator<int> suspended = traced(log, "suspended", 2);
        AsyncGenerator<int> done = count_to(0);
        AsyncGenerator<int> running = ticker(1);
        {
            EventLoop loop({.virtual_time = true});
            loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
            auto program = [&]() -> Task<> {
                CHECK_NEXT(suspended, "1");
                CHECK_NEXT(done, "end");
                auto asking = create_task(told_next(running));
                co_await sleep(0s);
            };
            loop.run_until_complete(program());
            loop.close();
        }
        CHECK(running.repr() == "<AsyncGenerator none>");
        CHECK(log.joined() == "suspended1");
    }
    CHECK(log.joined() == "suspended1 ~suspended");
    CHECK(balance.difference() == "");
}

TEST_CASE("async generator: one that was begun on one loop goes on on another") {
    const testing::Balance balance;
    {
        AsyncGenerator<int> generator = ticker(2);
        for (const char* expected : {"1", "2", "end"}) {
            EventLoop loop({.virtual_time = true});
            CHECK(loop.run_until_complete(told_next(generator)) == expected);
        }
    }
    CHECK(balance.difference() == "");
}
