// runners: run() and Runner, their teardown, and Ctrl-C.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

#include <csignal>

namespace ringio::conformance {
namespace {

RunOptions virtual_run() {
    RunOptions options;
    options.loop.virtual_time = true;
    return options;
}

template <class T>
T run(Task<T> main) {
    return ringio::run(std::move(main), virtual_run());
}

void interrupt() { std::raise(SIGINT); }

void take_interrupts() { std::signal(SIGINT, SIG_DFL); }

CONFORMS_PLAIN("runners.run_return") {
    log(ringio::run(value(42)));
    log(ringio::run(value("twice"s)));
}

CONFORMS_PLAIN("runners.run_raises") {
    log(call([] { ringio::run(fail("spam")); }));
}

Task<> cancel_self() {
    current_task().cancel();
    co_await sleep(1s);
}

CONFORMS_PLAIN("runners.run_cancelled") {
    log(call([] { run(cancel_self()); }));
}

Task<> log_not_reached() {
    log("not reached");
    co_return;
}

CONFORMS("runners.run_from_running_loop") {
    log(call([] { ringio::run(log_not_reached()); }));
    co_return;
}

Task<bool> get_debug() { co_return get_running_loop().get_debug(); }

CONFORMS_PLAIN("runners.run_debug") {
    const bool on = ringio::run(get_debug(), {.debug = true});
    const bool off = ringio::run(get_debug(), {.debug = false});
    log(on, off);
}

Task<> clean_up_for_a_second() {
    std::exception_ptr ended_by;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        ended_by = std::current_exception();
    }
    log("cancelled");
    co_await sleep(1s);
    log("cleaned up");
    std::rethrow_exception(ended_by);
}

CONFORMS_PLAIN("runners.cancels_hanging_tasks") {
    const auto body = []() -> Task<std::string> {
        create_task(clean_up_for_a_second());
        co_await turns(1);
        log("main ends");
        co_return "result";
    };
    log(run(body()));
}

Task<> log_cleanup() {
    try {
        co_await sleep(1h);
    } catch (...) {
        log("cleaned up");
        throw;
    }
}

CONFORMS_PLAIN("runners.cancels_hanging_tasks_after_an_error") {
    const auto body = []() -> Task<> {
        create_task(log_cleanup());
        co_await turns(1);
        throw std::invalid_argument("boom");
    };
    log(call([&] { run(body()); }));
}

CONFORMS_PLAIN("runners.tasks_that_never_started") {
    const auto body = []() -> Task<> {
        create_task(log_not_reached());
        co_return;
    };
    run(body());
    log("end");
}

template <class Leftover>
Task<> leave_behind(Leftover leftover) {
    log_reports();
    create_task(leftover());
    co_await turns(1);
}

CONFORMS_PLAIN("runners.reports_hanging_tasks_errors") {
    const auto leftover = []() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            throw std::invalid_argument("from the left task");
        }
    };
    run(leave_behind(leftover));
    log("end");
}

CONFORMS_PLAIN("runners.hanging_task_that_refuses") {
    const auto leftover = []() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            log("refused");
        }
    };
    run(leave_behind(leftover));
    log("end");
}

Task<> run_for_a_second() {
    log("child runs");
    co_await sleep(1s);
    log("not reached");
}

Task<> make_a_task_while_cleaning_up() {
    std::exception_ptr ended_by;
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        ended_by = std::current_exception();
    }
    create_task(run_for_a_second());
    co_await turns(2);
    log("cleaned up");
    std::rethrow_exception(ended_by);
}

CONFORMS_PLAIN("runners.hanging_task_makes_tasks") {
    run(leave_behind(make_a_task_while_cleaning_up));
}

CONFORMS_PLAIN("runners.late_callbacks") {
    const auto body = []() -> Task<std::string> {
        get_running_loop().call_soon([] { log("callback"); });
        co_return "result";
    };
    log(run(body()));
}

CONFORMS_PLAIN("runners.runs_several") {
    const auto worker = []() -> Task<> {
        for (int i = 0; i < 3; ++i) {
            log("worker", i);
            co_await sleep(1s);
        }
    };
    const auto start = [&]() -> Task<std::string> {
        create_task(worker());
        co_await sleep(500ms);
        co_return "first";
    };
    {
        Runner runner(virtual_run());
        EventLoop& loop = runner.get_loop();
        log(runner.run(start()));
        log("between");
        log(runner.run(sleep(1s, "second"s)));
        log(&runner.get_loop() == &loop,
            std::chrono::duration<double>(loop.time().time_since_epoch()).count());
    }
    log("closed");
}

CONFORMS_PLAIN("runners.explicit_close") {
    Runner runner(virtual_run());
    log(runner.run(value(1)));
    runner.close();
    log(call([&] { runner.get_loop(); }));
    log(call([&] { runner.run(value(2)); }));
}

CONFORMS_PLAIN("runners.double_close") {
    Runner runner(virtual_run());
    runner.run(value(1));
    runner.close();
    runner.close();
    Runner never(virtual_run());
    never.close();
    never.close();
    log("closed");
}

CONFORMS_PLAIN("runners.run_keeps_context") {
    ContextVar<int> var("var", -1);
    const auto body = [&]() -> Task<int> {
        const int before = var.get();
        var.set(before + 2);
        co_return before;
    };
    Runner runner(virtual_run());
    const int first = runner.run(body());
    const int second = runner.run(body());
    const int third = runner.run(body());
    log(first, second, third);
    log(var.get());
}

CONFORMS("runners.recursive_run") {
    Runner runner(virtual_run());
    log(call([&] { runner.run(value(1)); }));
    co_return;
}

CONFORMS_PLAIN("runners.recursive_run_of_the_same") {
    Runner runner(virtual_run());
    const auto body = [&]() -> Task<> {
        log(call([&] { runner.run(value(1)); }));
        co_return;
    };
    runner.run(body());
}

CONFORMS_PLAIN("runners.run_after_an_error") {
    Runner runner(virtual_run());
    log(call([&] { runner.run(fail("boom")); }));
    log(runner.run(value("fine"s)));
}

CONFORMS_PLAIN("runners.interrupt_call_soon") {
    take_interrupts();
    const auto body = []() -> Task<> {
        get_running_loop().call_soon(interrupt);
        try {
            for (;;) {
                co_await sleep(0s);
            }
        } catch (const CancelledError&) {
            log("cancelled");
            throw;
        }
    };
    log(call([&] { run(body()); }));
}

CONFORMS_PLAIN("runners.interrupt_wait") {
    take_interrupts();
    const auto body = []() -> Task<> {
        Future<> future = loop_promise().get_future();
        get_running_loop().call_later(1s, interrupt);
        try {
            co_await future;
        } catch (const CancelledError&) {
            log("cancelled", future.cancelled());
            throw;
        }
    };
    log(call([&] { run(body()); }));
}

CONFORMS_PLAIN("runners.interrupt_cancelled_task") {
    take_interrupts();
    const auto sub = [](AnyTask task) -> Task<> {
        co_await sleep(0s);
        task.cancel();
        interrupt();
    };
    const auto body = [&]() -> Task<> {
        create_task(sub(current_task()));
        co_await sleep(10s);
    };
    log(call([&] { run(body()); }));
}

CONFORMS_PLAIN("runners.interrupt_swallowed") {
    take_interrupts();
    const auto body = []() -> Task<std::string> {
        get_running_loop().call_later(1s, interrupt);
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            log("swallowed");
        }
        co_return "result";
    };
    log(call([&] { return run(body()); }));
}

CONFORMS_PLAIN("runners.interrupt_turned_into_an_error") {
    take_interrupts();
    const auto body = []() -> Task<> {
        get_running_loop().call_later(1s, interrupt);
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            throw std::invalid_argument("instead");
        }
    };
    log(call([&] { run(body()); }));
}

CONFORMS_PLAIN("runners.interrupt_twice") {
    take_interrupts();
    const auto body = []() -> Task<std::string> {
        get_running_loop().call_later(1s, interrupt);
        get_running_loop().call_later(2s, interrupt);
        for (;;) {
            try {
                co_await sleep(10s);
                co_return "not reached";
            } catch (const CancelledError&) {
                log("refused");
            }
        }
    };
    log(call([&] { return run(body()); }));
}

CONFORMS_PLAIN("runners.interrupt_cleans_up") {
    take_interrupts();
    const auto body = []() -> Task<> {
        create_task(log_cleanup());
        get_running_loop().call_later(1s, interrupt);
        co_await sleep(10s);
    };
    log(call([&] { run(body()); }));
}

bool interrupt_is_default() {
    struct sigaction action = {};
    ::sigaction(SIGINT, nullptr, &action);
    return action.sa_handler == SIG_DFL;
}

CONFORMS_PLAIN("runners.interrupt_handler_is_restored") {
    take_interrupts();
    const auto body = []() -> Task<bool> { co_return interrupt_is_default(); };
    const bool within = run(body());
    log(within, interrupt_is_default());
}

Task<> throw_interrupt() {
    throw KeyboardInterrupt();
    co_return;
}

CONFORMS_PLAIN("runners.keyboard_interrupt_of_a_task") {
    take_interrupts();
    const auto body = []() -> Task<> {
        create_task(throw_interrupt());
        co_await sleep(10s);
        log("not reached");
    };
    log(call([&] { run(body()); }));
}

CONFORMS_PLAIN("runners.get_loop") {
    Runner runner(virtual_run());
    EventLoop& loop = runner.get_loop();
    log(loop.is_running(), loop.is_closed());
    runner.run(value(1));
    log(&loop == &runner.get_loop(), loop.is_closed());
    loop.call_soon([] { log("at the next run"); });
    runner.run(turns(1));
}

CONFORMS_PLAIN("runners.ended_task_of_an_earlier_run") {
    const auto start = []() -> Task<TaskHandle<std::string>> {
        co_return create_task(sleep(1s, "from the first run"s));
    };
    Runner runner(virtual_run());
    TaskHandle<std::string> task = runner.run(start());
    log(task.done());
    const std::string end = runner.run(ended(task));
    log(end, error(task.exception()));
}

}  // namespace
}  // namespace ringio::conformance
