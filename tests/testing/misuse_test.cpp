// What CPython refuses at run time is refused here with the same kind of error and the same
// sentence, or a better one. What C++ refuses earlier is in tests/compile_fail/.
#include <ringio.hpp>

#include <support/async_test_case.hpp>

#include <stdexcept>
#include <string>

using namespace ringio;
using namespace std::chrono_literals;

namespace {

/// "std::runtime_error: the text" of what `function` throws.
template <class Fn>
std::string error_of(Fn function) {
    try {
        function();
    } catch (...) {
        return detail::describe_exception(std::current_exception());
    }
    return "no error";
}

/// The same of an awaitable.
template <class A>
Task<std::string> error_of_await(A awaitable) {
    try {
        co_await std::move(awaitable);
    } catch (...) {
        co_return detail::describe_exception(std::current_exception());
    }
    co_return "no error";
}

bool begins(const std::string& text, const std::string& begin) { return text.find(begin) == 0; }

Task<> nothing() { co_return; }

}  // namespace

ASYNC_TEST_CASE("misuse: locks and semaphores that are released too often, or made wrongly") {
    Lock lock;
    CHECK(error_of([&] { lock.release(); }) == "std::runtime_error: Lock is not acquired.");
    BoundedSemaphore bounded(1);
    CHECK(error_of([&] { bounded.release(); }) ==
          "std::invalid_argument: BoundedSemaphore released too many times");
    CHECK(error_of([] { Semaphore(-1); }) ==
          "std::invalid_argument: Semaphore initial value must be >= 0");
    CHECK(error_of([] { Barrier(0); }) == "std::invalid_argument: parties must be > 0");
    co_return;
}

ASYNC_TEST_CASE("misuse: a condition without its lock, a barrier after abort") {
    Condition condition;
    CHECK(error_of([&] { condition.notify(); }) ==
          "std::runtime_error: cannot notify on un-acquired lock");
    CHECK(error_of([&] { condition.notify_all(); }) ==
          "std::runtime_error: cannot notify on un-acquired lock");
    const std::string waited = co_await error_of_await(condition.wait());
    CHECK(waited == "std::runtime_error: cannot wait on un-acquired lock");

    Barrier barrier(2);
    co_await barrier.abort();
    const std::string broken = co_await error_of_await(barrier.wait());
    CHECK(broken == "ringio::BrokenBarrierError: Barrier aborted");
}

ASYNC_TEST_CASE("misuse: queues that are empty, full, shut down or done too often") {
    Queue<int> queue(1);
    CHECK(error_of([&] { queue.task_done(); }) ==
          "std::invalid_argument: task_done() called too many times");
    CHECK(begins(error_of([&] { queue.get_nowait(); }), "ringio::QueueEmpty"));
    queue.put_nowait(1);
    CHECK(begins(error_of([&] { queue.put_nowait(2); }), "ringio::QueueFull"));
    queue.shutdown();
    CHECK(begins(error_of([&] { queue.put_nowait(2); }), "ringio::QueueShutDown"));
    co_return;
}

ASYNC_TEST_CASE("misuse: the result of a pending future, a second result, a null exception") {
    Promise<int> promise = get_running_loop().create_future<int>();
    Future<int> future = promise.get_future();
    CHECK(error_of([&] { static_cast<void>(future.result()); }) ==
          "ringio::InvalidStateError: Result is not set.");
    CHECK(error_of([&] { static_cast<void>(future.exception()); }) ==
          "ringio::InvalidStateError: Exception is not set.");
    CHECK(error_of([&] { promise.set_exception(std::exception_ptr()); }) ==
          "std::invalid_argument: set_exception: the exception is null");
    promise.set_result(1);
    const std::string done =
        "ringio::InvalidStateError: the future is done already: <Future finished result=1>";
    CHECK(error_of([&] { promise.set_result(2); }) == done);
    CHECK(error_of([&] { promise.set_exception(std::runtime_error("x")); }) == done);
    co_return;
}

ASYNC_TEST_CASE("misuse: awaiting oneself, another loop's future, nothing") {
    const AnyTask self = current_task();
    const std::string itself = co_await error_of_await(self);
    CHECK(begins(itself, "std::runtime_error: Task cannot await on itself: <Task pending"));

    EventLoop other;
    Future<> foreign = other.create_future().get_future();
    const std::string elsewhere = co_await error_of_await(foreign);
    CHECK(begins(elsewhere, "std::runtime_error: Task <Task pending"));
    CHECK(elsewhere.find("got Future <Future pending> attached to a different loop") !=
          std::string::npos);

    const std::string none = co_await error_of_await(wait(std::vector<AnyFuture>()));
    CHECK(none == "std::invalid_argument: Set of Tasks/Futures is empty.");
}

ASYNC_TEST_CASE("misuse: scopes that are entered twice or used after their end") {
    TaskGroup group;
    CHECK(error_of([&] { group.create_task(nothing()); }) ==
          "std::runtime_error: TaskGroup <TaskGroup> has not been entered");
    group.enter();
    CHECK(error_of([&] { group.enter(); }) ==
          "std::runtime_error: TaskGroup <TaskGroup entered> has already been entered");
    co_await group.leave(nullptr);
    CHECK(error_of([&] { group.create_task(nothing()); }) ==
          "std::runtime_error: TaskGroup <TaskGroup entered> is finished");

    Timeout scope(std::nullopt);
    scope.enter();
    CHECK(error_of([&] { scope.enter(); }) ==
          "std::runtime_error: Timeout has already been entered");
    scope.leave(nullptr);
    CHECK(error_of([&] { scope.reschedule(std::nullopt); }) ==
          "std::runtime_error: Cannot change state of finished Timeout");
}

ASYNC_TEST_CASE("misuse: loops within loops, and closing one that runs") {
    EventLoop& loop = get_running_loop();
    CHECK(error_of([] { run(sleep(0s)); }) ==
          "std::runtime_error: run() cannot be called from a running event loop");
    CHECK(error_of([&] { loop.run_forever(); }) ==
          "std::runtime_error: This event loop is already running");
    CHECK(error_of([&] { loop.close(); }) ==
          "std::runtime_error: Cannot close a running event loop");
    EventLoop second;
    CHECK(error_of([&] { second.run_forever(); }) ==
          "std::runtime_error: Cannot run the event loop while another loop is running");
    co_return;
}

TEST_CASE("misuse: a closed loop, a closed Runner, no loop at all") {
    EventLoop loop;
    loop.close();
    const std::string closed = "std::runtime_error: Event loop is closed";
    CHECK(error_of([&] { loop.call_soon([] {}); }) == closed);
    CHECK(error_of([&] { loop.call_later(1s, [] {}); }) == closed);
    CHECK(error_of([&] { loop.call_soon_threadsafe([] {}); }) == closed);
    CHECK(error_of([&] { loop.run_forever(); }) == closed);

    Runner runner;
    runner.close();
    CHECK(error_of([&] { runner.run(sleep(0s)); }) == "std::runtime_error: Runner is closed");
    CHECK(error_of([] { create_task(sleep(0s)); }) == "std::runtime_error: no running event loop");
}

ASYNC_TEST_CASE(
    "misuse: a coroutine that is awaited twice, a context entered twice, a used token") {
    Task<> coroutine = nothing();
    co_await coroutine;
    const std::string again = error_of([&] { coroutine.release(); });
    CHECK(again == "std::runtime_error: cannot reuse already awaited coroutine");

    const Context context = copy_context();
    CHECK(error_of([&] { context.run([&] { context.run([] {}); }); }) ==
          "std::runtime_error: cannot enter context: it is already entered");
    ContextVar<int> variable("variable", 0);
    auto token = variable.set(1);
    variable.reset(token);
    CHECK(error_of([&] { variable.reset(token); }) ==
          "std::runtime_error: the token has already been used once");
}
