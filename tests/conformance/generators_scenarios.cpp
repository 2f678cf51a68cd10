// generators: asynchronous generators, and what becomes of those that are left.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

namespace ringio::conformance {
namespace {

AsyncGenerator<int> count_to(int limit, Delay delay = 1s) {
    for (int i = 1; i <= limit; ++i) {
        co_await sleep(delay);
        co_yield i;
    }
}

/// The next value as text, or "end".
template <class T>
Task<std::string> following(AsyncGenerator<T>& generator) {
    const auto value = co_await generator.next();
    co_return value ? text(*value) : "end";
}

CONFORMS("generators.values") {
    auto generator = count_to(2);
    for (int i = 0; i < 4; ++i) {
        const std::string value = co_await following(generator);
        log(value, now());
    }
}

/// Logs the values that are left, behind a prefix if there is one.
template <class T>
Task<> log_values(AsyncGenerator<T>& generator, std::string prefix, bool with_time) {
    for (;;) {
        const auto value = co_await generator.next();
        if (!value) {
            co_return;
        }
        log(prefix + text(*value) + (with_time ? " " + text(now()) : ""));
    }
}

CONFORMS("generators.loop") {
    auto generator = count_to(3);
    co_await log_values(generator, "", true);
}

CONFORMS("generators.lazy") {
    const auto noisy = []() -> AsyncGenerator<int> {
        log("runs");
        co_yield 1;
    };
    auto generator = noisy();
    co_await turns(2);
    log("asks");
    log(co_await following(generator));
    co_await generator.aclose();
}

AsyncGenerator<std::string> ready() {
    co_yield "a"s;
    co_yield "b"s;
}

CONFORMS("generators.does_not_yield_to_the_loop") {
    get_running_loop().call_soon([] { log("a turn"); });
    auto generator = ready();
    co_await log_values(generator, "", false);
    co_await sleep(0s);
}

CONFORMS("generators.two_at_once") {
    auto slow = count_to(3, 2s);
    auto fast = count_to(3, 1500ms);
    co_await gather(log_values(slow, "slow ", true), log_values(fast, "fast ", true));
}

CONFORMS("generators.exception") {
    const auto failing = []() -> AsyncGenerator<int> {
        co_yield 1;
        throw std::invalid_argument("boom");
    };
    auto generator = failing();
    log(co_await following(generator));
    log(co_await ended(following(generator)));
    log(co_await following(generator));
}

CONFORMS("generators.cancel") {
    const auto waiting = []() -> AsyncGenerator<int> {
        co_yield 1;
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            log("cancelled in the body");
            throw;
        }
    };
    auto generator = waiting();
    log(co_await following(generator));
    auto task = create_task(following(generator));
    co_await sleep(1s);
    task.cancel();
    log(co_await ended(task));
    log(co_await following(generator));
}

CONFORMS("generators.catches_the_cancellation") {
    const auto stubborn = []() -> AsyncGenerator<std::string> {
        try {
            co_await sleep(10s);
        } catch (const CancelledError&) {
            log("caught");
        }
        co_yield "after all"s;
    };
    auto generator = stubborn();
    auto task = create_task(following(generator));
    co_await sleep(1s);
    task.cancel();
    log(co_await ended(task));
    log(co_await following(generator));
}

CONFORMS("generators.aclose") {
    const auto careful = []() -> AsyncGenerator<int> {
        bool closing = false;
        try {
            co_yield 1;
            log("not reached");
        } catch (const GeneratorExit&) {
            closing = true;
        }
        if (closing) {
            co_await sleep(1s);
            log("cleaned up at", now());
        }
    };
    auto generator = careful();
    log(co_await following(generator));
    co_await generator.aclose();
    log(co_await following(generator));
    co_await generator.aclose();
}

CONFORMS("generators.aclose_of_a_fresh_one") {
    const auto noisy = []() -> AsyncGenerator<int> {
        log("not reached");
        co_yield 1;
    };
    auto generator = noisy();
    co_await generator.aclose();
    log(co_await following(generator));
}

CONFORMS("generators.aclose_ignored") {
    const auto stubborn = []() -> AsyncGenerator<int> {
        try {
            co_yield 1;
        } catch (const GeneratorExit&) {
        }
        co_yield 2;
    };
    auto generator = stubborn();
    co_await following(generator);
    try {
        co_await generator.aclose();
    } catch (...) {
        log(error_of_current());
    }
}

CONFORMS("generators.asked_while_it_runs") {
    auto generator = count_to(2);
    auto task = create_task(following(generator));
    co_await turns(1);
    try {
        co_await following(generator);
    } catch (const std::runtime_error&) {
        log(kind_of_current());
    }
    log(co_await task);
    co_await generator.aclose();
}

CONFORMS("generators.break_off") {
    auto generator = count_to(3);
    log(co_await following(generator));
    co_await log_values(generator, "rest ", false);
}

RunOptions virtual_run() {
    RunOptions options;
    options.loop.virtual_time = true;
    return options;
}

AsyncGenerator<std::string> ticker() {
    bool closing = false;
    try {
        for (;;) {
            co_yield "tick"s;
            co_await sleep(1s);
        }
    } catch (const GeneratorExit&) {
        closing = true;
    }
    if (closing) {
        co_await sleep(1s);
        log("generator closed at", now());
    }
}

Task<> leftover() {
    try {
        co_await sleep(1h);
    } catch (...) {
        log("task ended at", now());
        throw;
    }
}

CONFORMS_PLAIN("generators.closes_gens_after_hanging_tasks") {
    AsyncGenerator<std::string> left = ticker();
    const auto body = [&]() -> Task<> {
        create_task(leftover());
        log(co_await following(left));
        co_await turns(1);
    };
    run(body(), virtual_run());
    log("closed");
}

AsyncGenerator<int> fail_to_close() {
    try {
        co_yield 1;
    } catch (const GeneratorExit&) {
        throw std::invalid_argument("while closing");
    }
}

CONFORMS_PLAIN("generators.error_while_closing") {
    AsyncGenerator<int> left = fail_to_close();
    const auto body = [&]() -> Task<> {
        get_running_loop().set_exception_handler([](EventLoop&, const ExceptionContext& context) {
            log("reported", kind(context.exception));
        });
        co_await following(left);
    };
    log(call([&] { run(body(), virtual_run()); }));
}

}  // namespace
}  // namespace ringio::conformance
