// A loop that is run on one thread and ended on another.
#include <ringio/core/event_loop.hpp>

#include <ring/child_process.hpp>
#include <ringio/core.hpp>
#include <ringio/ring.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>

#include <sys/eventfd.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

using namespace ringio;
using namespace std::chrono_literals;
using ringio::test_support::Gate;
using ringio::testing::ChildResult;
using ringio::testing::run_in_child;

namespace {

Task<int> answer() {
    co_await Op(NopRequest{});
    co_return 42;
}

Task<> wait_for_ever(std::shared_ptr<int> held) {
    const Promise<> never = get_running_loop().create_future<void>();
    co_await never.get_future();
    static_cast<void>(held);
}

/// Reads from an eventfd to which nobody writes.
Task<> read_for_ever(int fd) {
    std::uint64_t count = 0;
    co_await Op(ReadRequest{.fd = fd, .buffer = &count, .size = sizeof count});
}

template <class Call>
std::string refusal(Call call) {
    try {
        call();
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("loop threads: a loop is closed on another thread, once its run ended, whatever waits") {
    const auto held = std::make_shared<int>(0);
    const bool thread_lives = GENERATE(false, true);
    auto loop = std::make_unique<EventLoop>();
    loop->set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    Gate gate;
    std::thread thread([&] {
        loop->create_task(wait_for_ever(held));
        loop->call_later(1h, [held] {});
        CHECK(loop->run_until_complete(answer()) == 42);
        if (thread_lives) {
            gate.pass();
        }
    });
    if (thread_lives) {
        gate.wait_until_reached();
    } else {
        thread.join();
    }
    CHECK(held.use_count() == 3);
    loop->close();
    CHECK(loop->is_closed());
    CHECK(held.use_count() == 1);
    loop.reset();
    if (thread_lives) {
        gate.open();
        thread.join();
    }
}

TEST_CASE("loop threads: what was submitted last, and did not reach the kernel, is cancelled") {
    EventLoop loop;
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    const UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
    std::thread([&] {
        loop.call_soon([&] {
            loop.create_task(read_for_ever(fd.get()));
            loop.call_soon([&] { loop.stop(); });
        });
        loop.run_forever();
    }).join();
    CHECK(loop.statistics().operations == 1);
    loop.close();
    CHECK(loop.statistics().operations == 0);
}

TEST_CASE("loop threads: of several that are destroyed elsewhere each is kept for its wake-up") {
    for (int count = 0; count < 3; ++count) {  // a leak checker finds those that are lost
        auto loop = std::make_unique<EventLoop>();
        std::thread([&] { loop->run_until_complete(answer()); }).join();
        loop.reset();
    }
}

TEST_CASE("loop threads: with operations in flight it is closed on its own thread only") {
    EventLoop loop;
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    const UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
    Gate gate;
    std::thread thread([&] {
        loop.create_task(read_for_ever(fd.get()));
        loop.run_until_complete(answer());
        gate.pass();
        loop.close();
    });
    gate.wait_until_reached();
    CHECK_THAT(refusal([&] { loop.close(); }),
               Catch::Matchers::Contains("ran on another thread and has 1 operations in flight"));
    CHECK_FALSE(loop.is_closed());
    gate.open();
    thread.join();
    CHECK(loop.is_closed());
}

TEST_CASE("loop threads: destroyed on another thread with operations in flight it says so") {
    const ChildResult child = run_in_child([] {
        auto loop = std::make_unique<EventLoop>();
        const UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
        std::thread([&] {
            loop->create_task(read_for_ever(fd.get()));
            loop->run_until_complete(answer());
        }).join();
        loop.reset();
    });
    CHECK(WIFEXITED(child.status));
    CHECK_THAT(child.text, Catch::Matchers::Contains("with 1 operations in flight there"));
}

TEST_CASE("loop threads: a loop goes on where it ran first") {
    EventLoop loop;
    Gate gate;
    std::thread thread([&] {
        loop.run_until_complete(answer());
        gate.pass();
        loop.close();
    });
    gate.wait_until_reached();
    CHECK(refusal([&] { loop.run_forever(); }) ==
          "This event loop ran on another thread, and must go on there");
    gate.open();
    thread.join();
}
