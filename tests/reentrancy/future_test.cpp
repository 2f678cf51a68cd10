// What futures, tasks and contexts call: done callbacks, and the code of the values that they hold.
#include "acting.hpp"
#include "calls.hpp"

#include <ringio/tasks.hpp>
#include <support/ends.hpp>

#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace ringio::test_support::future_calls {
using testing::EventLog;

namespace {

void run_one_turn(EventLoop& loop) {
    loop.stop();
    loop.run_forever();
}

// A done callback.

void done_callback_closes() {
    EventLoop loop;
    Promise<> promise = loop.create_future<void>();
    promise.get_future().add_done_callback(
        [&] { CHECK_THROWS_WITH(loop.close(), "Cannot close a running event loop"); });
    promise.set_result();
    run_one_turn(loop);
}

Task<> done_callback_cancels() {
    Promise<> promise = get_running_loop().create_future<void>();
    Future<> future = promise.get_future();
    std::optional<bool> accepted;
    future.add_done_callback([&](Future<> done) { accepted = done.cancel(); });
    AnyTask me = current_task();
    future.add_done_callback([&] { me.cancel(); });
    promise.set_result();
    CHECK_AWAIT(is_cancelled(sleep(std::chrono::hours(1))), true);
    current_task().uncancel();
    CHECK(accepted == false);
}

Task<> done_callback_replaces_itself() {
    EventLog log;
    Promise<> promise = get_running_loop().create_future<void>();
    Future<> future = promise.get_future();
    std::uint64_t id = 0;
    id = future.add_done_callback([&, text = long_text](Future<> done) {
        CHECK(done.remove_done_callback(id) == 0);
        done.add_done_callback([&log] { log("second"); });
        log(text == long_text ? "first" : "destroyed");
    });
    promise.set_result();
    co_await turns(3);
    CHECK(log.joined() == "first second");
}

Task<> done_callback_destroys_future() {
    EventLog log;
    auto promise = std::make_unique<Promise<>>(get_running_loop().create_future<void>());
    auto future = std::make_unique<Future<>>(promise->get_future());
    future->add_done_callback([&, text = long_text] {
        future.reset();
        promise.reset();
        log(text == long_text ? "first" : "destroyed");
    });
    future->add_done_callback([&log] { log("second"); });
    promise->set_result();
    co_await turns(2);
    CHECK(log.joined() == "first second");
}

Task<> done_callback_throws() {
    Reported reported;
    Promise<> promise = get_running_loop().create_future<void>();
    promise.get_future().add_done_callback(boom);
    promise.set_result();
    co_await turns(2);
    CHECK(reported.messages.size() == 1);
}

// Its destructor, when it is taken back.

void end_of_done_callback_closes() {
    EventLoop loop;
    Promise<> promise = loop.create_future<void>();
    Future<> future = promise.get_future();
    const std::uint64_t id = future.add_done_callback([end = AtEnd([&] { loop.close(); })] {});
    CHECK(future.remove_done_callback(id) == 1);
    CHECK(loop.is_closed());
}

Task<> end_of_done_callback_cancels() {
    Promise<> promise = get_running_loop().create_future<void>();
    Future<> future = promise.get_future();
    const std::uint64_t id = future.add_done_callback([end = AtEnd([&] { future.cancel(); })] {});
    CHECK(future.remove_done_callback(id) == 1);
    CHECK(future.cancelled());
    co_await turns(2);
}

Task<> end_of_done_callback_replaces_itself() {
    EventLog log;
    Promise<> promise = get_running_loop().create_future<void>();
    Future<> future = promise.get_future();
    std::uint64_t id = 0;
    id = future.add_done_callback([end = AtEnd([&] {
                                       CHECK(future.remove_done_callback(id) == 0);
                                       future.add_done_callback([&log] { log("other"); });
                                       promise.set_result();
                                   })] {});
    CHECK(future.remove_done_callback(id) == 1);
    co_await turns(2);
    CHECK(log.joined() == "other");
}

Task<> end_of_done_callback_destroys_future() {
    auto promise = std::make_unique<Promise<>>(get_running_loop().create_future<void>());
    auto future = std::make_unique<Future<>>(promise->get_future());
    std::uint64_t id = 0;
    id = future->add_done_callback([end = AtEnd([&] {
                                        promise.reset();
                                        future.reset();
                                    })] {});
    CHECK(future->remove_done_callback(id) == 1);
    CHECK(future == nullptr);
    co_return;
}

// The making of a value: its constructor, move or copy, within set_result().

void value_closes() {
    EventLoop loop;
    Promise<Item> promise = loop.create_future<Item>();
    promise.set_result(Item(1, acts(&Acts::at_move, [&] { loop.close(); })));
    CHECK(promise.get_future().result().number() == 1);
}

Task<> value_cancels() {
    Promise<Item> promise = get_running_loop().create_future<Item>();
    Future<Item> future = promise.get_future();
    std::optional<bool> accepted;
    promise.set_result(Item(1, acts(&Acts::at_move, [&] { accepted = future.cancel(); })));
    CHECK(accepted == false);
    CHECK(future.result().number() == 1);
    co_return;
}

Task<> value_sets_another() {
    Promise<Item> promise = get_running_loop().create_future<Item>();
    std::string refusal;
    promise.set_result(Item(1, acts(&Acts::at_move, [&] {
                                try {
                                    promise.set_result(Item(2));
                                } catch (const InvalidStateError& error) {
                                    refusal = error.what();
                                }
                                CHECK_FALSE(promise.done());
                                CHECK_THROWS_AS(promise.set_exception(std::runtime_error("no")),
                                                InvalidStateError);
                            })));
    CHECK_THAT(refusal, Catch::Matchers::StartsWith("the future is being given its value"));
    CHECK(promise.get_future().result().number() == 1);
    co_return;
}

Task<> value_destroys_promise() {
    auto promise = std::make_unique<Promise<Item>>(get_running_loop().create_future<Item>());
    promise->set_result(Item(1, acts(&Acts::at_move, [&] { promise.reset(); })));
    CHECK(promise == nullptr);
    co_return;
}

Task<> value_throws() {
    Promise<Item> promise = get_running_loop().create_future<Item>();
    CHECK_THROWS_WITH(promise.set_result(Item(1, acts(&Acts::at_move, boom))), "boom");
    CHECK_FALSE(promise.done());
    promise.set_result(Item(2));
    CHECK(promise.get_future().result().number() == 2);
    co_return;
}

// The destructor of a value, or of an exception, with the last handle of its future.

Task<> end_of_value_cancels() {
    AnyTask other = create_task(sleep(std::chrono::hours(1)));
    {
        Promise<Item> promise = get_running_loop().create_future<Item>();
        promise.set_result(Item(1, acts(&Acts::at_end, [&] { other.cancel(); })));
    }
    CHECK_AWAIT(is_cancelled(other), true);
}

void end_of_value_closes() {
    EventLoop loop;
    {
        Promise<Item> promise = loop.create_future<Item>();
        promise.set_result(Item(1, acts(&Acts::at_end, [&] { loop.close(); })));
    }
    CHECK(loop.is_closed());
}

Task<> end_of_value_makes_another() {
    std::optional<Future<Item>> future;
    Promise<Item> promise = get_running_loop().create_future<Item>();
    promise.set_result(Item(1, acts(&Acts::at_end, [&] {
                                Promise<Item> next = get_running_loop().create_future<Item>();
                                next.set_result(Item(2));
                                future = next.get_future();
                            })));
    promise = Promise<Item>();
    CHECK(future->result().number() == 2);
    co_return;
}

void end_of_value_destroys_loop() {
    auto loop = std::make_unique<EventLoop>();
    {
        Promise<Item> promise = loop->create_future<Item>();
        promise.set_result(Item(1, acts(&Acts::at_end, [&] { loop.reset(); })));
    }
    CHECK(loop == nullptr);
}

struct ActingError : std::runtime_error {
    explicit ActingError(std::shared_ptr<Item> acting)
        : std::runtime_error("acting"), item(std::move(acting)) {}
    std::shared_ptr<Item> item;
};

Task<> end_of_exception_cancels() {
    AnyTask other = create_task(sleep(std::chrono::hours(1)));
    {
        Promise<> promise = get_running_loop().create_future<void>();
        promise.set_exception(
            ActingError(std::make_shared<Item>(1, acts(&Acts::at_end, [&] { other.cancel(); }))));
        CHECK_THROWS_AS(promise.get_future().result(), ActingError);
    }
    CHECK_AWAIT(is_cancelled(other), true);
}

void end_of_exception_closes() {
    EventLoop loop;
    {
        Promise<> promise = loop.create_future<void>();
        promise.set_exception(
            ActingError(std::make_shared<Item>(1, acts(&Acts::at_end, [&] { loop.close(); }))));
        promise.get_future().exception();
    }
    CHECK(loop.is_closed());
}

// The formatter of a value, in the repr of its future.

void formatter_closes() {
    EventLoop loop;
    Promise<Item> promise = loop.create_future<Item>();
    promise.set_result(Item(7, acts(&Acts::at_format, [&] { loop.close(); })));
    CHECK(fmt::format("{}", promise.get_future()) == "<Future finished result=7>");
}

Task<> formatter_cancels() {
    Promise<Item> promise = get_running_loop().create_future<Item>();
    Future<Item> future = promise.get_future();
    promise.set_result(Item(7, acts(&Acts::at_format, [&] { future.cancel(); })));
    CHECK(fmt::format("{}", future) == "<Future finished result=7>");
    co_return;
}

Task<> formatter_formats() {
    Promise<Item> promise = get_running_loop().create_future<Item>();
    std::string inner;
    promise.set_result(
        Item(7, acts(&Acts::at_format, [&] { inner = fmt::format("{}", promise.get_future()); })));
    CHECK(fmt::format("{}", promise.get_future()) == inner);
    co_return;
}

Task<> formatter_destroys_future() {
    auto promise = std::make_unique<Promise<Item>>(get_running_loop().create_future<Item>());
    promise->set_result(Item(7));
    auto future = std::make_unique<Future<Item>>(promise->get_future());
    promise.reset();
    promise = std::make_unique<Promise<Item>>(get_running_loop().create_future<Item>());
    promise->set_result(Item(7, acts(&Acts::at_format, [&] { future.reset(); })));
    future = std::make_unique<Future<Item>>(promise->get_future());
    promise.reset();
    CHECK(fmt::format("{}", *future) == "<Future finished result=7>");
    CHECK(future == nullptr);
    co_return;
}

Task<> formatter_throws() {
    Promise<Item> promise = get_running_loop().create_future<Item>();
    promise.set_result(Item(7, acts(&Acts::at_format, boom)));
    CHECK(fmt::format("{}", promise.get_future()) == "<Future finished result=<value>>");
    co_return;
}

// The value of a ContextVar, copied by get(), destroyed when another one is set.

ContextVar<Item>& variable() {
    static ContextVar<Item> made("reentrant");
    return made;
}

Task<> context_copy_cancels() {
    AnyTask me = current_task();
    variable().set(Item(1, acts(&Acts::at_copy, [&] { me.cancel(); })));
    CHECK(variable().get().whole());
    CHECK_AWAIT(is_cancelled(sleep(Delay())), true);
    current_task().uncancel();
}

Task<> context_copy_sets() {
    variable().set(Item(1, acts(&Acts::at_copy, [] { variable().set(Item(2)); })));
    const Item copy = variable().get();
    CHECK(copy.number() == 1);
    CHECK(copy.whole());
    CHECK(variable().get(Item(3)).number() == 2);
    co_return;
}

void context_copy_destroys_context() {
    auto context = std::make_unique<Context>();
    context->run([&] { variable().set(Item(1, acts(&Acts::at_copy, [&] { context.reset(); }))); });
    const std::optional<Item> copy = context->get(variable());
    CHECK(copy->whole());
    CHECK(context == nullptr);
}

Task<> context_copy_throws() {
    variable().set(Item(1, acts(&Acts::at_copy, boom)));
    CHECK_THROWS_WITH(variable().get(), "boom");
    CHECK(variable().get().number() == 1);
    co_return;
}

Task<> end_of_context_value_cancels() {
    AnyTask me = current_task();
    variable().set(Item(1, acts(&Acts::at_end, [&] { me.cancel(); })));
    variable().set(Item(2));
    CHECK_AWAIT(is_cancelled(sleep(Delay())), true);
    current_task().uncancel();
}

Task<> end_of_context_value_sets() {
    variable().set(Item(1, acts(&Acts::at_end, [] { variable().set(Item(3)); })));
    variable().set(Item(2));
    CHECK(variable().get().number() == 3);
    co_return;
}

void end_of_context_value_at_the_end_of_a_thread() {
    int ends = 0;
    std::thread([&ends] {
        variable().set(Item(1, acts(&Acts::at_end, [&ends] {
                                variable().set(Item(2, acts(&Acts::at_end, [&ends] { ++ends; })));
                            })));
    }).join();
    CHECK(ends == 1);
}

}  // namespace

TEST_CASE("reentrancy: what futures and contexts call") {
    check_calls({
        {.code = "a done callback",
         .closes = done_callback_closes,
         .cancels = done_callback_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = done_callback_replaces_itself,
         .destroys_owner = done_callback_destroys_future,
         .throws = done_callback_throws},
        {.code = "the destructor of a done callback",
         .closes = end_of_done_callback_closes,
         .cancels = end_of_done_callback_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = end_of_done_callback_replaces_itself,
         .destroys_owner = end_of_done_callback_destroys_future,
         .throws = destructor},
        {.code = "the making of a value",
         .closes = value_closes,
         .cancels = value_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = value_sets_another,
         .destroys_owner = value_destroys_promise,
         .throws = value_throws},
        {.code = "the destructor of a value",
         .closes = end_of_value_closes,
         .cancels = end_of_value_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = end_of_value_makes_another,
         .destroys_owner = end_of_value_destroys_loop,
         .throws = destructor},
        {.code = "the destructor of an exception",
         .closes = end_of_exception_closes,
         .cancels = end_of_exception_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = "its future has no handle any more that could be given another",
         .destroys_owner = "its future is being destroyed",
         .throws = destructor},
        {.code = "the formatter of a value",
         .closes = formatter_closes,
         .cancels = formatter_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = formatter_formats,
         .destroys_owner = formatter_destroys_future,
         .throws = formatter_throws},
        {.code = "the copy of a context's value",
         .closes = nothing_to_close,
         .cancels = context_copy_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = context_copy_sets,
         .destroys_owner = context_copy_destroys_context,
         .throws = context_copy_throws},
        {.code = "the destructor of a context's value",
         .closes = nothing_to_close,
         .cancels = end_of_context_value_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = end_of_context_value_sets,
         .destroys_owner = end_of_context_value_at_the_end_of_a_thread,
         .throws = destructor},
    });
}

}  // namespace ringio::test_support::future_calls
