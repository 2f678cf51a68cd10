// Allocation failure at every allocation: sync/.
#include "sweep_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;

namespace {

Task<> hold(Lock& lock) {
    const auto held = co_await lock.scoped();
    co_await sleep(1ms);
}

Task<> put_some(Queue<std::string>& queue, int count) {
    for (int item = 0; item < count; ++item) {
        co_await queue.put("an item that is too long to be kept within a std::string");
    }
}

Task<> get_some(Queue<std::string>& queue, int count) {
    for (int item = 0; item < count; ++item) {
        static_cast<void>(co_await queue.get());
        queue.task_done();
    }
}

Task<> wait_at(Barrier& barrier) { static_cast<void>(co_await barrier.wait()); }

}  // namespace

ALLOCATION_SWEEP("no memory: a lock that several want") {
    auto& lock = sweep.make<Lock>();
    sweep.check("the lock is free", [&lock] { return !lock.locked(); });
    co_await gather(hold(lock), hold(lock), hold(lock));
}

ALLOCATION_SWEEP("no memory: a semaphore that several want") {
    auto& semaphore = sweep.make<BoundedSemaphore>(2);
    auto& hold_one = keep(sweep, [&semaphore]() -> Task<> {
        const auto held = co_await semaphore.scoped();
        co_await sleep(1ms);
    });
    sweep.check("all permits are there", [&semaphore] {
        return semaphore.repr() == "<BoundedSemaphore [unlocked, value:2]>";
    });
    co_await gather(hold_one(), hold_one(), hold_one());
}

ALLOCATION_SWEEP("no memory: a condition and its waiters") {
    auto& condition = sweep.make<Condition>();
    auto& ready = sweep.make<bool>(false);
    auto& waiting = keep(sweep, [&]() -> Task<> {
        const auto held = co_await condition.scoped();
        static_cast<void>(co_await condition.wait_for([&ready] { return ready; }));
    });
    sweep.check("the lock is free", [&condition] { return !condition.locked(); });
    auto first = create_task(waiting());
    auto second = create_task(waiting());
    co_await sleep(1ms);
    {
        const auto held = co_await condition.scoped();
        ready = true;
        condition.notify_all();
    }
    co_await first;
    co_await second;
}

ALLOCATION_SWEEP("no memory: a queue between two tasks") {
    auto& queue = sweep.make<Queue<std::string>>(2);
    auto producer = create_task(put_some(queue, 5));
    auto consumer = create_task(get_some(queue, 5));
    co_await gather(producer, consumer);
    co_await queue.join();
    sweep.check("the queue is empty", [&queue] { return queue.empty(); });
}

ALLOCATION_SWEEP("no memory: put that fails leaves a priority queue as it was") {
    auto& queue = sweep.make<PriorityQueue<std::string>>();
    auto& put = sweep.make<std::size_t>(0U);
    sweep.check("what was put is there", [&] { return queue.qsize() == put; });
    for (const char* item : {"c", "a", "b", "d", "e"}) {
        co_await queue.put(item);
        ++put;
    }
}

ALLOCATION_SWEEP("no memory: a barrier") {
    auto& barrier = sweep.make<Barrier>(2);
    sweep.check("nobody is in the barrier", [&barrier] { return barrier.n_waiting() == 0; });
    co_await gather(wait_at(barrier), wait_at(barrier));
}

ALLOCATION_SWEEP("no memory: an event") {
    auto& event = sweep.make<Event>();
    auto& waiting = keep(sweep, [&event]() -> Task<> { static_cast<void>(co_await event.wait()); });
    auto first = create_task(waiting());
    auto second = create_task(waiting());
    co_await sleep(1ms);
    event.set();
    co_await gather(first, second);
}
