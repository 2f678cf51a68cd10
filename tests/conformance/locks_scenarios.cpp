// Lock and Event.
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include "scenario.hpp"
#include "telling.hpp"

#include <stdexcept>

namespace ringio::conformance {
namespace {

Task<> acquire(Lock& lock, std::string name) {
    log(name, "asks");
    try {
        const bool acquired = co_await lock.acquire();
        log(name, "has it:", acquired);
    } catch (const CancelledError&) {
        log(name, "cancelled");
        throw;
    }
}

Task<> hold(Lock& lock, std::string name, Future<> blocker = {}) {
    {
        const auto held = co_await lock.scoped();
        log(name, "has it");
        if (blocker.valid()) {
            co_await blocker;
        }
    }
    log(name, "let it go");
}

Task<> wait_for_event(Event& event, std::string name) {
    try {
        const bool woken = co_await event.wait();
        log(name, "woken:", text(woken) + ",", "set", event.is_set());
    } catch (const CancelledError&) {
        log(name, "cancelled");
        throw;
    }
}

template <class Make>
std::vector<TaskHandle<>> tasks_of(std::string_view names, Make make) {
    std::vector<TaskHandle<>> tasks;
    for (const char name : names) {
        tasks.push_back(create_task(make(std::string(1, name))));
    }
    return tasks;
}

std::vector<TaskHandle<>> acquire_each(Lock& lock, std::string_view names) {
    return tasks_of(names, [&](std::string name) { return acquire(lock, name); });
}
std::vector<TaskHandle<>> hold_each(Lock& lock, std::string_view names) {
    return tasks_of(names, [&](std::string name) { return hold(lock, name); });
}
std::vector<TaskHandle<>> wait_each(Event& event, std::string_view names) {
    return tasks_of(names, [&](std::string name) { return wait_for_event(event, name); });
}

CONFORMS("locks.repr") {
    Lock lock;
    log(shown(lock));
    co_await lock.acquire();
    log(shown(lock));
    std::vector<TaskHandle<bool>> waiting{create_task(lock.acquire())};
    waiting.push_back(create_task(lock.acquire()));
    co_await turns(1);
    log(shown(lock));
    lock.release();
    log(shown(lock));
    co_await turns(1);
    log(shown(lock));
    waiting[1].cancel();
    co_await turns(1);
    log(shown(lock));
}

CONFORMS("locks.acquire_in_order") {
    Lock lock;
    log(co_await lock.acquire());
    auto tasks = acquire_each(lock, "ab");
    co_await turns(1);
    log("release");
    lock.release();
    co_await turns(2);
    tasks.push_back(create_task(acquire(lock, "c")));
    log("release");
    lock.release();
    co_await turns(1);
    log("release");
    lock.release();
    co_await turns(1);
    log(states(tasks));
}

CONFORMS("locks.free_lock_does_not_yield") {
    Lock lock;
    auto ticking = create_task(clock(2));
    co_await lock.acquire();
    lock.release();
    {
        const auto held = co_await lock.scoped();
        log("in the block,", lock.locked());
    }
    log("after the block,", lock.locked());
    co_await ticking;
}

CONFORMS("locks.nobody_overtakes") {
    Lock lock;
    co_await lock.acquire();
    auto tasks = hold_each(lock, "abc");
    co_await turns(1);
    lock.release();
    log("released, locked", lock.locked());
    co_await lock.acquire();
    log("main has it again");
    lock.release();
    co_await gather(tasks);
}

CONFORMS("locks.turns_of_a_handover") {
    Lock lock;
    co_await lock.acquire();
    auto tasks = hold_each(lock, "abc");
    co_await turns(1);
    auto ticking = create_task(clock(4));
    lock.release();
    co_await gather(tasks);
    co_await ticking;
}

CONFORMS("locks.acquire_cancelled") {
    Lock lock;
    co_await lock.acquire();
    auto task = create_task(acquire(lock, "a"));
    get_running_loop().call_soon([task]() mutable { task.cancel(); });
    log(co_await ended(task));
    log(shown(lock));
}

CONFORMS("locks.cancel_race") {
    Lock lock;
    auto blocker = get_running_loop().create_future<void>();
    auto a = create_task(hold(lock, "a", blocker.get_future()));
    co_await turns(1);
    auto b = create_task(hold(lock, "b"));
    co_await turns(1);
    auto c = create_task(hold(lock, "c"));
    co_await turns(1);
    log(shown(lock));
    blocker.set_result();
    b.cancel();
    log(shown(lock));
    co_await turns(1);
    log(shown(lock), states(a, b, c));
    co_await c;
    log(shown(lock));
}

CONFORMS("locks.cancel_release_race") {
    Lock lock;
    co_await lock.acquire();
    auto tasks = acquire_each(lock, "abc");
    co_await turns(1);
    get_running_loop().call_soon([&] {
        tasks[0].cancel();
        lock.release();
    });
    log(co_await ended(tasks[0]));
    log(states(tasks), shown(lock));
    tasks[2].cancel();
    co_await turns(1);
    log(states(tasks), shown(lock));
}

CONFORMS("locks.release_then_cancel") {
    Lock lock;
    co_await lock.acquire();
    auto tasks = acquire_each(lock, "abc");
    co_await turns(1);
    lock.release();
    tasks[0].cancel();
    auto ticking = create_task(clock(3));
    co_await turns(3);
    log(states(tasks), shown(lock));
    tasks[2].cancel();
    co_await ticking;
}

CONFORMS("locks.woken_and_cancelled_with_nobody_behind") {
    Lock lock;
    co_await lock.acquire();
    auto task = create_task(acquire(lock, "a"));
    co_await turns(1);
    lock.release();
    task.cancel();
    log(co_await ended(task));
    log(shown(lock));
    co_await lock.acquire();
    log(shown(lock));
}

CONFORMS("locks.finished_waiter_cancelled") {
    Lock lock;
    co_await lock.acquire();
    auto b = create_task(acquire(lock, "b"));
    co_await turns(1);
    auto c = create_task(acquire(lock, "c"));
    b.cancel();
    lock.release();
    co_await turns(1);
    log(shown(lock), states(b, c));
    co_await c;
    log(shown(lock));
}

CONFORMS("locks.release_not_acquired") {
    Lock lock;
    log(call([&] { lock.release(); }));
    co_return;
}

CONFORMS("locks.release_twice") {
    Lock lock;
    co_await lock.acquire();
    auto task = create_task(acquire(lock, "a"));
    co_await turns(1);
    lock.release();
    log(call([&] { lock.release(); }));
    co_await task;
    log(shown(lock));
}

CONFORMS("locks.release_no_waiters") {
    Lock lock;
    co_await lock.acquire();
    log(lock.locked());
    lock.release();
    log(lock.locked());
}

Task<> release(Lock& lock) {
    lock.release();
    co_return;
}

CONFORMS("locks.any_task_may_release") {
    Lock lock;
    co_await lock.acquire();
    co_await create_task(release(lock));
    log(lock.locked());
}

CONFORMS("locks.not_reentrant") {
    Lock lock;
    co_await lock.acquire();
    log(co_await ended(wait_for(lock.acquire(), 1s)));
    log(now(), shown(lock));
}

Task<> fail_in_block(Lock& lock) {
    const auto held = co_await lock.scoped();
    throw std::invalid_argument("in the block");
}

CONFORMS("locks.block_releases_on_error") {
    Lock lock;
    log(co_await ended(fail_in_block(lock)));
    log(lock.locked());
    auto never = get_running_loop().create_future<void>();
    auto held = create_task(hold(lock, "a", never.get_future()));
    co_await turns(1);
    held.cancel();
    log(co_await ended(held));
    log(lock.locked());
}

template <class Make>
void log_end_in_a_loop_of_its_own(Make make) {
    EventLoop loop;
    log(loop.run_until_complete(make()));
}

CONFORMS_PLAIN("locks.another_loop") {
    Lock lock;
    log_end_in_a_loop_of_its_own([&]() -> Task<std::string> {
        co_await lock.acquire();
        co_return co_await ended(wait_for(lock.acquire(), 1ms));
    });
    log_end_in_a_loop_of_its_own([&]() -> Task<std::string> {
        try {
            co_await lock.acquire();
        } catch (...) {
            co_return kind_of_current();
        }
        co_return "no error";
    });
}

CONFORMS("locks.event_repr") {
    Event event;
    log(shown(event));
    auto task = create_task(event.wait());
    co_await turns(1);
    log(shown(event));
    event.set();
    log(shown(event));
    co_await task;
    log(shown(event));
}

CONFORMS("locks.event_wakes_all") {
    Event event;
    auto tasks = wait_each(event, "ab");
    co_await turns(1);
    tasks.push_back(create_task(wait_for_event(event, "c")));
    event.set();
    co_await turns(1);
    log(states(tasks));
}

CONFORMS("locks.event_that_is_set_does_not_yield") {
    Event event;
    event.set();
    auto ticking = create_task(clock(1));
    log(co_await event.wait());
    co_await ticking;
}

CONFORMS("locks.event_wait_cancelled") {
    Event event;
    auto task = create_task(wait_for_event(event, "a"));
    get_running_loop().call_soon([task]() mutable { task.cancel(); });
    log(co_await ended(task));
    log(shown(event));
}

CONFORMS("locks.event_set_then_cancel") {
    Event event;
    auto tasks = wait_each(event, "ab");
    co_await turns(1);
    event.set();
    tasks[0].cancel();
    log(co_await ended(tasks[0]));
    log(states(tasks));
}

CONFORMS("locks.event_clear") {
    Event event;
    for (const bool set : {true, true, false, false}) {
        set ? event.set() : event.clear();
        log(event.is_set());
    }
    log(co_await ended(wait_for(event.wait(), 500ms)));
}

CONFORMS("locks.event_clear_with_waiters") {
    Event event;
    auto task = create_task(wait_for_event(event, "a"));
    co_await turns(1);
    event.set();
    event.clear();
    log(shown(event), state(task));
    event.set();
    event.set();
    log(shown(event));
    event.clear();
    auto late = create_task(wait_for_event(event, "late"));
    co_await turns(2);
    log(shown(event), states(task, late));
    event.set();
    co_await late;
}

CONFORMS_PLAIN("locks.event_another_loop") {
    Event event;
    log_end_in_a_loop_of_its_own(
        [&]() -> Task<std::string> { co_return co_await ended(wait_for(event.wait(), 1ms)); });
    log_end_in_a_loop_of_its_own([&]() -> Task<std::string> {
        try {
            co_await event.wait();
        } catch (...) {
            co_return kind_of_current();
        }
        co_return "no error";
    });
}

}  // namespace
}  // namespace ringio::conformance
