#include <ringio/core/cancellation.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using detail::ScopeCancellation;

namespace {

/// Waits for long; says whether that was cancelled.
Task<bool> cancelled_while_waiting() {
    try {
        co_await sleep(1h);
    } catch (const CancelledError&) {
        co_return true;
    }
    co_return false;
}

}  // namespace

ASYNC_TEST_CASE("cancellation: a request of the scope alone is only its own") {
    ScopeCancellation scope;
    scope.enter(detail::running_task());
    get_running_loop().call_later(1s, [&scope] { scope.request(); });
    const bool cancelled = co_await cancelled_while_waiting();
    CHECK(cancelled);
    CHECK(scope.requested());
    CHECK(current_task().cancelling() == 1);
    CHECK(scope.take_back());
    CHECK_FALSE(scope.requested());
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("cancellation: one that was not delivered is forgotten when it is taken back") {
    ScopeCancellation scope;
    scope.enter(detail::running_task());
    scope.request();
    CHECK(scope.take_back());
    co_await sleep(1s);
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("cancellation: with a request of another beside it, it is not only its own") {
    ScopeCancellation scope;
    scope.enter(detail::running_task());
    scope.request();
    current_task().cancel();
    CHECK_FALSE(scope.take_back());
    CHECK(current_task().cancelling() == 1);
    const bool cancelled = co_await cancelled_while_waiting();
    CHECK(cancelled);
    current_task().uncancel();
}

ASYNC_TEST_CASE("cancellation: one from before the scope, delivered within it, is another's") {
    current_task().cancel();
    ScopeCancellation scope;
    scope.enter(detail::running_task());
    scope.request();
    CHECK_FALSE(scope.take_back());
    const bool cancelled = co_await cancelled_while_waiting();
    CHECK(cancelled);
    current_task().uncancel();
}

ASYNC_TEST_CASE("cancellation: one from before the scope that the body outlived does not count") {
    current_task().cancel();
    ScopeCancellation scope;
    scope.enter(detail::running_task());
    const bool first = co_await cancelled_while_waiting();
    scope.request();
    const bool second = co_await cancelled_while_waiting();
    CHECK(first);
    CHECK(second);
    CHECK(scope.take_back());
    CHECK(current_task().uncancel() == 0);
}

ASYNC_TEST_CASE(
    "cancellation: of two scopes, the inner one does not take the outer one's request") {
    ScopeCancellation outer;
    outer.enter(detail::running_task());
    ScopeCancellation inner;
    inner.enter(detail::running_task());
    outer.request();
    inner.request();
    CHECK_FALSE(inner.take_back());
    CHECK(outer.take_back());
    co_await sleep(0s);
    CHECK(current_task().cancelling() == 0);
}
