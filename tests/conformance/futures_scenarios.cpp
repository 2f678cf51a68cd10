// futures: the one transition of a future, and those who hear of it.
#include <ringio/tasks.hpp>
#include "scenario.hpp"

namespace ringio::conformance {
namespace {

/// The type of the error of a call, for the texts differ.
template <class Fn>
std::string refused(Fn&& function) {
    try {
        function();
    } catch (...) {
        return kind_of_current();
    }
    return "accepted";
}

template <class F>
std::string result_of(F& future) {
    return call([&] { static_cast<void>(future.result()); });
}

template <class F>
std::string exception_of(F& future) {
    return call([&] { static_cast<void>(future.exception()); });
}

template <class T>
std::string refusals(Promise<T>& promise, T value) {
    const std::string result = refused([&] { promise.set_result(value); });
    return result + " " + refused([&] { promise.set_exception(std::invalid_argument("late")); });
}

CONFORMS("futures.initial_state") {
    Future<int> future = loop_promise<int>().get_future();
    log(future.done(), future.cancelled());
    log(&future.get_loop() == &get_running_loop());
    const bool accepted = future.cancel();
    log(accepted, future.done(), future.cancelled());
    co_return;
}

CONFORMS("futures.result") {
    auto promise = loop_promise<int>();
    Future<int> future = promise.get_future();
    log(result_of(future));
    promise.set_result(42);
    log(future.done(), future.cancelled(), future.result(), future.result(),
        error(future.exception()));
    log(refusals(promise, 43));
    log(future.result(), future.cancel());
    co_return;
}

CONFORMS("futures.exception") {
    auto promise = loop_promise<int>();
    Future<int> future = promise.get_future();
    log(exception_of(future));
    promise.set_exception(std::runtime_error("boom"));
    log(future.done(), future.cancelled(), error(future.exception()));
    log(result_of(future));
    log(result_of(future));
    log(refusals(promise, 1));
    co_return;
}

CONFORMS("futures.cancel") {
    auto promise = loop_promise<int>();
    Future<int> future = promise.get_future();
    const bool accepted = future.cancel();
    log(accepted, future.done(), future.cancelled());
    log(future.cancel());
    log(result_of(future), exception_of(future));
    log(refusals(promise, 1));
    log(future.cancelled());
    co_return;
}

CONFORMS("futures.cancel_message") {
    Future<int> future = loop_promise<int>().get_future();
    log(future.cancel("my message"));
    log(result_of(future));
    log(co_await ended(future));
}

CONFORMS("futures.await_twice") {
    auto promise = loop_promise<int>();
    Future<int> future = promise.get_future();
    get_running_loop().call_soon([&] { promise.set_result(7); });
    log(co_await future);
    log(co_await future);
}

CONFORMS("futures.await_done_does_not_yield") {
    get_running_loop().call_soon([] { log("a turn"); });
    auto good = loop_promise<std::string>();
    auto bad = loop_promise<std::string>();
    Future<std::string> cancelled = loop_promise<std::string>().get_future();
    good.set_result("good");
    bad.set_exception(std::invalid_argument("bad"));
    cancelled.cancel();
    const std::string first = co_await ended(good.get_future());
    const std::string second = co_await ended(bad.get_future());
    const std::string third = co_await ended(cancelled);
    log(first, second, third);
    co_await sleep(0s);
}

template <class T>
Task<> log_end(const char* name, Future<T> future) {
    const std::string end = co_await ended(std::move(future));
    log(name, end);
}

CONFORMS("futures.several_waiters") {
    auto promise = loop_promise<std::string>();
    std::vector<TaskHandle<>> tasks;
    for (const char* name : {"a", "b", "c"}) {
        tasks.push_back(create_task(log_end(name, promise.get_future())));
    }
    co_await sleep(0s);
    promise.set_result("result");
    log("set");
    co_await gather(tasks);
}

CONFORMS("futures.several_waiters_of_an_error") {
    auto promise = loop_promise();
    Future<> future = promise.get_future();
    const auto waiter = [&]() -> Task<> {
        try {
            co_await future;
        } catch (const std::invalid_argument&) {
            log(error_of_current(), std::current_exception() == future.exception());
        }
    };
    std::vector<TaskHandle<>> tasks;
    for (int i = 0; i < 3; ++i) {
        tasks.push_back(create_task(waiter()));
    }
    co_await sleep(0s);
    promise.set_exception(std::invalid_argument("shared"));
    co_await gather(tasks);
}

CONFORMS("futures.cancelled_waiter_cancels_all") {
    Future<> future = loop_promise().get_future();
    const auto waiter = [&](const char* name) -> Task<> {
        const std::string end = co_await ended(future);
        log(name, end, current_task().cancelling());
    };
    auto a = create_task(waiter("a"));
    auto b = create_task(waiter("b"));
    co_await sleep(0s);
    a.cancel();
    log(future.cancelled());
    co_await gather(a, b);
}

CONFORMS("futures.callbacks_invoked_on_set_result") {
    auto promise = loop_promise<int>();
    Future<int> future = promise.get_future();
    for (const char* name : {"first", "second", "third"}) {
        future.add_done_callback([name](const Future<int>& done) { log(name, done.result()); });
    }
    promise.set_result(5);
    log("set");
    co_await sleep(0s);
    log("one turn later");
    co_await sleep(0s);
}

CONFORMS("futures.callbacks_invoked_on_set_exception") {
    auto promise = loop_promise();
    promise.get_future().add_done_callback(
        [](const Future<>& done) { log(error(done.exception())); });
    promise.set_exception(std::invalid_argument("boom"));
    log("set");
    co_await sleep(0s);
}

CONFORMS("futures.callbacks_invoked_on_cancel") {
    Future<> future = loop_promise().get_future();
    future.add_done_callback([](const Future<>& done) { log(done.cancelled()); });
    future.cancel();
    log("cancelled");
    co_await sleep(0s);
}

CONFORMS("futures.late_callback") {
    auto promise = loop_promise<int>();
    promise.set_result(1);
    promise.get_future().add_done_callback(
        [](const Future<int>& done) { log("called", done.result()); });
    log("added");
    co_await sleep(0s);
    log("later");
}

CONFORMS("futures.callback_twice") {
    auto promise = loop_promise<int>();
    Future<int> future = promise.get_future();
    const auto callback = [](const Future<int>& done) { log("called", done.result()); };
    future.add_done_callback(callback);
    future.add_done_callback(callback);
    promise.set_result(1);
    co_await sleep(0s);
}

CONFORMS("futures.callback_adds_callback") {
    auto promise = loop_promise();
    Future<> future = promise.get_future();
    future.add_done_callback([&] {
        log("first");
        future.add_done_callback([] { log("added"); });
    });
    future.add_done_callback([] { log("second"); });
    promise.set_result();
    co_await sleep(0s);
    log("turn");
    co_await sleep(0s);
}

std::vector<std::uint64_t> add_numbered_callbacks(Future<> future, int count) {
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < count; ++i) {
        ids.push_back(future.add_done_callback([i] { log("callback", i); }));
    }
    return ids;
}

CONFORMS("futures.remove_done_callback") {
    auto promise = loop_promise();
    Future<> future = promise.get_future();
    const std::vector<std::uint64_t> ids = add_numbered_callbacks(future, 4);
    log(future.remove_done_callback(ids[0]));
    log(future.remove_done_callback(ids[2]));
    log(future.remove_done_callback(ids[2]));
    promise.set_result();
    co_await sleep(0s);
    log(future.remove_done_callback(ids[1]));
}

CONFORMS("futures.remove_all_callbacks") {
    auto promise = loop_promise();
    Future<> future = promise.get_future();
    for (const std::uint64_t id : add_numbered_callbacks(future, 2)) {
        log(future.remove_done_callback(id));
    }
    promise.set_result();
    co_await sleep(0s);
    log("end");
}

CONFORMS("futures.remove_too_late") {
    auto promise = loop_promise();
    Future<> future = promise.get_future();
    std::uint64_t second = 0;
    const std::uint64_t first =
        future.add_done_callback([&] { log("first", future.remove_done_callback(second)); });
    second = future.add_done_callback([] { log("second"); });
    promise.set_result();
    log(future.remove_done_callback(first));
    co_await sleep(0s);
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

CONFORMS("futures.abandoned") {
    log_reports();
    loop_promise().get_future().add_done_callback([noisy = Noisy("callback")] {});
    log("end");
    co_return;
}

CONFORMS("futures.result_unretrieved") {
    log_reports();
    loop_promise<int>().set_result(42);
    log("end");
    co_return;
}

CONFORMS("futures.exception_unretrieved") {
    log_reports();
    auto promise = loop_promise();
    promise.set_exception(std::runtime_error("lost"));
    log("set");
    promise = {};
    log("end");
    co_return;
}

CONFORMS("futures.exception_retrieved") {
    log_reports();
    auto promise = loop_promise();
    promise.set_exception(std::runtime_error("seen"));
    log(error(promise.get_future().exception()));
    promise = {};
    log("end");
    co_return;
}

CONFORMS("futures.exception_result_retrieved") {
    log_reports();
    auto promise = loop_promise();
    promise.set_exception(std::runtime_error("raised"));
    log(call([&] { promise.get_future().result(); }));
    promise = {};
    log("end");
    co_return;
}

CONFORMS("futures.exception_awaited") {
    log_reports();
    auto promise = loop_promise();
    auto task = create_task(ended(promise.get_future()));
    co_await sleep(0s);
    promise.set_exception(std::runtime_error("awaited"));
    log(co_await task);
    promise = {};
    task = {};
    log("end");
}

CONFORMS("futures.not_reported_after_cancel") {
    log_reports();
    auto promise = loop_promise();
    promise.set_exception(std::runtime_error("lost"));
    log(promise.get_future().cancel());
    promise = {};
    log("end");
    co_return;
}

CONFORMS("futures.cancellation_unretrieved") {
    log_reports();
    loop_promise().get_future().cancel();
    log("end");
    co_return;
}

template <class T>
std::string repr_with(T value) {
    auto promise = loop_promise<T>();
    promise.set_result(std::move(value));
    return promise.get_future().shared_state()->repr();
}

CONFORMS("futures.repr") {
    Future<> future = loop_promise().get_future();
    log(future.shared_state()->repr());
    future.cancel();
    log(future.shared_state()->repr());
    log(repr_with(42));
    log(repr_with(-7));
    log(repr_with(true));
    log(repr_with(1.5));
    log(repr_with(2.0));
    for (const std::string& result : {"text"s, "it's"s, "a\nb"s, std::string(50, 'x'), ""s}) {
        log(repr_with(result));
    }
    auto promise = loop_promise();
    promise.set_result();
    log(promise.get_future().shared_state()->repr());
    co_return;
}

CONFORMS("futures.set_result_wakes_next_turn") {
    EventLoop& loop = get_running_loop();
    auto promise = loop_promise();
    const auto waiter = [&]() -> Task<> {
        co_await promise.get_future();
        log("waiter");
    };
    auto task = create_task(waiter());
    co_await sleep(0s);
    loop.call_soon([] { log("before"); });
    promise.set_result();
    loop.call_soon([] { log("after"); });
    co_await turns(1);
    log("main");
    co_await task;
}

CONFORMS("futures.timer_sets_result") {
    auto promise = loop_promise<std::string>();
    get_running_loop().call_later(1500ms, [&] { promise.set_result("from a timer"); });
    const std::string result = co_await promise.get_future();
    log(result, now());
}

CONFORMS("futures.callback_cancels_another") {
    auto promise = loop_promise();
    Future<> second = loop_promise().get_future();
    promise.get_future().add_done_callback([&] { log("first:", second.cancel()); });
    second.add_done_callback([](const Future<>& done) { log("second:", done.cancelled()); });
    promise.set_result();
    co_await sleep(0s);
    log("turn");
    co_await sleep(0s);
}

CONFORMS("futures.chain_of_futures") {
    std::vector<Promise<int>> chain;
    for (int i = 0; i < 4; ++i) {
        chain.push_back(loop_promise<int>());
    }
    for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
        chain[i].get_future().add_done_callback(
            [there = chain[i + 1]](const Future<int>& done) mutable {
                there.set_result(done.result() + 1);
            });
    }
    chain[0].set_result(0);
    for (int turn = 0; turn < 4; ++turn) {
        std::vector<bool> done;
        for (const Promise<int>& each : chain) {
            done.push_back(each.done());
        }
        log(turn, done);
        co_await sleep(0s);
    }
    log(chain.back().get_future().result());
}

CONFORMS_PLAIN("futures.after_the_loop") {
    EventLoop loop(virtual_time());
    auto good = loop.create_future<int>();
    auto bad = loop.create_future<int>();
    auto pending = loop.create_future<std::string>();
    good.set_result(1);
    bad.set_exception(std::invalid_argument("kept"));
    loop.close();
    Future<int> result = good.get_future();
    log(result.result(), error(bad.get_future().exception()), result.cancel());
    pending.set_result("set on a closed loop");
    log(pending.get_future().result());
}

CONFORMS("futures.set_exception_cancelled_error") {
    auto promise = loop_promise();
    Future<> future = promise.get_future();
    promise.set_exception(CancelledError("as an exception"));
    log(future.done(), future.cancelled());
    log(co_await ended(future));
    auto task = create_task(detail::as_coroutine(future));
    const std::string end = co_await ended(task);
    log(end, task.cancelled());
}

}  // namespace
}  // namespace ringio::conformance
