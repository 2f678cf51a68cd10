#include <ringio/core/callable.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

using namespace ringio;
using namespace std::chrono_literals;

namespace {

struct Work {
    int operator()() const { return *number; }
    std::unique_ptr<int> number = std::make_unique<int>(5);
};

static_assert(std::is_same_v<detail::Callable<Work&>, Work>);
static_assert(std::is_same_v<detail::Callable<const Work>, Work>);
static_assert(std::is_same_v<detail::Callable<ByMove<Work>>, Work>);
static_assert(std::is_same_v<detail::Callable<int (&)(int)>, int (*)(int)>);
static_assert(detail::is_by_move<ByMove<Work>>);
static_assert(!detail::is_by_move<Work>);
static_assert(std::is_trivially_destructible_v<ByMove<Work>>);

}  // namespace

TEST_CASE("callable: by_move hands over a callable that was named before") {
    Work work;
    const ByMove<Work> wrapped = by_move(work);
    CHECK(work.number != nullptr);
    const Work taken = wrapped.take();
    CHECK(taken() == 5);
    CHECK(work.number == nullptr);
}

TEST_CASE("callable: an lvalue is lent, a wrapped one is moved out") {
    Work work;
    CHECK(&detail::unwrap_callable(work) == &work);
    const Work taken = detail::unwrap_callable(by_move(work));
    CHECK(taken() == 5);
    CHECK(work.number == nullptr);
}

ASYNC_TEST_CASE("callable: a body with a destructor is named, and lent or moved") {
    auto held = std::make_shared<int>(7);
    auto body = [held]() -> Task<int> {
        co_await sleep(1s);
        co_return *held;
    };
    const int lent = co_await timeout(2s, body);
    CHECK(lent == 7);
    CHECK(held.use_count() == 2);
    const int moved = co_await timeout(2s, by_move(body));
    CHECK(moved == 7);
    CHECK(held.use_count() == 1);
}

ASYNC_TEST_CASE("callable: a move-only body is moved") {
    auto body = [number = std::make_unique<int>(3)]() -> Task<int> {
        co_await sleep(0s);
        co_return *number;
    };
    const int value = co_await timeout(1s, by_move(body));
    CHECK(value == 3);
}

ASYNC_TEST_CASE("callable: a closure of references may be written in place") {
    int count = 0;
    co_await timeout(1s, [&]() -> Task<> {
        ++count;
        co_await sleep(0s);
    });
    co_await task_group([&](TaskGroup& group) -> Task<> {
        group.create_task(sleep(0s));
        ++count;
        co_return;
    });
    CHECK(count == 2);
}
