// Barrier: a meeting point of tasks.
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include "scenario.hpp"
#include "telling.hpp"

#include <stdexcept>

namespace ringio::conformance {
namespace {

using Tasks = std::vector<TaskHandle<>>;

Task<> pass_through(Barrier& barrier, std::string name) {
    try {
        const std::size_t index = co_await barrier.wait();
        log(name, "is through as", index);
    } catch (const CancelledError&) {
        log(name, "cancelled");
        throw;
    } catch (const BrokenBarrierError&) {
        log(name, error_of_current());
    }
}

/// Runs `work(name)` as a task for each letter.
template <class Work>
Tasks tasks_of(std::string_view names, const Work& work) {
    Tasks tasks;
    for (const char name : names) {
        tasks.push_back(create_task(work(std::string(1, name))));
    }
    return tasks;
}

void send(Barrier& barrier, std::string_view names, Tasks& tasks) {
    for (const char name : names) {
        tasks.push_back(create_task(pass_through(barrier, std::string(1, name))));
    }
}

Tasks send(Barrier& barrier, std::string_view names) {
    Tasks tasks;
    send(barrier, names, tasks);
    return tasks;
}

std::string stand(const Barrier& barrier) {
    return shown(barrier) + " waiting " + text(barrier.n_waiting()) + " broken " +
           text(barrier.broken());
}

CONFORMS("barriers.repr_filling_and_draining") {
    Barrier barrier(3);
    log(stand(barrier), barrier.parties());
    auto tasks = send(barrier, "ab");
    co_await turns(1);
    log(stand(barrier));
    send(barrier, "c", tasks);
    co_await turns(1);
    log(stand(barrier));
    co_await gather(tasks);
    log(stand(barrier));
}

CONFORMS("barriers.repr_resetting_and_broken") {
    Barrier barrier(3);
    auto tasks = send(barrier, "abc");
    co_await turns(1);
    send(barrier, "de", tasks);
    co_await turns(1);
    co_await barrier.reset();
    log(stand(barrier));
    send(barrier, "fg", tasks);
    co_await turns(1);
    log(stand(barrier));
    co_await barrier.abort();
    log(stand(barrier));
    co_await gather(tasks);
    log(stand(barrier));
}

CONFORMS("barriers.parties") {
    log(call([] { Barrier wrong(0); }));
    log(call([] { Barrier wrong(-4); }));
    log(Barrier(5).parties());
    co_return;
}

CONFORMS("barriers.one_party") {
    Barrier barrier(1);
    auto ticking = create_task(clock(1));
    const std::size_t first = co_await barrier.wait();
    const std::size_t second = co_await barrier.wait();
    log(first, second);
    log(stand(barrier));
    co_await ticking;
}

CONFORMS("barriers.one_party_in_tasks") {
    Barrier barrier(1);
    auto first = create_task(barrier.wait());
    co_await turns(1);
    log(stand(barrier));
    auto second = create_task(barrier.wait());
    co_await turns(1);
    log(states(first, second), stand(barrier));
}

CONFORMS("barriers.task_by_task") {
    Barrier barrier(3);
    Tasks tasks;
    for (const char* name : {"a", "b", "c"}) {
        send(barrier, name, tasks);
        co_await turns(1);
        log(stand(barrier));
    }
    auto ticking = create_task(clock(3));
    co_await gather(tasks);
    log(stand(barrier));
    co_await ticking;
}

CONFORMS("barriers.all_at_once") {
    Barrier barrier(5);
    co_await gather(send(barrier, "abcde"));
    log(stand(barrier));
}

CONFORMS("barriers.wait_twice") {
    Barrier barrier(3);
    const auto twice = [&](std::string name) -> Task<> {
        co_await pass_through(barrier, name);
        co_await pass_through(barrier, name + " again");
    };
    co_await gather(tasks_of("abc", twice));
    log(stand(barrier));
}

CONFORMS("barriers.more_come_than_fit") {
    Barrier barrier(2);
    auto tasks = send(barrier, "abcde");
    co_await turns(6);
    log(states(tasks), stand(barrier));
    send(barrier, "f", tasks);
    co_await gather(tasks);
    log(stand(barrier));
}

CONFORMS("barriers.draining") {
    Barrier barrier(4);
    const auto look = [&](std::string name) -> Task<> {
        co_await barrier.wait();
        log(name, stand(barrier));
    };
    co_await gather(tasks_of("abcd", look));
    log(stand(barrier));
}

CONFORMS("barriers.newcomers_block_while_draining") {
    Barrier barrier(5);
    Barrier others(3);
    std::vector<std::string> again;
    const auto work = [&](std::string name) -> Task<> {
        co_await pass_through(barrier, name);
        if (again.size() < 2) {
            again.push_back(name);
        } else {
            co_await others.wait();
            log(name, "met the others");
        }
        co_await pass_through(barrier, name + " again");
    };
    co_await gather(tasks_of("abcde", work));
    log(stand(barrier), stand(others));
}

CONFORMS("barriers.cancel_one") {
    Barrier barrier(3);
    const auto pass_without_number = [&](std::string name) -> Task<> {
        co_await barrier.wait();
        log(name, "is through");
    };
    auto tasks = tasks_of("ab", pass_without_number);
    co_await turns(1);
    tasks[0].cancel();
    co_await turns(1);
    log(stand(barrier), states(tasks));
    tasks.push_back(create_task(pass_without_number("c")));
    co_await turns(1);
    log(stand(barrier));
    tasks.push_back(create_task(pass_without_number("d")));
    co_await gather(tasks[1], tasks[2], tasks[3]);
    log(stand(barrier));
}

CONFORMS("barriers.cancel_one_that_is_being_let_through") {
    Barrier barrier(3);
    auto tasks = send(barrier, "abc");
    co_await turns(1);
    tasks[1].cancel();
    co_await turns(4);
    log(states(tasks), stand(barrier));
}

CONFORMS("barriers.cancel_one_that_blocks_while_draining") {
    Barrier barrier(2);
    auto tasks = send(barrier, "abcd");
    co_await turns(1);
    log(stand(barrier));
    tasks[2].cancel();
    co_await turns(4);
    log(states(tasks), stand(barrier));
    send(barrier, "e", tasks);
    co_await turns(4);
    log(states(tasks), stand(barrier));
}

CONFORMS("barriers.reset_empty") {
    Barrier barrier(1);
    co_await barrier.reset();
    log(stand(barrier));
    auto task = create_task(barrier.reset());
    co_await turns(1);
    log(state(task), stand(barrier));
}

CONFORMS("barriers.reset_while_waiting") {
    Barrier barrier(5);
    auto tasks = send(barrier, "abcd");
    co_await turns(1);
    auto resetting = create_task(barrier.reset());
    co_await gather(tasks);
    log(state(resetting), stand(barrier));
}

/// Waits, and says whether the barrier was whole.
Task<bool> passes(Barrier& barrier, std::string name) {
    try {
        const std::size_t index = co_await barrier.wait();
        log(name, "is through as", index);
        co_return true;
    } catch (const BrokenBarrierError&) {
        log(name, "broken");
    }
    co_return false;
}

CONFORMS("barriers.reset_when_half_are_through") {
    Barrier barrier(5);
    int through = 0;
    const auto work = [&](std::string name) -> Task<> {
        const bool passed = co_await passes(barrier, name);
        if (passed && ++through == 3) {
            co_await barrier.reset();
            log(name, "reset it", stand(barrier));
        }
    };
    co_await gather(tasks_of("abcde", work));
    log(stand(barrier));
}

CONFORMS("barriers.reset_when_half_are_through_and_wait_again") {
    Barrier barrier(5);
    int through = 0;
    const auto work = [&](std::string name) -> Task<> {
        const bool passed = co_await passes(barrier, name);
        if (passed && ++through > 2) {
            co_await barrier.reset();
            log(name, "reset it");
        }
        co_await pass_through(barrier, name + " again");
    };
    co_await gather(tasks_of("abcde", work));
    log(stand(barrier));
}

CONFORMS("barriers.reset_while_waiting_and_wait_again") {
    Barrier barrier(4);
    const auto work = [&](std::string name) -> Task<> {
        co_await pass_through(barrier, name);
        co_await pass_through(barrier, name + " again");
    };
    auto tasks = tasks_of("abc", work);
    auto resetting = create_task(barrier.reset());
    co_await turns(1);
    log(state(resetting), stand(barrier));
    send(barrier, "d", tasks);
    co_await gather(tasks);
    log(stand(barrier));
}

CONFORMS("barriers.reset_by_the_last_one_through") {
    Barrier barrier(4);
    int through = 0;
    const auto work = [&](std::string name) -> Task<> {
        const std::size_t index = co_await barrier.wait();
        log(name, "is through as", index);
        if (++through == 4) {
            co_await barrier.reset();
            log(name, "reset it", stand(barrier));
        }
        co_await pass_through(barrier, name + " a second time");
        co_await pass_through(barrier, name + " a third time");
    };
    co_await gather(tasks_of("abcd", work));
    log(stand(barrier));
}

CONFORMS("barriers.abort_empty") {
    Barrier barrier(1);
    co_await barrier.abort();
    log(stand(barrier));
    log(co_await ended(barrier.wait()));
    co_await barrier.reset();
    const std::string whole = stand(barrier);
    const std::size_t index = co_await barrier.wait();
    log(whole, index);
}

CONFORMS("barriers.abort_while_waiting") {
    Barrier barrier(3);
    auto tasks = send(barrier, "ab");
    co_await turns(1);
    co_await barrier.abort();
    log(stand(barrier));
    co_await gather(tasks);
    co_await pass_through(barrier, "late");
    log(stand(barrier));
}

CONFORMS("barriers.abort_when_half_are_through") {
    Barrier barrier(5);
    int through = 0;
    const auto work = [&](std::string name) -> Task<> {
        const bool passed = co_await passes(barrier, name);
        if (!passed) {
            co_return;
        }
        if (++through > 2) {
            co_await barrier.abort();
            log(name, "aborted it", stand(barrier));
        } else {
            co_await pass_through(barrier, name + " again");
        }
    };
    co_await gather(tasks_of("abcde", work));
    log(stand(barrier));
}

CONFORMS("barriers.abort_by_one_that_failed") {
    Barrier barrier(5);
    const auto work = [&](std::string name) -> Task<> {
        bool failed = false;
        try {
            const std::size_t index = co_await barrier.wait();
            if (index == 2) {
                throw std::invalid_argument(name);
            }
            co_await barrier.wait();
            log(name, "not reached");
        } catch (const BrokenBarrierError&) {
            log(name, kind_of_current());
        } catch (const std::invalid_argument&) {
            log(name, "failed");
            failed = true;
        }
        if (failed) {
            co_await barrier.abort();
        }
    };
    co_await gather(tasks_of("abcde", work));
    log(stand(barrier));
}

CONFORMS("barriers.abort_then_reset") {
    Barrier first(4);
    Barrier second(4);
    const auto work = [&](std::string name) -> Task<> {
        const std::size_t in_first = co_await first.wait();
        if (in_first == 2) {
            log(name, "aborts");
            co_await first.abort();
        } else {
            co_await pass_through(first, name);
        }
        const std::size_t in_second = co_await second.wait();
        if (in_second == 2) {
            log(name, "resets");
            co_await first.reset();
        }
        co_await second.wait();
        co_await pass_through(first, name + " again");
    };
    co_await gather(tasks_of("abcd", work));
    log(stand(first), stand(second));
}

CONFORMS("barriers.cancelled_last_one_that_has_not_come") {
    Barrier barrier(2);
    auto task = send(barrier, "a").front();
    task.cancel();
    log(co_await ended(task));
    log(stand(barrier));
    co_await gather(send(barrier, "bc"));
    log(stand(barrier));
}

}  // namespace
}  // namespace ringio::conformance
