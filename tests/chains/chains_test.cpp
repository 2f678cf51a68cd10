// Chains of a million: awaits, tasks, gather, groups, wait_for. To cancel one, or to close a loop
// over it, takes no stack, and time in proportion.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <ringio/base/config.hpp>
#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>

#include "../core/watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

// AddressSanitizer keeps what was freed, adds a red zone to each frame, and takes ten times as
// long.
constexpr int links = RINGIO_SANITIZE_ADDRESS == 1 ? 20'000 : 1'000'000;

Task<> sleeps_for_ever() { co_await sleep(24h); }

Task<int> deep_await(int levels) {
    if (levels == 0) {
        co_await sleeps_for_ever();
        co_return 0;
    }
    const int below = co_await deep_await(levels - 1);
    co_return below + 1;
}

Task<> above_task(TaskHandle<> below) { co_await below; }

Task<> above_gather(TaskHandle<> below) { co_await gather(below); }

Task<> above_when_all(TaskHandle<> below) { co_await when_all(below, below); }

Task<> when_all_within(int levels) {
    Task<> below = levels == 0 ? sleeps_for_ever() : when_all_within(levels - 1);
    co_await when_all(std::move(below));
}

Task<> above_group(int levels) {
    auto body = [levels](TaskGroup& group) -> Task<> {
        group.create_task(levels == 0 ? sleeps_for_ever() : above_group(levels - 1));
        co_return;
    };
    co_await task_group(body);
}

TaskHandle<> chain_of(Task<> (*above)(TaskHandle<>), EventLoop& loop) {
    TaskHandle<> task = loop.create_task(sleeps_for_ever());
    for (int count = 0; count < links; ++count) {
        task = loop.create_task(above(task));
    }
    return task;
}

/// A loop in virtual time whose reports nobody sees, and what it has of frames when it is closed.
class Chains {
public:
    Chains() {
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    }

    /// Runs the loop until nothing is ready.
    void run_until_idle() {
        loop.call_later(1s, [this] { loop.stop(); });
        loop.run_forever();
    }

    /// Cancels `task` and waits for its end.
    template <class Handle>
    void cancel(Handle task) {
        CHECK(task.cancel());
        CHECK_THROWS_AS(loop.run_until_complete(task), CancelledError);
        CHECK(task.cancelled());
    }

    EventLoop loop{{.virtual_time = true}};
};

}  // namespace

TEST_CASE("chains: of awaits, cancelled") {
    Chains chains;
    auto task = chains.loop.create_task(deep_await(links));
    chains.run_until_idle();
    chains.cancel(task);
}

TEST_CASE("chains: of awaits, when the loop is closed") {
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        chains.loop.create_task(deep_await(links));
        chains.run_until_idle();
    }
    CHECK(detail::live_frames() == before);
}

TEST_CASE("chains: of tasks, cancelled from the top") {
    Chains chains;
    TaskHandle<> top = chain_of(above_task, chains.loop);
    chains.run_until_idle();
    chains.cancel(top);
}

TEST_CASE("chains: of tasks, when each of them is cancelled, as at the end of run()") {
    Chains chains;
    chain_of(above_task, chains.loop);
    chains.run_until_idle();
    std::vector<AnyTask> tasks = all_tasks(chains.loop);
    for (AnyTask& task : tasks) {
        task.cancel();
    }
    chains.run_until_idle();
    CHECK(chains.loop.statistics().tasks == 0);
}

TEST_CASE("chains: of tasks, when each of them is cancelled from the top down") {
    Chains chains;
    chain_of(above_task, chains.loop);
    chains.run_until_idle();
    std::vector<AnyTask> tasks = all_tasks(chains.loop);
    for (auto task = tasks.rbegin(); task != tasks.rend(); ++task) {
        task->cancel();
    }
    chains.run_until_idle();
    CHECK(chains.loop.statistics().tasks == 0);
}

TEST_CASE("chains: of tasks, when the loop is closed") {
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        chain_of(above_task, chains.loop);
        chains.run_until_idle();
    }
    CHECK(detail::live_frames() == before);
}

TEST_CASE("chains: of tasks and gather, cancelled and closed") {
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        TaskHandle<> top = chain_of(above_gather, chains.loop);
        chains.run_until_idle();
        chains.cancel(top);
    }
    {
        Chains chains;
        chain_of(above_gather, chains.loop);
        chains.run_until_idle();
    }
    CHECK(detail::live_frames() == before);
}

TEST_CASE("chains: of tasks and when_all, cancelled and closed") {
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        TaskHandle<> top = chain_of(above_when_all, chains.loop);
        chains.run_until_idle();
        chains.cancel(top);
    }
    {
        Chains chains;
        chain_of(above_when_all, chains.loop);
        chains.run_until_idle();
    }
    CHECK(detail::live_frames() == before);
}

TEST_CASE("chains: of when_all in when_all, cancelled, closed, and ended by an error") {
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        auto task = chains.loop.create_task(when_all_within(links));
        chains.run_until_idle();
        chains.cancel(task);
    }
    {
        Chains chains;
        chains.loop.create_task(when_all_within(links));
        chains.run_until_idle();
    }
    {
        Chains chains;
        auto fail = []() -> Task<> {
            co_await sleep(12h);
            throw std::runtime_error("failed");
        };
        auto both = [&]() -> Task<> { co_await when_all(when_all_within(links), fail()); };
        CHECK_THROWS_AS(chains.loop.run_until_complete(both()), std::runtime_error);
    }
    CHECK(detail::live_frames() == before);
}

TEST_CASE("chains: of gather in gather, cancelled") {
    Chains chains;
    auto nested = [&]() -> Task<> {
        Promise<> bottom = chains.loop.create_future<>();
        AnyFuture top = bottom.get_future();
        for (int count = 0; count < links; ++count) {
            top = gather(std::vector<AnyFuture>(2, top));
        }
        CHECK(top.cancel());
        co_await settled(top);
        CHECK(bottom.cancelled());
    };
    chains.loop.run_until_complete(nested());
}

TEST_CASE("chains: of gather in gather, dropped") {
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        auto nested = [&]() -> Task<> {
            AnyFuture top = chains.loop.create_future<>().get_future();
            for (int count = 0; count < links; ++count) {
                top = gather(std::vector<AnyFuture>(1, top));
            }
            co_return;
        };
        chains.loop.run_until_complete(nested());
    }
    CHECK(detail::live_frames() == before);
}

TEST_CASE("chains: of shield in shield, dropped") {
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        auto nested = [&]() -> Task<> {
            Future<> top = chains.loop.create_future<>().get_future();
            for (int count = 0; count < links; ++count) {
                top = shield(top);
            }
            co_return;
        };
        chains.loop.run_until_complete(nested());
    }
    CHECK(detail::live_frames() == before);
}

TEST_CASE("chains: of groups, cancelled and closed") {
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        auto task = chains.loop.create_task(above_group(links));
        chains.run_until_idle();
        chains.cancel(task);
    }
    {
        Chains chains;
        chains.loop.create_task(above_group(links));
        chains.run_until_idle();
    }
    CHECK(detail::live_frames() == before);
}

TEST_CASE("chains: of wait_for, cancelled, closed and brought to their end") {
    const auto nested = [](Task<> innermost) {
        Task<> top = std::move(innermost);
        for (int count = 0; count < links; ++count) {
            top = wait_for(std::move(top), 48h);
        }
        return top;
    };
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        auto task = chains.loop.create_task(nested(sleeps_for_ever()));
        chains.run_until_idle();
        chains.cancel(task);
    }
    {
        Chains chains;
        chains.loop.create_task(nested(sleeps_for_ever()));
        chains.run_until_idle();
    }
    {
        Chains chains;
        chains.loop.run_until_complete(nested(sleeps_for_ever()));
    }
    CHECK(detail::live_frames() == before);
}

TEST_CASE("chains: a suspended chain of awaits is destroyed from the innermost frame outwards") {
    struct Says {
        Says(std::vector<std::string>& words, std::string word)
            : said(words), text(std::move(word)) {}
        Says(const Says&) = delete;
        Says& operator=(const Says&) = delete;
        ~Says() { said.push_back(text); }

        std::vector<std::string>& said;
        std::string text;
    };
    std::vector<std::string> said;
    // Refers to a local of its awaiter until it is destroyed.
    auto innermost = [](Says& outer) -> Task<> {
        const Says mine(outer.said, "innermost, below " + outer.text);
        co_await sleeps_for_ever();
    };
    auto middle = [&](Says& outer) -> Task<> {
        Says mine(said, "middle, below " + outer.text);
        Task<> named = innermost(mine);
        co_await named;
    };
    auto outermost = [&]() -> Task<> {
        Says mine(said, "outermost");
        co_await middle(mine);
    };
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        chains.loop.create_task(outermost());
        chains.run_until_idle();
    }
    CHECK(said == std::vector<std::string>{"innermost, below middle, below outermost",
                                           "middle, below outermost", "outermost"});
    CHECK(detail::live_frames() == before);
}

TEST_CASE("chains: one that goes through a generator is destroyed with it") {
    const std::ptrdiff_t before = detail::live_frames();
    {
        Chains chains;
        auto items = [](int levels) -> AsyncGenerator<int> {
            const int value = co_await deep_await(levels);
            co_yield value;
        };
        auto reader = [&]() -> Task<> {
            AsyncGenerator<int> generator = items(3);
            co_await generator.next();
        };
        auto outermost = [&]() -> Task<> { co_await reader(); };
        chains.loop.create_task(outermost());
        chains.run_until_idle();
    }
    CHECK(detail::live_frames() == before);
}
