// contexts: the variables of a task, and where they are seen.
#include <ringio/core/context.hpp>
#include <ringio/tasks.hpp>
#include "scenario.hpp"

namespace ringio::conformance {
namespace {

using Var = ContextVar<std::string>;

/// The type of the error of a call, for the texts differ.
template <class Fn>
std::string refused(Fn&& function) {
    try {
        static_cast<void>(function());
    } catch (...) {
        return kind_of_current();
    }
    return "accepted";
}

CONFORMS_PLAIN("contexts.get") {
    Var var("var", "nope");
    Var without("without");
    copy_context().run([&] {
        log(var.name(), var.get(), var.get("fallback"));
        log(refused([&] { return without.get(); }), without.get("fallback"));
        var.set("value");
        without.set("other");
        log(var.get(), var.get("fallback"), without.get());
    });
    log(var.get(), refused([&] { return without.get(); }));
}

CONFORMS_PLAIN("contexts.reset") {
    Var var("var", "nope");
    copy_context().run([&] {
        auto first = var.set("first");
        auto second = var.set("second");
        log(var.get(), *second.old_value());
        var.reset(second);
        log(var.get());
        var.reset(first);
        log(var.get());
    });
}

CONFORMS_PLAIN("contexts.reset_misused") {
    Var var("var", "nope");
    Var other("other", "nope");
    copy_context().run([&] {
        auto token = var.set("value");
        const auto reset = [&] {
            var.reset(token);
            return 0;
        };
        log(refused([&] {
            other.reset(token);
            return 0;
        }));
        log(copy_context().run([&] { return refused(reset); }));
        var.reset(token);
        const std::string again = refused(reset);
        log(again, var.get());
    });
}

CONFORMS_PLAIN("contexts.run") {
    Var var("var", "nope");
    const Context context = copy_context();
    context.run([&] { var.set("inside"); });
    const auto get = [&] { return var.get(); };
    log(var.get(), context.run(get), *context.get(var), context.contains(var));
    const Context empty;
    log(empty.size(), empty.contains(var), empty.run(get));
}

CONFORMS_PLAIN("contexts.run_twice") {
    const Context context = copy_context();
    const auto run = [&] { return context.run([] { return 0; }); };
    log(context.run([&] { return refused(run); }));
    log(refused(run));
}

CONFORMS_PLAIN("contexts.run_raises") {
    Var var("var", "nope");
    const Context context = copy_context();
    const std::string end = refused([&] {
        return context.run([&]() -> int {
            var.set("set before the error");
            throw std::invalid_argument("boom");
        });
    });
    log(end, var.get(), context.run([&] { return var.get(); }));
}

CONFORMS_PLAIN("contexts.copy") {
    Var var("var", "nope");
    const Context context = copy_context();
    context.run([&] { var.set("original"); });
    const Context copy = context.copy();
    copy.run([&] { var.set("copy"); });
    log(*context.get(var), *copy.get(var));
}

CONFORMS("contexts.context_1") {
    Var var("var", "nope");
    const auto sub = [&]() -> Task<> {
        co_await sleep(10ms);
        log(var.get());
        var.set("something else");
    };
    log(var.get());
    auto task = create_task(sub());
    var.set("yes");
    log(var.get());
    co_await task;
    log(var.get());
}

CONFORMS("contexts.context_2") {
    Var var("var", "nope");
    for (int j = 0; j < 2; ++j) {
        auto promise = loop_promise();
        Future<> future = promise.get_future();
        future.add_done_callback([&] {
            log("callback sees", var.get());
            var.set("something else");
        });
        var.set("yes" + std::to_string(j));
        get_running_loop().call_soon([&] { promise.set_result(); });
        co_await future;
        log(var.get());
        for (int i = 0; i < 3; ++i) {
            var.set("yes" + std::to_string(i) + "-" + std::to_string(j));
            co_await sleep(1ms);
            log(var.get());
        }
    }
}

CONFORMS("contexts.context_3") {
    ContextVar<int> var("var", -1);
    const auto sub = [&](int number) -> Task<> {
        for (int i = 0; i < 10; ++i) {
            var.set(number + i);
            co_await sleep(std::chrono::milliseconds(number % 7));
            if (var.get() != number + i) {
                log("wrong");
            }
        }
    };
    std::vector<TaskHandle<>> tasks;
    for (int i = 0; i < 20; ++i) {
        tasks.push_back(create_task(sub(i * 10)));
    }
    co_await gather(tasks);
    log(var.get());
}

CONFORMS("contexts.context_5") {
    Var var("var", "nope");
    const Context context = copy_context();
    const auto sub = [&]() -> Task<> {
        co_await sleep(10ms);
        log(var.get());
        var.set("from the task");
        co_await sleep(10ms);
    };
    context.run([&] { var.set("given"); });
    co_await create_task(sub(), {.context = &context});
    log(var.get(), *context.get(var));
}

CONFORMS("contexts.context_6") {
    Var var("var", "nope");
    const Context context = copy_context();
    const auto writer = [&]() -> Task<> {
        var.set("written");
        co_await sleep(1s);
    };
    const auto reader = [&]() -> Task<> {
        co_await sleep(500ms);
        log(var.get());
        var.set("read");
    };
    auto first = create_task(writer(), {.context = &context});
    auto second = create_task(reader(), {.context = &context});
    co_await gather(first, second);
    log(*context.get(var), var.get());
}

CONFORMS("contexts.awaited_coroutine") {
    Var var("var", "nope");
    const auto inner = [&]() -> Task<> {
        log(var.get());
        var.set("set inside");
        co_await sleep(1s);
    };
    var.set("set outside");
    co_await inner();
    log(var.get());
}

CONFORMS("contexts.gather") {
    Var var("var", "nope");
    const auto child = [&](const char* name) -> Task<> {
        log(name, var.get());
        var.set(name);
        co_await sleep(0s);
        log(name, var.get());
    };
    var.set("parent");
    co_await gather(child("a"), child("b"));
    log(var.get());
}

CONFORMS("contexts.shield") {
    Var var("var", "nope");
    const auto inner = [&]() -> Task<> {
        var.set("inner");
        co_return;
    };
    co_await shield(inner());
    log(var.get());
}

CONFORMS("contexts.wait_for") {
    Var var("var", "nope");
    const auto inner = [&]() -> Task<> {
        co_await sleep(0s);
        var.set("inner");
    };
    co_await wait_for(inner(), 1s);
    log(var.get());
}

CONFORMS("contexts.timeout") {
    Var var("var", "nope");
    const auto inner = [&]() -> Task<> {
        co_await sleep(0s);
        var.set("inner");
    };
    co_await timeout(1s, inner);
    log(var.get());
}

CONFORMS("contexts.task_group") {
    Var var("var", "nope");
    const auto child = [&]() -> Task<> {
        log("child", var.get());
        var.set("child");
        co_return;
    };
    const auto body = [&](TaskGroup& group) -> Task<> {
        var.set("body");
        group.create_task(child());
        co_await sleep(0s);
    };
    co_await task_group(body);
    log(var.get());
}

CONFORMS("contexts.callbacks") {
    Var var("var", "nope");
    EventLoop& loop = get_running_loop();
    var.set("soon");
    loop.call_soon([&] { log("call_soon", var.get()); });
    var.set("later");
    loop.call_later(1s, [&] { log("call_later", var.get()); });
    var.set("at");
    loop.call_at(EventLoop::TimePoint(2s), [&] { log("call_at", var.get()); });
    var.set("main");
    co_await sleep(3s);
}

CONFORMS("contexts.callback_sets") {
    Var var("var", "nope");
    const auto callback = [&](const char* name) {
        log(name, "sees", var.get());
        var.set(name);
    };
    get_running_loop().call_soon(callback, "first");
    get_running_loop().call_soon(callback, "second");
    co_await turns(1);
    log(var.get());
}

CONFORMS("contexts.done_callbacks") {
    Var var("var", "nope");
    auto promise = loop_promise();
    const auto adder = [&](const char* name) -> Task<> {
        var.set(name);
        promise.get_future().add_done_callback([&var, name] { log(name, "sees", var.get()); });
        co_return;
    };
    const auto setter = [&]() -> Task<> {
        var.set("setter");
        promise.set_result();
        co_return;
    };
    co_await create_task(adder("first"));
    co_await create_task(adder("second"));
    co_await create_task(setter());
    co_await turns(1);
}

CONFORMS("contexts.get_context") {
    Var var("var", "nope");
    const auto sub = [&]() -> Task<> {
        var.set("in the task");
        co_await sleep(1s);
    };
    auto task = create_task(sub());
    log(task.get_context().contains(var));
    co_await sleep(500ms);
    log(*task.get_context().get(var));
    co_await task;
    log(*task.get_context().get(var));
}

CONFORMS("contexts.set_before_the_first_step") {
    Var var("var", "nope");
    const auto sub = [&]() -> Task<> {
        log(var.get());
        co_return;
    };
    var.set("at the making");
    auto task = create_task(sub());
    var.set("afterwards");
    co_await task;
}

CONFORMS("contexts.task_exc_handler_correct_context") {
    Var var("var", "nope");
    get_running_loop().set_exception_handler(
        [&](EventLoop&, const ExceptionContext&) { log("handler sees", var.get()); });
    const auto sub = [&]() -> Task<> {
        var.set("the task");
        co_await fail("lost");
    };
    var.set("main");
    TaskHandle<> task = create_task(sub());
    co_await turns(2);
    task = {};
    get_running_loop().set_exception_handler(nullptr);
}

CONFORMS("contexts.handle_exc_handler_correct_context") {
    Var var("var", "nope");
    get_running_loop().set_exception_handler(
        [&](EventLoop&, const ExceptionContext&) { log("handler sees", var.get()); });
    var.set("main");
    get_running_loop().call_soon([&] {
        var.set("the callback");
        throw std::invalid_argument("boom");
    });
    co_await turns(1);
    log(var.get());
    get_running_loop().set_exception_handler(nullptr);
}

CONFORMS_PLAIN("contexts.plain_loop") {
    Var var("var", "nope");
    EventLoop loop(virtual_time());
    const auto sub = [&]() -> Task<> {
        log(var.get());
        var.set("in the task");
        co_return;
    };
    copy_context().run([&] {
        var.set("outside");
        loop.run_until_complete(sub());
        log(var.get());
    });
}

}  // namespace
}  // namespace ringio::conformance
