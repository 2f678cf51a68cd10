#include <ringio/core/context.hpp>

#include "watching.hpp"

#include <support/async_test_case.hpp>

#include <thread>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using testing::EventLog;

namespace {

ContextVar<int> number("number", 0);
ContextVar<std::string> word("word");

Task<int> read_number() { co_return number.get(); }

Task<> set_number(int value) {
    number.set(value);
    co_return;
}

}  // namespace

TEST_CASE("context: a variable without a value gives the fallback, the default, or an error") {
    copy_context().run([] {
        CHECK(number.get() == 0);
        CHECK(number.get(7) == 7);
        CHECK(word.get("none") == "none");
        CHECK(thrown<std::out_of_range>([] { static_cast<void>(word.get()); }) ==
              "ContextVar 'word' has no value in this context");
        CHECK(word.name() == "word");
    });
}

TEST_CASE("context: run() keeps what is set in it, and nothing outside of it changes") {
    const Context context = copy_context();
    context.run([] {
        number.set(5);
        word.set("five");
    });
    CHECK(number.get() == 0);
    CHECK(context.get(number) == 5);
    CHECK(context.get(word) == "five");
    CHECK(context.size() == 2);
    CHECK(context.run([] { return number.get(); }) == 5);
}

TEST_CASE("context: a copy goes its own way") {
    Context first;
    first.run([] { number.set(1); });
    const Context second = first.copy();
    second.run([] { number.set(2); });
    CHECK(first.get(number) == 1);
    CHECK(second.get(number) == 2);
    CHECK_FALSE(first == second);
    CHECK_FALSE(first.contains(word));
}

TEST_CASE("context: entering one twice is refused, and it can be entered again afterwards") {
    const Context context;
    const std::string text =
        context.run([&] { return thrown<std::runtime_error>([&] { context.run([] {}); }); });
    CHECK(text == "cannot enter context: it is already entered");
    CHECK(context.run([] { return 3; }) == 3);
    CHECK_THROWS_AS(context.run([] { throw std::logic_error("out"); }), std::logic_error);
    CHECK(context.run([] { return 4; }) == 4);
}

TEST_CASE("context: a token restores the value from before, once, in its own context") {
    copy_context().run([] {
        auto first = number.set(1);
        auto second = number.set(2);
        CHECK(second.old_value() == 1);
        CHECK_FALSE(first.old_value().has_value());
        number.reset(second);
        CHECK(number.get() == 1);
        CHECK_THROWS_AS(number.reset(second), std::runtime_error);
        ContextVar<int> other("other");
        CHECK_THROWS_AS(other.reset(first), std::invalid_argument);
        Context elsewhere;
        elsewhere.run([&] { CHECK_THROWS_AS(number.reset(first), std::invalid_argument); });
        number.reset(first);
        CHECK(number.get() == 0);
    });
}

TEST_CASE("context: each thread has its own, and a copy can be carried over") {
    copy_context().run([] {
        number.set(1);
        const Context carried = copy_context();
        int seen_fresh = -1;
        int seen_carried = -1;
        std::thread([&] {
            seen_fresh = number.get();
            seen_carried = carried.run([] { return number.get(); });
        }).join();
        CHECK(seen_fresh == 0);
        CHECK(seen_carried == 1);
    });
}

ASYNC_TEST_CASE("context: a task runs in a copy of the context that it was created in") {
    number.set(1);
    TaskHandle<int> before = create_task(read_number());
    number.set(2);
    TaskHandle<> sets = create_task(set_number(3));
    co_await sets;
    CHECK(number.get() == 2);
    const int seen = co_await before;
    CHECK(seen == 1);
}

ASYNC_TEST_CASE("context: an awaited coroutine shares the context of the task") {
    number.set(1);
    co_await set_number(9);
    CHECK(number.get() == 9);
}

ASYNC_TEST_CASE("context: a value survives every suspension, whoever runs in between") {
    EventLog log;
    auto worker = [&log](int id) -> Task<> {
        number.set(id);
        for (int turn = 0; turn < 3; ++turn) {
            co_await sleep(0s);
            log(std::to_string(number.get()));
        }
    };
    TaskHandle<> one = create_task(worker(1));
    TaskHandle<> two = create_task(worker(2));
    co_await one;
    co_await two;
    CHECK(log.joined() == "1 2 1 2 1 2");
}

ASYNC_TEST_CASE("context: tasks that are given the same one share it") {
    Context shared;
    shared.run([] { number.set(10); });
    TaskHandle<> sets = create_task(set_number(11), {.context = &shared});
    TaskHandle<int> reads = create_task(read_number(), {.name = "reads", .context = &shared});
    co_await sets;
    const int seen = co_await reads;
    CHECK(seen == 11);
    CHECK(shared.get(number) == 11);
    CHECK(number.get() == 0);
}

ASYNC_TEST_CASE("context: get_context() is the task's own, before, while and after it runs") {
    number.set(1);
    auto body = []() -> Task<> {
        number.set(2);
        const Context own = current_task().get_context();
        number.set(3);
        CHECK(own.get(number) == 3);
        co_await sleep(0s);
        CHECK(own.get(number) == 4);
    };
    TaskHandle<> task = create_task(body());
    co_await sleep(0s);
    CHECK(task.get_context().get(number) == 3);
    CHECK(task.get_context() == task.get_context());
    task.get_context().run([] { number.set(4); });
    co_await task;
    CHECK(task.get_context().get(number) == 4);
}

ASYNC_TEST_CASE("context: a token from before get_context() is good after it") {
    auto first = number.set(1);
    auto second = number.set(2);
    const Context own = current_task().get_context();
    number.reset(second);
    CHECK(number.get() == 1);
    CHECK(own.get(number) == 1);
    co_await sleep(0s);
    Context().run([&] { CHECK_THROWS_AS(number.reset(first), std::invalid_argument); });
    own.run([&] { number.reset(first); });
    CHECK_FALSE(own.contains(number));
    CHECK(number.get() == 0);
}

ASYNC_TEST_CASE("context: get_context() asked for from within another one") {
    auto token = number.set(1);
    const Context own = Context().run([] {
        const Context shared = current_task().get_context();
        number.set(7);
        return shared;
    });
    CHECK(number.get() == 1);
    number.set(2);
    CHECK(own.get(number) == 2);
    co_await sleep(0s);
    CHECK(number.get() == 2);
    number.reset(token);
    CHECK(own.size() == 0);
}

ASYNC_TEST_CASE("context: get_context() asked for by an eager task, of the one that made it") {
    number.set(1);
    auto look = [](AnyTask maker) -> Task<Context> {
        number.set(7);
        co_return maker.get_context();
    };
    TaskHandle<Context> eager = create_task(look(current_task()), {.eager_start = true});
    CHECK(number.get() == 1);
    number.set(2);
    const Context own = co_await eager;
    CHECK(own.get(number) == 2);
}

ASYNC_TEST_CASE("context: a token of a task that is gone is refused in the one after it") {
    auto make = []() -> Task<ContextVar<int>::Token> { co_return number.set(1); };
    auto refuses = [](ContextVar<int>::Token token) -> Task<std::string> {
        co_return thrown<std::invalid_argument>([&] { number.reset(token); });
    };
    ContextVar<int>::Token token = co_await create_task(make());
    const std::string text = co_await create_task(refuses(token));
    CHECK(text == "the token was created in a different Context");
}

ASYNC_TEST_CASE("context: callbacks run in the context that they were scheduled in") {
    EventLog log;
    EventLoop& loop = get_running_loop();
    Promise<> promise = loop.create_future<void>();
    const auto read = [&log] { log(std::to_string(number.get())); };
    number.set(1);
    const Handle soon = loop.call_soon(read);
    const TimerHandle later = loop.call_later(1s, read);
    promise.get_future().add_done_callback(read);
    number.set(2);
    promise.get_future().add_done_callback(read);
    promise.set_result();
    co_await sleep(2s);
    CHECK(log.joined() == "1 1 2 1");
    CHECK(soon.get_context().get(number) == 1);
    CHECK(later.get_context().get(number) == 1);
}

ASYNC_TEST_CASE("context: what a callback sets stays in that callback") {
    number.set(1);
    get_running_loop().call_soon([] { number.set(5); });
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(number.get() == 1);
}

ASYNC_TEST_CASE("context: the exception handler runs in the context of who failed") {
    EventLog log;
    EventLoop& loop = get_running_loop();
    loop.set_exception_handler([&log](EventLoop&, const ExceptionContext& context) {
        log(context.message.substr(0, 9) + std::to_string(number.get()));
    });
    auto fails = []() -> Task<> {
        number.set(7);
        throw std::runtime_error("boom");
        co_return;
    };
    number.set(1);
    static_cast<void>(create_task(fails()));
    number.set(2);
    loop.call_soon([] { throw std::runtime_error("boom"); });
    number.set(3);
    co_await sleep(0s);
    co_await sleep(0s);
    loop.set_exception_handler({});
    CHECK(log.joined() == "Task exce7 Exception2");
}

TEST_CASE("context: one Runner keeps a context over its runs") {
    copy_context().run([] {
        Runner runner;
        runner.run(set_number(42));
        CHECK(runner.run(read_number()) == 42);
        CHECK(number.get() == 0);
    });
}
