#include <ringio/core/cancel_source.hpp>

#include <ringio/core/run_until_complete.hpp>
#include <ringio/core/task_tree.hpp>
#include <support/async_test_case.hpp>
#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace ringio;
using Catch::Matchers::Contains;

namespace {

std::string this_line(const std::source_location& where = std::source_location::current()) {
    return detail::file_and_line(where);
}

Task<> await_it(Future<> future) { co_await future; }

/// Waits, and tells how that ended.
Task<> keep_end(Future<> future, CancelSource& source, std::string& message) {
    try {
        co_await future;
    } catch (const CancelledError& error) {
        source = error.source();
        message = error.message();
        throw;
    }
}

Task<> turn_goes_by() {
    Promise<> promise = get_running_loop().create_future<void>();
    get_running_loop().call_soon([&promise] { promise.set_result(); });
    Future<> turn = promise.get_future();
    co_await turn;
}

}  // namespace

ASYNC_TEST_CASE("cancel source: the task that called cancel(), and the place, beside the message") {
    EventLoop& loop = get_running_loop();
    CancelSource source;
    std::string message;
    const Promise<> promise = loop.create_future<void>();
    auto task = loop.create_task(keep_end(promise.get_future(), source, message));
    co_await turn_goes_by();
    AnyTask(IntrusivePtr<detail::FutureStateBase>(loop.machine().current_task())).set_name("boss");
    task.cancel("why");
    const std::string place = this_line();
    co_await turn_goes_by();
    CHECK(task.cancelled());
    CHECK(message == "why");
    CHECK(source.cause() == CancelCause::call);
    CHECK(source.task() == "boss");
    CHECK(source.where().line() + 1 == std::stoul(place.substr(place.find(':') + 1)));
    CHECK_THAT(source.text(), Contains("cancelled by Task 'boss' at cancel_source_test.cpp:"));
}

ASYNC_TEST_CASE("cancel source: it passes through the tasks that are awaited") {
    EventLoop& loop = get_running_loop();
    CancelSource source;
    std::string message;
    const Promise<> promise = loop.create_future<void>();
    auto inner = loop.create_task(keep_end(promise.get_future(), source, message));
    auto outer = loop.create_task(await_it(inner));
    co_await turn_goes_by();
    outer.cancel("through");
    co_await turn_goes_by();
    co_await turn_goes_by();
    CHECK(outer.cancelled());
    CHECK(message == "through");
    CHECK(source.cause() == CancelCause::call);
    try {
        co_await outer;
    } catch (const CancelledError& error) {
        CHECK(error.source().text() == source.text());
        CHECK(error.message() == "through");
    }
}

ASYNC_TEST_CASE("cancel source: a task that never began, and a future, tell it too") {
    EventLoop& loop = get_running_loop();
    const Promise<> promise = loop.create_future<void>();
    auto task = loop.create_task(await_it(promise.get_future()));
    task.cancel();
    promise.get_future().cancel();
    co_await turn_goes_by();
    CHECK_THAT(task.shared_state()->repr(), Contains("cancelled by Task '"));
    for (const AnyFuture& future : {AnyFuture(task), AnyFuture(promise.get_future())}) {
        try {
            co_await future;
            CHECK(false);
        } catch (const CancelledError& error) {
            CHECK(error.source().cause() == CancelCause::call);
        }
    }
}

ASYNC_TEST_CASE("cancel source: without a task that asks there is only the place") {
    EventLoop& loop = get_running_loop();
    const Promise<> promise = loop.create_future<void>();
    auto task = loop.create_task(await_it(promise.get_future()));
    loop.call_soon([&task] { task.cancel(); });
    co_await turn_goes_by();
    co_await turn_goes_by();
    CHECK_THAT(task.shared_state()->repr(), Contains(" cancelled at cancel_source_test.cpp:"));
}

ASYNC_TEST_CASE("cancel source: the latest request counts") {
    EventLoop& loop = get_running_loop();
    CancelSource source;
    std::string message;
    const Promise<> promise = loop.create_future<void>();
    auto task = loop.create_task(keep_end(promise.get_future(), source, message));
    task.cancel("first");
    task.cancel("second");
    task.uncancel();
    task.uncancel();
    co_await turn_goes_by();
    CHECK_FALSE(task.done());
    task.cancel("third");
    co_await turn_goes_by();
    CHECK(message == "third");
}

ASYNC_TEST_CASE("cancel source: in the repr of a task, and in the tree, while it is to end") {
    EventLoop& loop = get_running_loop();
    const Promise<> promise = loop.create_future<void>();
    auto stubborn = [](Future<> future) -> Task<> {
        try {
            Promise<> never = get_running_loop().create_future<void>();
            Future<> waiting = never.get_future();
            co_await waiting;
        } catch (const CancelledError&) {
        }
        co_await future;
    };
    auto task = loop.create_task(stubborn(promise.get_future()));
    co_await turn_goes_by();
    CHECK_THAT(task.shared_state()->repr(), !Contains("cancelled"));
    task.cancel();
    co_await turn_goes_by();
    const auto& state = static_cast<const detail::TaskStateBase&>(*task.shared_state());
    CHECK_THAT(state.repr(), Contains("<Task cancelling ") && Contains(" cancelled by Task '"));
    CHECK_THAT(detail::format_task_tree(loop), Contains("\n  | cancelled by Task '"));
    task.uncancel();
    CHECK_THAT(state.repr(), !Contains("cancelled"));
    Promise<>(promise).set_result();
    co_await task;
}

TEST_CASE("cancel source: one that was thrown by hand has none") {
    CHECK(CancelledError().source().cause() == CancelCause::unknown);
    CHECK(CancelledError("text").source().text().empty());
    CHECK(CancelledError("text").source().where().line() == 0);
}

TEST_CASE("cancel source: the texts") {
    const std::source_location where = std::source_location::current();
    const std::string at = detail::file_and_line(where);
    CHECK(CancelSource(CancelCause::unknown, "", {}).text().empty());
    CHECK(CancelSource(CancelCause::call, "a", where).text() == "cancelled by Task 'a' at " + at);
    CHECK(CancelSource(CancelCause::call, "", {}).text() == "cancelled");
    CHECK(CancelSource(CancelCause::deadline, "", where).text() ==
          "cancelled by the deadline at " + at);
    CHECK(CancelSource(CancelCause::task_group, "a", {}).text() ==
          "cancelled by its TaskGroup, for Task 'a' failed");
    CHECK(CancelSource(CancelCause::task_group, "", {}).text() ==
          "cancelled by its TaskGroup, for the body failed");
    CHECK(CancelSource(CancelCause::when_all, "a", {}).text() ==
          "cancelled by when_all(), for Task 'a' failed");
    CHECK(CancelSource(CancelCause::when_any, "", {}).text() == "cancelled by when_any()");
    CHECK(CancelSource(CancelCause::staggered_race, "a", {}).text() ==
          "cancelled by staggered_race(), for Task 'a' was first");
    CHECK(CancelSource(CancelCause::interrupt, "", {}).text() == "cancelled by Ctrl-C");
    CHECK(CancelSource(CancelCause::shutdown, "", {}).text() == "cancelled by the end of run()");
}

TEST_CASE("cancel source: a report of a CancelledError tells it") {
    const detail::CancelOrigin origin(CancelCause::interrupt);
    const auto told = [](const std::string& message) {
        return detail::describe_exception(
            std::make_exception_ptr(CancelledError(detail::CancelOrigin::request(message))));
    };
    CHECK(told("why") == "ringio::CancelledError: why (cancelled by Ctrl-C)");
    CHECK(told("") == "ringio::CancelledError (cancelled by Ctrl-C)");
}

TEST_CASE("cancel source: the outermost origin counts, and what it reaches shares one request") {
    CHECK(detail::CancelOrigin::request("") == nullptr);
    {
        const detail::CancelOrigin outer(CancelCause::shutdown);
        const detail::CancelOrigin inner(CancelCause::interrupt);
        const auto request = detail::CancelOrigin::request("");
        CHECK(request->source.cause() == CancelCause::shutdown);
        CHECK(detail::CancelOrigin::request("") == request);
        const auto other = detail::CancelOrigin::request("other");
        CHECK(other->message == "other");
        CHECK(other->source.cause() == CancelCause::shutdown);
    }
    CHECK(detail::CancelOrigin::request("text")->source.cause() == CancelCause::unknown);
}
