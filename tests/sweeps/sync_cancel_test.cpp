// Cancel at every await: sync/. The victim is one of several tasks, and the others must get on.
#include "sweep_scenario.hpp"

#include <algorithm>

using namespace ringio;
using namespace ringio::test_support;

namespace {

using Items = std::vector<int>;

/// How many hold something, and that there were never more than allowed.
struct Holders {
    void enter() { most = std::max(most, ++now); }
    void leave() { --now; }

    int now = 0;
    int most = 0;
    int finished = 0;  // who got on to the end
};

template <class L>
Task<> hold(L& lock, Holders& holders) {
    const auto held = co_await lock.scoped();
    holders.enter();
    const ScopeExit leave([&holders] { holders.leave(); });
    co_await sleep(Delay());
    co_await sleep(1ms);
    ++holders.finished;
}

/// Has several tasks hold a lock or semaphore, one of them the victim; the others must finish.
template <class L>
Task<> contend(Sweep& sweep, L& lock, Holders& holders, int victim_place) {
    std::vector<TaskHandle<>> tasks;
    for (int place = 0; place < 4; ++place) {
        auto task = create_task(hold(lock, holders));
        tasks.push_back(place == victim_place ? sweep.victim(task) : task);
    }
    for (const auto& task : tasks) {
        co_await ended(task);
    }
}

Holders& watched_holders(Sweep& sweep, int allowed) {
    Holders& holders = sweep.make<Holders>();
    sweep.check("not more hold it than may",
                [&holders, allowed] { return holders.most <= allowed && holders.now == 0; });
    sweep.check("the others have finished", [&holders] { return holders.finished >= 3; });
    return holders;
}

Task<> contend_for_lock(Sweep& sweep, int victim_place) {
    auto& lock = sweep.make<Lock>();
    sweep.check("the lock is free", [&lock] { return lock.repr() == "<Lock [unlocked]>"; });
    co_await contend(sweep, lock, watched_holders(sweep, 1), victim_place);
}

Task<> contend_for_semaphore(Sweep& sweep, int victim_place) {
    auto& semaphore = sweep.make<BoundedSemaphore>(2);
    sweep.check("both permits are there", [&semaphore] {
        return semaphore.repr() == "<BoundedSemaphore [unlocked, value:2]>";
    });
    co_await contend(sweep, semaphore, watched_holders(sweep, 2), victim_place);
}

/// What went through a queue: every item that was put must have been got once, or be there still.
struct Traffic {
    Items put;
    Items got;
};

template <class Q>
Task<> produce(Q& queue, Traffic& traffic, int first, int count) {
    for (int item = first; item < first + count; ++item) {
        co_await queue.put(item);
        traffic.put.push_back(item);
    }
}

template <class Q>
Task<> consume(Q& queue, Traffic& traffic) {
    try {
        for (;;) {
            const int item = co_await queue.get();
            traffic.got.push_back(item);
            queue.task_done();
            co_await sleep(Delay());
        }
    } catch (const QueueShutDown&) {
    }
}

template <class Q>
Traffic& watched_traffic(Sweep& sweep, Q& queue) {
    Traffic& traffic = sweep.make<Traffic>();
    sweep.check("each item is got once, or still there", [&queue, &traffic] {
        while (!queue.empty()) {
            traffic.got.push_back(queue.get_nowait());
        }
        std::ranges::sort(traffic.put);
        std::ranges::sort(traffic.got);
        return traffic.put == traffic.got;
    });
    return traffic;
}

enum class Victim { producer, consumer };

/// Two producers and two consumers; the queue is shut down when the producers have ended.
template <class Q>
Task<> trade(Sweep& sweep, Victim victim) {
    auto& queue = sweep.make<Q>(2);
    Traffic& traffic = watched_traffic(sweep, queue);
    auto producer = create_task(produce(queue, traffic, 0, 4));
    auto other_producer = create_task(produce(queue, traffic, 100, 4));
    auto consumer = create_task(consume(queue, traffic));
    auto other_consumer = create_task(consume(queue, traffic));
    sweep.victim(victim == Victim::producer ? producer : consumer);
    co_await ended(producer);
    co_await ended(other_producer);
    queue.shutdown();
    co_await ended(consumer);
    co_await ended(other_consumer);
    sweep.check("the other consumer has taken all", [&queue] { return queue.empty(); });
}

struct Meeting {
    Condition condition;
    bool ready = false;
    int met = 0;
};

Task<> meet(Meeting& meeting) {
    const auto held = co_await meeting.condition.scoped();
    static_cast<void>(co_await meeting.condition.wait_for([&meeting] { return meeting.ready; }));
    ++meeting.met;
}

Task<> wait_at(Barrier& barrier, int& passed) {
    static_cast<void>(co_await barrier.wait());
    ++passed;
}

}  // namespace

CANCEL_SWEEP("cancel at every await: the first holder of a lock", "[any_order]") {
    co_await contend_for_lock(sweep, 0);
}

CANCEL_SWEEP("cancel at every await: who waits in the middle for a lock", "[any_order]") {
    co_await contend_for_lock(sweep, 1);
}

CANCEL_SWEEP("cancel at every await: the last in the queue for a lock", "[any_order]") {
    co_await contend_for_lock(sweep, 3);
}

CANCEL_SWEEP("cancel at every await: a holder of a semaphore", "[any_order]") {
    co_await contend_for_semaphore(sweep, 0);
}

CANCEL_SWEEP("cancel at every await: who waits for a semaphore", "[any_order]") {
    co_await contend_for_semaphore(sweep, 2);
}

CANCEL_SWEEP("cancel at every await: the last in the queue for a semaphore", "[any_order]") {
    co_await contend_for_semaphore(sweep, 3);
}

CANCEL_SWEEP("cancel at every await: semaphore permits added from outside", "[any_order]") {
    auto& semaphore = sweep.make<Semaphore>(0);
    auto& acquired = sweep.make<int>(0);
    sweep.check("no permit is lost", [&] {
        return semaphore.repr() ==
               (acquired == 3 ? "<Semaphore [locked]>" : "<Semaphore [unlocked, value:1]>");
    });
    auto acquire = [&]() -> Task<> {
        static_cast<void>(co_await semaphore.acquire());
        ++acquired;
    };
    auto first = sweep.victim(create_task(acquire()));
    auto second = create_task(acquire());
    auto third = create_task(acquire());
    for (int permit = 0; permit < 3; ++permit) {
        co_await sleep(1ms);
        semaphore.release();
    }
    co_await ended(first);
    co_await ended(second);
    co_await ended(third);
}

CANCEL_SWEEP("cancel at every await: who waits for an event", "[any_order]") {
    auto& event = sweep.make<Event>();
    auto& woken = sweep.make<int>(0);
    sweep.check("the others were woken", [&woken] { return woken >= 2; });
    auto wait_for_event = [&]() -> Task<> {
        static_cast<void>(co_await event.wait());
        ++woken;
    };
    auto first = create_task(wait_for_event());
    auto second = sweep.victim(create_task(wait_for_event()));
    auto third = create_task(wait_for_event());
    co_await sleep(1ms);
    event.set();
    event.clear();
    co_await ended(first);
    co_await ended(second);
    co_await ended(third);
}

CANCEL_SWEEP("cancel at every await: who waits for a condition, all notified", "[any_order]") {
    auto& meeting = sweep.make<Meeting>();
    sweep.check("the others have met", [&meeting] { return meeting.met >= 2; });
    sweep.check("the lock is free", [&meeting] { return !meeting.condition.locked(); });
    auto first = create_task(meet(meeting));
    auto second = sweep.victim(create_task(meet(meeting)));
    auto third = create_task(meet(meeting));
    co_await sleep(1ms);
    {
        const auto held = co_await meeting.condition.scoped();
        meeting.ready = true;
        meeting.condition.notify_all();
        co_await sleep(1ms);  // they have to wait for the lock as well
    }
    co_await ended(first);
    co_await ended(second);
    co_await ended(third);
}

CANCEL_SWEEP("cancel at every await: who gets the only notification passes it on", "[any_order]") {
    auto& condition = sweep.make<Condition>();
    auto& tickets = sweep.make<int>(0);
    auto& served = sweep.make<int>(0);
    sweep.check("every ticket was taken", [&] { return tickets == 0 && served == 2; });
    sweep.check("the lock is free", [&condition] { return !condition.locked(); });
    auto take_ticket = [&]() -> Task<> {
        const auto held = co_await condition.scoped();
        static_cast<void>(co_await condition.wait_for([&tickets] { return tickets > 0; }));
        --tickets;
        ++served;
    };
    auto first = sweep.victim(create_task(take_ticket()));
    auto second = create_task(take_ticket());
    auto third = create_task(take_ticket());
    for (int ticket = 0; ticket < 2; ++ticket) {
        co_await sleep(1ms);
        const auto held = co_await condition.scoped();
        ++tickets;
        condition.notify();
    }
    co_await sleep(1ms);
    first.cancel();  // one of them is still without a ticket, if no cancel came before
    second.cancel();
    third.cancel();
    co_await ended(first);
    co_await ended(second);
    co_await ended(third);
}

CANCEL_SWEEP("cancel at every await: who notifies a condition", "[any_order]") {
    auto& meeting = sweep.make<Meeting>();
    sweep.check("the lock is free", [&meeting] { return !meeting.condition.locked(); });
    auto waiting = create_task(meet(meeting));
    auto notify = [&meeting]() -> Task<> {
        co_await sleep(1ms);
        const auto held = co_await meeting.condition.scoped();
        co_await sleep(1ms);
        meeting.ready = true;
        meeting.condition.notify();
    };
    auto notifying = sweep.victim(create_task(notify()));
    co_await ended(notifying);
    co_await sleep(1ms);
    sweep.check("who was notified has gone on",
                [&meeting] { return meeting.met == (meeting.ready ? 1 : 0); });
    waiting.cancel();
    co_await ended(waiting);
}

CANCEL_SWEEP("cancel at every await: a party of a barrier", "[any_order]") {
    auto& barrier = sweep.make<Barrier>(3);
    auto& passed = sweep.make<int>(0);
    sweep.check("the others have passed", [&passed] { return passed >= 2; });
    sweep.check("nobody is in the barrier", [&barrier] { return barrier.n_waiting() == 0; });
    auto first = create_task(wait_at(barrier, passed));
    auto second = sweep.victim(create_task(wait_at(barrier, passed)));
    co_await sleep(1ms);
    auto third = create_task(wait_at(barrier, passed));
    co_await ended(second);
    co_await sleep(1ms);
    if (passed == 0) {
        // One party went: somebody else takes its place.
        co_await ended(create_task(wait_at(barrier, passed)));
    }
    co_await sleep(1ms);
    if (barrier.n_waiting() > 0) {
        co_await barrier.abort();
    }
    co_await ended(first);
    co_await ended(third);
}

CANCEL_SWEEP("cancel at every await: who resets a barrier", "[any_order]") {
    auto& barrier = sweep.make<Barrier>(2);
    auto& passed = sweep.make<int>(0);
    sweep.check("nobody is in the barrier", [&barrier] { return barrier.n_waiting() == 0; });
    auto waiting = create_task(wait_at(barrier, passed));
    co_await sleep(1ms);
    auto reset = [&barrier]() -> Task<> {
        co_await sleep(1ms);
        co_await barrier.reset();
    };
    co_await ended(sweep.victim(create_task(reset())));
    waiting.cancel();
    co_await ended(waiting);
}

CANCEL_SWEEP("cancel at every await: who puts to a queue", "[any_order]") {
    co_await trade<Queue<int>>(sweep, Victim::producer);
}

CANCEL_SWEEP("cancel at every await: who gets from a queue", "[any_order]") {
    co_await trade<Queue<int>>(sweep, Victim::consumer);
}

CANCEL_SWEEP("cancel at every await: who puts to a priority queue", "[any_order]") {
    co_await trade<PriorityQueue<int>>(sweep, Victim::producer);
}

CANCEL_SWEEP("cancel at every await: who gets from a priority queue", "[any_order]") {
    co_await trade<PriorityQueue<int>>(sweep, Victim::consumer);
}

CANCEL_SWEEP("cancel at every await: who puts to a LIFO queue", "[any_order]") {
    co_await trade<LifoQueue<int>>(sweep, Victim::producer);
}

CANCEL_SWEEP("cancel at every await: who gets from a LIFO queue", "[any_order]") {
    co_await trade<LifoQueue<int>>(sweep, Victim::consumer);
}

CANCEL_SWEEP("cancel at every await: who waits for a queue to be worked off", "[any_order]") {
    auto& queue = sweep.make<Queue<int>>();
    Traffic& traffic = watched_traffic(sweep, queue);
    co_await produce(queue, traffic, 0, 3);
    auto join = [&queue]() -> Task<> { co_await queue.join(); };
    auto joining = sweep.victim(create_task(join()));
    auto other = create_task(join());
    auto consumer = create_task(consume(queue, traffic));
    co_await ended(other);
    queue.shutdown();
    co_await ended(joining);
    co_await ended(consumer);
}

CANCEL_SWEEP("cancel at every await: who shuts a queue down at once", "[any_order]") {
    auto& queue = sweep.make<Queue<int>>(1);
    auto& refused = sweep.make<int>(0);
    auto put = [&](int item) -> Task<> {
        try {
            co_await queue.put(item);
        } catch (const QueueShutDown&) {
            ++refused;
        }
    };
    queue.put_nowait(0);  // all three have to wait
    auto first = create_task(put(1));
    auto second = create_task(put(2));
    auto third = sweep.victim(create_task(put(3)));
    co_await sleep(1ms);
    queue.shutdown(true);
    co_await ended(first);
    co_await ended(second);
    co_await ended(third);
    sweep.check("those who waited were refused", [&refused] { return refused >= 2; });
    co_await queue.join();
}
