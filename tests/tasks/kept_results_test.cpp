// A handle that is given by its name keeps its result, whatever takes part in it; one whose result
// cannot be copied is given away, or refused by the compiler: see tests/compile_fail.
#include "scenario.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace ringio;
using namespace std::chrono_literals;

namespace {

const std::string kept_text(100, 'x');

Task<std::string> give_text() {
    co_await sleep(0s);
    co_return kept_text;
}

Task<std::unique_ptr<int>> give_owned(int number) {
    co_await sleep(0s);
    co_return std::make_unique<int>(number);
}

}  // namespace

ASYNC_TEST_CASE("handles: given by their names, gather, wait_for and shield leave their results") {
    const TaskHandle<std::string> task = create_task(give_text());
    const auto both = co_await gather(task, task);
    CHECK(std::get<0>(both) == kept_text);
    CHECK(std::get<1>(both) == kept_text);
    const auto alone = co_await gather(task);
    CHECK(std::get<0>(alone) == kept_text);
    const std::string waited = co_await wait_for(task, 1s);
    const std::string at_once = co_await wait_for(task, 0s);
    const std::string shielded = co_await shield(task);
    const std::vector<TaskHandle<std::string>> tasks(2, task);
    const std::vector<std::string> all = co_await gather(tasks);
    CHECK(waited + at_once + shielded == kept_text + kept_text + kept_text);
    CHECK(all == std::vector<std::string>(2, kept_text));
    for (auto& next : as_completed(tasks)) {
        const std::string completed = co_await next;
        CHECK(completed == kept_text);
    }
    CHECK(task.result() == kept_text);
}

ASYNC_TEST_CASE("handles: given away, results that cannot be copied are moved") {
    TaskHandle<std::unique_ptr<int>> one = create_task(give_owned(1));
    TaskHandle<std::unique_ptr<int>> two = create_task(give_owned(2));
    const auto both = co_await gather(std::move(one), std::move(two));
    CHECK(*std::get<0>(both) + *std::get<1>(both) == 3);
    const std::unique_ptr<int> waited = co_await wait_for(create_task(give_owned(3)), 1s);
    CHECK(*waited == 3);
    TaskHandle<std::unique_ptr<int>> four = create_task(give_owned(4));
    const std::unique_ptr<int> shielded = co_await shield(std::move(four));
    CHECK(*shielded == 4);
    std::vector<TaskHandle<std::unique_ptr<int>>> tasks;
    tasks.push_back(create_task(give_owned(5)));
    tasks.push_back(create_task(give_owned(6)));
    int sum = 0;
    for (auto& next : as_completed(std::move(tasks))) {
        const std::unique_ptr<int> completed = co_await next;
        sum += *completed;
    }
    CHECK(sum == 11);
}

ASYNC_TEST_CASE("handles: as_completed() gives those that are kept, with their results") {
    std::vector<TaskHandle<std::unique_ptr<int>>> tasks;
    tasks.push_back(create_task(give_owned(1)));
    auto completed = as_completed(tasks);
    const auto first = co_await completed.next();
    CHECK(*first->result() == 1);
    CHECK(*tasks[0].result() == 1);
}

TEST_CASE("handles: given by its name, run_until_complete leaves the result") {
    EventLoop loop;
    const TaskHandle<std::string> task = loop.create_task(give_text());
    CHECK(loop.run_until_complete(task) == kept_text);
    CHECK(task.result() == kept_text);
    Runner runner;
    CHECK(runner.run(runner.get_loop().create_task(give_text())) == kept_text);
}
