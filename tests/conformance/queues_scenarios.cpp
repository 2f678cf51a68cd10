// Queue, PriorityQueue and LifoQueue.
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include "scenario.hpp"
#include "telling.hpp"

#include <stdexcept>

namespace ringio::conformance {
namespace {

using Tasks = std::vector<TaskHandle<>>;

/// The part of a repr after the address that CPython has.
template <class Q>
std::string stand(const Q& queue) {
    const std::string whole = queue.repr();
    const std::size_t begin = whole.find("maxsize");
    return whole.substr(begin, whole.size() - 1 - begin);
}

template <class T>
Task<T> get(Queue<T>& queue, std::string name) {
    try {
        T item = co_await queue.get();
        log(name, "got", item);
        co_return item;
    } catch (const CancelledError&) {
        log(name, "cancelled");
        throw;
    }
}

template <class T>
Task<> put(Queue<T>& queue, T item) {
    try {
        co_await queue.put(item);
    } catch (const CancelledError&) {
        log("put of", item, "cancelled");
        throw;
    }
    log("put", item);
}

template <class T>
std::vector<TaskHandle<T>> getters(Queue<T>& queue, std::string_view names) {
    std::vector<TaskHandle<T>> tasks;
    for (const char name : names) {
        tasks.push_back(create_task(get(queue, std::string(1, name))));
    }
    return tasks;
}

template <class T, class... Items>
Tasks putters(Queue<T>& queue, Items... items) {
    Tasks tasks;
    (tasks.push_back(create_task(put(queue, T(items)))), ...);
    return tasks;
}

std::string without_text(const std::string& end) { return end.substr(0, end.find(':')); }

/// As ended(), without the text: CPython's is empty for a queue's exceptions.
template <class A>
Task<std::string> kind_of_end(A awaitable) {
    co_return without_text(co_await ended(std::move(awaitable)));
}

template <class Fn>
std::string kind_of_call(Fn&& function) {
    return without_text(call(function));
}

template <class Q>
Task<> log_refusals(Q& queue) {
    const std::string put = co_await kind_of_end(queue.put("x"));
    log("put", put, kind_of_call([&] { queue.put_nowait("x"); }));
    const std::string get = co_await kind_of_end(queue.get());
    log("get", get, kind_of_call([&] { queue.get_nowait(); }));
}

template <class Q>
std::vector<int> take(Q& queue, int count) {
    std::vector<int> items;
    for (int taken = 0; taken < count; ++taken) {
        items.push_back(queue.get_nowait());
    }
    return items;
}

CONFORMS("queues.repr") {
    {
        Queue<int> queue;
        log(stand(queue));
        auto getting = getters(queue, "ab");
        co_await turns(1);
        log(stand(queue));
        queue.put_nowait(0);
        queue.put_nowait(1);
        log(stand(queue));
        co_await gather(getting);
        log(stand(queue));
    }
    Queue<int> queue(1);
    queue.put_nowait(7);
    auto putting = putters(queue, 8);
    co_await turns(1);
    log(stand(queue));
    queue.get_nowait();
    co_await gather(putting);
    log(stand(queue));
    queue.task_done();
    log(stand(queue));
}

template <class Q>
void log_shut_down() {
    Q queue;
    queue.put_nowait(1);
    queue.shutdown();
    log(stand(queue));
    queue.get_nowait();
    queue.task_done();
    log(stand(queue));
}

CONFORMS("queues.repr_of_shut_down") {
    log_shut_down<Queue<int>>();
    log_shut_down<PriorityQueue<int>>();
    log_shut_down<LifoQueue<int>>();
    co_return;
}

CONFORMS("queues.empty") {
    Queue<int> queue;
    log(queue.empty(), queue.qsize());
    co_await queue.put(1);
    log(queue.empty(), queue.qsize());
    const int item = co_await queue.get();
    log(item, queue.empty(), queue.qsize());
}

CONFORMS("queues.full") {
    for (const int maxsize : {0, -2, 1, 2}) {
        Queue<int> queue(maxsize);
        log(queue.maxsize(), queue.full());
        co_await queue.put(1);
        log(queue.full());
    }
}

template <class Q>
Task<> log_order() {
    Q queue;
    for (const int item : {1, 3, 2, 5, 4}) {
        co_await queue.put(item);
    }
    log(take(queue, 5));
}

CONFORMS("queues.order") {
    co_await log_order<Queue<int>>();
    co_await log_order<PriorityQueue<int>>();
    co_await log_order<LifoQueue<int>>();
}

CONFORMS("queues.priority_put_between") {
    PriorityQueue<int> queue;
    for (const int item : {3, 1, 2, 1, 3, 2}) {
        queue.put_nowait(item);
    }
    log(take(queue, 3));
    queue.put_nowait(0);
    queue.put_nowait(9);
    log(take(queue, 5));
    co_return;
}

CONFORMS("queues.lifo_put_between") {
    LifoQueue<int> queue;
    queue.put_nowait(1);
    queue.put_nowait(2);
    log(queue.get_nowait());
    queue.put_nowait(3);
    const int first = queue.get_nowait();
    log(first, queue.get_nowait());
    co_return;
}

Task<std::string> put_three(Queue<int>& queue) {
    for (int item = 0; item < 3; ++item) {
        co_await put(queue, item);
    }
    co_return "all put";
}

CONFORMS("queues.maxsize_blocks_the_putter") {
    Queue<int> queue(2);
    auto task = create_task(put_three(queue));
    co_await turns(2);
    const std::string before = stand(queue);
    const int first = co_await queue.get();
    log(before, first);
    co_await turns(1);
    const int second = co_await queue.get();
    const int third = co_await queue.get();
    log(second, third, state(task));
}

CONFORMS("queues.no_room_does_not_yield") {
    Queue<int> queue(1);
    auto ticking = create_task(clock(1));
    co_await queue.put(1);
    log(co_await queue.get());
    co_await ticking;
}

CONFORMS("queues.get_wakes_a_putter") {
    Queue<int> queue(1);
    auto putting = putters(queue, 1, 2, 3);
    co_await turns(1);
    log(stand(queue));
    const int first = co_await queue.get();
    log(first, stand(queue), states(putting));
    co_await turns(1);
    log(stand(queue), states(putting));
    log(co_await queue.get());
    co_await turns(1);
    const int third = co_await queue.get();
    log(third, states(putting));
}

CONFORMS("queues.get_waits") {
    Queue<int> queue;
    auto task = getters(queue, "a").front();
    co_await turns(1);
    get_running_loop().call_later(500ms, [&] { queue.put_nowait(1); });
    const int item = co_await task;
    log(item, now());
}

CONFORMS("queues.put_waits") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto task = putters(queue, 2).front();
    co_await turns(1);
    get_running_loop().call_later(500ms, [&] { queue.get_nowait(); });
    co_await task;
    log(now(), stand(queue));
}

CONFORMS("queues.nowait") {
    Queue<int> queue(1);
    log(kind_of_call([&] { queue.get_nowait(); }));
    queue.put_nowait(1);
    log(kind_of_call([&] { queue.put_nowait(2); }));
    const int item = queue.get_nowait();
    log(item, kind_of_call([&] { queue.get_nowait(); }));
    co_return;
}

CONFORMS("queues.getters_in_order") {
    Queue<int> queue;
    auto getting = getters(queue, "abc");
    co_await turns(1);
    auto ticking = create_task(clock(2));
    for (const int item : {1, 2, 3}) {
        queue.put_nowait(item);
    }
    co_await gather(getting);
    co_await ticking;
}

CONFORMS("queues.newcomer_takes_the_item") {
    Queue<int> queue;
    auto getting = getters(queue, "ab");
    co_await turns(1);
    queue.put_nowait(1);
    const int item = co_await queue.get();
    log("main got", item);
    co_await turns(1);
    log(states(getting), stand(queue));
    queue.put_nowait(2);
    queue.put_nowait(3);
    co_await gather(getting);
}

CONFORMS("queues.get_cancelled_race") {
    Queue<std::string> queue;
    auto getting = getters(queue, "ab");
    co_await turns(1);
    getting[0].cancel();
    co_await turns(1);
    log(states(getting), stand(queue));
    co_await queue.put("item");
    co_await turns(1);
    log(states(getting), stand(queue));
}

CONFORMS("queues.get_with_waiting_putters") {
    Queue<std::string> queue(1);
    putters(queue, "a", "b");
    log(co_await queue.get());
    log(co_await queue.get());
    co_await turns(1);
}

CONFORMS("queues.ping_pong") {
    for (const int maxsize : {1, 2, 0}) {
        Queue<int> queue(maxsize);
        const auto producer = [&]() -> Task<> {
            for (int item = 0; item < 5; ++item) {
                co_await put(queue, item);
            }
        };
        const auto consumer = [&]() -> Task<> {
            for (int item = 0; item < 5; ++item) {
                co_await get(queue, "consumer");
            }
        };
        co_await gather(producer(), consumer());
    }
}

CONFORMS("queues.cancelled_getters_are_forgotten") {
    Queue<int> queue(5);
    log(co_await ended(wait_for(queue.get(), 500ms)));
    log(stand(queue));
}

CONFORMS("queues.get_cancel_drops_no_item_with_one_reader") {
    Queue<int> queue;
    auto reader = getters(queue, "a").front();
    co_await turns(1);
    queue.put_nowait(1);
    queue.put_nowait(2);
    reader.cancel();
    log(co_await ended(reader));
    const int item = co_await queue.get();
    log(item, stand(queue));
}

CONFORMS("queues.get_cancel_drops_no_item_with_many_readers") {
    Queue<int> queue;
    auto getting = getters(queue, "abc");
    co_await turns(1);
    queue.put_nowait(1);
    queue.put_nowait(2);
    getting[0].cancel();
    auto ticking = create_task(clock(3));
    log(co_await ended(getting[0]));
    co_await gather(getting[1], getting[2]);
    log(states(getting), stand(queue));
    co_await ticking;
}

CONFORMS("queues.woken_getter_cancelled_after_the_item_was_taken") {
    Queue<int> queue;
    auto getting = getters(queue, "ab");
    co_await turns(1);
    queue.put_nowait(1);
    getting[0].cancel();
    log(queue.get_nowait());
    co_await turns(3);
    log(states(getting), stand(queue));
    queue.put_nowait(2);
    co_await turns(2);
    log(states(getting), stand(queue));
}

CONFORMS("queues.put_cancel_drops_no_room") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto writer = putters(queue, 2).front();
    co_await turns(1);
    log(queue.get_nowait());
    writer.cancel();
    log(co_await ended(writer));
    log(stand(queue));
    co_await queue.put(2);
    const int item = queue.get_nowait();
    log(item, queue.qsize());
}

CONFORMS("queues.put_cancelled_then_the_next_is_woken") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto putting = putters(queue, 2, 3);
    co_await turns(1);
    queue.get_nowait();
    putting[0].cancel();
    co_await create_task(clock(3));
    log(states(putting), stand(queue));
}

CONFORMS("queues.put_without_waiting") {
    Queue<int> queue;
    auto task = putters(queue, 1).front();
    const int item = co_await queue.get();
    log(item, state(task));
}

CONFORMS("queues.put_cancelled_race") {
    Queue<std::string> queue(1);
    auto putting = putters(queue, "a", "b", "c");
    co_await turns(1);
    log(states(putting));
    putting[2].cancel();
    co_await turns(1);
    const std::string before = states(putting);
    log(before, queue.get_nowait());
    co_await turns(1);
    const std::string second = queue.get_nowait();
    log(second, states(putting));
}

CONFORMS("queues.put_with_waiting_getters") {
    Queue<std::string> queue;
    auto task = getters(queue, "a").front();
    co_await turns(1);
    co_await queue.put("item");
    log(state(task));
    log(co_await task);
}

CONFORMS("queues.why_are_putters_waiting") {
    Queue<int> queue(2);
    const auto getter = [&]() -> Task<> {
        co_await turns(1);
        for (std::size_t left = queue.qsize(); left > 0; --left) {
            log("got", queue.get_nowait());
        }
    };
    Tasks tasks{create_task(getter())};
    for (int item = 0; item < 4; ++item) {
        tasks.push_back(create_task(put(queue, item)));
    }
    co_await gather(tasks);
    log(stand(queue));
}

CONFORMS("queues.cancelled_putters_are_forgotten") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto task = putters(queue, 2).front();
    co_await turns(1);
    log(stand(queue));
    task.cancel();
    log(co_await ended(task));
    log(stand(queue));
}

CONFORMS("queues.cancelled_put_that_was_woken") {
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto task = putters(queue, 2).front();
    co_await turns(1);
    queue.get_nowait();
    log(stand(queue));
    task.cancel();
    log(co_await ended(task));
    log(stand(queue));
}

template <class Q>
std::string task_done_of_a_new_one() {
    Q queue;
    return call([&] { queue.task_done(); });
}

CONFORMS("queues.task_done_underflow") {
    log(task_done_of_a_new_one<Queue<int>>());
    log(task_done_of_a_new_one<PriorityQueue<int>>());
    log(task_done_of_a_new_one<LifoQueue<int>>());
    co_return;
}

template <class Q>
Task<> work(Q& queue, std::vector<int>& total) {
    while (true) {
        total.push_back(co_await queue.get());
        co_await turns(1);
        queue.task_done();
    }
}

template <class Q>
Task<> work_and_join() {
    Q queue;
    std::vector<int> total;
    for (int item = 0; item < 20; ++item) {
        queue.put_nowait(item);
    }
    Tasks workers{create_task(work(queue, total))};
    workers.push_back(create_task(work(queue, total)));
    co_await queue.join();
    log(total);
    for (auto& worker : workers) {
        worker.cancel();
    }
    co_await wait(workers);
    log(states(workers), stand(queue));
}

CONFORMS("queues.task_done_and_join") {
    co_await work_and_join<Queue<int>>();
    co_await work_and_join<PriorityQueue<int>>();
    co_await work_and_join<LifoQueue<int>>();
}

template <class Q>
Task<> join_twice() {
    Q queue;
    auto ticking = create_task(clock(1));
    co_await queue.join();
    co_await queue.join();
    log("joined");
    co_await ticking;
}

CONFORMS("queues.join_of_an_empty_queue") {
    co_await join_twice<Queue<int>>();
    co_await join_twice<PriorityQueue<int>>();
    co_await join_twice<LifoQueue<int>>();
}

CONFORMS("queues.join_waits_for_the_last_one") {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.put_nowait(2);
    Tasks joins{create_task(queue.join())};
    joins.push_back(create_task(queue.join()));
    co_await turns(1);
    const int first = queue.get_nowait();
    const int second = queue.get_nowait();
    log(first, second, states(joins));
    queue.task_done();
    co_await turns(2);
    log(states(joins));
    queue.task_done();
    co_await turns(1);
    log(states(joins));
    queue.put_nowait(3);
    joins.push_back(create_task(queue.join()));
    co_await turns(2);
    log(states(joins));
    joins[2].cancel();
    log(co_await ended(joins[2]));
}

CONFORMS("queues.join_done_and_put_before_it_wakes") {
    Queue<int> queue;
    queue.put_nowait(1);
    auto join = create_task(queue.join());
    co_await turns(1);
    queue.task_done();
    queue.put_nowait(2);
    co_await turns(2);
    log(state(join), stand(queue));
}

template <class Q>
Task<> shut_down_empty() {
    Q queue;
    auto getting = create_task(kind_of_end(queue.get()));
    co_await turns(1);
    queue.shutdown();
    log(queue.qsize());
    co_await queue.join();
    co_await turns(1);
    log(state(getting));
    co_await log_refusals(queue);
}

CONFORMS("queues.shutdown_empty") {
    co_await shut_down_empty<Queue<std::string>>();
    co_await shut_down_empty<PriorityQueue<std::string>>();
    co_await shut_down_empty<LifoQueue<std::string>>();
}

template <class Q>
Task<> shut_down_nonempty() {
    Q queue(1);
    queue.put_nowait("data");
    auto join = create_task(queue.join());
    auto putting = create_task(kind_of_end(queue.put("data2")));
    co_await turns(1);
    log(state(putting));
    queue.shutdown();
    log(queue.qsize());
    co_await turns(1);
    const std::string end = state(putting);
    const std::string item = co_await queue.get();
    log(end, item);
    co_await turns(1);
    log(state(join));
    co_await log_refusals(queue);
    queue.task_done();
    co_await turns(1);
    log(state(join), call([&] { queue.task_done(); }));
}

CONFORMS("queues.shutdown_nonempty") {
    co_await shut_down_nonempty<Queue<std::string>>();
    co_await shut_down_nonempty<PriorityQueue<std::string>>();
    co_await shut_down_nonempty<LifoQueue<std::string>>();
}

template <class Q>
Task<> shut_down_immediately() {
    Q queue;
    queue.put_nowait("data");
    auto join = create_task(queue.join());
    co_await turns(1);
    queue.shutdown(true);
    log(queue.qsize());
    co_await turns(1);
    log(state(join));
    co_await log_refusals(queue);
    log(call([&] { queue.task_done(); }));
}

CONFORMS("queues.shutdown_immediate") {
    co_await shut_down_immediately<Queue<std::string>>();
    co_await shut_down_immediately<PriorityQueue<std::string>>();
    co_await shut_down_immediately<LifoQueue<std::string>>();
}

template <class Q>
Task<> shut_down_with_unfinished() {
    Q queue;
    queue.put_nowait("data");
    queue.put_nowait("data");
    auto join = create_task(queue.join());
    log(co_await queue.get());
    queue.shutdown(true);
    log(queue.qsize());
    co_await turns(1);
    log(state(join));
    co_await log_refusals(queue);
    const std::string first = call([&] { queue.task_done(); });
    log(first, call([&] { queue.task_done(); }));
    co_await turns(1);
    log(state(join));
}

CONFORMS("queues.shutdown_immediate_with_unfinished") {
    co_await shut_down_with_unfinished<Queue<std::string>>();
    co_await shut_down_with_unfinished<PriorityQueue<std::string>>();
    co_await shut_down_with_unfinished<LifoQueue<std::string>>();
}

CONFORMS("queues.shutdown_wakes_everybody") {
    std::vector<TaskHandle<std::string>> ends;
    {
        Queue<int> queue(1);
        queue.put_nowait(1);
        for (const int item : {2, 3, 4}) {
            ends.push_back(create_task(kind_of_end(queue.put(item))));
        }
        co_await turns(1);
        queue.shutdown();
        auto ticking = create_task(clock(2));
        co_await turns(1);
        log(states(ends), stand(queue));
        co_await ticking;
    }
    ends.clear();
    Queue<int> queue;
    for (int time = 0; time < 3; ++time) {
        ends.push_back(create_task(kind_of_end(queue.get())));
    }
    co_await turns(1);
    queue.shutdown(true);
    co_await turns(1);
    log(states(ends), stand(queue));
}

CONFORMS("queues.shutdown_with_a_woken_getter") {
    Queue<std::string> queue;
    std::vector<TaskHandle<std::string>> getting{create_task(kind_of_end(queue.get()))};
    getting.push_back(create_task(kind_of_end(queue.get())));
    co_await turns(1);
    queue.put_nowait("item");
    queue.shutdown();
    co_await turns(2);
    log(states(getting), stand(queue));
}

CONFORMS("queues.shutdown_twice") {
    Queue<int> queue;
    queue.put_nowait(1);
    queue.shutdown();
    queue.shutdown();
    log(stand(queue));
    queue.shutdown(true);
    log(stand(queue));
    log(kind_of_call([&] { queue.get_nowait(); }));
    co_return;
}

CONFORMS_PLAIN("queues.another_loop") {
    Queue<int> queue;
    EventLoop first;
    log(first.run_until_complete(ended(wait_for(queue.get(), 1ms))));
    EventLoop second;
    log(second.run_until_complete(kind_of_end(queue.get())));
}

}  // namespace
}  // namespace ringio::conformance
