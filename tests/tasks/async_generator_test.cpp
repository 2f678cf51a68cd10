#include <ringio/tasks/async_generator.hpp>

#include "async_generators.hpp"

#include <ringio/core/loop_books.hpp>

#include <memory>
#include <optional>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

struct Record {
    std::string name;
    int number = 0;
};

AsyncGenerator<int> fails_after(int last) {
    for (int n = 1; n <= last; ++n) {
        co_yield n;
    }
    throw std::runtime_error("bad");
}

Task<std::string> all(AsyncGenerator<int> generator) {
    std::string text;
    for (;;) {
        const std::string item = co_await told_next(generator);
        text += (text.empty() ? "" : " ") + item;
        if (item == "end") {
            co_return text;
        }
    }
}

EventLoop::TimePoint now() { return get_running_loop().time(); }

static_assert(!std::copyable<AsyncGenerator<int>> && std::movable<AsyncGenerator<int>>);
static_assert(Awaitable<decltype(std::declval<AsyncGenerator<int>&>().next())>);
static_assert(std::is_same_v<AwaitResult<decltype(std::declval<AsyncGenerator<int>&>().next())>,
                             std::optional<int>>);

}  // namespace

ASYNC_TEST_CASE("async generator: next gives the values, then nothing, and nothing again",
                "[any_order]") {
    AsyncGenerator<int> generator = count_to(2);
    const std::optional<int> first = co_await generator.next();
    CHECK(first == 1);
    CHECK_NEXT(generator, "2");
    CHECK_NEXT(generator, "end");
    CHECK_NEXT(generator, "end");
}

ASYNC_TEST_CASE("async generator: in a loop, as async for") {
    std::string text;
    AsyncGenerator<int> generator = ticker(3);
    // GCC 12: right in a coroutine that has a local variable.
    while (auto item = co_await generator.next()) {
        text += std::to_string(*item);
    }
    CHECK(text == "123");
    CHECK(now() == EventLoop::TimePoint(3s));
}

ASYNC_TEST_CASE("async generator: nothing runs before the first next is awaited") {
    EventLog log;
    AsyncGenerator<int> generator = traced(log, "a", 2);
    auto next = generator.next();
    CHECK(log.joined() == "");
    const auto item = co_await next;
    CHECK(item == 1);
    CHECK(log.joined() == "a1");
}

ASYNC_TEST_CASE("async generator: its body and the loop take turns") {
    EventLog log;
    AsyncGenerator<int> generator = traced(log, "a", 2);
    for (;;) {
        const auto item = co_await generator.next();
        if (!item) {
            break;
        }
        log(std::to_string(*item));
    }
    CHECK(log.joined() == "a1 1 a2 2 a ends ~a");
}

ASYNC_TEST_CASE("async generator: next does not yield to the loop unless the body waits") {
    EventLog log;
    auto others = create_task(tick(log, 3));
    AsyncGenerator<int> generator = traced(log, "a", 3);
    for (int i = 0; i < 4; ++i) {
        static_cast<void>(co_await generator.next());
    }
    CHECK(log.joined() == "a1 a2 a3 a ends ~a");
    co_await others;
}

ASYNC_TEST_CASE("async generator: the body runs in the task that asks", "[any_order]") {
    auto body = []() -> AsyncGenerator<std::string> {
        for (;;) {
            co_await sleep(1s);
            co_yield current_task().get_name();
        }
    };
    AsyncGenerator<std::string> generator = body();
    auto ask = [&]() -> Task<std::string> {
        const auto item = co_await generator.next();
        co_return *item;
    };
    auto a = create_task(ask(), {.name = "a"});
    CHECK_AWAIT(a, "a");
    auto b = create_task(ask(), {.name = "b"});
    CHECK_AWAIT(b, "b");
}

ASYNC_TEST_CASE("async generator: the body runs in the context of the one who asks",
                "[any_order]") {
    ContextVar<std::string> variable("variable");
    auto body = [](ContextVar<std::string>& read) -> AsyncGenerator<std::string> {
        for (;;) {
            co_yield read.get();
        }
    };
    AsyncGenerator<std::string> generator = body(variable);
    auto ask = [&](std::string value) -> Task<std::string> {
        variable.set(value);
        const auto item = co_await generator.next();
        co_return *item;
    };
    auto a = create_task(ask("a"));
    auto b = create_task(ask("b"));
    CHECK_AWAIT(a, "a");
    CHECK_AWAIT(b, "b");
}

ASYNC_TEST_CASE("async generator: may yield nothing, and one without a coroutine has ended") {
    AsyncGenerator<int> nothing = count_to(0);
    CHECK_NEXT(nothing, "end");
    AsyncGenerator<int> none;
    CHECK_NEXT(none, "end");
    CHECK_CLOSE(none, "none");
}

ASYNC_TEST_CASE("async generator: awaits Tasks, futures and other generators in its body") {
    Promise<int> promise = get_running_loop().create_future<int>();
    get_running_loop().call_later(1s, [promise]() mutable { promise.set_result(2); });
    auto body = [](Future<int> future) -> AsyncGenerator<int> {
        co_yield co_await give_after(1s, 1);
        co_yield co_await future;
        AsyncGenerator<int> inner = ticker(2);
        for (;;) {
            const auto item = co_await inner.next();
            if (!item) {
                break;
            }
            co_yield *item * 10;
        }
    };
    CHECK_AWAIT(all(body(promise.get_future())), "1 2 10 20 end");
}

ASYNC_TEST_CASE("async generator: what is yielded by its name is copied, a temporary is moved") {
    auto texts = []() -> AsyncGenerator<std::string> {
        std::string text = "a long text that lives on the heap";
        co_yield text;
        co_yield text;
        co_yield std::move(text);
        CHECK(text.empty());
        const std::string fixed = "fixed";
        co_yield fixed;
        co_yield "converted";
    };
    std::string joined;
    AsyncGenerator<std::string> generator = texts();
    for (;;) {
        const auto item = co_await generator.next();
        if (!item) {
            break;
        }
        joined += item->substr(0, 6) + ".";
    }
    CHECK(joined == "a long.a long.a long.fixed.conver.");
}

ASYNC_TEST_CASE("async generator: yields what can only be moved, and aggregates", "[any_order]") {
    auto pointers = []() -> AsyncGenerator<std::unique_ptr<int>> {
        co_yield std::make_unique<int>(1);
        auto named = std::make_unique<int>(2);
        co_yield std::move(named);
    };
    AsyncGenerator<std::unique_ptr<int>> generator = pointers();
    const auto first = co_await generator.next();
    const auto second = co_await generator.next();
    CHECK(**first + **second == 3);

    auto records = []() -> AsyncGenerator<Record> {
        Record record{"one", 1};
        co_yield record;
        co_yield by_move(record);
        CHECK(record.name.empty());
    };
    AsyncGenerator<Record> of_records = records();
    const auto copied = co_await of_records.next();
    const auto moved = co_await of_records.next();
    CHECK(copied->name + moved->name == "oneone");
    const auto end = co_await of_records.next();
    CHECK_FALSE(end.has_value());
}

ASYNC_TEST_CASE("async generator: may be moved at any time, even while it runs") {
    AsyncGenerator<int> first = ticker(4);
    CHECK_NEXT(first, "1");
    AsyncGenerator<int> second = std::move(first);
    CHECK_NEXT(first, "end");
    auto running = create_task(told_next(second));
    co_await sleep(0s);
    AsyncGenerator<int> third = std::move(second);
    CHECK_AWAIT(running, "2");
    CHECK_NEXT(third, "3");
    first = std::move(third);
    CHECK_NEXT(first, "4");
    first = count_to(1);
    CHECK_NEXT(first, "1");
    AsyncGenerator<int>& same = first;
    first = std::move(same);
    CHECK_NEXT(first, "end");
    CHECK(first.repr() == "<AsyncGenerator count_to() done>");
}

ASYNC_TEST_CASE("async generator: an exception of the body comes out of next and ends it") {
    AsyncGenerator<int> generator = fails_after(1);
    CHECK_NEXT(generator, "1");
    CHECK_NEXT(generator, "bad");
    CHECK_NEXT(generator, "end");
    CHECK_CLOSE(generator, "none");
    AsyncGenerator<int> at_once = fails_after(0);
    CHECK_NEXT(at_once, "bad");
}

ASYNC_TEST_CASE("async generator: an exception after a wait", "[any_order]") {
    auto body = []() -> AsyncGenerator<int> {
        try {
            co_await fail_after(1s, "first");
        } catch (const std::runtime_error&) {
        }
        co_yield 1;
        co_await fail_after(1s, "second");
    };
    AsyncGenerator<int> generator = body();
    CHECK_NEXT(generator, "1");
    CHECK_NEXT(generator, "second");
    CHECK_NEXT(generator, "end");
}

ASYNC_TEST_CASE("async generator: next and aclose while a next is on are refused") {
    AsyncGenerator<int> generator = ticker(2);
    auto first = create_task(told_next(generator));
    co_await sleep(0s);
    CHECK_NEXT(generator, "anext(): asynchronous generator is already running");
    CHECK_CLOSE(generator, "aclose(): asynchronous generator is already running");
    CHECK_AWAIT(first, "1");
    CHECK_NEXT(generator, "2");
}

ASYNC_TEST_CASE("async generator: one that asks for its own next value is refused", "[any_order]") {
    AsyncGenerator<int> generator;
    auto body = [&]() -> AsyncGenerator<int> {
        const std::string told = co_await told_next(generator);
        CHECK(told == "anext(): asynchronous generator is already running");
        co_yield 1;
    };
    generator = body();
    CHECK_NEXT(generator, "1");
}

ASYNC_TEST_CASE("async generator: cancelling reaches what the body waits for, and ends it") {
    EventLog log;
    auto body = [&]() -> AsyncGenerator<int> {
        const Guard guard(log, "body");
        try {
            co_await sleep(1h);
        } catch (const CancelledError& error) {
            log("cancelled " + error.message());
            throw;
        }
        co_yield 1;
    };
    AsyncGenerator<int> generator = body();
    auto asking = create_task(joined(generator.next()));
    co_await sleep(1s);
    asking.cancel("now");
    const std::string ended = co_await told(asking);
    CHECK(ended == "CancelledError");
    CHECK(log.joined() == "cancelled now ~body");
    CHECK_NEXT(generator, "end");
}

ASYNC_TEST_CASE("async generator: a body that catches the cancellation goes on", "[any_order]") {
    auto body = []() -> AsyncGenerator<int> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
        }
        co_yield 1;
        co_yield 2;
    };
    AsyncGenerator<int> generator = body();
    auto asking = create_task(told_next(generator));
    co_await sleep(1s);
    asking.cancel();
    CHECK_AWAIT(asking, "1");
    CHECK_NEXT(generator, "2");
}

ASYNC_TEST_CASE("async generator: a body that does not wait does not see a cancellation") {
    EventLog log;
    AsyncGenerator<int> generator = traced(log, "a", 2);
    auto asks = [&]() -> Task<> {
        current_task().cancel();
        CHECK_NEXT(generator, "1");
        co_await sleep(0s);
    };
    const std::string ended = co_await told(create_task(asks()));
    CHECK(ended == "CancelledError");
    CHECK_NEXT(generator, "2");
}

ASYNC_TEST_CASE("async generator: a timeout around next ends it; one that is met does not") {
    AsyncGenerator<int> generator = ticker(5);
    auto in_time = co_await wait_for(generator.next(), 2s);
    CHECK(in_time == 1);
    auto ask = [&]() -> Task<> { static_cast<void>(co_await generator.next()); };
    const std::string late = co_await told(timeout(500ms, ask));
    CHECK(late == "TimeoutError");
    CHECK_NEXT(generator, "end");
    CHECK(now() == EventLoop::TimePoint(1500ms));
}

ASYNC_TEST_CASE("async generator: scopes in its body", "[any_order]") {
    auto body = []() -> AsyncGenerator<std::string> {
        auto too_long = []() -> Task<> { co_await sleep(1h); };
        auto end = co_await told(timeout(1s, too_long));
        co_yield end;
        auto fails = [](TaskGroup& group) -> Task<> {
            group.create_task(fail_after(1s, "bad"));
            co_await sleep(1h);
        };
        end = co_await told(task_group(fails));
        co_yield end;
    };
    AsyncGenerator<std::string> generator = body();
    const auto first = co_await generator.next();
    CHECK(first == "TimeoutError");
    const auto second = co_await generator.next();
    CHECK(second == "group(bad)");
}

ASYNC_TEST_CASE("async generator: two, interleaved by gather") {
    EventLog log;
    auto consume = [&log](AsyncGenerator<int>& generator, std::string name) -> Task<> {
        for (;;) {
            const auto item = co_await generator.next();
            if (!item) {
                break;
            }
            log(name + std::to_string(*item));
        }
    };
    AsyncGenerator<int> a = ticker(3);
    AsyncGenerator<int> b = ticker(2);
    co_await gather(consume(a, "a"), consume(b, "b"));
    CHECK(log.joined() == "a1 b1 a2 b2 a3");
    CHECK(now() == EventLoop::TimePoint(3s));
}

ASYNC_TEST_CASE("async generator: shared by several tasks, one after the other") {
    EventLog log;
    AsyncGenerator<int> generator = ticker(3);
    for (const char* name : {"a", "b", "c"}) {
        auto item = create_task(told_next(generator), {.name = name});
        const std::string text = co_await item;
        log(name + text);
    }
    CHECK(log.joined() == "a1 b2 c3");
}

ASYNC_TEST_CASE("async generator: its result may be kept while another step is on") {
    AsyncGenerator<int> generator = ticker(3);
    auto sum = [](std::optional<int> a, std::optional<int> b) { return *a * 10 + *b; };
    const int twelve = sum(co_await generator.next(), co_await generator.next());
    CHECK((twelve == 12 || twelve == 21));
    CHECK_NEXT(generator, "3");
}

ASYNC_TEST_CASE("async generator: as_outcome and shield take what next gives") {
    AsyncGenerator<int> generator = fails_after(2);
    const Outcome<std::optional<int>> first = co_await as_outcome(generator.next());
    CHECK(first.value() == 1);
    co_await shield(joined(generator.next()));
    const Outcome<std::optional<int>> third = co_await as_outcome(generator.next());
    CHECK_FALSE(third.has_value());
    CHECK(name_of(third.exception()) == "bad");
}

ASYNC_TEST_CASE("async generator: a million values", "[any_order]") {
    AsyncGenerator<int> generator = count_to(1'000'000);
    long sum = 0;
    for (;;) {
        const auto item = co_await generator.next();
        if (!item) {
            break;
        }
        sum += *item;
    }
    CHECK(sum == 500'000'500'000);
}

ASYNC_TEST_CASE("async generator: no allocation for each item", "[any_order]") {
    AsyncGenerator<int> generator = count_to(100);
    static_cast<void>(co_await generator.next());
    const std::ptrdiff_t before = detail::live_frames();
    for (int i = 0; i < 50; ++i) {
        const auto item = co_await generator.next();
        REQUIRE(item.has_value());
        REQUIRE(detail::live_frames() == before);
    }
}

ASYNC_TEST_CASE("async generator: ten thousand deep, each awaiting the next one's values",
                "[any_order]") {
    struct Chain {
        static AsyncGenerator<int> link(int depth) {
            if (depth == 0) {
                co_yield 1;
                co_await sleep(1s);
                co_yield 2;
                co_return;
            }
            AsyncGenerator<int> inner = link(depth - 1);
            for (;;) {
                const auto item = co_await inner.next();
                if (!item) {
                    break;
                }
                co_yield *item + 1;
            }
        }
    };
    CHECK_AWAIT(all(Chain::link(10'000)), "10001 10002 end");
}

ASYNC_TEST_CASE("async generator: its frame is in the chain of the one who awaits", "[any_order]") {
    auto body = []() -> AsyncGenerator<std::coroutine_handle<>> {
        co_await sleep(1s);
        co_yield detail::running_task().resume_point();
    };
    AsyncGenerator<std::coroutine_handle<>> generator = body();
    auto ask = [&]() -> Task<> {
        const auto item = co_await generator.next();
        // The generator was the innermost frame; it has let go of the continuation by now.
        CHECK(detail::PromiseBase::awaiting(*item) == nullptr);
    };
    auto task = create_task(ask());
    co_await sleep(500ms);
    auto& state = static_cast<detail::TaskStateBase&>(*task.shared_state());
    const auto innermost = state.resume_point();
    const auto outer = detail::PromiseBase::awaiting(innermost);
    REQUIRE(outer != nullptr);
    CHECK(detail::PromiseBase::awaiting(outer) == nullptr);
    CHECK(detail::function_name(detail::PromiseBase::of(innermost).location) == "<lambda>");
    co_await task;
}

ASYNC_TEST_CASE("async generator: its repr says where it stands") {
    AsyncGenerator<int> generator = ticker(1);
    const auto has = [&](const char* text) {
        return fmt::format("{}", generator).find(text) != std::string::npos;
    };
    CHECK(generator.repr() == "<AsyncGenerator ticker() not started>");
    auto running = create_task(told_next(generator));
    co_await sleep(0s);
    CHECK(has("<AsyncGenerator ticker() running at async_generators.hpp:"));
    CHECK_AWAIT(running, "1");
    CHECK(has("<AsyncGenerator ticker() suspended at async_generators.hpp:"));
    CHECK_NEXT(generator, "end");
    CHECK(generator.repr() == "<AsyncGenerator ticker() done>");
    generator = AsyncGenerator<int>();
    CHECK(generator.repr() == "<AsyncGenerator none>");
}

ASYNC_TEST_CASE("async generator: the loop knows those that have begun and not ended") {
    EventLoop& loop = get_running_loop();
    AsyncGenerator<int> generator = count_to(1);
    CHECK_FALSE(loop.machine().books().has_generators());
    CHECK_NEXT(generator, "1");
    CHECK(loop.machine().books().has_generators());
    CHECK_NEXT(generator, "end");
    CHECK_FALSE(loop.machine().books().has_generators());
    {
        AsyncGenerator<int> dropped = count_to(1);
        CHECK_NEXT(dropped, "1");
        CHECK(loop.machine().books().has_generators());
    }
    CHECK_FALSE(loop.machine().books().has_generators());
}
