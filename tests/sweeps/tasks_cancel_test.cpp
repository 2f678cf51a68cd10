// Cancel at every await: core/ and tasks/. Where no victim is named, it is the scenario itself.
#include "sweep_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// A count of those inside that must be 0 in the end.
int& counted_inside(Sweep& sweep) {
    int& inside = sweep.make<int>(0);
    sweep.check("nobody is inside any more", [&inside] { return inside == 0; });
    return inside;
}

Task<> careful_group(int& inside) {
    auto body = [&inside](TaskGroup& group) -> Task<> {
        group.create_task(careful(inside, 1ms));
        group.create_task(careful(inside, 3ms));
        co_await sleep(2ms);
    };
    co_await task_group(body);
}

}  // namespace

CANCEL_SWEEP("cancel at every await: sleeps in a row", "[any_order]") {
    co_await sleep(1s);
    co_await sleep(Delay());
    co_await sleep(1ms);
}

CANCEL_SWEEP("cancel at every await: a coroutine that awaits in its cleanup", "[any_order]") {
    static_cast<void>(co_await careful(counted_inside(sweep), 1s));
}

CANCEL_SWEEP("cancel at every await: create_task and await", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto first = create_task(careful(inside, 1ms));
    auto second = create_task(careful(inside, 2ms));
    static_cast<void>(co_await first);
    static_cast<void>(co_await second);
}

CANCEL_SWEEP("cancel at every await: a task whose first step runs at once", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto task = create_task(careful(inside, 1ms), {.eager_start = true});
    static_cast<void>(co_await task);
}

CANCEL_SWEEP("cancel at every await: two tasks that pass futures to and fro", "[any_order]") {
    using Promises = std::vector<Promise<int>>;
    auto& ping = sweep.make<Promises>();
    auto& pong = sweep.make<Promises>();
    EventLoop& loop = get_running_loop();
    for (int round = 0; round < 3; ++round) {
        ping.push_back(loop.create_future<int>());
        pong.push_back(loop.create_future<int>());
    }
    auto answer = [&]() -> Task<> {
        for (std::size_t round = 0; round < 3; ++round) {
            const int value = co_await ping[round].get_future();
            if (!pong[round].done()) {
                pong[round].set_result(value + 1);
            }
        }
    };
    auto ask = [&]() -> Task<> {
        for (std::size_t round = 0; round < 3; ++round) {
            ping[round].set_result(1);
            static_cast<void>(co_await pong[round].get_future());
        }
    };
    auto answering = create_task(answer());
    auto asking = sweep.victim(create_task(ask()));
    co_await ended(asking);
    answering.cancel();
    co_await ended(answering);
}

CANCEL_SWEEP("cancel at every await: gather", "[any_order]") {
    int& inside = counted_inside(sweep);
    static_cast<void>(co_await gather(careful(inside, 1ms), careful(inside, 2ms), sleep(1ms)));
}

CANCEL_SWEEP("cancel at every await: gather where a child fails", "[any_order]") {
    int& inside = counted_inside(sweep);
    try {
        static_cast<void>(co_await gather(careful(inside, 5ms), fail_after(1ms)));
    } catch (const std::runtime_error&) {
    }
    co_await sleep(10ms);
}

CANCEL_SWEEP("cancel at every await: gather with exceptions returned", "[any_order]") {
    int& inside = counted_inside(sweep);
    static_cast<void>(
        co_await gather(return_exceptions, careful(inside, 2ms), fail_after(1ms), sleep(1ms)));
}

CANCEL_SWEEP("cancel at every await: a gather within a gather", "[any_order]") {
    int& inside = counted_inside(sweep);
    static_cast<void>(
        co_await gather(gather(careful(inside, 1ms), careful(inside, 2ms)), careful(inside, 3ms)));
}

CANCEL_SWEEP("cancel at every await: wait leaves the tasks alone", "[any_order]") {
    int& finished = sweep.make<int>(0);
    sweep.check("both tasks have finished", [&finished] { return finished == 2; });
    auto& finish = keep(sweep, [&finished](Delay delay) -> Task<> {
        co_await sleep(delay);
        ++finished;
    });
    std::vector tasks = {create_task(finish(1ms)), create_task(finish(2ms))};
    static_cast<void>(co_await wait(tasks, {.return_when = ReturnWhen::first_completed}));
    static_cast<void>(co_await wait(tasks));
}

CANCEL_SWEEP("cancel at every await: wait with a timeout", "[any_order]") {
    int& inside = counted_inside(sweep);
    std::vector tasks = {create_task(careful(inside, 5ms))};
    static_cast<void>(co_await wait(tasks, {.timeout = 1ms}));
    static_cast<void>(co_await wait(tasks, {.timeout = 1s}));
}

CANCEL_SWEEP("cancel at every await: wait_for in time", "[any_order]") {
    static_cast<void>(co_await wait_for(careful(counted_inside(sweep), 1ms), 1s));
}

CANCEL_SWEEP("cancel at every await: wait_for too late", "[any_order]") {
    int& inside = counted_inside(sweep);
    try {
        static_cast<void>(co_await wait_for(careful(inside, 1h), 1s));
    } catch (const TimeoutError&) {
    }
    auto task = create_task(careful(inside, 1h));
    co_await sleep(1ms);
    try {
        static_cast<void>(co_await wait_for(task, 0s));
    } catch (const TimeoutError&) {
    }
}

CANCEL_SWEEP("cancel at every await: shield", "[any_order]") {
    int& inside = counted_inside(sweep);
    int& finished = sweep.make<int>(0);
    sweep.check("the inner task has finished", [&finished] { return finished == 1; });
    auto& finish = keep(sweep, [&]() -> Task<> { finished += co_await careful(inside, 5ms); });
    co_await shield(create_task(finish()));
}

CANCEL_SWEEP("cancel at every await: as_completed", "[any_order]") {
    int& inside = counted_inside(sweep);
    std::vector<Task<int>> work;
    work.push_back(careful(inside, 2ms));
    work.push_back(careful(inside, 1ms));
    work.push_back(careful(inside, 3ms));
    for (auto& next : as_completed(work)) {
        static_cast<void>(co_await next);
    }
}

CANCEL_SWEEP("cancel at every await: progress", "[any_order]") {
    int& inside = counted_inside(sweep);
    std::vector<Task<int>> work;
    work.push_back(careful(inside, 2ms));
    work.push_back(careful(inside, 1ms));
    auto steps = progress(work, {.fd = -1});
    for (auto& next : steps) {
        static_cast<void>(co_await next);
    }
}

CANCEL_SWEEP("cancel at every await: as_completed with a limit that passes", "[any_order]") {
    int& inside = counted_inside(sweep);
    std::vector tasks = {create_task(careful(inside, 1ms)), create_task(careful(inside, 5ms))};
    try {
        for (auto& next : as_completed(tasks, 2ms)) {
            static_cast<void>(co_await next);
        }
    } catch (const TimeoutError&) {
    }
}

CANCEL_SWEEP("cancel at every await: a timeout that does not pass", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto body = [&inside]() -> Task<int> { co_return co_await careful(inside, 1ms); };
    static_cast<void>(co_await timeout(1s, body));
}

CANCEL_SWEEP("cancel at every await: timeouts that pass, one in another", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto inner = [&inside]() -> Task<> { static_cast<void>(co_await careful(inside, 1h)); };
    auto outer = [inner, &inside]() -> Task<> {
        try {
            co_await timeout(1ms, inner);
        } catch (const TimeoutError&) {
        }
        static_cast<void>(co_await careful(inside, 1h));
    };
    try {
        co_await timeout(5ms, outer);
    } catch (const TimeoutError&) {
    }
    co_await sleep(1ms);
}

CANCEL_SWEEP("cancel at every await: a timeout around a task group", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto body = [&inside]() -> Task<> { co_await careful_group(inside); };
    try {
        co_await timeout(2ms, body);
    } catch (const TimeoutError&) {
    }
    co_await sleep(1ms);
}

CANCEL_SWEEP("cancel at every await: a task group", "[any_order]") {
    co_await careful_group(counted_inside(sweep));
}

CANCEL_SWEEP("cancel at every await: a task group where a child fails", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto body = [&inside](TaskGroup& group) -> Task<> {
        group.create_task(careful(inside, 1h));
        group.create_task(fail_after(1ms));
        static_cast<void>(co_await careful(inside, 1h));
    };
    try {
        co_await task_group(body);
    } catch (const ExceptionGroup&) {
    }
    co_await sleep(1ms);
}

CANCEL_SWEEP("cancel at every await: a child of a task group", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto body = [&](TaskGroup& group) -> Task<> {
        sweep.victim(group.create_task(careful(inside, 2ms)));
        group.create_task(careful(inside, 1ms));
        co_await sleep(1ms);
    };
    co_await task_group(body);
}

CANCEL_SWEEP("cancel at every await: task groups in a task group", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto body = [&inside](TaskGroup& group) -> Task<> {
        group.create_task(careful_group(inside));
        group.create_task(careful_group(inside));
        co_await careful_group(inside);
    };
    co_await task_group(body);
}

CANCEL_SWEEP("cancel at every await: a task group that is cancelled", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto body = [&inside](TaskGroup& group) -> Task<> {
        group.create_task(careful(inside, 1h));
        co_await sleep(1ms);
        group.cancel();
        static_cast<void>(co_await careful(inside, 1h));
    };
    co_await task_group(body);
    co_await sleep(1ms);
}

CANCEL_SWEEP("cancel at every await: start() in a task group", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto service = [&inside](TaskStatus<int> status) -> Task<> {
        static_cast<void>(co_await careful(inside, 1ms));
        status.started(7);
        static_cast<void>(co_await careful(inside, 2ms));
    };
    auto body = [service](TaskGroup& group) -> Task<> {
        static_cast<void>(co_await group.start<int>(service));
        co_await sleep(1ms);
    };
    co_await task_group(body);
}

CANCEL_SWEEP("cancel at every await: a task group that catches and goes on", "[any_order]") {
    int& inside = counted_inside(sweep);
    int& rounds = sweep.make<int>(0);
    for (int round = 0; round < 3; ++round) {
        try {
            co_await careful_group(inside);
        } catch (const CancelledError&) {
            ++rounds;
        }
    }
}

CANCEL_SWEEP("cancel at every await: as_outcome", "[any_order]") {
    int& inside = counted_inside(sweep);
    auto good = co_await as_outcome(careful(inside, 1ms));
    auto bad = co_await as_outcome(fail_after(1ms));
    auto task = co_await as_outcome(create_task(careful(inside, 1ms)));
}
