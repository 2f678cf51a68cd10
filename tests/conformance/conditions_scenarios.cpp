// Condition: waiting, without the lock, for a change of what the lock guards.
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include "scenario.hpp"
#include "telling.hpp"

#include <stdexcept>

namespace ringio::conformance {
namespace {

/// Acquires, waits, and keeps the lock.
Task<> wait_and_keep(Condition& condition, std::string name) {
    co_await condition.acquire();
    const bool woken = co_await condition.wait();
    log(name, "woken", woken);
}

Task<> wait_in_block(Condition& condition, std::string name) {
    const auto held = co_await condition.scoped();
    try {
        const bool woken = co_await condition.wait();
        log(name, "woken", woken);
    } catch (const CancelledError&) {
        log(name, "cancelled, locked", condition.locked());
        throw;
    }
}

std::vector<TaskHandle<>> wait_each(Condition& condition, std::string_view names) {
    std::vector<TaskHandle<>> tasks;
    for (const char name : names) {
        tasks.push_back(create_task(wait_in_block(condition, std::string(1, name))));
    }
    return tasks;
}

Task<> notify(Condition& condition, std::size_t count = 1) {
    const auto held = co_await condition.scoped();
    condition.notify(count);
}

CONFORMS("conditions.wait") {
    Condition condition;
    std::vector<TaskHandle<>> tasks;
    for (const char* name : {"a", "b", "c"}) {
        tasks.push_back(create_task(wait_and_keep(condition, name)));
    }
    co_await turns(1);
    const std::string before = shown(condition);
    const bool acquired = co_await condition.acquire();
    log(before, acquired);
    condition.notify();
    co_await turns(1);
    log("notified", shown(condition));
    condition.release();
    co_await turns(1);
    log("released", shown(condition));
    condition.notify(2);
    co_await turns(1);
    log("notified two", shown(condition));
    condition.release();
    co_await turns(1);
    log("released", shown(condition));
    condition.release();
    co_await turns(1);
    log("released", shown(condition), states(tasks));
}

CONFORMS("conditions.wait_cancelled") {
    Condition condition;
    co_await condition.acquire();
    auto waiting = create_task(condition.wait());
    get_running_loop().call_soon([waiting]() mutable { waiting.cancel(); });
    log(co_await ended(waiting));
    log(shown(condition));
}

CONFORMS("conditions.wait_cancelled_takes_the_lock_back") {
    Condition condition;
    auto waiting = create_task(wait_in_block(condition, "a"));
    co_await turns(1);
    co_await condition.acquire();
    waiting.cancel();
    co_await turns(3);
    log(state(waiting), shown(condition));
    condition.release();
    log(co_await ended(waiting));
    log(shown(condition));
}

CONFORMS("conditions.wait_cancelled_again_and_again") {
    Condition condition;
    auto waiting = create_task(wait_in_block(condition, "a"));
    co_await turns(1);
    co_await condition.acquire();
    for (int time = 0; time < 3; ++time) {
        waiting.cancel();
        co_await turns(2);
        log(state(waiting));
    }
    condition.release();
    const std::string end = co_await ended(waiting);
    log(end, waiting.cancelling());
    log(shown(condition));
}

CONFORMS("conditions.wait_cancel_contested") {
    Condition condition;
    co_await condition.acquire();
    auto waiting = create_task(condition.wait());
    co_await turns(1);
    log(shown(condition));
    co_await condition.acquire();
    condition.notify();
    EventLoop& loop = get_running_loop();
    loop.call_soon([waiting]() mutable { waiting.cancel(); });
    loop.call_soon([&] { condition.release(); });
    log(co_await ended(waiting));
    log(shown(condition));
}

CONFORMS("conditions.wait_cancel_after_notify") {
    Condition condition;
    auto waiting = create_task(wait_in_block(condition, "a"));
    co_await turns(1);
    co_await condition.acquire();
    condition.notify();
    co_await turns(1);
    waiting.cancel();
    co_await turns(1);
    condition.release();
    co_await turns(1);
    log(state(waiting), shown(condition));
    co_await turns(1);
    log(state(waiting), shown(condition));
}

CONFORMS("conditions.wait_unacquired") {
    Condition condition;
    log(co_await ended(condition.wait()));
}

Task<> wait_until_ready(Condition& condition, const bool& ready) {
    const auto held = co_await condition.scoped();
    const auto is_ready = [&ready] { return ready; };
    const bool result = co_await condition.wait_for(is_ready);
    log("ready", result);
}

CONFORMS("conditions.wait_for") {
    Condition condition;
    bool ready = false;
    auto task = create_task(wait_until_ready(condition, ready));
    co_await turns(1);
    co_await notify(condition);
    co_await turns(2);
    log(state(task), shown(condition));
    ready = true;
    co_await notify(condition);
    co_await turns(1);
    log(state(task), shown(condition));
}

Task<int> wait_for_third(Condition& condition, int& checks) {
    const auto held = co_await condition.scoped();
    const auto third = [&checks] {
        log("check", ++checks);
        return checks == 3 ? checks : 0;
    };
    co_return co_await condition.wait_for(third);
}

CONFORMS("conditions.wait_for_counts_its_checks") {
    Condition condition;
    int checks = 0;
    auto task = create_task(wait_for_third(condition, checks));
    for (int time = 0; time < 3; ++time) {
        co_await turns(3);
        log(state(task));
        co_await notify(condition);
    }
    log(state(task));
}

CONFORMS("conditions.wait_for_that_is_true_at_once") {
    Condition condition;
    const auto three = [] { return 3; };
    const auto zero = [] { return 0; };
    log(co_await condition.wait_for(three));
    log(co_await ended(condition.wait_for(zero)));
}

Task<> wait_for_broken(Condition& condition) {
    const auto held = co_await condition.scoped();
    const auto broken = []() -> bool { throw std::invalid_argument("predicate"); };
    co_await condition.wait_for(broken);
}

CONFORMS("conditions.wait_for_predicate_raises") {
    Condition condition;
    log(co_await ended(wait_for_broken(condition)));
    log(condition.locked());
}

CONFORMS("conditions.notify") {
    Condition condition;
    auto tasks = wait_each(condition, "abc");
    co_await turns(1);
    co_await notify(condition, 1);
    co_await turns(1);
    log(states(tasks));
    {
        const auto held = co_await condition.scoped();
        condition.notify(1);
        condition.notify(2048);
    }
    co_await turns(1);
    log(states(tasks), shown(condition));
}

CONFORMS("conditions.notify_nobody") {
    Condition condition;
    {
        const auto held = co_await condition.scoped();
        condition.notify();
        condition.notify_all();
    }
    auto late = create_task(wait_in_block(condition, "late"));
    co_await turns(2);
    log(state(late));
    co_await notify(condition, 0);
    co_await turns(2);
    log(state(late));
    co_await notify(condition);
    co_await late;
}

CONFORMS("conditions.notify_all") {
    Condition condition;
    auto tasks = wait_each(condition, "abc");
    co_await turns(1);
    {
        const auto held = co_await condition.scoped();
        condition.notify_all();
        log(shown(condition));
    }
    auto ticking = create_task(clock(2));
    co_await gather(tasks);
    log(shown(condition));
    co_await ticking;
}

CONFORMS("conditions.notify_unacquired") {
    Condition condition;
    log(call([&] { condition.notify(); }));
    log(call([&] { condition.notify_all(); }));
    co_return;
}

CONFORMS("conditions.release_unacquired") {
    Condition condition;
    log(call([&] { condition.release(); }));
    co_return;
}

CONFORMS("conditions.repr") {
    Condition condition;
    log(shown(condition));
    std::vector<TaskHandle<>> tasks;
    for (const char* name : {"a", "b"}) {
        tasks.push_back(create_task(wait_in_block(condition, name)));
        co_await turns(1);
        log(shown(condition));
    }
    {
        const auto held = co_await condition.scoped();
        log(shown(condition));
        condition.notify_all();
    }
    co_await gather(tasks);
}

CONFORMS("conditions.block") {
    Condition condition;
    log(condition.locked());
    {
        const auto held = co_await condition.scoped();
        log(condition.locked());
    }
    log(condition.locked());
}

CONFORMS("conditions.explicit_lock") {
    Lock lock;
    Condition condition(lock);
    log(lock.locked(), condition.locked());
    {
        const auto held = co_await condition.scoped();
        log(lock.locked(), condition.locked());
    }
    {
        const auto held = co_await lock.scoped();
        log(lock.locked(), condition.locked());
        log(call([&] { condition.notify(); }));
    }
    log(lock.locked(), condition.locked());
}

CONFORMS("conditions.two_share_a_lock") {
    Lock lock;
    Condition full(lock);
    Condition empty(lock);
    std::vector<TaskHandle<>> tasks{create_task(wait_in_block(full, "for full"))};
    tasks.push_back(create_task(wait_in_block(empty, "for empty")));
    co_await turns(1);
    {
        const auto held = co_await lock.scoped();
        empty.notify_all();
    }
    co_await turns(2);
    log(states(tasks));
    {
        const auto held = co_await lock.scoped();
        full.notify_all();
    }
    co_await gather(tasks);
}

CONFORMS("conditions.timeout_in_block") {
    Condition condition;
    {
        const auto held = co_await condition.scoped();
        log(co_await ended(wait_for(condition.wait(), 500ms)));
        log(condition.locked(), now());
    }
    log(condition.locked());
}

Task<> wait_for_flag(Condition& condition, const bool& flag) {
    const auto held = co_await condition.scoped();
    const auto is_set = [&flag] { return flag; };
    co_await condition.wait_for(is_set);
}

CONFORMS("conditions.cancelled_while_waiting_keeps_the_message") {
    Condition condition;
    const bool never = false;
    auto task = create_task(wait_for_flag(condition, never));
    co_await turns(1);
    task.cancel("foo");
    log(co_await ended(task));
    log(condition.locked());
}

CONFORMS("conditions.cancelled_while_reacquiring_keeps_the_message") {
    Condition condition;
    bool wake = false;
    auto task = create_task(wait_for_flag(condition, wake));
    co_await turns(1);
    co_await condition.acquire();
    wake = true;
    condition.notify();
    co_await turns(1);
    task.cancel("foo");
    condition.release();
    log(co_await ended(task));
    log(condition.locked());
}

/// So many items, and consumers that wait for them.
struct Stock {
    Condition condition;
    int items = 0;

    Task<> consume(std::string name) {
        const auto held = co_await condition.scoped();
        const auto any = [this] { return items != 0; };
        while (true) {
            co_await condition.wait_for(any);
            if (items < 0) {
                log(name, "stops");
                co_return;
            }
            --items;
            log(name, "takes one");
            condition.notify_all();
        }
    }

    /// With the lock held: waits until everything is taken, then lets the consumers stop.
    Task<> sell_out() {
        const auto none = [this] { return items == 0; };
        log(co_await ended(wait_for(condition.wait_for(none), 500ms)));
        log("items", items, now());
        items = -1;
        condition.notify_all();
    }
};

CONFORMS("conditions.cancelled_wakeup_is_handed_on") {
    Stock stock;
    auto a = create_task(stock.consume("a"));
    auto b = create_task(stock.consume("b"));
    co_await turns(1);
    {
        const auto held = co_await stock.condition.scoped();
        ++stock.items;
        stock.condition.notify(1);
        a.cancel();
        co_await stock.sell_out();
    }
    co_await b;
    log(states(a, b));
}

CONFORMS("conditions.cancelled_relock_is_handed_on") {
    Stock stock;
    auto a = create_task(stock.consume("a"));
    auto b = create_task(stock.consume("b"));
    co_await turns(1);
    {
        const auto held = co_await stock.condition.scoped();
        ++stock.items;
        stock.condition.notify(1);
        co_await turns(1);
        a.cancel();
        co_await stock.sell_out();
    }
    co_await b;
    log(states(a, b));
}

CONFORMS("conditions.notify_then_cancel_wakes_the_next") {
    Condition condition;
    auto tasks = wait_each(condition, "abc");
    co_await turns(1);
    {
        const auto held = co_await condition.scoped();
        condition.notify(1);
        tasks[0].cancel();
    }
    co_await create_task(clock(4));
    log(states(tasks), shown(condition));
    co_await notify(condition, 1);
    co_await turns(3);
    log(states(tasks), shown(condition));
}

CONFORMS_PLAIN("conditions.another_loop") {
    Condition condition;
    const auto waits = [&]() -> Task<std::string> {
        const auto held = co_await condition.scoped();
        co_return co_await ended(wait_for(condition.wait(), 1ms));
    };
    const auto waits_too = [&]() -> Task<std::string> {
        const auto held = co_await condition.scoped();
        try {
            co_await condition.wait();
        } catch (...) {
            co_return kind_of_current();
        }
        co_return "no error";
    };
    EventLoop first;
    log(first.run_until_complete(waits()));
    EventLoop second;
    log(second.run_until_complete(waits_too()));
}

}  // namespace
}  // namespace ringio::conformance
