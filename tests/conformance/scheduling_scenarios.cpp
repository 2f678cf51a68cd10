// scheduling: what runs when, how the loop begins and ends, and where its errors go.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

#include <numeric>
#include <thread>

namespace ringio::conformance {
namespace {

/// One turn of the loop.
void run_briefly(EventLoop& loop) {
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
}

// A callback that logs.
auto logs(const char* name) {
    return [name] { log(name); };
}

CONFORMS_PLAIN("scheduling.call_soon_fifo") {
    EventLoop loop(virtual_time());
    for (int i = 0; i < 5; ++i) {
        loop.call_soon([](int number) { log(number); }, i);
    }
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    run_briefly(loop);
}

CONFORMS_PLAIN("scheduling.snapshot_of_ready") {
    EventLoop loop(virtual_time());
    loop.call_soon([&] {
        log("first");
        loop.call_soon(logs("added by first"));
        loop.stop();
    });
    loop.call_soon(logs("second"));
    loop.run_forever();
    log("stopped");
    run_briefly(loop);
}

CONFORMS_PLAIN("scheduling.ready_before_timers") {
    EventLoop loop(virtual_time());
    loop.call_soon([&] {
        log("first");
        loop.call_later(0s, logs("timer"));
        loop.call_later(-1s, logs("timer of the past"));
        loop.call_soon(logs("soon"));
    });
    run_briefly(loop);
    log("turn");
    run_briefly(loop);
}

Task<> log_two_steps() {
    log("t start");
    co_await sleep(0s);
    log("t 2");
}

CONFORMS("scheduling.order_log") {
    EventLoop& loop = get_running_loop();
    loop.call_soon(logs("soon1"));
    auto task = create_task(log_two_steps());
    loop.call_soon(logs("soon2"));
    Promise<> promise = loop.create_future<void>();
    Future<> future = promise.get_future();
    future.add_done_callback(logs("cb1"));
    future.add_done_callback(logs("cb2"));
    promise.set_result();
    log("after set_result");
    future.add_done_callback(logs("cb3-late"));
    co_await sleep(0s);
    log("main resumed");
    co_await future;
    log("await done future = no yield");
    loop.call_later(1ms, logs("later"));
    loop.call_later(0s, logs("later0"));
    loop.call_soon(logs("soon3"));
    co_await sleep(10ms);
    co_await task;
}

Task<> log_name(const char* name) {
    log(name);
    co_return;
}

CONFORMS("scheduling.what_yields") {
    auto task = create_task(log_name("other"));
    Promise<> promise = get_running_loop().create_future<void>();
    promise.set_result();
    co_await promise.get_future();
    log("a");
    co_await log_name("b");
    co_await sleep(0s);
    log("c");
    co_await task;
}

Task<> count_to_ten(const char* name) {
    for (int i = 0; i < 10; ++i) {
        log(name, i);
        if (i % 5 == 0) {
            co_await sleep(0s);
        }
    }
}

CONFORMS("scheduling.interleave") { co_await gather(count_to_ten("c1"), count_to_ten("c2")); }

CONFORMS("scheduling.create_task_order") {
    EventLoop& loop = get_running_loop();
    auto first = create_task(log_name("task 1"));
    loop.call_soon(logs("soon 1"));
    auto second = create_task(log_name("task 2"));
    loop.call_soon(logs("soon 2"));
    log("main");
    co_await second;
    log(first.done(), second.done());
}

Task<> log_value(const char* name, Future<int> future) {
    const int value = co_await future;
    log(name, value);
}

CONFORMS("scheduling.waiters_of_a_future") {
    EventLoop& loop = get_running_loop();
    Promise<int> promise = loop.create_future<int>();
    Future<int> future = promise.get_future();
    auto first = create_task(log_value("waiter 1", future));
    co_await sleep(0s);
    future.add_done_callback(logs("callback"));
    auto second = create_task(log_value("waiter 2", future));
    co_await sleep(0s);
    promise.set_result(7);
    loop.call_soon(logs("soon"));
    co_await gather(first, second);
}

double time_of(const EventLoop& loop) {
    return std::chrono::duration<double>(loop.time().time_since_epoch()).count();
}

double deadline_of(const TimerHandle& handle) {
    return std::chrono::duration<double>(handle.when().time_since_epoch()).count();
}

EventLoop::TimePoint at(double seconds) {
    return EventLoop::TimePoint(Delay(std::chrono::duration<double>(seconds)).value());
}

CONFORMS_PLAIN("scheduling.timers_in_order") {
    EventLoop loop(virtual_time());
    loop.call_later(3s, [&] { log(3, time_of(loop)); });
    loop.call_later(1s, [&] { log(1, time_of(loop)); });
    loop.call_later(2s, [&] { log(2, time_of(loop)); });
    loop.call_later(500ms, [&] { log(0.5, time_of(loop)); });
    loop.call_at(at(1.5), [&] { log("at", time_of(loop)); });
    loop.call_later(4s, [&] { loop.stop(); });
    loop.run_forever();
    log(time_of(loop));
}

CONFORMS_PLAIN("scheduling.two_equal_deadlines") {
    EventLoop loop(virtual_time());
    loop.call_at(at(1), logs("first"));
    loop.call_at(at(1), logs("second"));
    loop.call_at(at(2), [&] { loop.stop(); });
    loop.run_forever();
}

CONFORMS_PLAIN("scheduling.negative_delay") {
    EventLoop loop(virtual_time());
    loop.call_later(-1s, logs("negative"));
    loop.call_soon(logs("soon"));
    run_briefly(loop);
    loop.call_later(0s, logs("zero"));
    run_briefly(loop);
    log(time_of(loop));
}

CONFORMS_PLAIN("scheduling.cancelled_timers") {
    EventLoop loop(virtual_time());
    TimerHandle late = loop.call_later(100s, logs("late"));
    std::vector<TimerHandle> handles;
    for (int i = 0; i < 200; ++i) {
        handles.push_back(loop.call_later(std::chrono::seconds(1 + i), [i] { log(i); }));
    }
    for (std::size_t i = 0; i < handles.size(); ++i) {
        if (i % 50 != 7) {
            handles[i].cancel();
        }
    }
    late.cancel();
    log(late.cancelled(), handles[7].cancelled(), deadline_of(late));
    loop.call_later(199500ms, [&] { loop.stop(); });
    loop.run_forever();
    log(time_of(loop));
}

CONFORMS_PLAIN("scheduling.timer_cancels_timer") {
    EventLoop loop(virtual_time());
    TimerHandle second;
    loop.call_at(at(1), [&] {
        second.cancel();
        log("first", detail::Unit());
    });
    second = loop.call_at(at(1), logs("second"));
    loop.call_at(at(2), [&] { loop.stop(); });
    loop.run_forever();
    log(second.cancelled(), time_of(loop));
}

CONFORMS_PLAIN("scheduling.handle_cancel") {
    EventLoop loop(virtual_time());
    Handle handle = loop.call_soon(logs("not run"));
    Handle other = loop.call_soon(logs("run"));
    log(handle.cancelled());
    handle.cancel();
    handle.cancel();
    log(handle.cancelled(), other.cancelled());
    run_briefly(loop);
    other.cancel();
    log(other.cancelled());
}

CONFORMS_PLAIN("scheduling.handle_cancel_same_turn") {
    EventLoop loop(virtual_time());
    Handle victim;
    loop.call_soon([&] { victim.cancel(); });
    victim = loop.call_soon(logs("not run"));
    loop.call_soon(logs("run"));
    run_briefly(loop);
}

struct Noisy {
    explicit Noisy(const char* text) : name(text) {}
    Noisy(Noisy&& other) noexcept : name(std::exchange(other.name, nullptr)) {}
    ~Noisy() {
        if (name != nullptr) {
            log("gone:", name);
        }
    }
    const char* name;
};

auto keeps(const char* name) {
    return [noisy = Noisy(name)] {};
}

CONFORMS_PLAIN("scheduling.handle_releases_callback") {
    EventLoop loop(virtual_time());
    Handle cancelled = loop.call_soon(keeps("cancelled"));
    TimerHandle timer = loop.call_later(5s, keeps("timer"));
    cancelled.cancel();
    log("after cancel");
    timer.cancel();
    log("after cancel of the timer");
    loop.call_soon(keeps("dropped by close"));
    loop.close();
    log("closed");
}

CONFORMS_PLAIN("scheduling.timer_handle") {
    EventLoop loop(virtual_time());
    TimerHandle handle = loop.call_at(at(2.5), logs("at 2.5"));
    TimerHandle later = loop.call_later(1500ms, logs("later"));
    log(deadline_of(handle), deadline_of(later), handle.cancelled());
    later.cancel();
    log(deadline_of(later), later.cancelled());
    loop.call_at(at(3), [&] { loop.stop(); });
    loop.run_forever();
    log(deadline_of(handle), handle.cancelled());
}

CONFORMS_PLAIN("scheduling.stop") {
    EventLoop loop(virtual_time());
    loop.call_soon([&] {
        log(1);
        loop.stop();
        loop.call_soon(logs("next run"));
    });
    loop.call_soon([] { log(2); });
    loop.run_forever();
    log("stopped");
    run_briefly(loop);
}

CONFORMS_PLAIN("scheduling.stop_before_run") {
    EventLoop loop(virtual_time());
    loop.call_soon(logs("once"));
    loop.stop();
    loop.run_forever();
    log(loop.is_running());
}

CONFORMS_PLAIN("scheduling.stop_twice") {
    EventLoop loop(virtual_time());
    loop.call_soon([&] { loop.stop(); });
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    loop.call_soon(logs("a"));
    loop.call_soon([&] { loop.call_soon(logs("b")); });
    log(loop.run_until_complete(sleep(1s, "done"s)));
}

CONFORMS_PLAIN("scheduling.run_until_complete") {
    EventLoop loop(virtual_time());
    log(loop.run_until_complete(sleep(1s, "slept"s)));
    log(call([&] { loop.run_until_complete(fail("boom")); }));
    Promise<std::string> promise = loop.create_future<std::string>();
    promise.set_result("done already");
    log(loop.run_until_complete(promise.get_future()));
    auto task = loop.create_task(detail::as_coroutine(sleep(1s, "task"s)));
    const std::string result = loop.run_until_complete(task);
    log(result, time_of(loop));
    log(loop.is_running(), loop.is_closed());
}

CONFORMS_PLAIN("scheduling.run_until_complete_extra_hop") {
    EventLoop loop(virtual_time());
    const auto work = [](EventLoop& own) -> Task<std::string> {
        current_task().shared_state()->add_done_callback(
            [](detail::FutureStateBase&) { log("callback"); }, std::source_location::current());
        own.call_soon(logs("same turn"));
        co_return "result";
    };
    auto task = loop.create_task(work(loop));
    task.add_done_callback([&] { loop.call_soon(logs("too late")); });
    log(loop.run_until_complete(task));
    run_briefly(loop);
}

CONFORMS_PLAIN("scheduling.run_until_complete_stopped") {
    EventLoop loop(virtual_time());
    Future<> future = loop.create_future<void>().get_future();
    loop.call_soon([&] { loop.stop(); });
    log(call([&] { loop.run_until_complete(future); }));
    log(future.done());
    future.cancel();
    run_briefly(loop);
}

CONFORMS_PLAIN("scheduling.run_until_complete_other_loop") {
    EventLoop loop(virtual_time());
    EventLoop other(virtual_time());
    Future<> future = other.create_future<void>().get_future();
    try {
        loop.run_until_complete(future);
    } catch (...) {
        log(kind_of_current());
    }
}

CONFORMS_PLAIN("scheduling.stop_while_run_in_complete") {
    EventLoop loop(virtual_time());
    int steps = 0;
    const auto work = [&]() -> Task<> {
        while (steps < 10) {
            ++steps;
            co_await sleep(100ms);
            if (steps == 2) {
                loop.stop();
            }
        }
    };
    auto task = loop.create_task(work());
    log(call([&] { loop.run_until_complete(task); }));
    log(task.done(), steps);
    const std::string end = call([&] { loop.run_until_complete(task); });
    log(end, steps);
}

CONFORMS_PLAIN("scheduling.running_state") {
    EventLoop loop(virtual_time());
    log(loop.is_running(), loop.is_closed());
    loop.call_soon([&] { log(loop.is_running(), loop.is_closed()); });
    run_briefly(loop);
    log(loop.is_running(), loop.is_closed());
    loop.close();
    log(loop.is_running(), loop.is_closed());
}

CONFORMS_PLAIN("scheduling.close") {
    EventLoop loop(virtual_time());
    loop.call_soon([&] { log(call([&] { loop.close(); })); });
    run_briefly(loop);
    loop.call_soon(logs("dropped"));
    loop.call_later(1s, logs("dropped"));
    loop.close();
    loop.close();
    log(call([&] { loop.call_soon([] {}); }));
    log(call([&] { loop.call_later(1s, [] {}); }));
    log(call([&] { loop.call_at(at(1), [] {}); }));
    log(call([&] { loop.call_soon_threadsafe([] {}); }));
    log(call([&] { loop.run_forever(); }));
    log(call([&] { loop.run_until_complete(turns(1)); }));
}

CONFORMS("scheduling.nested_run") {
    EventLoop& loop = get_running_loop();
    log(call([&] { loop.run_until_complete(turns(1)); }));
    EventLoop other(virtual_time());
    log(call([&] { other.run_until_complete(turns(1)); }));
    other.close();
    log(loop.is_running());
    co_return;
}

CONFORMS_PLAIN("scheduling.get_running_loop") {
    EventLoop loop(virtual_time());
    loop.call_soon([&] { log(&get_running_loop() == &loop); });
    run_briefly(loop);
    log(call([] { get_running_loop(); }));
}

CONFORMS_PLAIN("scheduling.callback_raises") {
    EventLoop loop(virtual_time());
    log_reports(loop);
    const auto raise = [](const char* message) { throw std::invalid_argument(message); };
    loop.call_soon(raise, "soon");
    loop.call_soon(logs("next"));
    loop.call_later(1s, raise, "timer");
    loop.call_later(2s, [&] { loop.stop(); });
    loop.run_forever();
    log(time_of(loop));
}

CONFORMS_PLAIN("scheduling.callback_raises_cancelled") {
    EventLoop loop(virtual_time());
    log_reports(loop);
    loop.call_soon([] { throw CancelledError(); });
    run_briefly(loop);
}

CONFORMS("scheduling.done_callback_raises") {
    log_reports();
    Promise<int> promise = get_running_loop().create_future<int>();
    Future<int> future = promise.get_future();
    future.add_done_callback([] { throw std::runtime_error("in a done callback"); });
    future.add_done_callback(logs("second"));
    promise.set_result(1);
    co_await sleep(0s);
    log("main");
}

CONFORMS_PLAIN("scheduling.exception_handler") {
    EventLoop loop(virtual_time());
    log(loop.get_exception_handler() == nullptr);
    loop.set_exception_handler(
        [](EventLoop&, const ExceptionContext& context) { log("handler:", context.message); });
    log(loop.get_exception_handler() == nullptr);
    loop.call_exception_handler(
        {.message = "reported by hand", .exception = nullptr, .details = {}});
    loop.set_exception_handler(nullptr);
    log(loop.get_exception_handler() == nullptr);
}

CONFORMS_PLAIN("scheduling.broken_exception_handler") {
    EventLoop loop(virtual_time());
    loop.set_exception_handler([](EventLoop&, const ExceptionContext& context) {
        log("handler:", error(context.exception));
        throw std::runtime_error("the handler itself");
    });
    loop.call_soon([] { throw std::invalid_argument("boom"); });
    loop.call_soon(logs("next"));
    run_briefly(loop);
}

CONFORMS_PLAIN("scheduling.interrupt_leaves_the_loop") {
    EventLoop loop(virtual_time());
    loop.call_soon([] { throw KeyboardInterrupt(); });
    loop.call_soon(logs("ready"));
    log(call([&] { loop.run_forever(); }));
    log(loop.is_running());
    run_briefly(loop);
}

Task<> interrupt_the_loop() {
    throw KeyboardInterrupt();
    co_return;
}

CONFORMS_PLAIN("scheduling.interrupt_in_a_task") {
    EventLoop loop(virtual_time());
    auto task = loop.create_task(interrupt_the_loop());
    log(call([&] { loop.run_forever(); }));
    log(task.done(), error(task.exception()));
    log(call([&] { loop.run_until_complete(turns(2)); }));
}

CONFORMS_PLAIN("scheduling.threadsafe_from_the_loop") {
    EventLoop loop(virtual_time());
    loop.call_soon([&] {
        loop.call_soon([] { log(1); });
        loop.call_soon_threadsafe([] { log(2); });
        loop.call_soon([] { log(3); });
    });
    run_briefly(loop);
    run_briefly(loop);
}

CONFORMS_PLAIN("scheduling.threadsafe_wakes_the_loop") {
    EventLoop loop;
    std::thread thread;
    loop.call_soon([&] {
        thread = std::thread([&] {
            for (int i = 0; i < 3; ++i) {
                loop.call_soon_threadsafe([i] { log(i); });
            }
            loop.call_soon_threadsafe([&] { loop.stop(); });
        });
    });
    loop.run_forever();
    thread.join();
    log("joined");
}

CONFORMS_PLAIN("scheduling.spinning_starves_nobody") {
    EventLoop loop;
    bool heard = false;
    const auto spin = [&]() -> Task<std::string> {
        std::thread thread([&] { loop.call_soon_threadsafe([&] { heard = true; }); });
        while (!heard) {
            co_await sleep(0s);
        }
        thread.join();
        co_return "heard";
    };
    log(loop.run_until_complete(spin()));
}

CONFORMS_PLAIN("scheduling.debug_flag") {
    EventLoop loop(virtual_time());
    log(loop.get_debug());
    loop.set_debug(true);
    log(loop.get_debug());
    loop.set_debug(false);
    log(loop.get_debug());
}

CONFORMS_PLAIN("scheduling.check_thread") {
    EventLoop loop(virtual_time());
    loop.set_debug(true);
    loop.call_soon([&] {
        std::thread thread([&] {
            log(call([&] { loop.call_soon([] {}); }));
            log(call([&] { loop.call_later(1s, [] {}); }));
        });
        thread.join();
    });
    run_briefly(loop);
}

Task<> count_turns(int& count) {
    for (;;) {
        ++count;
        co_await sleep(0s);
    }
}

template <class A>
Task<> hops(const char* name, A awaitable) {
    int count = 0;
    auto counter = create_task(count_turns(count));
    static_cast<void>(co_await std::move(awaitable));
    log(name, count);
    counter.cancel();
    co_await sleep(0s);
}

Future<> soon_done() {
    Promise<> promise = get_running_loop().create_future<void>();
    get_running_loop().call_soon([promise]() mutable { promise.set_result(); });
    return promise.get_future();
}

CONFORMS("scheduling.hops") {
    co_await hops("sleep(0)", sleep(0s));
    co_await hops("future", soon_done());
    co_await hops("task of nothing", create_task(turns(0)));
    co_await hops("task of one turn", create_task(turns(1)));
    co_await hops("gather of nothing", gather());
    auto first = soon_done();
    auto second = soon_done();
    co_await hops("gather of futures", gather(first, second));
    co_await hops("gather of tasks", gather(turns(0), turns(2)));
    std::vector<Future<>> waited(1, soon_done());
    co_await hops("wait", wait(waited));
    co_await hops("shield", shield(soon_done()));
    co_await hops("shield of a coroutine", shield(turns(0)));
    std::vector<Task<>> one;
    one.push_back(turns(0));
    auto steps = as_completed(std::move(one));
    co_await hops("next of as_completed", *steps.begin());
    log(now());
}

CONFORMS_PLAIN("scheduling.unclosed_tasks") {
    EventLoop loop(virtual_time());
    log_reports(loop);
    const auto work = [&]() -> Task<> {
        Future<> never = loop.create_future<void>().get_future();
        co_await never;
    };
    {
        auto task = loop.create_task(work());
        run_briefly(loop);
        log(task.done());
    }
    loop.close();
    log("end");
}

Task<> append_later(std::vector<int>& order, int i) {
    co_await sleep(0s);
    order.push_back(i);
}

CONFORMS("scheduling.many_tasks") {
    std::vector<int> order;
    std::vector<Task<>> tasks;
    for (int i = 0; i < 1000; ++i) {
        tasks.push_back(append_later(order, i));
    }
    co_await gather(std::move(tasks));
    std::vector<int> expected(1000);
    std::iota(expected.begin(), expected.end(), 0);
    log(order == expected);
    log(co_await ended(sleep(0s, "end"s)));
}

}  // namespace
}  // namespace ringio::conformance
