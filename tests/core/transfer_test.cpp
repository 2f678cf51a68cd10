// How far the stack grows in other builds is measured in tests/flags.
#include <ringio/core.hpp>
#include <ringio/core/transfer.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

using namespace ringio;
using namespace std::chrono_literals;

namespace {

Task<int> ends_with_one() { co_return 1; }

Task<int> awaits_many(int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) {
        sum += co_await ends_with_one();
    }
    co_return sum;
}

}  // namespace

ASYNC_TEST_CASE("transfer: one in so many goes through the loop") {
    Task<int> coroutine = ends_with_one();
    const std::coroutine_handle<detail::TaskPromise<int>> next = coroutine.release();
    next.promise().become_root();
    detail::transfers_left = 3;
    CHECK(detail::transfer(next) == next);
    CHECK(detail::transfer(next) == next);
    CHECK(detail::transfer(next) != next);
    CHECK(detail::transfers_left == detail::transfers_in_a_row);
    CHECK_FALSE(next.done());
    co_await sleep(0s);
    CHECK(next.done());  // the loop went on with it when this step ended
    next.destroy();
}

ASYNC_TEST_CASE("transfer: what goes through the loop is the same step") {
    int turns = 0;
    std::function<void()> count_turn = [&] {
        ++turns;
        get_running_loop().call_soon(count_turn);
    };
    Handle first = get_running_loop().call_soon(count_turn);
    const int sum = co_await awaits_many(10 * detail::transfers_in_a_row);
    CHECK(sum == 10 * detail::transfers_in_a_row);
    CHECK(turns == 0);
    first.cancel();
}

ASYNC_TEST_CASE("transfer: an eager task leaves the count of the step that it stands in alone") {
    co_await sleep(0s);
    const int before = detail::transfers_left;
    const auto eager = create_task(awaits_many(100), {.eager_start = true});
    CHECK(detail::transfers_left == before);
    CHECK(eager.done());
}
