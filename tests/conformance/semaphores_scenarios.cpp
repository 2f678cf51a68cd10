// Semaphore and BoundedSemaphore: so many at a time.
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include "scenario.hpp"
#include "telling.hpp"

#include <stdexcept>

namespace ringio::conformance {
namespace {

using Tasks = std::vector<TaskHandle<>>;

Task<> acquire(Semaphore& semaphore, std::string name) {
    try {
        const bool acquired = co_await semaphore.acquire();
        log(name, "has one", acquired);
    } catch (const CancelledError&) {
        log(name, "cancelled");
        throw;
    }
}

void acquire_each(Semaphore& semaphore, std::string_view names, Tasks& tasks) {
    for (const char name : names) {
        tasks.push_back(create_task(acquire(semaphore, std::string(1, name))));
    }
}

Tasks acquire_each(Semaphore& semaphore, std::string_view names) {
    Tasks tasks;
    acquire_each(semaphore, names, tasks);
    return tasks;
}

CONFORMS("semaphores.initial_value_zero") {
    log(Semaphore(0).locked(), Semaphore(1).locked());
    co_return;
}

CONFORMS("semaphores.repr") {
    Semaphore semaphore;
    log(shown(semaphore));
    co_await semaphore.acquire();
    log(shown(semaphore));
    auto tasks = acquire_each(semaphore, "ab");
    co_await turns(1);
    log(shown(semaphore));
    semaphore.release();
    log(shown(semaphore));
    co_await turns(1);
    semaphore.release();
    co_await gather(tasks);
    log(shown(semaphore));
    log(shown(BoundedSemaphore(3)));
}

CONFORMS("semaphores.negative_value") {
    log(call([] { Semaphore wrong(-1); }));
    log(call([] { BoundedSemaphore wrong(-1); }));
    co_return;
}

CONFORMS("semaphores.acquire") {
    Semaphore semaphore(3);
    const bool first = co_await semaphore.acquire();
    const bool second = co_await semaphore.acquire();
    log(first, second, semaphore.locked());
    auto tasks = acquire_each(semaphore, "abc");
    co_await turns(1);
    log(shown(semaphore));
    acquire_each(semaphore, "d", tasks);
    semaphore.release();
    semaphore.release();
    log(shown(semaphore));
    co_await turns(1);
    log(shown(semaphore), states(tasks));
    semaphore.release();
    co_await gather(tasks);
    log(shown(semaphore));
}

CONFORMS("semaphores.free_permit_does_not_yield") {
    Semaphore semaphore(2);
    auto ticking = create_task(clock(1));
    co_await semaphore.acquire();
    {
        const auto held = co_await semaphore.scoped();
        log(semaphore.locked());
    }
    log(semaphore.locked());
    co_await ticking;
}

CONFORMS("semaphores.acquire_cancelled") {
    Semaphore semaphore;
    co_await semaphore.acquire();
    auto task = create_task(acquire(semaphore, "a"));
    get_running_loop().call_soon([task]() mutable { task.cancel(); });
    log(co_await ended(task));
    log(shown(semaphore));
}

CONFORMS("semaphores.acquire_cancelled_before_awoken") {
    Semaphore semaphore(0);
    auto tasks = acquire_each(semaphore, "abcd");
    co_await turns(1);
    tasks[0].cancel();
    tasks[1].cancel();
    semaphore.release();
    co_await turns(2);
    log(states(tasks), shown(semaphore));
    tasks[2].cancel();
    tasks[3].cancel();
    co_await turns(1);
    log(states(tasks), shown(semaphore));
}

CONFORMS("semaphores.acquire_hang") {
    Semaphore semaphore(0);
    auto tasks = acquire_each(semaphore, "ab");
    co_await turns(1);
    tasks[0].cancel();
    semaphore.release();
    co_await turns(2);
    log(states(tasks), shown(semaphore));
}

CONFORMS("semaphores.acquire_no_hang") {
    Semaphore semaphore(1);
    TaskHandle<> second_task;
    const auto first = [&]() -> Task<> {
        {
            const auto held = co_await semaphore.scoped();
            co_await turns(1);
        }
        second_task.cancel();
    };
    const auto second = [&]() -> Task<> {
        const auto held = co_await semaphore.scoped();
        log("not reached");
    };
    auto first_task = create_task(first());
    second_task = create_task(second());
    log(co_await ended(first_task));
    log(co_await ended(second_task));
    log(shown(semaphore));
    const bool acquired = co_await wait_for(semaphore.acquire(), 1s);
    log(acquired, now());
}

CONFORMS("semaphores.release_then_cancel") {
    Semaphore semaphore(0);
    auto tasks = acquire_each(semaphore, "abc");
    co_await turns(1);
    semaphore.release();
    tasks[0].cancel();
    co_await create_task(clock(3));
    log(states(tasks), shown(semaphore));
    semaphore.release();
    co_await turns(2);
    log(states(tasks), shown(semaphore));
}

CONFORMS("semaphores.two_released_and_both_cancelled") {
    Semaphore semaphore(0);
    auto tasks = acquire_each(semaphore, "abcd");
    co_await turns(1);
    semaphore.release();
    semaphore.release();
    tasks[0].cancel();
    tasks[1].cancel();
    co_await turns(4);
    log(states(tasks), shown(semaphore));
}

CONFORMS("semaphores.bounded_release_too_often") {
    BoundedSemaphore semaphore;
    const auto release = [&] { semaphore.release(); };
    log(call(release));
    co_await semaphore.acquire();
    const std::string first = call(release);
    log(first, call(release));
    Semaphore unbounded;
    const std::string end = call([&] { unbounded.release(); });
    log(end, shown(unbounded));
}

CONFORMS("semaphores.release_no_waiters") {
    Semaphore semaphore;
    co_await semaphore.acquire();
    log(semaphore.locked());
    semaphore.release();
    log(semaphore.locked());
}

Task<> acquire_twice(Semaphore& semaphore, const char* name) {
    for (int time = 1; time <= 2; ++time) {
        co_await semaphore.acquire();
        log(name, time, now());
        co_await sleep(250ms);
        semaphore.release();
    }
}

CONFORMS("semaphores.fifo_of_those_who_come_again") {
    Semaphore semaphore(1);
    co_await gather(acquire_twice(semaphore, "a"), acquire_twice(semaphore, "b"),
                    acquire_twice(semaphore, "c"));
}

CONFORMS("semaphores.fifo_nobody_overtakes") {
    Semaphore semaphore(1);
    const auto release_and_acquire_again = [&]() -> Task<> {
        co_await acquire(semaphore, "b");
        semaphore.release();
        co_await acquire(semaphore, "b again");
    };
    auto tasks = acquire_each(semaphore, "a");
    tasks.push_back(create_task(release_and_acquire_again()));
    acquire_each(semaphore, "c", tasks);
    co_await turns(1);
    semaphore.release();
    semaphore.release();
    co_await gather(tasks);
    log(shown(semaphore));
}

CONFORMS("semaphores.fifo_after_a_cancel") {
    Semaphore semaphore(0);
    auto tasks = acquire_each(semaphore, "abc");
    co_await turns(1);
    tasks[0].cancel();
    co_await turns(1);
    semaphore.release();
    semaphore.release();
    co_await turns(2);
    log(states(tasks), shown(semaphore));
}

CONFORMS("semaphores.fifo_of_several_released_at_once") {
    Semaphore semaphore(0);
    const auto first = [&]() -> Task<> {
        co_await acquire(semaphore, "a");
        create_task(turns(0)).add_done_callback([] { log("late task is done"); });
    };
    const auto second = [&]() -> Task<> {
        for (int time = 0; time < 3; ++time) {
            semaphore.release();
        }
        log(shown(semaphore), semaphore.locked());
        co_await acquire(semaphore, "b");
    };
    Tasks tasks{create_task(first())};
    tasks.push_back(create_task(second()));
    acquire_each(semaphore, "c", tasks);
    co_await turns(1);
    log(shown(semaphore));
    co_await turns(3);
    log(states(tasks), shown(semaphore));
}

CONFORMS("semaphores.newcomer_waits_behind_a_woken_one") {
    Semaphore semaphore(1);
    co_await semaphore.acquire();
    auto tasks = acquire_each(semaphore, "a");
    co_await turns(1);
    semaphore.release();
    log(semaphore.locked());
    acquire_each(semaphore, "b", tasks);
    co_await turns(2);
    log(states(tasks), shown(semaphore));
    semaphore.release();
    co_await tasks[1];
}

Task<> fail_in_block(Semaphore& semaphore) {
    const auto held = co_await semaphore.scoped();
    throw std::invalid_argument("in the block");
}

CONFORMS("semaphores.block_releases") {
    Semaphore semaphore(1);
    const std::string end = co_await ended(fail_in_block(semaphore));
    log(end, semaphore.locked());
    {
        const auto held = co_await semaphore.scoped();
        log(semaphore.locked());
    }
    log(semaphore.locked());
}

Task<> work(Semaphore& semaphore, const char* name) {
    const auto held = co_await semaphore.scoped();
    log(name, "begins", now());
    co_await sleep(1s);
    log(name, "ends", now());
}

CONFORMS("semaphores.at_most_two_at_a_time") {
    Semaphore semaphore(2);
    std::vector<Task<>> works;
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        works.push_back(work(semaphore, name));
    }
    co_await gather(std::move(works));
}

}  // namespace
}  // namespace ringio::conformance
