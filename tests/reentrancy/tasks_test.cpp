// What tasks/ calls: the code of values on their way through gather, shield and wrap_future, eager
// first steps, the bodies of generators and the values they yield.
#include "acting.hpp"
#include "calls.hpp"

#include <ringio/tasks.hpp>
#include <support/ends.hpp>

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ringio::test_support::task_calls {
using testing::EventLog;

namespace {

const char* const asks_once = "a copy is made once for each result";

Task<Item> give(std::shared_ptr<Acts> its) {
    co_await sleep(Delay());
    co_return Item(1, std::move(its));
}

Task<> say(EventLog& log, std::string text) {
    log(text);
    co_return;
}

Task<int> sleep_and_give() {
    co_await sleep(Delay());
    co_return 7;
}

// The copy of a result, for gather().

Task<> gathered_value_cancels() {
    const auto made = std::make_shared<Acts>();
    TaskHandle<Item> task = create_task(give(made));
    auto all = gather(task);
    AnyTask me = current_task();
    made->at_copy = [&] {
        all.cancel();
        me.cancel();
    };
    CHECK_AWAIT(is_cancelled(sleep(std::chrono::hours(1))), true);
    current_task().uncancel();
    CHECK(std::get<0>(all.result()).number() == 1);
    CHECK(task.result().whole());
}

Task<> gathered_value_destroys_future() {
    const auto made = std::make_shared<Acts>();
    const TaskHandle<Item> task = create_task(give(made));
    auto all = std::make_unique<decltype(gather(task))>(gather(task));
    made->at_copy = [&] { all.reset(); };
    co_await turns(5);
    CHECK(all == nullptr);
    CHECK(task.result().whole());
}

Task<> gathered_value_throws() {
    const auto made = std::make_shared<Acts>();
    const TaskHandle<Item> task = create_task(give(made));
    auto all = gather(task);
    made->at_copy = boom;
    CHECK_AWAIT(text_of<std::runtime_error>(all), "boom");
    std::vector<TaskHandle<Item>> tasks(2, task);
    made->at_copy = boom;
    auto each = gather(return_exceptions, tasks);
    CHECK_AWAIT(text_of<std::runtime_error>(each), "boom");
}

// The copy of a result, for shield().

Task<> shielded_value_cancels() {
    const auto made = std::make_shared<Acts>();
    const TaskHandle<Item> task = create_task(give(made));
    Future<Item> outer = shield(task);
    made->at_copy = [&] { outer.cancel(); };
    CHECK_AWAIT(is_cancelled(outer), true);
    CHECK(task.result().whole());
}

Task<> shielded_value_destroys_future() {
    const auto made = std::make_shared<Acts>();
    const TaskHandle<Item> task = create_task(give(made));
    auto outer = std::make_unique<Future<Item>>(shield(task));
    made->at_copy = [&] { outer.reset(); };
    co_await turns(5);
    CHECK(outer == nullptr);
}

Task<> shielded_value_throws() {
    const auto made = std::make_shared<Acts>();
    const TaskHandle<Item> task = create_task(give(made));
    Future<Item> outer = shield(task);
    made->at_copy = boom;
    CHECK_AWAIT(text_of<std::runtime_error>(outer), "boom");
}

// The move of a result that a thread made, by wrap_future().

Task<> wrapped_value_cancels() {
    const auto made = std::make_shared<Acts>();
    concurrent::Promise<Item> promise;
    Future<Item> future = wrap_future(promise.get_future());
    promise.set_result(Item(1, made));
    made->at_move = [&] { future.cancel(); };
    CHECK_AWAIT(is_cancelled(future), true);
}

Task<> wrapped_value_destroys_future() {
    const auto made = std::make_shared<Acts>();
    concurrent::Promise<Item> promise;
    auto future = std::make_unique<Future<Item>>(wrap_future(promise.get_future()));
    promise.set_result(Item(1, made));
    made->at_move = [&] { future.reset(); };
    co_await turns(4);
    CHECK(future == nullptr);
}

Task<> wrapped_value_throws() {
    const auto made = std::make_shared<Acts>();
    concurrent::Promise<Item> promise;
    Future<Item> future = wrap_future(promise.get_future());
    promise.set_result(Item(1, made));
    made->at_move = boom;
    CHECK_AWAIT(text_of<std::runtime_error>(future), "boom");
}

// The callbacks of a concurrent::Future, called within the cancel() of the loop's future.

Task<> source_callback_cancels() {
    concurrent::Promise<int> promise;
    const concurrent::Future<int> source = promise.get_future();
    Future<int> future = wrap_future(source);
    std::optional<bool> again;
    source.add_done_callback([&] { again = future.cancel(); });
    CHECK(future.cancel());
    CHECK(again == false);
    CHECK(source.cancelled());
    co_return;
}

Task<> source_callback_destroys_futures() {
    concurrent::Promise<int> promise;
    auto future = std::make_unique<Future<int>>(wrap_future(promise.get_future()));
    promise.get_future().add_done_callback([&] { future.reset(); });
    CHECK(future->cancel());
    CHECK(future == nullptr);
    concurrent::Promise<int> other;
    auto gathered =
        std::make_unique<Future<std::tuple<int>>>(gather(wrap_future(other.get_future())));
    other.get_future().add_done_callback([&] { gathered.reset(); });
    CHECK(gathered->cancel());
    CHECK(gathered == nullptr);
    co_return;
}

void source_callback_closes() {
    EventLoop loop;
    concurrent::Promise<int> promise;
    Future<int> future = wrap_future(promise.get_future(), loop);
    promise.get_future().add_done_callback([&] { loop.close(); });
    CHECK(future.cancel());
    CHECK(loop.is_closed());
}

/// The frame that waits is destroyed in the middle of the request to cancel it.
void source_callback_closes_over_the_task_that_waits() {
    EventLoop loop;
    concurrent::Promise<int> promise;
    const auto wait_for_it = [](concurrent::Future<int> source) -> Task<> {
        static_cast<void>(co_await gather(wrap_future(source)));
    };
    TaskHandle<> task = loop.create_task(wait_for_it(promise.get_future()));
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    loop.stop();
    loop.run_forever();
    promise.get_future().add_done_callback([&] { loop.close(); });
    CHECK(task.cancel());
    CHECK(loop.is_closed());
    CHECK_FALSE(task.done());
    source_callback_closes();
}

// The destructor of the last handle's value, as as_completed() and a group let tasks go.

Task<> completed_value_cancels() {
    AnyTask me = current_task();
    {
        std::vector<Task<Item>> coroutines;
        coroutines.push_back(give(acts(&Acts::at_end, [&] { me.cancel(); })));
        auto completed = as_completed(coroutines);
        co_await turns(5);
    }
    CHECK_AWAIT(is_cancelled(sleep(Delay())), true);
    current_task().uncancel();
}

Task<> grouped_value_makes_another() {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(
            give(acts(&Acts::at_end, [&] { group.create_task(say(log, "another")); })));
        co_await turns(4);
        log("body");
        co_await turns(2);
    };
    co_await task_group(body);
    CHECK(log.joined() == "another body");
}

Task<> grouped_value_cancels_group() {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(sleep(std::chrono::hours(1)));
        group.create_task(give(acts(&Acts::at_end, [&] { group.cancel(); })));
        co_await sleep(std::chrono::hours(1));
        log("not cancelled");
    };
    co_await task_group(body);
    CHECK(log.joined() == "");
}

// The first step of an eager task, within create_task() of a group.

Task<> eager_step_cancels_group() {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        auto cancels = [&]() -> Task<> {
            group.cancel();
            co_await sleep(std::chrono::hours(1));
            log("not cancelled");
        };
        group.create_task(cancels(), {.eager_start = true});
        CHECK_THROWS_WITH(group.create_task(sleep(Delay())),
                          Catch::Matchers::EndsWith("is shutting down"));
        co_await sleep(std::chrono::hours(1));
        log("body goes on");
    };
    co_await task_group(body);
    CHECK(log.joined() == "");
}

Task<> eager_step_creates_another() {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        auto outer = [&]() -> Task<> {
            group.create_task(say(log, "inner"), {.eager_start = true});
            log("outer");
            co_return;
        };
        group.create_task(outer(), {.eager_start = true});
        log(group.repr());
        co_return;
    };
    co_await task_group(body);
    CHECK(log.joined() == "inner outer <TaskGroup entered>");
}

Task<> eager_step_throws() {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        AnyTask other = group.create_task(sleep(std::chrono::hours(1)));
        auto fails = []() -> Task<> {
            boom();
            co_return;
        };
        group.create_task(fails(), {.eager_start = true});
        log(group.repr());
        CHECK(other.cancelling() == 1);
        co_await sleep(std::chrono::hours(1));
        log("not cancelled");
    };
    std::string text;
    try {
        co_await task_group(body);
    } catch (const ExceptionGroup& group) {
        text = group.what();
    }
    CHECK(text == "unhandled errors in a TaskGroup (1 sub-exception)");
    CHECK(log.joined() == "<TaskGroup tasks=1 errors=1 cancelling>");
}

// The body of a Generator, within next() or a loop.

Generator<int> acting_numbers(std::function<void()> act) {
    co_yield 1;
    act();
    co_yield 2;
}

void generator_body_enters_again() {
    Generator<int> numbers;
    std::string refusal;
    numbers = acting_numbers([&] {
        CHECK_THROWS_WITH(numbers.next(), "generator already executing");
        refusal = "refused";
    });
    CHECK(numbers.next() == 1);
    CHECK(numbers.next() == 2);
    CHECK(refusal == "refused");
}

void generator_body_moves_generator() {
    Generator<int> numbers;
    Generator<int> moved;
    numbers = acting_numbers([&] { moved = std::move(numbers); });
    CHECK(numbers.next() == 1);
    CHECK(numbers.next() == 2);
    CHECK_FALSE(numbers.next());
    CHECK_FALSE(moved.next());
    Generator<int> looped = acting_numbers([&] { moved = std::move(looped); });
    CHECK(looped.next() == 1);
    int sum = 0;
    for (const int number : looped) {
        sum += number;
    }
    CHECK(sum == 2);
}

void generator_body_throws() {
    Generator<int> numbers = acting_numbers(boom);
    CHECK(numbers.next() == 1);
    CHECK_THROWS_WITH(numbers.next(), "boom");
    CHECK_FALSE(numbers.next());
}

// The copy of what an AsyncGenerator yields, within next().

AsyncGenerator<Item> acting_items(std::shared_ptr<Acts> its) {
    const Item named(1, its);
    co_yield named;
    co_yield Item(2);
}

Task<> yielded_value_closes() {
    const auto made = std::make_shared<Acts>();
    AsyncGenerator<Item> items = acting_items(made);
    std::optional<AsyncGenerator<Item>> owner(std::move(items));
    made->at_copy = [&] { owner.reset(); };
    const std::optional<Item> first = co_await owner->next();
    CHECK(first->whole());
    CHECK_FALSE(owner);
}

Task<> yielded_value_cancels() {
    const auto made = std::make_shared<Acts>();
    AsyncGenerator<Item> items = acting_items(made);
    AnyTask me = current_task();
    made->at_copy = [&] { me.cancel(); };
    const std::optional<Item> first = co_await items.next();
    CHECK(first->whole());
    CHECK_AWAIT(is_cancelled(sleep(Delay())), true);
    current_task().uncancel();
    const std::optional<Item> second = co_await items.next();
    CHECK(second->number() == 2);
}

Task<> yielded_value_asks_again() {
    const auto made = std::make_shared<Acts>();
    AsyncGenerator<Item> items = acting_items(made);
    std::optional<Task<std::string>> asking;
    auto ask = [&items]() -> Task<std::string> {
        co_return co_await text_of<std::runtime_error>([](AsyncGenerator<Item>& from) -> Task<> {
            const std::optional<Item> none = co_await from.next();
            static_cast<void>(none);
        }(items));
    };
    TaskHandle<std::string> asked;
    made->at_copy = [&] { asked = create_task(ask(), {.eager_start = true}); };
    const std::optional<Item> first = co_await items.next();
    CHECK(first->whole());
    CHECK_AWAIT(asked, "anext(): asynchronous generator is already running");
    const std::optional<Item> second = co_await items.next();
    CHECK(second->number() == 2);
}

Task<> yielded_value_throws() {
    const auto made = std::make_shared<Acts>();
    AsyncGenerator<Item> items = acting_items(made);
    made->at_copy = boom;
    auto next = [&items]() -> Task<> {
        const std::optional<Item> first = co_await items.next();
        static_cast<void>(first);
    };
    CHECK_AWAIT(text_of<std::runtime_error>(next()), "boom");
    const std::optional<Item> second = co_await items.next();
    CHECK(second->number() == 2);
}

// The exception handler, told of a generator that begins too late.

Task<> late_generator_is_destroyed_by_the_handler() {
    EventLoop& loop = get_running_loop();
    loop.set_debug(true);
    co_await loop.shutdown_asyncgens();
    std::optional<AsyncGenerator<Item>> owner(acting_items(nullptr));
    int reports = 0;
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) {
        ++reports;
        owner.reset();
    });
    const std::optional<Item> first = co_await owner->next();
    CHECK(first->whole());
    CHECK(reports == 1);
    CHECK_FALSE(owner);
    loop.set_exception_handler({});
    loop.set_debug(false);
}

// The destructors of a coroutine's parameters, when its task has ended.

Task<> hold(AtEnd end) {
    co_await sleep(Delay());
    static_cast<void>(end);
}

Task<> end_of_parameter_closes() {
    EventLoop& loop = get_running_loop();
    bool refused = false;
    co_await create_task(hold(AtEnd([&] {
        CHECK_THROWS_WITH(loop.close(), "Cannot close a running event loop");
        refused = true;
    })));
    CHECK(refused);
}

Task<> end_of_parameter_cancels() {
    TaskHandle<> task;
    std::optional<bool> accepted;
    task = create_task(hold(AtEnd([&] { accepted = task.cancel(); })));
    co_await task;
    CHECK(accepted == false);
}

Task<> end_of_parameter_creates_another() {
    EventLog log;
    TaskHandle<> another;
    co_await create_task(hold(AtEnd([&] { another = create_task(say(log, "another")); })));
    co_await another;
    CHECK(log.joined() == "another");
}

Task<> end_of_parameter_destroys_handle() {
    auto task = std::make_unique<TaskHandle<>>();
    *task = create_task(hold(AtEnd([&] { task.reset(); })));
    co_await turns(4);
    CHECK(task == nullptr);
}

// Somebody else's awaiter.

struct Foreign {
    std::function<void(std::coroutine_handle<>)> at_suspend;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) const { at_suspend(coroutine); }
    void await_resume() const noexcept {}
};

Task<> foreign_cancels() {
    AnyTask me = current_task();
    Foreign foreign{[&](std::coroutine_handle<> coroutine) {
        me.cancel();
        EventLoop& loop = get_running_loop();
        loop.call_soon([coroutine] { coroutine.resume(); });
    }};
    co_await foreign;
    CHECK_AWAIT(is_cancelled(sleep(Delay())), true);
    current_task().uncancel();
}

Task<> foreign_resumes_at_once() {
    Foreign foreign{[](std::coroutine_handle<> coroutine) { coroutine.resume(); }};
    for (int round = 0; round < 3; ++round) {
        co_await foreign;
    }
}

Task<> foreign_throws() {
    Foreign foreign{[](std::coroutine_handle<>) { boom(); }};
    auto await_it = [&foreign]() -> Task<> { co_await foreign; };
    CHECK_AWAIT(text_of<std::runtime_error>(await_it()), "boom");
}

// The functions of a staggered_race().

Task<> racer_cancels() {
    EventLog log;
    AnyTask parent = current_task();
    auto racer = [&]() -> Task<int> {
        parent.cancel();
        co_await sleep(std::chrono::hours(1));
        log("not cancelled");
        co_return 1;
    };
    const std::vector<decltype(racer)> racers(2, racer);
    CHECK_AWAIT(is_cancelled(staggered_race(racers, std::nullopt)), true);
    current_task().uncancel();
    CHECK(log.joined() == "");
}

Task<> racer_throws_before_its_coroutine() {
    std::vector<std::function<Task<int>()>> racers;
    racers.emplace_back([]() -> Task<int> { boom(); });
    racers.emplace_back([]() -> Task<int> { return sleep_and_give(); });
    const auto result = co_await staggered_race(racers, std::nullopt);
    CHECK(result.value == 7);
    CHECK(result.exceptions[0] != nullptr);
}

}  // namespace

TEST_CASE("reentrancy: what a task calls") {
    check_calls({
        {.code = "the destructor of a parameter",
         .closes = end_of_parameter_closes,
         .cancels = end_of_parameter_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = end_of_parameter_creates_another,
         .destroys_owner = end_of_parameter_destroys_handle,
         .throws = destructor},
        {.code = "somebody else's awaiter",
         .closes = "a loop that runs refuses to be closed: see the table of the event loop",
         .cancels = foreign_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = foreign_resumes_at_once,
         .destroys_owner = "the awaiter lies in the frame of the task that runs",
         .throws = foreign_throws},
        {.code = "a function of a staggered_race()",
         .closes = nothing_to_close,
         .cancels = racer_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = "the race owns its copy, and nobody can set it",
         .destroys_owner = "the race is in the frame of a task that waits for it",
         .throws = racer_throws_before_its_coroutine},
    });
}

TEST_CASE("reentrancy: what gather, shield and wrap_future call") {
    check_calls({
        {.code = "the copy of a gathered value",
         .closes = nothing_to_close,
         .cancels = gathered_value_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = asks_once,
         .destroys_owner = gathered_value_destroys_future,
         .throws = gathered_value_throws},
        {.code = "the copy of a shielded value",
         .closes = nothing_to_close,
         .cancels = shielded_value_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = asks_once,
         .destroys_owner = shielded_value_destroys_future,
         .throws = shielded_value_throws},
        {.code = "the move of a value from a thread",
         .closes = nothing_to_close,
         .cancels = wrapped_value_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = asks_once,
         .destroys_owner = wrapped_value_destroys_future,
         .throws = wrapped_value_throws},
        {.code = "a callback of a concurrent::Future, within cancel(),",
         .closes = source_callback_closes_over_the_task_that_waits,
         .cancels = source_callback_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = source_callback_cancels,
         .destroys_owner = source_callback_destroys_futures,
         .throws = "concurrent::Future reports it: see the table of concurrent/"},
    });
}

TEST_CASE("reentrancy: what groups and as_completed call") {
    check_calls({
        {.code = "the destructor of a value that as_completed() lets go",
         .closes = nothing_to_close,
         .cancels = completed_value_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = asks_once,
         .destroys_owner = "the callback keeps what it needs",
         .throws = destructor},
        {.code = "the destructor of a value that a group lets go",
         .closes = nothing_to_close,
         .cancels = grouped_value_cancels_group,
         .shuts_down = nothing_to_shut,
         .replaces_itself = grouped_value_makes_another,
         .destroys_owner = "the group is in the frame of a task that waits for it",
         .throws = destructor},
        {.code = "the first step of an eager task in a group",
         .closes = nothing_to_close,
         .cancels = eager_step_cancels_group,
         .shuts_down = nothing_to_shut,
         .replaces_itself = eager_step_creates_another,
         .destroys_owner = "the group is in the frame of a task that waits for it",
         .throws = eager_step_throws},
    });
}

TEST_CASE("reentrancy: what generators call") {
    check_calls({
        {.code = "the body of a Generator",
         .closes = nothing_to_close,
         .cancels = "it runs outside of the loop",
         .shuts_down = nothing_to_shut,
         .replaces_itself = generator_body_enters_again,
         .destroys_owner = generator_body_moves_generator,
         .throws = generator_body_throws},
        {.code = "the copy of a value that an AsyncGenerator yields",
         .closes = yielded_value_closes,
         .cancels = yielded_value_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = yielded_value_asks_again,
         .destroys_owner = yielded_value_closes,
         .throws = yielded_value_throws},
        {.code = "the exception handler, told of an AsyncGenerator,",
         .closes = late_generator_is_destroyed_by_the_handler,
         .cancels = "see the table of the event loop",
         .shuts_down = late_generator_is_destroyed_by_the_handler,
         .replaces_itself = "see the table of the event loop",
         .destroys_owner = late_generator_is_destroyed_by_the_handler,
         .throws = "see the table of the event loop"},
    });
}

}  // namespace ringio::test_support::task_calls
