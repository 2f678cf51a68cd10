#include <ringio/core/handle.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ringio/core.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::EventLog;

TEST_CASE("handle: a cancelled callback does not run, and is destroyed at once") {
    const testing::Balance balance;
    {
        EventLoop loop;
        EventLog log;
        auto held = std::make_shared<int>(1);
        Handle handle = loop.call_soon([&log, held] { log("ran"); });
        CHECK_FALSE(handle.cancelled());
        CHECK(held.use_count() == 2);
        handle.cancel();
        CHECK(handle.cancelled());
        CHECK(held.use_count() == 1);
        handle.cancel();
        run_one_turn(loop);
        CHECK(log.joined().empty());
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("handle: a callback is destroyed when it has run, whoever keeps the handle") {
    EventLoop loop;
    auto held = std::make_shared<int>(1);
    Handle handle = loop.call_soon([held] {});
    run_one_turn(loop);
    CHECK(held.use_count() == 1);
    handle.cancel();
    run_one_turn(loop);
}

TEST_CASE("handle: a callback may cancel itself while it runs") {
    EventLoop loop;
    auto held = std::make_shared<int>(1);
    Handle handle;
    handle = loop.call_soon([&handle, held] {
        handle.cancel();
        CHECK(held.use_count() == 2);
    });
    run_one_turn(loop);
    CHECK(held.use_count() == 1);
}

TEST_CASE("handle: a callback may drop the last handle to itself while it runs, and at its end") {
    struct Drops {
        explicit Drops(Handle& of) : handle(&of) {}
        Drops(Drops&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
        ~Drops() {
            if (handle != nullptr) {
                *handle = Handle();
            }
        }
        Handle* handle;
    };
    const testing::Balance balance;
    {
        EventLoop loop;
        auto handle = std::make_unique<Handle>();
        auto held = std::make_shared<int>(1);
        *handle = loop.call_soon([&handle, held] {
            handle.reset();
            CHECK(held.use_count() == 2);
        });
        run_one_turn(loop);
        CHECK(held.use_count() == 1);
        Handle cancelled;
        cancelled = loop.call_soon([drops = Drops(cancelled), held] {});
        cancelled.cancel();
        CHECK_FALSE(cancelled.cancelled());  // it refers to nothing
        TimerHandle timer;
        const auto drop = [&timer](void*) { timer = TimerHandle(); };
        timer = loop.call_later(std::chrono::hours(1),
                                [held, last = std::shared_ptr<void>(nullptr, drop)] {});
        CHECK(held.use_count() == 2);
        timer.cancel();
        CHECK(held.use_count() == 1);
        run_one_turn(loop);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("handle: a callback of any size and alignment lies with its handle") {
    struct alignas(64) Wide {
        std::array<char, 64> bytes{};
        std::shared_ptr<int> held;
    };
    const testing::Balance balance;
    {
        EventLoop loop;
        EventLog log;
        const auto held = std::make_shared<int>(1);
        loop.call_soon([&log, wide = Wide{.held = held}] {
            const bool aligned = reinterpret_cast<std::uintptr_t>(&wide) % 64 == 0;
            log(aligned ? "wide" : "badly aligned");
        });
        loop.call_soon([&log, big = std::array<char, 5000>(), held] {
            log("big" + std::to_string(big.size()));
        });
        loop.call_later(std::chrono::nanoseconds(0), [&log, held] { log("timer"); });
        Handle left = loop.call_soon([&log, held] { log("after"); });
        run_one_turn(loop);
        run_one_turn(loop);
        CHECK(log.events().size() == 4);
        CHECK(log.joined().starts_with("wide big5000 "));
        CHECK(held.use_count() == 1);
        loop.call_soon([held] {});  // never runs
    }
    CHECK(balance.difference() == "");
}

TEST_CASE(
    "handle: a callable that cannot be copied is not scheduled, nor is one on a closed loop") {
    struct Uncopied {
        Uncopied() = default;
        Uncopied(const Uncopied&) { throw std::runtime_error("not copied"); }
        void operator()() const {}
    };
    const testing::Balance balance;
    const auto held = std::make_shared<int>(1);
    {
        EventLoop loop;
        const Uncopied callable;
        CHECK_THROWS_WITH(loop.call_soon(callable), "not copied");
        CHECK_THROWS_WITH(loop.call_later(std::chrono::seconds(1), callable), "not copied");
        CHECK_THROWS_WITH(loop.call_at(loop.time(), callable), "not copied");
        loop.close();
        CHECK_THROWS_WITH(loop.call_soon([held] {}), "Event loop is closed");
        CHECK_THROWS_WITH(loop.call_at(loop.time(), [held] {}), "Event loop is closed");
        CHECK(held.use_count() == 1);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("handle: one callback cancels the next of the same turn") {
    EventLoop loop;
    EventLog log;
    Handle second;
    loop.call_soon([&] { second.cancel(); });
    second = loop.call_soon([&] { log("second"); });
    run_one_turn(loop);
    CHECK(log.joined().empty());
}

TEST_CASE("handle: of nothing, and after its loop") {
    Handle handle;
    handle.cancel();
    CHECK_FALSE(handle.cancelled());
    {
        EventLoop loop;
        handle = loop.call_soon([] {});
    }
    handle.cancel();
    CHECK(handle.cancelled());
}

TEST_CASE("handle: a null callback is refused") {
    EventLoop loop;
    CHECK_THROWS_AS(loop.call_soon(nullptr), std::invalid_argument);
    CHECK_THROWS_AS(loop.call_soon(std::function<void()>()), std::invalid_argument);
    CHECK_THROWS_AS(loop.call_soon(static_cast<void (*)()>(nullptr)), std::invalid_argument);
    CHECK_THROWS_AS(loop.call_soon_threadsafe(nullptr), std::invalid_argument);
    CHECK_THROWS_AS(loop.call_soon(UniqueFunction<void()>()), std::invalid_argument);
    CHECK_THROWS_AS(loop.call_at(loop.time(), std::function<void()>()), std::invalid_argument);
}

TEST_CASE("handle: a callback may be move-only, give a result, and take arguments") {
    EventLoop loop;
    EventLog log;
    auto owned = std::make_unique<std::string>("owned");
    loop.call_soon([&log, owned = std::move(owned)] { log(*owned); });
    loop.call_soon([&log] {
        log("result");
        return 5;
    });
    loop.call_soon([&log](int a, const std::string& b) { log(b + std::to_string(a)); }, 1, "arg");
    run_one_turn(loop);
    CHECK(log.joined() == "owned result arg1");
}

TEST_CASE("handle: a callback remembers the place that handed it over") {
    const unsigned line = __LINE__ + 1;
    const Callback callback = [] {};
    CHECK(callback.where().line() == line);
    CHECK(detail::file_and_line(callback.where()) == "handle_test.cpp:" + std::to_string(line));
    EventLoop loop;
    const Handle handle = loop.call_soon([] {});
    CHECK(handle.repr().ends_with("at handle_test.cpp:" + std::to_string(line + 4) + ">"));
    const TimerHandle timer = loop.call_later(std::chrono::seconds(1), [] {});
    CHECK(timer.repr().ends_with("at handle_test.cpp:" + std::to_string(line + 6) + ">"));
}

TEST_CASE("handle: callbacks of other threads wake the loop and keep each thread's order") {
    EventLoop loop;
    constexpr int count = 2'000;
    std::vector<int> seen[2];
    int finished = 0;
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < 2; ++thread) {
        threads.emplace_back([&, thread] {
            for (int i = 0; i < count; ++i) {
                loop.call_soon_threadsafe([&, thread, i] { seen[thread].push_back(i); });
            }
            loop.call_soon_threadsafe([&] {
                if (++finished == 2) {
                    loop.stop();
                }
            });
        });
    }
    loop.run_forever();
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (const std::vector<int>& numbers : seen) {
        CHECK(numbers.size() == count);
        CHECK(std::is_sorted(numbers.begin(), numbers.end()));
    }
}

TEST_CASE("handle: call_soon_threadsafe works before the loop runs, and on its own thread") {
    EventLoop loop;
    EventLog log;
    loop.call_soon_threadsafe([&] {
        log("before");
        loop.call_soon_threadsafe([&] {
            log("own thread");
            loop.stop();
        });
    });
    loop.run_forever();
    CHECK(log.joined() == "before own thread");
}

TEST_CASE("Turn: each has a budget of its own, and none before the first") {
    Turn turn;
    CHECK_FALSE(turn.take_immediate_answer());
    for (int round = 0; round < 2; ++round) {
        const std::uint32_t before = turn.number();
        turn.begin_next();
        CHECK(turn.number() != before);
        int taken = 0;
        while (turn.take_immediate_answer()) {
            ++taken;
        }
        CHECK(taken == Turn::immediate_answers);
    }
}
