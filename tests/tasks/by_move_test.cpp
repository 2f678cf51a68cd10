// Values that own something, handed to the functions of a co_await expression in the ways that are
// right with every compiler: by name, which copies, and with by_move(name).
#include <ringio/core/callable.hpp>
#include <ringio/sync/channel.hpp>
#include <ringio/sync/condition.hpp>
#include <ringio/sync/queue.hpp>
#include <ringio/tasks/run_in_executor.hpp>
#include <ringio/tasks/sleep.hpp>
#include <ringio/tasks/task_group.hpp>
#include <ringio/tasks/to_thread.hpp>
#include <support/async_test_case.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace ringio;
using namespace std::chrono_literals;

namespace {

// An aggregate, with a use count that tells a second destruction.
struct Job {
    int id = 0;
    std::shared_ptr<int> counted = std::make_shared<int>(0);
};

struct MoveOnly {
    std::unique_ptr<int> number;
};

}  // namespace

ASYNC_TEST_CASE("by_move: a queue takes an aggregate by name, as a copy, or with by_move") {
    Queue<Job> queue;
    Job job{.id = 7};
    const std::shared_ptr<int> counted = job.counted;
    co_await queue.put(job);
    CHECK(counted.use_count() == 3);
    co_await queue.put(by_move(job));
    CHECK(counted.use_count() == 3);
    CHECK(job.counted == nullptr);
    const Job first = co_await queue.get();
    CHECK(first.id == 7);
    CHECK(counted.use_count() == 3);
}

ASYNC_TEST_CASE("by_move: a queue takes what cannot be copied") {
    Queue<MoveOnly> queue;
    MoveOnly item{std::make_unique<int>(3)};
    co_await queue.put(by_move(item));
    const MoveOnly out = co_await queue.get();
    CHECK(*out.number == 3);
}

ASYNC_TEST_CASE("by_move: a queue of functions takes a named closure") {
    Queue<std::function<int()>> queue;
    const auto counted = std::make_shared<int>(5);
    auto work = [counted = counted] { return *counted; };
    co_await queue.put(work);
    CHECK(counted.use_count() == 3);
    co_await queue.put(by_move(work));
    CHECK(counted.use_count() == 3);
    co_await queue.put([] { return 1; });
    const std::function<int()> first = co_await queue.get();
    CHECK(first() == 5);
}

ASYNC_TEST_CASE("by_move: a channel takes an aggregate by name, or with by_move") {
    auto [sender, receiver] = channel<Job>(2);
    Job job{.id = 8};
    const std::shared_ptr<int> counted = job.counted;
    co_await sender.send(job);
    co_await sender.send(by_move(job));
    CHECK(counted.use_count() == 3);
    const std::optional<Job> first = co_await receiver.receive();
    CHECK(first->id == 8);
}

ASYNC_TEST_CASE("by_move: sleep gives an aggregate back") {
    Job job{.id = 9};
    const std::shared_ptr<int> counted = job.counted;
    const Job copied = co_await sleep(0s, job);
    const Job moved = co_await sleep(0s, by_move(job));
    CHECK(copied.id + moved.id == 18);
    CHECK(counted.use_count() == 3);
}

ASYNC_TEST_CASE("by_move: a call in another thread takes its arguments by name, or with by_move") {
    Job job{.id = 10};
    const std::shared_ptr<int> counted = job.counted;
    const int copied = co_await to_thread([](const Job& given) { return given.id; }, job);
    CHECK(counted.use_count() == 2);
    const Future<int> moved = get_running_loop().run_in_executor(
        nullptr, [](Job given) { return given.id + static_cast<int>(given.counted.use_count()); },
        by_move(job));
    CHECK(copied + co_await moved == 22);
    CHECK(job.counted == nullptr);
}

ASYNC_TEST_CASE("by_move: a condition and a group take a named closure") {
    const auto ready = std::make_shared<bool>(true);
    auto is_ready = [ready = ready] { return *ready; };
    Condition condition;
    co_await condition.acquire();
    const bool copied = co_await condition.wait_for(is_ready);
    const bool moved = co_await condition.wait_for(by_move(is_ready));
    condition.release();
    CHECK((copied && moved));
    CHECK(ready.use_count() == 1);

    auto serve = [ready = ready](TaskStatus<> status) -> Task<> {
        status.started();
        co_return;
    };
    co_await task_group([&](TaskGroup& group) -> Task<> {
        co_await group.start(serve);
        co_await group.start(by_move(serve));
    });
    CHECK(ready.use_count() == 1);
}
