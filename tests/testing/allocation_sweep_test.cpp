#include <ringio/testing/allocation_sweep.hpp>

#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>
#include <support/printed.hpp>

#include <new>

using namespace ringio;
using Catch::Matchers::Contains;
using testing::allocation_sweep;
using testing::Sweep;

namespace {

/// Memory that is really asked for: what a new-expression makes a compiler may leave out.
class Memory {
public:
    Memory() : memory_(::operator new(1)) {}
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() { ::operator delete(memory_); }

private:
    void* memory_;
};

}  // namespace

TEST_CASE("allocation_sweep: has each allocation fail, once alone and once with all that follow") {
    int runs = 0;
    const auto result = allocation_sweep([&runs](Sweep&) -> Task<> {
        ++runs;
        const Memory first;
        const Memory second;
        co_return;
    });
    CHECK(result.report() == "");
    CHECK(result.allocations() >= 4);  // the frame, the task, and the two
    CHECK(result.runs() == 1 + 2 * (result.allocations() + 1));
    CHECK(result.survived() == 0);
    CHECK(runs > 6);
}

TEST_CASE("allocation_sweep: a scenario may cope") {
    const auto result = allocation_sweep([](Sweep&) -> Task<> {
        try {
            const Memory luxury;
        } catch (const std::bad_alloc&) {
        }
        co_return;
    });
    CHECK(result.report() == "");
    CHECK(result.survived() == 2);
}

TEST_CASE("allocation_sweep: what the harness makes for the scenario does not fail") {
    const auto with = allocation_sweep([](Sweep& sweep) -> Task<> {
        sweep.make<std::string>(100u, 'x');
        sweep.check("an invariant with a text that is not short", [] { return true; });
        co_return;
    });
    const auto without = allocation_sweep([](Sweep&) -> Task<> { co_return; });
    CHECK(with.allocations() == without.allocations());
}

TEST_CASE("allocation_sweep: finds memory that is not given back") {
    static std::vector<Future<>> kept;
    const auto result = allocation_sweep([](Sweep&) -> Task<> {
        kept.push_back(get_running_loop().create_future<void>().get_future());
        const Memory work;
        kept.clear();
        co_return;
    });
    kept.clear();
    CHECK_THAT(result.report(), Contains("frame"));
}

TEST_CASE("allocation_sweep: finds state that a failure leaves torn") {
    const auto result = allocation_sweep([](Sweep& sweep) -> Task<> {
        Lock& lock = sweep.make<Lock>();
        sweep.check("the lock is free", [&lock] { return !lock.locked(); });
        co_await lock.acquire();
        const Memory work;
        lock.release();
    });
    CHECK_THAT(result.report(), Contains(": invariant: the lock is free"));
    CHECK_THAT(result.report(), Contains(" and all that follow: invariant: the lock is free"));
}

TEST_CASE("allocation_sweep: finds an error that takes the place of bad_alloc") {
    const auto result = allocation_sweep([](Sweep&) -> Task<> {
        try {
            const Memory work;
        } catch (const std::bad_alloc&) {
            throw std::runtime_error("something is wrong");
        }
        co_return;
    });
    CHECK_THAT(result.report(),
               Contains("the scenario ended with std::runtime_error: something is wrong"));
}

TEST_CASE("allocation_sweep: finds a task that never ends") {
    const auto result = allocation_sweep([](Sweep&) -> Task<> {
        auto stubborn = []() -> Task<> {
            for (;;) {
                try {
                    co_await Future<>(get_running_loop().create_future<void>().get_future());
                } catch (const CancelledError&) {
                }
            }
        };
        auto task = create_task(stubborn());
        co_await sleep(Delay());
        const Memory work;
    });
    CHECK_THAT(result.report(), Contains("no allocation fails: deadlock"));
}

TEST_CASE("allocation_sweep: ends when the scenario does not") {
    const auto result =
        allocation_sweep([](Sweep&) -> Task<> { co_return; }, {.allocation_limit = 1});
    CHECK_THAT(result.report(), Contains("the scenario goes on allocating"));
}

TEST_CASE("allocation_sweep: prints nothing of the shortage that it makes") {
    std::string report = "not run";
    const std::string text = test_support::printed([&report] {
        const auto result = allocation_sweep([](Sweep&) -> Task<> {
            auto fail = []() -> Task<> {
                throw std::runtime_error("an error that is reported, with memory or without");
                co_return;
            };
            create_task(fail());
            co_await sleep(Delay());
            co_await sleep(Delay());
        });
        report = result.report();
    });
    CHECK(report == "");
    CHECK(text == "");
}
