#include <ringio/tasks/runner.hpp>

#include "scenario.hpp"

#include <csignal>
#include <thread>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// Catch2 handles SIGINT itself; a Runner only takes it over where nobody does.
class DefaultSigint {
public:
    DefaultSigint() {
        struct sigaction action = {};
        action.sa_handler = SIG_DFL;
        ::sigaction(SIGINT, &action, &before_);
    }
    DefaultSigint(const DefaultSigint&) = delete;
    DefaultSigint& operator=(const DefaultSigint&) = delete;
    ~DefaultSigint() { ::sigaction(SIGINT, &before_, nullptr); }

private:
    struct sigaction before_ = {};
};

void (*sigint_handler())(int) {
    struct sigaction now = {};
    ::sigaction(SIGINT, nullptr, &now);
    return now.sa_handler;
}

/// Interrupts the process in two turns.
void interrupt_soon(EventLoop& loop) {
    loop.call_soon([&loop] { loop.call_soon([] { std::raise(SIGINT); }); });
}

}  // namespace

TEST_CASE("Runner: runs several coroutines on one loop") {
    Runner runner;
    EventLoop& loop = runner.get_loop();
    CHECK(runner.run(give(1)) == 1);
    auto look = [&loop]() -> Task<bool> { co_return &get_running_loop() == &loop; };
    CHECK(runner.run(look()));
    CHECK(runner.run(sleep(0s, 3)) == 3);
    CHECK(thrown_by([&] { runner.run(fail_with("bad")); }) == "bad");
    CHECK(runner.run(give(4)) == 4);
}

TEST_CASE("Runner: a task lives on from one run to the next, until close") {
    EventLog log;
    Runner runner;
    auto start = [&log]() -> Task<> {
        create_task(stubborn(log, "a", 2, 0));
        co_return;
    };
    runner.run(start());
    runner.run(yield(3));
    CHECK(log.joined() == "");
    runner.close();
    CHECK(log.joined() == "a cancelled a cleaned");
}

TEST_CASE("Runner: close is idempotent, and nothing runs after it") {
    const testing::Balance balance;
    Runner runner;
    runner.run(yield(1));
    runner.close();
    runner.close();
    CHECK(thrown_by([&] { runner.run(give(1)); }) == "Runner is closed");
    CHECK(thrown_by([&] { runner.get_loop(); }) == "Runner is closed");
    Runner unused;
    unused.close();
    CHECK(thrown_by([&] { unused.get_loop(); }) == "Runner is closed");
    CHECK(balance.difference() == "");
}

TEST_CASE("Runner: run is refused within a running loop") {
    Runner runner;
    std::string text;
    auto nested = [&]() -> Task<> {
        text = thrown_by([&] { runner.run(give(1)); });
        co_return;
    };
    runner.run(nested());
    CHECK(text == "Runner.run() cannot be called from a running event loop");
}

TEST_CASE("Runner: debug is as the options say") {
    Runner runner({.debug = true});
    CHECK(runner.get_loop().get_debug());
    Runner quiet({.debug = false});
    CHECK_FALSE(quiet.get_loop().get_debug());
}

TEST_CASE("Runner: Ctrl-C while the main task only yields is a KeyboardInterrupt", "[any_order]") {
    const DefaultSigint guard;
    Runner runner;
    bool cancelled = false;
    auto spin = [&cancelled]() -> Task<> {
        try {
            while (true) {
                co_await sleep(0s);
            }
        } catch (const CancelledError&) {
            cancelled = true;
            throw;
        }
    };
    interrupt_soon(runner.get_loop());
    CHECK(thrown_by([&] { runner.run(spin()); }) == "KeyboardInterrupt");
    CHECK(cancelled);
    CHECK(sigint_handler() == SIG_DFL);
    CHECK(runner.run(give(1)) == 1);
}

TEST_CASE("Runner: Ctrl-C while the main task waits cancels what it waits for") {
    const DefaultSigint guard;
    Runner runner;
    Promise<> promise = runner.get_loop().create_future<void>();
    interrupt_soon(runner.get_loop());
    CHECK(thrown_by([&] { runner.run(joined(promise.get_future())); }) == "KeyboardInterrupt");
    CHECK(promise.cancelled());
}

TEST_CASE("Runner: Ctrl-C wakes a loop that sleeps in the kernel") {
    const DefaultSigint guard;
    Runner runner;
    const pid_t self = ::getpid();
    std::thread other([self] {
        std::this_thread::sleep_for(10ms);
        ::kill(self, SIGINT);
    });
    CHECK(thrown_by([&] { runner.run(sleep(1h)); }) == "KeyboardInterrupt");
    other.join();
}

TEST_CASE("Runner: Ctrl-C on a main task that was cancelled already stays a CancelledError",
          "[any_order]") {
    const DefaultSigint guard;
    Runner runner;
    auto killer = [](AnyTask main) -> Task<> {
        co_await sleep(0s);
        main.cancel();
        std::raise(SIGINT);
    };
    auto program = [&]() -> Task<> {
        create_task(killer(current_task()));
        co_await sleep(1h);
    };
    // The main task is already on its way out when the signal is looked at, so it counts once.
    const std::string end = thrown_by([&] { runner.run(program()); });
    CHECK(end == "CancelledError");
}

TEST_CASE("Runner: a main task that cleans up after Ctrl-C and ends well gives its result") {
    const DefaultSigint guard;
    Runner runner;
    auto program = []() -> Task<std::string> {
        const auto end = co_await told(sleep(1h));
        co_await yield(3);
        co_return end;
    };
    interrupt_soon(runner.get_loop());
    CHECK(runner.run(program()) == "CancelledError");
}

TEST_CASE("Runner: an error of the main task after Ctrl-C goes through", "[any_order]") {
    const DefaultSigint guard;
    Runner runner;
    auto program = []() -> Task<> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
            throw std::runtime_error("bad");
        }
    };
    interrupt_soon(runner.get_loop());
    CHECK(thrown_by([&] { runner.run(program()); }) == "bad");
}

TEST_CASE("Runner: the second Ctrl-C stops at once, with KeyboardInterrupt") {
    const DefaultSigint guard;
    const testing::Balance balance;
    {
        EventLog log;
        Runner runner;
        auto program = [&log]() -> Task<> {
            const auto first = co_await told(sleep(1h));
            log(first);
            std::raise(SIGINT);
            const auto second = co_await told(sleep(1h));
            log(second);
        };
        interrupt_soon(runner.get_loop());
        CHECK(thrown_by([&] { runner.run(program()); }) == "KeyboardInterrupt");
        CHECK(log.joined() == "CancelledError");
        runner.close();  // cancels what the interrupt left
        CHECK(log.joined() == "CancelledError CancelledError");
        CHECK(sigint_handler() == SIG_DFL);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("Runner: leaves SIGINT alone where somebody handles it, and in other threads") {
    const DefaultSigint guard;
    auto look = []() -> Task<bool> { co_return sigint_handler() == SIG_DFL; };
    {
        Runner runner;
        CHECK_FALSE(runner.run(look()));
        CHECK(sigint_handler() == SIG_DFL);
    }
    bool untouched = false;
    std::thread([&] { untouched = run(look()); }).join();
    CHECK(untouched);

    std::signal(SIGINT, SIG_IGN);
    auto ignored = []() -> Task<bool> { co_return sigint_handler() == SIG_IGN; };
    Runner runner;
    CHECK(runner.run(ignored()));
}

TEST_CASE("Runner: KeyboardInterrupt thrown by a task leaves run at once", "[any_order]") {
    Runner runner;
    auto interrupted = []() -> Task<> {
        co_await sleep(0s);
        throw KeyboardInterrupt();
    };
    auto program = [&]() -> Task<> {
        auto task = create_task(interrupted());
        co_await sleep(1h);
    };
    CHECK(thrown_by([&] { runner.run(program()); }) == "KeyboardInterrupt");
    CHECK(thrown_by([&] { runner.run(interrupted()); }) == "KeyboardInterrupt");
}
