// The races of a cancellation and a kernel's result, each outcome by name.
#include <ringio/core/op.hpp>

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>

#include <sys/eventfd.h>

#include <ringio/core.hpp>
#include <ringio/ring/file_requests.hpp>
#include <ringio/ring/socket_requests.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

namespace {

/// One request, then a second one: what each of them comes to.
Task<> operate_twice(EventLog& log) {
    for (int i = 0; i < 2; ++i) {
        try {
            const int result = co_await Op(ReadRequest{});
            log(std::to_string(result));
        } catch (const std::system_error& error) {
            log("errno " + std::to_string(error.code().value()));
        } catch (const CancelledError& error) {
            log("cancelled" + error.message());
        }
    }
}

/// One request, and no wait after it.
Task<int> operate_once(EventLog& log) {
    const int result = co_await Op(ReadRequest{});
    log(std::to_string(result));
    co_return result;
}

struct Race {
    ScriptedLoop scripted;
    EventLog log;
    TaskHandle<> task = scripted.loop.create_task(operate_twice(log));

    Race() {
        scripted.turns();
        REQUIRE(scripted.held() == 1);
    }
};

}  // namespace

TEST_CASE("op cancel: the task stays until the request's own completion has come") {
    Race race;
    race.task.cancel("!");
    CHECK_FALSE(race.task.done());
    CHECK(race.log.joined().empty());
    CHECK(race.scripted.kernel->cancels.empty());
    race.scripted.turns();
    CHECK(race.scripted.kernel->cancels.size() == 1);
    CHECK(race.log.joined() == "cancelled!");
    CHECK(race.scripted.held() == 1);  // the second request, which nobody cancelled
    race.scripted.answer(5);
    race.scripted.turns();
    CHECK(race.log.joined() == "cancelled! 5");
    CHECK_FALSE(race.task.cancelled());
}

TEST_CASE("op cancel: EINTR after the cancel is the cancellation, and is not made again") {
    Race race;
    race.task.cancel();
    race.scripted.answer(-EINTR);
    race.scripted.turns();
    CHECK(race.log.joined() == "cancelled");
    race.scripted.answer(1);
    race.scripted.turns();
    CHECK(race.log.joined() == "cancelled 1");
}

TEST_CASE("op cancel: a result in spite of it is delivered, the next wait is cancelled") {
    Race race;
    race.scripted.answer(42);
    race.task.cancel("!");
    race.scripted.turns();
    CHECK(race.log.joined() == "42 cancelled!");
    CHECK(race.scripted.held() == 0);  // the second one never went to the kernel
    CHECK(race.task.done());
    CHECK_FALSE(race.task.cancelled());
}

TEST_CASE("op cancel: an error in spite of it is delivered as well") {
    Race race;
    race.scripted.answer(-EIO);
    race.task.cancel();
    race.scripted.turns();
    CHECK(race.log.joined() == "errno " + std::to_string(EIO) + " cancelled");
}

TEST_CASE("op cancel: completed but not resumed, the result is delivered") {
    Race race;
    race.scripted.loop.call_soon([&] {
        // In this turn the completion was reaped, and the task is queued behind this callback.
        CHECK(race.scripted.held() == 0);
        race.task.cancel("!");
    });
    race.scripted.answer(42);
    race.scripted.turns();
    CHECK(race.log.joined() == "42 cancelled!");
    CHECK(race.scripted.kernel->cancels.empty());
}

TEST_CASE("op cancel: a cancellation that lost the race is forgotten when the task returns") {
    for (const bool completed : {false, true}) {
        ScriptedLoop scripted;
        EventLog log;
        TaskHandle<int> task = scripted.loop.create_task(operate_once(log));
        scripted.turns();
        scripted.answer(42);
        if (completed) {
            scripted.loop.call_soon([&] { task.cancel(); });
        } else {
            task.cancel();
        }
        scripted.turns();
        REQUIRE(task.done());
        CHECK_FALSE(task.cancelled());
        CHECK(task.result() == 42);
        CHECK(task.cancelling() == 1);
    }
}

TEST_CASE("op cancel: a lost cancellation that is taken back is not raised later") {
    ScriptedLoop scripted;
    EventLog log;
    auto body = [&]() -> Task<> {
        const int result = co_await Op(ReadRequest{});
        log(std::to_string(result));
        CHECK(current_task().uncancel() == 0);
        co_await sleep(0s);
        log("went on");
    };
    TaskHandle<> task = scripted.loop.create_task(body());
    scripted.turns();
    scripted.answer(42);
    task.cancel();
    scripted.turns();
    CHECK(log.joined(", ") == "42, went on");
}

TEST_CASE("op cancel: due before the request, nothing is submitted") {
    ScriptedLoop scripted;
    EventLog log;
    auto body = [&]() -> Task<> {
        current_task().cancel("!");
        co_await operate_twice(log);
    };
    TaskHandle<> task = scripted.loop.create_task(body());
    scripted.turns();
    CHECK(log.joined() == "cancelled!");
    CHECK(scripted.held() == 1);
    CHECK(scripted.kernel->cancels.empty());
    scripted.answer(5);
    scripted.turns();
    CHECK(log.joined() == "cancelled! 5");
}

TEST_CASE("op cancel: again while a refused one is on its way is still one CancelledError") {
    ScriptedLoop scripted;
    EventLog log;
    auto body = [&]() -> Task<> {
        current_task().cancel("?");
        co_await operate_twice(log);
    };
    TaskHandle<> task = scripted.loop.create_task(body());
    scripted.loop.call_soon([&] { task.cancel("!"); });
    scripted.turns();
    CHECK(log.joined() == "cancelled!");
    CHECK(task.cancelling() == 2);
    CHECK(scripted.held() == 1);
    scripted.answer(5);
    scripted.turns();
    CHECK(log.joined() == "cancelled! 5");
}

TEST_CASE("op cancel: in the turn of the submission, the kernel never hears of it") {
    ScriptedLoop scripted;
    EventLog log;
    TaskHandle<> task = scripted.loop.create_task(operate_twice(log));
    scripted.loop.call_soon([&] {
        CHECK(scripted.held() == 0);
        task.cancel();
    });
    scripted.turns();
    CHECK(log.joined() == "cancelled");
    CHECK(scripted.kernel->cancels.empty());
    CHECK(scripted.kernel->held.at(1).opcode == 0);  // IORING_OP_NOP, in its place
    scripted.answer(0);
    scripted.answer(7);
    scripted.turns();
    CHECK(log.joined() == "cancelled 7");
}

TEST_CASE("op cancel: twice is one cancel, and one CancelledError") {
    Race race;
    race.task.cancel();
    race.task.cancel("!");
    race.scripted.turns();
    CHECK(race.scripted.kernel->cancels.size() == 1);
    CHECK(race.log.joined() == "cancelled!");
    CHECK(race.task.cancelling() == 2);
    race.scripted.answer(5);
    race.scripted.turns();
    CHECK(race.log.joined() == "cancelled! 5");
}

TEST_CASE("op cancel: again between the completion and the resumption is still one error") {
    Race race;
    race.task.cancel();
    race.scripted.loop.call_soon([&] {
        // In this turn the ECANCELED was reaped, and the task is queued behind this callback.
        CHECK(race.scripted.kernel->cancels.size() == 1);
        CHECK(race.log.joined().empty());
        race.task.cancel("!");
    });
    race.scripted.turns();
    CHECK(race.log.joined() == "cancelled!");
    CHECK(race.scripted.kernel->cancels.size() == 1);
    REQUIRE(race.scripted.held() == 1);
    race.scripted.answer(5);
    race.scripted.turns();
    CHECK(race.log.joined() == "cancelled! 5");
}

TEST_CASE("op cancel: a descriptor that won the race is the task's, none is lost") {
    const testing::Balance balance;
    {
        ScriptedLoop scripted;
        EventLog log;
        auto body = [&]() -> Task<> {
            UniqueFd accepted;
            accepted = co_await Op(AcceptRequest{});
            log(accepted ? "accepted" : "nothing");
            co_await sleep(0s);
            log("not reached");
        };
        TaskHandle<> task = scripted.loop.create_task(body());
        scripted.turns();
        scripted.answer(::eventfd(0, EFD_CLOEXEC));
        task.cancel();
        scripted.turns();
        CHECK(log.joined() == "accepted");
        CHECK(task.cancelled());
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("op cancel: as_outcome raises a cancellation of the task itself") {
    ScriptedLoop scripted;
    auto body = [&]() -> Task<> {
        const Outcome<int> outcome = co_await as_outcome(Op(ReadRequest{}));
        CHECK_FALSE(outcome.has_value());
    };
    TaskHandle<> task = scripted.loop.create_task(body());
    scripted.turns();
    task.cancel();
    scripted.turns();
    CHECK(task.cancelled());
}

TEST_CASE("op cancel: the kernel that cannot cancel any more keeps the task waiting") {
    Race race;
    // The request is not found: it runs where a cancel does not reach it.
    const auto request = race.scripted.kernel->held[1];
    race.scripted.kernel->held.pop_back();
    race.task.cancel();
    race.scripted.turns(10);
    CHECK(race.log.joined().empty());
    CHECK(race.scripted.loop.statistics().operations == 1);
    race.scripted.kernel->post(request.user_data, 9);
    race.scripted.turns();
    CHECK(race.log.joined() == "9 cancelled");
}

ASYNC_TEST_CASE("op cancel: a deadline on a poll of the real kernel") {
    const UniqueFd silent(::eventfd(0, EFD_CLOEXEC));
    auto body = [&]() -> Task<> { co_await Op(PollRequest{.fd = silent.get(), .mask = 1}); };
    bool timed_out = false;
    try {
        co_await timeout(1ms, body);
    } catch (const TimeoutError&) {
        timed_out = true;
    }
    CHECK(timed_out);
}
