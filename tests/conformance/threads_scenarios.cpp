// threads: work in other threads, and from other threads.
#include <ringio/concurrent/future.hpp>
#include <ringio/concurrent/thread_pool_executor.hpp>
#include <ringio/tasks.hpp>
#include "scenario.hpp"

#include <barrier>
#include <latch>
#include <thread>

namespace ringio::conformance {
namespace {

int add(int a, int b) { return a + b; }

int fail_now(const char* message) { throw std::runtime_error(message); }

/// The type of the error of a call, for the texts differ.
template <class Fn>
std::string refused(Fn&& function) {
    try {
        static_cast<void>(function());
    } catch (...) {
        return kind_of_current();
    }
    return "accepted";
}

CONFORMS("threads.to_thread") {
    log(co_await to_thread(add, 40, 2));
    const auto in_main = [main = std::this_thread::get_id()] {
        return std::this_thread::get_id() == main;
    };
    log(co_await to_thread(in_main));
}

CONFORMS("threads.to_thread_exception") { log(co_await ended(to_thread(fail_now, "test"))); }

CONFORMS("threads.to_thread_once") {
    int calls = 0;
    const auto count = [&calls] { ++calls; };
    co_await to_thread(count);
    log(calls);
}

CONFORMS("threads.to_thread_concurrent") {
    std::barrier barrier(3);
    const auto meet = [&barrier](const char* name) {
        barrier.arrive_and_wait();
        return std::string(name);
    };
    std::vector<Task<std::string>> meetings;
    for (const char* name : {"a", "b", "c"}) {
        meetings.push_back(to_thread(meet, name));
    }
    log(co_await gather(std::move(meetings)));
}

CONFORMS("threads.to_thread_args") {
    const auto joined = [](int a, const char* b, int c) {
        return std::to_string(a) + "-" + b + "-" + std::to_string(c);
    };
    log(co_await to_thread(joined, 1, "two", 3));
}

CONFORMS("threads.to_thread_contextvars") {
    ContextVar<std::string> var("var", "nope");
    const auto function = [&var] {
        std::string before = var.get();
        var.set("thread");
        return before;
    };
    var.set("parrot");
    const std::string seen = co_await to_thread(function);
    log(seen, var.get());
}

CONFORMS("threads.to_thread_is_lazy") {
    int calls = 0;
    const auto count = [&calls] { ++calls; };
    Task<> coroutine = to_thread(count);
    co_await turns(3);
    log(calls);
    co_await coroutine;
    log(calls);
}

CONFORMS("threads.to_thread_cancelled") {
    EventLoop& loop = get_running_loop();
    auto started = loop_promise();
    auto over = loop_promise<std::string>();
    std::latch release(1);
    const auto function = [&] {
        loop.call_soon_threadsafe([&] { started.set_result(); });
        release.wait();
        loop.call_soon_threadsafe([&] { over.set_result("ran to its end"); });
        return "dropped"s;
    };
    const auto keep = loop.expect_wakeup();
    auto task = create_task(to_thread(function));
    co_await started.get_future();
    task.cancel();
    const std::string end = co_await ended(task);
    log(end, task.cancelled(), over.done());
    release.count_down();
    log(co_await over.get_future());
}

CONFORMS("threads.run_in_executor") {
    EventLoop& loop = get_running_loop();
    auto future = loop.run_in_executor(nullptr, add, 1, 2);
    const bool done = future.done();
    const int result = co_await future;
    log(done, result);
    log(co_await ended(loop.run_in_executor(nullptr, fail_now, "from the thread")));
}

CONFORMS("threads.run_in_executor_contextvars") {
    ContextVar<std::string> var("var", "nope");
    var.set("main");
    const auto get = [&var] { return var.get(); };
    log(co_await get_running_loop().run_in_executor(nullptr, get));
}

CONFORMS("threads.run_in_executor_own_pool") {
    EventLoop& loop = get_running_loop();
    std::latch release(1);
    std::vector<std::string> calls;
    concurrent::ThreadPoolExecutor pool(1);
    const auto block = [&] { release.wait(); };
    const auto append = [&](const char* name) { calls.push_back(name); };
    auto first = loop.run_in_executor(&pool, block);
    auto second = loop.run_in_executor(&pool, append, "second");
    auto third = loop.run_in_executor(&pool, append, "third");
    const bool accepted = second.cancel();
    log(accepted, second.cancelled());
    co_await turns(1);
    release.count_down();
    co_await first;
    co_await third;
    const std::string end = co_await ended(second);
    log(calls, end);
}

CONFORMS("threads.shutdown_default_executor") {
    EventLoop& loop = get_running_loop();
    log(co_await to_thread(add, 1, 1));
    co_await loop.shutdown_default_executor();
    log(co_await ended(to_thread(add, 1, 1)));
    log(call([&] { static_cast<void>(loop.run_in_executor(nullptr, add, 1, 1)); }));
}

CONFORMS_PLAIN("threads.run_waits_for_threads") {
    std::latch release(1);
    int done = 0;
    const auto function = [&] {
        release.wait();
        ++done;
    };
    const auto body = [&]() -> Task<> {
        static_cast<void>(get_running_loop().run_in_executor(nullptr, function));
        release.count_down();
        co_return;
    };
    RunOptions options;
    options.loop.virtual_time = true;
    run(body(), options);
    log(done);
}

enum class End { value, error, cancelled };

Task<int> add_later(int a, int b, End end) {
    co_await turns(1);
    if (end == End::error) {
        throw std::runtime_error("Fail!");
    }
    if (end == End::cancelled) {
        current_task().cancel();
        co_await turns(1);
    }
    co_return a + b;
}

/// In another thread: has the loop run a coroutine and waits for it.
int submit_and_wait(EventLoop* loop, End end) {
    return run_coroutine_threadsafe(add_later(1, 2, end), *loop).result();
}

CONFORMS("threads.run_coroutine_threadsafe") {
    log(co_await to_thread(submit_and_wait, &get_running_loop(), End::value));
}

CONFORMS("threads.run_coroutine_threadsafe_with_exception") {
    log(co_await ended(to_thread(submit_and_wait, &get_running_loop(), End::error)));
}

CONFORMS("threads.run_coroutine_threadsafe_with_timeout") {
    EventLoop& loop = get_running_loop();
    auto started = loop_promise();
    auto stopped = loop_promise<std::string>();
    const auto endless = [&]() -> Task<> {
        started.set_result();
        try {
            co_await loop_promise().get_future();
        } catch (const CancelledError&) {
            stopped.set_result("cancelled");
            throw;
        }
    };
    std::string end;
    const auto in_thread = [&] {
        auto future = run_coroutine_threadsafe(endless(), loop);
        end = refused([&] {
            future.result(0s);
            return 0;
        });
        return future;
    };
    auto future = co_await to_thread(in_thread);
    log(end);
    co_await started.get_future();
    log(future.cancel());
    const std::string how = co_await stopped.get_future();
    log(how, future.cancelled());
}

CONFORMS("threads.run_coroutine_threadsafe_task_cancelled") {
    const auto in_thread = [&loop = get_running_loop()] {
        return refused([&] { return submit_and_wait(&loop, End::cancelled); });
    };
    log(co_await to_thread(in_thread));
}

CONFORMS("threads.run_coroutine_threadsafe_task_factory_exception") {
    EventLoop& loop = get_running_loop();
    log_reports();
    const auto in_thread = [&loop] {
        auto future = run_coroutine_threadsafe(value(1), loop);
        return call([&] { return future.result(); });
    };
    auto future = loop.run_in_executor(nullptr, in_thread);
    loop.set_task_factory([](EventLoop&, const AnyTask&, TaskOptions&) {
        throw std::out_of_range("no tasks today");
    });
    log(co_await future);
    loop.set_task_factory(nullptr);
}

CONFORMS("threads.run_coroutine_threadsafe_from_the_loop") {
    auto future = run_coroutine_threadsafe(value("same thread"s), get_running_loop());
    log(future.done());
    log(co_await wrap_future(future));
}

CONFORMS_PLAIN("threads.run_coroutine_threadsafe_closed_loop") {
    EventLoop loop(virtual_time());
    loop.close();
    log(call([&] { static_cast<void>(run_coroutine_threadsafe(value(1), loop)); }));
}

CONFORMS("threads.wrap_future") {
    concurrent::Promise<std::string> source;
    auto future = wrap_future(source.get_future());
    std::thread thread([&] { source.set_result("from a thread"); });
    log(co_await future);
    thread.join();
}

CONFORMS("threads.wrap_future_exception") {
    concurrent::Promise<std::string> source;
    auto future = wrap_future(source.get_future());
    std::thread thread([&] { source.set_exception(std::invalid_argument("from a thread")); });
    log(co_await ended(future));
    thread.join();
}

CONFORMS("threads.wrap_future_done_before") {
    concurrent::Promise<std::string> source;
    source.set_result("done");
    auto future = wrap_future(source.get_future());
    log(future.done());
    log(co_await future);
}

CONFORMS("threads.wrap_future_cancel") {
    concurrent::Promise<int> source;
    auto future = wrap_future(source.get_future());
    log(future.cancel());
    co_await turns(1);
    log(future.cancelled(), source.cancelled());
}

CONFORMS("threads.wrap_future_cancel2") {
    concurrent::Promise<int> source;
    const concurrent::Future<int> inner = source.get_future();
    auto future = wrap_future(inner);
    source.set_running_or_notify_cancel();
    future.cancel();
    co_await turns(1);
    log(future.cancelled(), inner.cancelled(), inner.running());
    source.set_result(1);
    co_await turns(1);
    log(future.cancelled());
}

CONFORMS("threads.wrap_future_source_cancelled") {
    concurrent::Promise<int> source;
    auto future = wrap_future(source.get_future());
    log(source.get_future().cancel());
    const std::string end = co_await ended(future);
    log(end, future.cancelled());
}

template <class F>
std::string result_refused(const F& future) {
    return refused([&] { return future.result(0s); });
}

CONFORMS_PLAIN("threads.future_states") {
    concurrent::Promise<int> promise;
    const concurrent::Future<int> future = promise.get_future();
    log(future.done(), future.running(), future.cancelled());
    log(result_refused(future));
    log(promise.set_running_or_notify_cancel());
    log(future.done(), future.running(), future.cancel());
    promise.set_result(42);
    log(future.done(), future.running(), future.result(), error(future.exception()));
    const std::string second = refused([&] {
        promise.set_result(43);
        return 0;
    });
    const std::string third = refused([&] {
        promise.set_exception(std::invalid_argument(""));
        return 0;
    });
    log(future.cancel(), second, third);
}

CONFORMS_PLAIN("threads.future_cancel") {
    concurrent::Promise<int> promise;
    const concurrent::Future<int> future = promise.get_future();
    const bool accepted = future.cancel();
    log(accepted, future.cancelled(), future.done());
    log(future.cancel());
    log(result_refused(future), refused([&] { return future.exception(); }));
    log(promise.set_running_or_notify_cancel());
}

CONFORMS_PLAIN("threads.future_exception") {
    concurrent::Promise<int> promise;
    const concurrent::Future<int> future = promise.get_future();
    promise.set_exception(std::invalid_argument("boom"));
    log(error(future.exception()), call([&] { return future.result(); }));
}

CONFORMS_PLAIN("threads.future_callbacks") {
    concurrent::Promise<std::string> promise;
    const auto future = promise.get_future();
    future.add_done_callback(
        [](const concurrent::Future<std::string>& done) { log("first", done.result()); });
    future.add_done_callback([] { log("second"); });
    log("set");
    promise.set_result("result");
    log("set, and called");
    future.add_done_callback([] { log("late"); });
    log("end");
}

CONFORMS_PLAIN("threads.future_callback_raises") {
    concurrent::Promise<int> promise;
    const auto future = promise.get_future();
    future.add_done_callback([] { throw std::invalid_argument("in a callback"); });
    future.add_done_callback([] { log("second"); });
    promise.set_result(1);
    log(future.result());
}

CONFORMS_PLAIN("threads.future_callbacks_of_cancel") {
    concurrent::Promise<int> promise;
    const auto future = promise.get_future();
    future.add_done_callback(
        [](const concurrent::Future<int>& done) { log("cancelled", done.cancelled()); });
    future.cancel();
    future.cancel();
    log("end");
}

CONFORMS_PLAIN("threads.pool_submit") {
    concurrent::ThreadPoolExecutor pool(2);
    std::vector<concurrent::Future<int>> futures;
    for (int i = 0; i < 5; ++i) {
        futures.push_back(pool.submit(add, i, i));
    }
    std::vector<int> results;
    for (const auto& future : futures) {
        results.push_back(future.result());
    }
    log(results);
    log(call([&] { return pool.submit(fail_now, "in the pool").result(); }));
    pool.shutdown();
    log(refused([&] { return pool.submit(add, 1, 1); }));
}

CONFORMS_PLAIN("threads.pool_shutdown_cancels") {
    concurrent::ThreadPoolExecutor pool(1);
    std::latch started(1);
    std::latch release(1);
    const auto block = [&] {
        started.count_down();
        release.wait();
        return "first"s;
    };
    const auto first = pool.submit(block);
    const auto second = pool.submit(add, 1, 1);
    started.wait();
    pool.shutdown({.wait = false, .cancel_futures = true});
    release.count_down();
    log(first.result(), second.cancelled());
}

}  // namespace
}  // namespace ringio::conformance
