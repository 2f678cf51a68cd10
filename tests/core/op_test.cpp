#include <ringio/core/op.hpp>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>

#include <sys/eventfd.h>

#include <ringio/core.hpp>
#include <ringio/ring/file_requests.hpp>
#include <ringio/ring/socket_requests.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "../ring/breaking_kernel.hpp"
#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::EventLog;

namespace {

static_assert(std::is_same_v<AwaitResult<Op<ReadRequest>>, int>);
static_assert(std::is_same_v<AwaitResult<Op<AcceptRequest>>, UniqueFd>);
static_assert(!std::is_copy_constructible_v<detail::OpAwaiter<NopRequest>>);

/// Awaits one request and writes down how that ended.
template <class Request>
Task<> operate(Request request, EventLog& log) {
    try {
        auto result = co_await Op(request);
        if constexpr (std::is_same_v<decltype(result), UniqueFd>) {
            log(result ? "descriptor" : "none");
        } else {
            log(std::to_string(result));
        }
    } catch (const std::system_error& error) {
        log("errno " + std::to_string(error.code().value()));
    } catch (const CancelledError&) {
        log("cancelled");
        throw;
    }
}

int new_descriptor() { return ::eventfd(0, EFD_CLOEXEC); }

}  // namespace

TEST_CASE("op: gives the kernel's result, be it short") {
    ScriptedLoop scripted;
    EventLog log;
    char buffer[16];
    TaskHandle<> task = scripted.loop.create_task(
        operate(ReadRequest{.fd = 0, .buffer = buffer, .size = sizeof buffer}, log));
    scripted.turns();
    REQUIRE(scripted.held() == 1);
    CHECK(scripted.loop.statistics().operations == 1);
    CHECK(scripted.kernel->held[1].len == 16);
    CHECK_FALSE(task.done());
    scripted.answer(3);
    scripted.turns();
    CHECK(log.joined() == "3");
    CHECK(task.done());
    CHECK(scripted.loop.statistics().operations == 0);
}

TEST_CASE("op: an error of the kernel is a system_error that names the request") {
    ScriptedLoop scripted;
    std::string text;
    auto body = [&]() -> Task<> {
        try {
            co_await Op(ReadRequest{});
        } catch (const std::system_error& error) {
            text = error.what();
            CHECK(error.code() == std::errc::io_error);
        }
    };
    scripted.loop.create_task(body());
    scripted.turns();
    scripted.answer(-EIO);
    scripted.turns();
    CHECK(text == "read: Input/output error");
}

TEST_CASE("op: as_outcome gives an error as a value") {
    ScriptedLoop scripted;
    EventLog log;
    auto body = [&]() -> Task<> {
        const Outcome<int> outcome = co_await as_outcome(Op(ReadRequest{}));
        log(detail::describe_exception(outcome.exception()));
    };
    scripted.loop.create_task(body());
    scripted.turns();
    scripted.answer(-EBADF);
    scripted.turns();
    CHECK(log.joined() == "std::system_error: read: Bad file descriptor");
}

TEST_CASE("op: an interrupted request is made again, where that is safe") {
    ScriptedLoop scripted;
    EventLog log;
    scripted.loop.create_task(operate(ReadRequest{}, log));
    scripted.turns();
    for (int i = 0; i < 3; ++i) {
        REQUIRE(scripted.held() == 1);
        scripted.answer(-EINTR);
        scripted.turns();
        CHECK(log.joined().empty());
    }
    scripted.answer(7);
    scripted.turns();
    CHECK(log.joined() == "7");

    scripted.loop.create_task(operate(CloseRequest{.fd = 1000}, log));
    scripted.turns();
    scripted.answer(-EINTR);
    scripted.turns();
    CHECK(log.joined() == "7 errno " + std::to_string(EINTR));
}

TEST_CASE("op: ECANCELED that nobody asked for is an error, not a cancellation") {
    ScriptedLoop scripted;
    EventLog log;
    TaskHandle<> task = scripted.loop.create_task(operate(ReadRequest{}, log));
    scripted.turns();
    scripted.answer(-ECANCELED);
    scripted.turns();
    CHECK(log.joined() == "errno " + std::to_string(ECANCELED));
    CHECK_FALSE(task.cancelled());
}

TEST_CASE("op: a descriptor has an owner") {
    ScriptedLoop scripted;
    const testing::Balance balance;
    EventLog log;
    scripted.loop.create_task(operate(AcceptRequest{}, log));
    scripted.turns();
    scripted.answer(new_descriptor());
    scripted.turns();
    CHECK(log.joined() == "descriptor");
    CHECK(balance.difference() == "");
    CHECK(std::is_same_v<AwaitResult<Op<OpenAtRequest>>, UniqueFd>);
}

TEST_CASE("op: a descriptor that comes while the loop closes is closed") {
    const testing::Balance balance;
    {
        ScriptedLoop scripted;
        Reports reports(scripted.loop);
        EventLog log;
        scripted.loop.create_task(operate(AcceptRequest{}, log));
        scripted.turns();
        REQUIRE(scripted.held() == 1);
        scripted.answer(new_descriptor());
        scripted.loop.close();
        CHECK(log.joined().empty());
        CHECK(reports.seen.size() == 1);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("op: a loop that closes cancels and reaps what is in flight, then destroys the task") {
    const testing::Balance balance;
    {
        ScriptedLoop scripted;
        Reports reports(scripted.loop);
        EventLog log;
        auto held = std::make_shared<int>(1);
        auto body = [](std::shared_ptr<int>, EventLog& events) -> Task<> {
            char buffer[64];
            co_await operate(ReadRequest{.fd = 0, .buffer = buffer, .size = 64}, events);
        };
        scripted.loop.create_task(body(held, log));
        scripted.loop.create_task(operate(NopRequest{}, log));
        scripted.turns();
        REQUIRE(scripted.held() == 2);
        scripted.loop.close();
        CHECK(held.use_count() == 1);
        CHECK(log.joined().empty());
        CHECK(scripted.loop.statistics().operations == 0);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("op: outside a task is an error") {
    EventLoop loop;
    CHECK(thrown<std::runtime_error>([&] { static_cast<void>(loop.machine().ring()); }) ==
          "the event loop has not run yet: it has no ring");
}

TEST_CASE("op: many more requests than the ring has entries") {
    const testing::Balance balance;
    {
        EventLoop loop({.ring_entries = 4});
        int finished = 0;
        auto body = [&]() -> Task<> {
            co_await Op(NopRequest{});
            ++finished;
        };
        auto all = [&]() -> Task<> {
            std::vector<TaskHandle<>> tasks;
            for (int i = 0; i < 10'000; ++i) {
                tasks.push_back(create_task(body()));
            }
            co_await wait(tasks);
        };
        loop.run_until_complete(all());
        CHECK(finished == 10'000);
        CHECK(loop.statistics().operations == 0);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("op: ten thousand in flight on a ring of four, all cancelled") {
    const testing::Balance balance;
    {
        EventLoop loop({.ring_entries = 4});
        const UniqueFd silent(::eventfd(0, EFD_CLOEXEC));
        int cancelled = 0;
        auto body = [&]() -> Task<> {
            try {
                co_await Op(PollRequest{.fd = silent.get(), .mask = 1});
            } catch (const CancelledError&) {
                ++cancelled;
                throw;
            }
        };
        auto all = [&]() -> Task<> {
            std::vector<TaskHandle<>> tasks;
            for (int i = 0; i < 10'000; ++i) {
                tasks.push_back(create_task(body()));
            }
            co_await sleep(0s);
            co_await sleep(0s);
            for (TaskHandle<>& task : tasks) {
                task.cancel();
            }
            co_await wait(tasks);
        };
        loop.run_until_complete(all());
        CHECK(cancelled == 10'000);
        CHECK(loop.statistics().operations == 0);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("op: a refusal says that a filter may be meant, where there may be one") {
    CHECK(detail::describe_failure(EACCES, "openat") == "openat");  // no loop, no kernel
    using testing::BreakingKernel;
    EventLoop loop(LoopOptions{.kernel = testing::kernel_from<BreakingKernel::make>()});
    const auto told = [&loop](int error) {
        std::string text;
        loop.call_soon([&] {
            text = detail::describe_failure(error, "openat");
            loop.stop();
        });
        loop.run_forever();
        return text;
    };
    BreakingKernel::filtered = true;
    for (const int error : {EACCES, EPERM}) {
        CHECK(told(error) ==
              "openat (unless it is about permissions, a filter refuses this operation to "
              "io_uring: allow it, or run with RINGIO_KERNEL=epoll)");
    }
    CHECK(told(ENOENT) == "openat");
    BreakingKernel::filtered = false;
    CHECK(told(EACCES) == "openat");
}
