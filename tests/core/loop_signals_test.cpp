// add_signal_handler() and remove_signal_handler(), and who takes a signal that several want.
#include <ringio/core/loop_signals.hpp>

#include <ringio/sync.hpp>
#include <ringio/testing.hpp>
#include <support/signal_action.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <thread>

#include "../ring/child_process.hpp"
#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using testing::EventLog;

namespace {

/// Logs a name at each call.
auto logs(EventLog& log, std::string name) {
    return [&log, name = std::move(name)] { log(name); };
}

Task<> waits_for_ever() { co_await get_running_loop().create_future<void>().get_future(); }

}  // namespace

TEST_CASE("add_signal_handler: the handler runs on the loop, not within the signal") {
    EventLoop loop;
    EventLog log;
    loop.add_signal_handler(SIGUSR1, logs(log, "handler"));
    loop.call_soon([&] {
        std::raise(SIGUSR1);
        log("raised");
    });
    run_one_turn(loop);
    CHECK(log.joined() == "raised");
    run_one_turn(loop);
    CHECK(log.joined() == "raised handler");
}

TEST_CASE("add_signal_handler: is given its arguments each time") {
    EventLoop loop;
    EventLog log;
    loop.add_signal_handler(
        SIGUSR1,
        [&log](const std::string& text, int number) { log(text + std::to_string(number)); },
        std::string("n"), 7);
    std::raise(SIGUSR1);
    run_one_turn(loop);
    std::raise(SIGUSR1);
    run_one_turn(loop);
    CHECK(log.joined() == "n7 n7");
}

TEST_CASE("add_signal_handler: wakes a loop that sleeps, whatever thread the signal comes on") {
    EventLoop loop;
    bool called = false;
    loop.add_signal_handler(SIGUSR1, [&] {
        called = true;
        loop.stop();
    });
    std::thread sender([] { std::raise(SIGUSR1); });
    loop.run_forever();
    sender.join();
    CHECK(called);
    loop.add_signal_handler(SIGUSR1, [&] { loop.stop(); });
    loop.call_soon([] { ::kill(::getpid(), SIGUSR1); });
    loop.run_forever();
}

TEST_CASE("add_signal_handler: a signal that comes before the loop runs is kept") {
    EventLoop loop;
    EventLog log;
    loop.add_signal_handler(SIGUSR1, logs(log, "handler"));
    std::raise(SIGUSR1);
    CHECK(log.joined() == "");
    run_one_turn(loop);
    CHECK(log.joined() == "handler");
}

TEST_CASE("add_signal_handler: handlers of one wake run in the order of their adding, once each") {
    EventLoop loop;
    EventLog log;
    loop.add_signal_handler(SIGUSR2, logs(log, "usr2"));
    loop.add_signal_handler(SIGHUP, logs(log, "hup"));
    loop.add_signal_handler(SIGUSR1, logs(log, "usr1"));
    for (const int number : {SIGUSR1, SIGHUP, SIGUSR1, SIGUSR2, SIGUSR1}) {
        std::raise(number);
    }
    run_one_turn(loop);
    CHECK(log.joined() == "usr2 hup usr1");
    run_one_turn(loop);
    CHECK(log.joined() == "usr2 hup usr1");
}

TEST_CASE("add_signal_handler: replaces the handler of the loop, which is destroyed") {
    EventLoop loop;
    EventLog log;
    const auto held = std::make_shared<int>(0);
    loop.add_signal_handler(SIGUSR1, [&log, held] { log("old"); });
    std::raise(SIGUSR1);  // for whoever is there when the loop looks
    loop.add_signal_handler(SIGUSR1, logs(log, "new"));
    CHECK(held.use_count() == 1);
    run_one_turn(loop);
    CHECK(log.joined() == "new");
}

TEST_CASE("add_signal_handler: one that is replaced when it is due already hands its call on") {
    EventLoop loop;
    EventLog log;
    loop.add_signal_handler(SIGUSR1, [&] { loop.add_signal_handler(SIGUSR2, logs(log, "new")); });
    loop.add_signal_handler(SIGUSR2, logs(log, "old"));
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    run_one_turn(loop);
    run_one_turn(loop);
    CHECK(log.joined() == "new");
}

TEST_CASE("add_signal_handler: what it throws goes to the exception handler, and it stays") {
    EventLoop loop;
    Reports reports(loop);
    loop.add_signal_handler(SIGUSR1, [] { throw std::runtime_error("bad"); });
    std::raise(SIGUSR1);
    run_one_turn(loop);
    CHECK_THAT(reports.only(), Catch::Matchers::StartsWith("Exception in callback ") &&
                                   Catch::Matchers::Contains("bad"));
    std::raise(SIGUSR1);
    run_one_turn(loop);
    CHECK(reports.seen.size() == 2);
    loop.add_signal_handler(SIGUSR1, [] { throw KeyboardInterrupt(); });
    std::raise(SIGUSR1);
    CHECK_THROWS_AS(run_one_turn(loop), KeyboardInterrupt);
}

TEST_CASE("add_signal_handler: runs in the context in which it was added") {
    EventLoop loop;
    ContextVar<int> variable("loop_signals_test", 0);
    int seen = 0;
    auto token = variable.set(7);
    loop.add_signal_handler(SIGUSR1, [&] {
        seen = variable.get();
        variable.set(seen + 1);
    });
    variable.reset(token);
    std::raise(SIGUSR1);
    run_one_turn(loop);
    CHECK(seen == 7);
    std::raise(SIGUSR1);
    run_one_turn(loop);
    CHECK(seen == 8);  // as with asyncio's Handle, which is the same each time
    CHECK(variable.get() == 0);
}

TEST_CASE("add_signal_handler: what cannot be handled is refused, and changes nothing") {
    EventLoop loop;
    const auto add = [&loop](int number) {
        return [&loop, number] { loop.add_signal_handler(number, [] {}); };
    };
    CHECK(thrown<std::invalid_argument>(add(77)) == "invalid signal number 77");
    CHECK(thrown<std::invalid_argument>(add(-1)) == "invalid signal number -1");
    CHECK(thrown<std::runtime_error>(add(SIGKILL)) == "sig 9 cannot be caught");
    CHECK(thrown<std::runtime_error>(add(SIGSTOP)) == "sig 19 cannot be caught");
    CHECK(thrown<std::runtime_error>(add(32)) == "sig 32 cannot be caught");
    CHECK_THAT(thrown<std::runtime_error>(add(SIGSEGV)),
               Catch::Matchers::StartsWith("sig 11 cannot be handled by an event loop"));
    CHECK(thrown<std::invalid_argument>([&] { loop.add_signal_handler(SIGUSR1, nullptr); }) ==
          "the callback is null; pass a callable");
    CHECK(signal_action(SIGUSR1) == SIG_DFL);
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
    loop.close();
    CHECK(thrown<std::runtime_error>(add(SIGUSR1)) == "Event loop is closed");
    CHECK(thrown<std::runtime_error>(add(SIGKILL)) == "sig 9 cannot be caught");
}

TEST_CASE("remove_signal_handler: says whether there was one, and restores what was before") {
    const SignalAction action(SIGUSR1, SIG_IGN);
    EventLoop loop;
    EventLog log;
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
    CHECK_FALSE(loop.remove_signal_handler(SIGKILL));
    CHECK(thrown<std::invalid_argument>([&] { loop.remove_signal_handler(77); }) ==
          "invalid signal number 77");
    loop.add_signal_handler(SIGUSR1, logs(log, "handler"));
    CHECK(signal_action(SIGUSR1) != SIG_IGN);
    CHECK(loop.remove_signal_handler(SIGUSR1));
    CHECK(signal_action(SIGUSR1) == SIG_IGN);
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
    std::raise(SIGUSR1);
    run_one_turn(loop);
    CHECK(log.joined() == "");
}

TEST_CASE("remove_signal_handler: a handler that was removed is not called, though it is due") {
    EventLoop loop;
    EventLog log;
    loop.add_signal_handler(SIGUSR1, [&] {
        CHECK(loop.remove_signal_handler(SIGUSR2));
        CHECK(loop.remove_signal_handler(SIGUSR1));  // itself
        log("first");
    });
    loop.add_signal_handler(SIGUSR2, logs(log, "second"));
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    run_one_turn(loop);
    run_one_turn(loop);
    CHECK(log.joined() == "first");
    loop.add_signal_handler(SIGUSR1, logs(log, "third"));
    std::raise(SIGUSR1);
    CHECK(loop.remove_signal_handler(SIGUSR1));  // before the loop has looked
    loop.add_signal_handler(SIGUSR1, logs(log, "fourth"));
    run_one_turn(loop);
    CHECK(log.joined() == "first");
}

TEST_CASE("add_signal_handler: the end of a loop removes all, and restores what was before") {
    const SignalAction ignored(SIGUSR2, SIG_IGN);
    const auto held = std::make_shared<int>(0);
    EventLoop loop;
    loop.add_signal_handler(SIGUSR1, [held] {});
    loop.add_signal_handler(SIGUSR2, [held] {});
    std::raise(SIGUSR1);
    loop.close();
    CHECK(held.use_count() == 1);
    CHECK(signal_action(SIGUSR1) == SIG_DFL);
    CHECK(signal_action(SIGUSR2) == SIG_IGN);
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
}

TEST_CASE("add_signal_handler: a signal that comes while its loop ends is the loop's last") {
    EventLog log;
    {
        EventLoop loop;
        struct RaisesAtEnd {
            ~RaisesAtEnd() { std::raise(SIGUSR1); }
        };
        loop.add_signal_handler(SIGUSR1, logs(log, "handler"));
        loop.call_soon([raises = std::make_shared<RaisesAtEnd>()] {});
    }
    CHECK(log.joined() == "");
    CHECK(signal_action(SIGUSR1) == SIG_DFL);
}

TEST_CASE("add_signal_handler: a signal belongs to one loop at a time, of whatever thread") {
    EventLoop loop;
    loop.add_signal_handler(SIGUSR1, [] {});
    std::string refusal;
    bool called = false;
    std::thread([&] {
        EventLoop other;
        refusal = thrown<std::runtime_error>([&] { other.add_signal_handler(SIGUSR1, [] {}); });
        CHECK_FALSE(other.remove_signal_handler(SIGUSR1));
        other.add_signal_handler(SIGUSR2, [&] {
            called = true;
            other.stop();
        });
        ::kill(::getpid(), SIGUSR2);  // comes on whatever thread
        other.run_forever();
    }).join();
    CHECK(refusal == "sig 10 is handled by another event loop already");
    CHECK(called);
    CHECK(loop.remove_signal_handler(SIGUSR1));
}

TEST_CASE("add_signal_handler: a loop that only a signal can wake is no deadlock") {
    bool called = false;
    auto program = [&]() -> Task<> {
        Event event;
        get_running_loop().add_signal_handler(SIGUSR1, [&] {
            called = true;
            event.set();
        });
        std::thread([] {
            std::this_thread::sleep_for(1ms);
            ::kill(::getpid(), SIGUSR1);
        }).detach();
        co_await event.wait();
        get_running_loop().remove_signal_handler(SIGUSR1);
        co_await waits_for_ever();
    };
    CHECK_THROWS_AS(run(program(), {.debug = true}), DeadlockError);
    CHECK(called);
}

TEST_CASE("add_signal_handler: virtual time goes on while signals are waited for") {
    int called = 0;
    auto waits = [&]() -> Task<> {
        get_running_loop().add_signal_handler(SIGUSR1, [&] { ++called; });
        get_running_loop().call_later(1h, [] { std::raise(SIGUSR1); });
        co_await sleep(2h);
    };
    testing::run_virtual(waits());
    CHECK(called == 1);
}

TEST_CASE("add_signal_handler: in the child of a fork() the loop's is refused, its own works") {
    const SignalAction action(SIGTERM);
    int parents = 0;
    auto parent = [&]() -> Task<testing::ChildResult> {
        EventLoop& loop = get_running_loop();
        loop.add_signal_handler(SIGTERM, [&] { ++parents; });
        testing::ChildResult child = testing::run_in_child([&] {
            std::fputs(thrown<std::runtime_error>([&] {
                           loop.add_signal_handler(SIGUSR1, [] {});
                       }).c_str(),
                       stderr);
            auto of_the_child = []() -> Task<> {
                Event event;
                get_running_loop().add_signal_handler(SIGTERM, [&] { event.set(); });
                ::kill(::getpid(), SIGTERM);
                co_await event.wait();
                std::fputs(", the child's", stderr);
            };
            run(of_the_child());
            loop.remove_signal_handler(SIGTERM);  // without effect on the child
            std::fputs(signal_action(SIGTERM) == SIG_DFL ? ", default" : ", other", stderr);
        });
        co_await sleep(1ms);
        CHECK(parents == 0);
        ::kill(::getpid(), SIGTERM);
        co_await sleep(1ms);
        co_return child;
    };
    const testing::ChildResult child = run(parent());
    CHECK(child.status == 0);
    CHECK_THAT(child.text, Catch::Matchers::StartsWith("an event loop is used in the child") &&
                               Catch::Matchers::EndsWith(", the child's, default"));
    CHECK(parents == 1);
    CHECK(signal_action(SIGTERM) == SIG_DFL);
}

TEST_CASE(
    "add_signal_handler: a handler of SIGINT takes the place of Ctrl-C, until it is removed") {
    const SignalAction action(SIGINT);
    EventLog log;
    auto program = [&]() -> Task<> {
        EventLoop& loop = get_running_loop();
        loop.add_signal_handler(SIGINT, logs(log, "mine"));
        for (int count = 0; count < 3; ++count) {
            std::raise(SIGINT);
            co_await sleep(1ms);
        }
        CHECK(loop.remove_signal_handler(SIGINT));
        CHECK(signal_action(SIGINT) != SIG_DFL);
        try {
            std::raise(SIGINT);
            co_await sleep(1h);
        } catch (const CancelledError& error) {
            log(error.source().text());
            throw;
        }
    };
    CHECK_THROWS_AS(run(program()), KeyboardInterrupt);
    CHECK(log.joined() == "mine mine mine cancelled by Ctrl-C");
    CHECK(signal_action(SIGINT) == SIG_DFL);
}

TEST_CASE("add_signal_handler: many threads send, one loop hears, and removes in between") {
    const SignalAction action(SIGUSR1, SIG_IGN);
    EventLoop loop;
    int called = 0;
    std::atomic<bool> stop = false;
    std::vector<std::thread> senders;
    for (int count = 0; count < 3; ++count) {
        senders.emplace_back([&stop] {
            while (!stop.load()) {
                std::raise(SIGUSR1);
                std::this_thread::yield();
            }
        });
    }
    for (int round = 0; round < 50; ++round) {
        const int before = called;
        loop.add_signal_handler(SIGUSR1, [&] {
            ++called;
            loop.stop();
        });
        loop.run_forever();
        CHECK(called > before);
        CHECK(loop.remove_signal_handler(SIGUSR1));
    }
    stop = true;
    for (std::thread& sender : senders) {
        sender.join();
    }
}
