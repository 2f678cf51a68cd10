// RunOptions::cancel_on: the signals that ask a program to end, and what run() makes of them.
#include "scenario.hpp"

#include <support/signal_action.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "../ring/child_process.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> raise_and_wait(int number) {
    std::raise(number);
    co_await sleep(1h);
}

}  // namespace

TEST_CASE("cancel_on: the signal cancels main, and CancelledError leaves run(), which says why") {
    const testing::Balance balance;
    const SignalAction action(SIGTERM);
    std::string message;
    std::string source;
    try {
        run(raise_and_wait(SIGTERM), {.cancel_on = {SIGINT, SIGTERM}});
    } catch (const CancelledError& error) {
        message = error.message();
        source = error.source().text();
        CHECK(error.source().cause() == CancelCause::signal);
    }
    CHECK(message == "SIGTERM");
    CHECK(source == "cancelled by a signal");
    CHECK(signal_action(SIGTERM) == SIG_DFL);
    CHECK(balance.difference() == "");
}

TEST_CASE("cancel_on: a main that ends in order after the cancel gives its value") {
    const SignalAction action(SIGTERM);
    auto service = []() -> Task<std::string> {
        std::string text;
        try {
            co_await raise_and_wait(SIGTERM);
        } catch (const CancelledError& error) {
            text = error.message();
        }
        co_await sleep(0s);  // the cancel was one
        co_return text + ", ended";
    };
    CHECK(run(service(), {.cancel_on = {SIGTERM}}) == "SIGTERM, ended");
}

TEST_CASE("cancel_on: what main throws in its place goes through") {
    const SignalAction action(SIGTERM);
    auto service = []() -> Task<> {
        try {
            co_await raise_and_wait(SIGTERM);
        } catch (const CancelledError&) {
            throw std::runtime_error("bad");
        }
    };
    CHECK(thrown_by([&] { run(service(), {.cancel_on = {SIGTERM}}); }) == "bad");
}

TEST_CASE("cancel_on: SIGINT is a KeyboardInterrupt, also where it was ignored and in a thread") {
    const SignalAction action(SIGINT, SIG_IGN);
    const auto end = [] {
        return thrown_by([] { run(raise_and_wait(SIGINT), {.cancel_on = {SIGINT, SIGTERM}}); });
    };
    CHECK(end() == "KeyboardInterrupt");
    std::string in_thread;
    std::thread([&] { in_thread = end(); }).join();
    CHECK(in_thread == "KeyboardInterrupt");
    CHECK(signal_action(SIGINT) == SIG_IGN);
}

TEST_CASE("cancel_on: a second one changes nothing, while main ends and while run() cleans up") {
    const SignalAction action(SIGTERM);
    EventLog log;
    auto raises_at_the_end = [&log]() -> Task<> {  // it outlives main
        try {
            co_await sleep(1h);
        } catch (const CancelledError& error) {
            log(error.source().text());
        }
        std::raise(SIGTERM);
        co_await sleep(0s);
        log("cleaned");
    };
    auto service = [&]() -> Task<> {
        create_task(raises_at_the_end());
        try {
            co_await raise_and_wait(SIGTERM);
        } catch (const CancelledError&) {
            log("first");
        }
        std::raise(SIGTERM);
        co_await sleep(1ms);
        log("second");
    };
    run(service(), {.cancel_on = {SIGTERM}});
    CHECK(log.joined() == "first second cancelled by the end of run() cleaned");
}

TEST_CASE("cancel_on: Ctrl-C after another signal stops at once") {
    const SignalAction term(SIGTERM);
    const SignalAction interrupt(SIGINT);
    EventLog log;
    auto hangs = [&log]() -> Task<> {
        try {
            co_await raise_and_wait(SIGTERM);
        } catch (const CancelledError&) {
            log("first");
        }
        co_await raise_and_wait(SIGINT);
        log("not reached");
    };
    CHECK(thrown_by([&] { run(hangs(), {.cancel_on = {SIGTERM}}); }) == "KeyboardInterrupt");
    CHECK(log.joined() == "first");
}

TEST_CASE("cancel_on: one that came between two runs cancels the next one before its first step") {
    const SignalAction action(SIGTERM);
    EventLog log;
    auto body = [&log](std::string name) -> Task<> {
        log(name);
        co_return;
    };
    Runner runner({.cancel_on = {SIGTERM}});
    runner.run(body("first"));
    std::raise(SIGTERM);
    CHECK(thrown_by([&] { runner.run(body("second")); }) == "CancelledError");
    runner.run(body("third"));
    CHECK(log.joined() == "first third");
    runner.close();
    CHECK(signal_action(SIGTERM) == SIG_DFL);
}

TEST_CASE("cancel_on: a handler of the program's takes precedence, until it is removed") {
    const SignalAction action(SIGTERM);
    EventLog log;
    auto service = [&log]() -> Task<> {
        EventLoop& loop = get_running_loop();
        loop.add_signal_handler(SIGTERM, [&log] { log("mine"); });
        std::raise(SIGTERM);
        co_await sleep(1ms);
        loop.remove_signal_handler(SIGTERM);
        co_await raise_and_wait(SIGTERM);
    };
    CHECK(thrown_by([&] { run(service(), {.cancel_on = {SIGTERM}}); }) == "CancelledError");
    CHECK(log.joined() == "mine");
}

TEST_CASE("cancel_on: what cannot be handled is refused before main runs") {
    const testing::Balance balance;
    EventLog log;
    auto body = [&log]() -> Task<> {
        log("ran");
        co_return;
    };
    CHECK(thrown_by([&] { run(body(), {.cancel_on = {SIGTERM, SIGKILL}}); }) ==
          "sig 9 cannot be caught");
    CHECK(thrown_by([&] { run(sleep(0s), {.cancel_on = {77}}); }) == "invalid signal number 77");
    {
        EventLoop other;
        other.add_signal_handler(SIGINT, [] {});
        other.add_signal_handler(SIGUSR1, [] {});
        CHECK(thrown_by([&] { run(body(), {.cancel_on = {SIGUSR1}}); }) ==
              "sig 10 is handled by another event loop already");
        CHECK(thrown_by([&] { run(body(), {.cancel_on = {SIGINT}}); }) ==
              "sig 2 is handled by another event loop already");
    }
    CHECK(log.joined() == "");
    CHECK(balance.difference() == "");
}

TEST_CASE("cancel_on: a loop that only such a signal can wake is no deadlock") {
    const SignalAction action(SIGTERM);
    auto waits = []() -> Task<> {
        std::thread([] {
            std::this_thread::sleep_for(1ms);
            ::kill(::getpid(), SIGTERM);
        }).detach();
        co_await get_running_loop().create_future<void>().get_future();
    };
    CHECK(thrown_by([&] { run(waits(), {.debug = true, .cancel_on = {SIGTERM}}); }) ==
          "CancelledError");
}

TEST_CASE("cancel_on: after run() the signal ends the process, as by default") {
    const testing::ChildResult child = testing::run_in_child([] {
        std::signal(SIGTERM, SIG_DFL);
        auto service = []() -> Task<> {
            try {
                co_await raise_and_wait(SIGTERM);
            } catch (const CancelledError&) {
                std::fputs("in order", stderr);
            }
        };
        run(service(), {.cancel_on = {SIGINT, SIGTERM}});
        std::raise(SIGTERM);
        std::fputs(", still alive", stderr);
    });
    CHECK(child.text == "in order");
    REQUIRE(WIFSIGNALED(child.status));
    CHECK(WTERMSIG(child.status) == SIGTERM);
}
