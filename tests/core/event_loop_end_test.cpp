// How a loop ends: whatever destructors start, with a ring that is lost, and without one.
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>

#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>
#include <support/printed.hpp>

#include "../ring/breaking_kernel.hpp"
#include "../ring/child_process.hpp"
#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> ends_at_once() { co_return; }
Task<> never_ends() { co_await sleep(1h); }
Task<> waits_in_the_kernel() {
    const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
    co_await Op(PollRequest{.fd = event.get(), .mask = POLLIN});
}

/// Its destructor starts something new in the loop, `left` times in a chain.
class StartsMore {
public:
    StartsMore(EventLoop& loop, int left) : loop_(&loop), left_(left) {}
    StartsMore(const StartsMore&) = delete;
    StartsMore& operator=(const StartsMore&) = delete;
    ~StartsMore() {
        if (left_ == 0) {
            loop_->create_task(ends_at_once());
            return;
        }
        auto next = std::make_shared<StartsMore>(*loop_, left_ - 1);
        switch (left_ % 3) {
            case 0:
                loop_->call_soon([next] {});
                break;
            case 1:
                loop_->call_later(1h, [next] {});
                break;
            default:
                loop_->create_task(holds(std::move(next)));
        }
    }

private:
    static Task<> holds(std::shared_ptr<StartsMore>) { co_await never_ends(); }

    EventLoop* loop_;
    int left_;
};

std::unique_ptr<Kernel> refuse(unsigned) {
    throw std::system_error(EPERM, std::system_category(), "no ring for you");
}

}  // namespace

TEST_CASE("event loop: close() goes on until what destructors start is gone, too") {
    const std::ptrdiff_t before = detail::live_frames();
    for (int chain = 0; chain < 12; ++chain) {
        {
            EventLoop loop;
            Reports reports(loop);
            loop.run_until_complete(sleep(0s));
            loop.call_later(1h, [more = std::make_shared<StartsMore>(loop, chain)] {});
            loop.close();
            CHECK(loop.statistics().tasks == 0);
            CHECK(loop.statistics().timers == 0);
        }
        CHECK(detail::live_frames() == before);
    }
}

TEST_CASE(
    "event loop: a ring that is lost is given up with a sentence, and what is pending stays") {
    const testing::ChildResult child = testing::run_in_child([] {
        std::string caught;
        {
            EventLoop loop({.kernel = testing::kernel_from<&testing::BreakingKernel::make>()});
            loop.call_soon([] { testing::BreakingKernel::broken = true; });
            try {
                loop.run_until_complete(waits_in_the_kernel());
            } catch (const std::system_error& error) {
                caught = error.what();
            }
            loop.call_later(1h, [] {});
        }
        std::fprintf(stderr, "caught: %s\n", caught.c_str());
    });
    CHECK(WIFEXITED(child.status));
    CHECK(child.text.find("an event loop is closed whose ring cannot go on") != std::string::npos);
    CHECK(child.text.find("caught: the kernel had no memory for a completion") !=
          std::string::npos);
}

TEST_CASE("event loop: a handle to what a lost loop left finds it closed") {
    const testing::ChildResult child = testing::run_in_child([] {
        TimerHandle timer;
        TaskHandle<> task;
        {
            EventLoop loop({.kernel = testing::kernel_from<&testing::BreakingKernel::make>()});
            Reports reports(loop);
            loop.call_soon([] { testing::BreakingKernel::broken = true; });
            timer = loop.call_later(1h, [] {});
            task = loop.create_task(waits_in_the_kernel());
            try {
                loop.run_forever();
            } catch (const std::system_error&) {
            }
            loop.close();
        }
        timer.cancel();
        task.cancel();
        std::fputs(task.done() ? "done" : "left", stderr);
    });
    CHECK(WIFEXITED(child.status));
    CHECK(child.text == "left");
}

TEST_CASE("event loop: a kernel that refuses a ring throws its text out of run(), and no more") {
    std::string text;
    const std::string words = printed([&] {
        text = thrown<std::system_error>(
            [] { run(never_ends(), {.loop = {.kernel = testing::kernel_from<&refuse>()}}); });
        {
            Runner runner({.loop = {.kernel = testing::kernel_from<&refuse>()}});
            CHECK_THROWS_AS(runner.run(never_ends()), std::system_error);
        }
        {
            EventLoop loop({.kernel = testing::kernel_from<&refuse>()});
            CHECK_THROWS_AS(loop.run_until_complete(never_ends()), std::system_error);
            Task<> named = never_ends();
            CHECK_THROWS_AS(loop.run_until_complete(named), std::system_error);
        }
    });
    CHECK(text.find("no ring for you") == 0);
    CHECK(words == "");
}

TEST_CASE("event loop: a read of the wake descriptor that fails for good ends the run") {
    ScriptedLoop scripted;
    scripted.kernel->answer(0, -EBADF);
    const unsigned before = scripted.kernel->entries_made;
    const std::string text =
        thrown<std::system_error>([&] { scripted.loop.run_until_complete(never_ends()); });
    CHECK(text.find("other threads cannot wake the event loop any more") == 0);
    CHECK(scripted.kernel->entries_made - before < 10);
    run_one_turn(scripted.loop);  // another run asks again
    CHECK(scripted.kernel->held.size() == 1);
}
