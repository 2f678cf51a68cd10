// Tasks of a group that end, or fail, in their first step, and a group that is cancelled twice.
#include "scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using testing::EventLog;

namespace {

Task<> end_at_once() { co_return; }

Task<> fail_at_once(std::string text) {
    if (!text.empty()) {
        throw std::runtime_error(text);
    }
    co_return;
}

constexpr TaskOptions eagerly{.eager_start = true};

}  // namespace

ASYNC_TEST_CASE("task_group: an eager task that ends at once is counted at once") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        group.create_task(end_at_once(), eagerly);
        log(group.repr());
        co_return;
    };
    co_await task_group(body);
    CHECK(log.joined() == "<TaskGroup entered>");
}

ASYNC_TEST_CASE("task_group: an eager task that fails at once ends the group at once") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        AnyTask sibling = group.create_task(sleep(1h));
        group.create_task(fail_at_once("bad"), eagerly);
        log(group.repr());
        log(sibling.cancelling() == 1 ? "sibling cancelled" : "sibling goes on");
        std::string refusal;
        try {
            group.create_task(end_at_once());
        } catch (const std::runtime_error& error) {
            refusal = error.what();
        }
        CHECK_THAT(refusal, Catch::Matchers::EndsWith("is shutting down"));
        co_await sleep(1h);
        log("not cancelled");
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "group(bad)");
    CHECK(log.joined(", ") == "<TaskGroup tasks=1 errors=1 cancelling>, sibling cancelled");
    CHECK(current_task().cancelling() == 0);
}

ASYNC_TEST_CASE("task_group: an eager task that fails within another one's first step cancels it") {
    EventLog log;
    auto body = [&log](TaskGroup& group) -> Task<> {
        auto second = [&]() -> Task<> {
            group.create_task(fail_at_once("third"), eagerly);
            bool cancelled = false;
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                cancelled = true;
            }
            log(cancelled ? "second cancelled" : "second goes on");
        };
        group.create_task(second(), eagerly);
        co_await sleep(1h);
        log("body goes on");
    };
    const std::string end = co_await told(task_group(body));
    CHECK(end == "group(third)");
    CHECK(log.joined(", ") == "second cancelled");
}

ASYNC_TEST_CASE("task_group: start() of an eager task that fails at once throws what it threw") {
    auto body = [](TaskGroup& group) -> Task<> {
        auto fails = [](TaskStatus<>) -> Task<> { return fail_at_once("no start"); };
        const std::string end = co_await told(group.start(fails, eagerly));
        CHECK(end == "no start");
    };
    co_await task_group(body);
}

ASYNC_TEST_CASE("task_group: cancelled twice, it ends with the first message") {
    EventLog log;
    auto slow = [&log]() -> Task<> {
        for (int round = 0; round < 2; ++round) {
            try {
                co_await sleep(1h);
            } catch (const CancelledError&) {
                log("asked");
            }
        }
    };
    auto program = [&]() -> Task<> {
        auto body = [&](TaskGroup& group) -> Task<> {
            group.create_task(slow());
            co_return;
        };
        try {
            co_await task_group(body);
        } catch (const CancelledError& error) {
            log(error.message());
            throw;
        }
    };
    auto task = create_task(program());
    co_await sleep(1s);
    task.cancel("first");
    co_await sleep(1s);
    task.cancel("second");
    co_await sleep(1h);
    co_await sleep(1h);
    CHECK(task.cancelled());
    CHECK(log.joined(", ") == "asked, first");
}
