// Allocation failure at every allocation: core/ and tasks/.
#include "sweep_scenario.hpp"

#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;

namespace {

const std::string long_text = "a message that is too long to be kept within a std::string";

Task<int> nested(int depth) {
    if (depth == 0) {
        co_await sleep(1ms);
        co_return 1;
    }
    const int below = co_await nested(depth - 1);
    co_return below + 1;
}

Task<> throw_long_text() {
    co_await sleep(1ms);
    throw std::logic_error(long_text);
}

/// Awaits, and takes a std::logic_error for an end as good as another.
template <class A>
Task<> whatever_it_throws(A awaitable) {
    try {
        co_await std::move(awaitable);
    } catch (const std::logic_error&) {
    } catch (const CancelledError&) {
    }
}

}  // namespace

ALLOCATION_SWEEP("no memory: coroutines in coroutines") {
    const int depth = co_await nested(3);
    sweep.make<int>(depth);
}

ALLOCATION_SWEEP("no memory: create_task, with a name, and await") {
    auto first = create_task(give_after(1ms, 1), {.name = long_text});
    auto second = create_task(give_after(2ms, 2));
    co_await first;
    co_await second;
}

ALLOCATION_SWEEP("no memory: a task that fails, and its exception") {
    auto task = create_task(throw_long_text());
    try {
        co_await task;
    } catch (const std::logic_error&) {
    }
}

ALLOCATION_SWEEP("no memory: a task whose exception nobody retrieves") {
    get_running_loop().set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    create_task(throw_long_text());
    co_await sleep(5ms);
}

ALLOCATION_SWEEP("no memory: a task cancelled with a message, through another") {
    auto inner = create_task(nested(1));
    auto outer = create_task(whatever_it_throws(inner));
    co_await sleep(Delay());
    co_await sleep(Delay());
    outer.cancel(long_text);
    co_await outer;
}

ALLOCATION_SWEEP("no memory: a future cancelled with a message") {
    Promise<> promise = get_running_loop().create_future<void>();
    Future<> future = promise.get_future();
    auto waiting = create_task(whatever_it_throws(future));
    co_await sleep(Delay());
    future.cancel(long_text);
    co_await waiting;
}

ALLOCATION_SWEEP("no memory: done callbacks") {
    Promise<int> promise = get_running_loop().create_future<int>();
    Future<int> future = promise.get_future();
    int& calls = sweep.make<int>(0);
    std::string captured = long_text;
    future.add_done_callback([&calls, captured](const Future<int>&) { ++calls; });
    future.add_done_callback([&calls] { ++calls; });
    promise.set_result(1);
    co_await sleep(Delay());
}

ALLOCATION_SWEEP("no memory: a callback that throws") {
    get_running_loop().set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    Promise<> promise = get_running_loop().create_future<void>();
    promise.get_future().add_done_callback([] { throw std::logic_error(long_text); });
    get_running_loop().call_soon([] { throw std::logic_error(long_text); });
    promise.set_result();
    co_await sleep(1ms);
}

ALLOCATION_SWEEP("no memory: call_soon, call_later, call_soon_threadsafe") {
    EventLoop& loop = get_running_loop();
    int& calls = sweep.make<int>(0);
    loop.call_soon([&calls] { ++calls; });
    auto first = loop.call_later(1ms, [&calls] { ++calls; });
    const ScopeExit cancel_first([&first] { first.cancel(); });
    auto second = loop.call_later(2ms, [&calls] { ++calls; });
    const ScopeExit cancel_second([&second] { second.cancel(); });
    loop.call_soon_threadsafe([&calls] { ++calls; });
    co_await sleep(1ms);
}

ALLOCATION_SWEEP("no memory: gather") {
    auto values = co_await gather(give_after(1ms, 1), give_after(2ms, 2), sleep(1ms));
    sweep.make<int>(std::get<0>(values));
}

ALLOCATION_SWEEP("no memory: gather of a range, with exceptions returned") {
    std::vector<Task<int>> children;
    children.push_back(give_after(1ms, 1));
    children.push_back(fail_after(2ms));
    auto outcomes = co_await gather(return_exceptions, children);
    sweep.make<std::size_t>(outcomes.size());
}

ALLOCATION_SWEEP("no memory: wait") {
    std::vector tasks = {create_task(give_after(1ms, 1)), create_task(give_after(1h, 2))};
    auto result = co_await wait(tasks, {.timeout = 1s, .return_when = ReturnWhen::first_completed});
    for (auto& task : result.pending) {
        task.cancel();
    }
}

ALLOCATION_SWEEP("no memory: wait_for in time and too late") {
    static_cast<void>(co_await wait_for(give_after(1ms, 1), 1s));
    try {
        static_cast<void>(co_await wait_for(give_after(1h, 1), 1s));
    } catch (const TimeoutError&) {
    }
    auto task = create_task(give_after(1h, 1));
    try {
        static_cast<void>(co_await wait_for(task, 0s));
    } catch (const TimeoutError&) {
    }
}

ALLOCATION_SWEEP("no memory: timeouts, one in another") {
    auto inner = []() -> Task<> { co_await sleep(1h); };
    auto outer = [inner]() -> Task<> {
        try {
            co_await timeout(1ms, inner);
        } catch (const TimeoutError&) {
        }
        co_await sleep(1h);
    };
    try {
        co_await timeout(5ms, outer);
    } catch (const TimeoutError&) {
    }
}

ALLOCATION_SWEEP("no memory: as_completed") {
    std::vector<Task<int>> work;
    work.push_back(give_after(2ms, 1));
    work.push_back(give_after(1ms, 2));
    int sum = 0;
    for (auto& next : as_completed(work, 1s)) {
        sum += co_await next;
    }
    sweep.make<int>(sum);
}

ALLOCATION_SWEEP("no memory: progress, in a file and on a terminal") {
    const UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    REQUIRE(::isatty(terminal.get()) == 1);
    int sum = 0;
    for (const int fd : {-1, terminal.get()}) {
        std::vector<Task<int>> work;
        work.push_back(give_after(1ms, 1));
        work.push_back(give_after(2ms, 2));
        work.push_back(give_after(1s, 3));
        auto steps = progress(std::move(work), {.label = long_text, .fd = fd});
        for (auto& next : steps) {
            const int value = co_await next;
            sum += value;
        }
    }
    CHECK(sum == 12);
}

ALLOCATION_SWEEP("no memory: shield") {
    auto inner = create_task(give_after(1ms, 1));
    static_cast<void>(co_await shield(inner));
    static_cast<void>(co_await shield(give_after(1ms, 1)));
}

ALLOCATION_SWEEP("no memory: a task group") {
    auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(give_after(1ms, 1));
        group.create_task(give_after(2ms, 2));
        co_await sleep(1ms);
    };
    co_await task_group(body);
}

ALLOCATION_SWEEP("no memory: a task group never loses the error of a child") {
    auto body = [](TaskGroup& group) -> Task<> {
        group.create_task(fail_after(1ms));
        group.create_task(give_after(1h, 2));
        co_return;
    };
    bool ended_well = false;
    try {
        co_await task_group(body);
        ended_well = true;
    } catch (const ExceptionGroup&) {
    }
    sweep.check("the group ended with an error", [ended_well] { return !ended_well; });
}

ALLOCATION_SWEEP("no memory: start() in a task group") {
    auto service = [](TaskStatus<int> status) -> Task<> {
        co_await sleep(1ms);
        status.started(7);
        co_await sleep(1ms);
    };
    auto body = [service](TaskGroup& group) -> Task<> {
        static_cast<void>(co_await group.start<int>(service));
    };
    co_await task_group(body);
}

ALLOCATION_SWEEP("no memory: as_outcome") {
    auto good = co_await as_outcome(give_after(1ms, 1));
    auto bad = co_await as_outcome(fail_after(1ms));
    sweep.make<bool>(good.has_value() && !bad.has_value());
}

ALLOCATION_SWEEP("no memory: a context variable") {
    static ContextVar<std::string> variable("variable", std::string());
    auto set_and_get = []() -> Task<> {
        auto token = variable.set(long_text);
        co_await sleep(Delay());
        variable.reset(token);
    };
    co_await create_task(set_and_get());
    auto contexts = copy_context();
    co_await create_task(set_and_get(), {.context = &contexts});
}
