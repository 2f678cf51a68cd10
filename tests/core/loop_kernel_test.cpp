// Which kernel a loop runs on: who decides, who is told, and that loops of both kinds get along.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <ringio/core.hpp>
#include <ringio/ring.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>

#include "../ring/child_process.hpp"
#include "../ring/seccomp.hpp"
#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::answer_calls;
using ringio::testing::ChildResult;
using ringio::testing::failure;
using ringio::testing::run_in_child;
using ringio::testing::uring_calls;

namespace {

// A thread wakes the loop, a timer ends: what a loop sleeps for.
Task<int> sleeper(int value) {
    EventLoop& loop = get_running_loop();
    Promise<int> promise = loop.create_future<int>();
    Future<int> future = promise.get_future();
    const auto expected = loop.expect_wakeup();
    std::thread waking([&] { loop.call_soon_threadsafe([&] { promise.set_result(value); }); });
    const int result = co_await future;
    waking.join();
    co_await sleep(1ms);
    co_return result;
}

int run_on(EventLoop& loop, int value) { return loop.run_until_complete(sleeper(value)); }

class RemarkableSource final : public KernelSource {
public:
    std::unique_ptr<Kernel> make(unsigned entries) override {
        return std::make_unique<EpollKernel>(
            EpollOptions{.entries = entries, .remark = "epoll is used: for this test"});
    }
};

// Prints the reports of a loop that a child makes with the kernel of its choice.
void print_reports(bool debug) {
    ::unsetenv("RINGIO_KERNEL");
    EventLoop loop(LoopOptions{.debug = debug});
    Reports reports(loop);
    const int result = run_on(loop, 7);
    std::fprintf(stderr, "%d on %s;", result, std::string(loop.kernel_name()).c_str());
    for (const ExceptionContext& report : reports.seen) {
        std::fprintf(stderr, " %s", report.message.c_str());
    }
}

}  // namespace

TEST_CASE("loop kernel: its name is the same before, in and after a run, and when it is closed") {
    for (KernelSource* const source : {&epoll_kernel(), &default_kernel()}) {
        const std::string expected(source->make(8)->name());
        EventLoop loop(LoopOptions{.kernel = source});
        CHECK(loop.kernel_name() == expected);
        std::string_view inside;
        loop.call_soon([&] {
            inside = loop.kernel_name();
            loop.stop();
        });
        loop.run_forever();
        CHECK(inside == expected);
        CHECK(loop.kernel_name() == expected);
        loop.close();
        CHECK(loop.kernel_name() == expected);
    }
}

TEST_CASE("loop kernel: a loop that was closed before it had a kernel has no name for it") {
    EventLoop loop;
    loop.close();
    CHECK(loop.kernel_name().empty());
}

TEST_CASE("loop kernel: to ask for the name sets the kernel up, once") {
    static unsigned made = 0;
    class Counting final : public KernelSource {
    public:
        std::unique_ptr<Kernel> make(unsigned entries) override {
            ++made;
            return epoll_kernel().make(entries);
        }
    };
    static Counting source;
    EventLoop loop(LoopOptions{.kernel = &source});
    CHECK(made == 0);
    CHECK(loop.kernel_name() == "epoll");
    CHECK(loop.kernel_name() == "epoll");
    CHECK(run_on(loop, 3) == 3);
    CHECK(made == 1);
}

TEST_CASE("loop kernel: the program's own word wins over the environment's", "[uring]") {
    const ChildResult child = run_in_child([] {
        ::setenv("RINGIO_KERNEL", "epoll", 1);
        EventLoop environment;
        EventLoop own(LoopOptions{.kernel = &uring_kernel()});
        std::fprintf(stderr, "%s, %s", std::string(environment.kernel_name()).c_str(),
                     std::string(own.kernel_name()).c_str());
        ::setenv("RINGIO_KERNEL", "nonsense", 1);
        EventLoop epoll(LoopOptions{.kernel = &epoll_kernel()});
        std::fprintf(stderr, ", %d on %s", run_on(epoll, 5),
                     std::string(epoll.kernel_name()).c_str());
    });
    CHECK(child.text == "epoll, io_uring, 5 on epoll");
}

TEST_CASE("loop kernel: a value that names none is told by the run, and the loop can go on later") {
    const ChildResult child = run_in_child([] {
        ::setenv("RINGIO_KERNEL", "kqueue", 1);
        EventLoop loop;
        try {
            loop.run_forever();
        } catch (const std::invalid_argument& error) {
            std::fputs(error.what(), stderr);
        }
        ::setenv("RINGIO_KERNEL", "epoll", 1);
        std::fprintf(stderr, "; %d", run_on(loop, 9));
    });
    CHECK(child.text == "RINGIO_KERNEL must be uring, epoll or auto; it is \"kqueue\"; 9");
}

TEST_CASE("loop kernel: loops of both kinds run side by side, and one after the other", "[uring]") {
    const auto run_many = [](KernelSource& source, std::string_view name) {
        for (int round = 0; round < 5; ++round) {
            EventLoop loop(LoopOptions{.kernel = &source});
            if (run_on(loop, round) != round || loop.kernel_name() != name) {
                return false;
            }
        }
        return true;
    };
    bool on_epoll = false;
    std::thread other([&] { on_epoll = run_many(epoll_kernel(), "epoll"); });
    const bool on_uring = run_many(uring_kernel(), "io_uring");
    other.join();
    CHECK(on_epoll);
    CHECK(on_uring);
    CHECK(run_many(epoll_kernel(), "epoll"));
}

TEST_CASE("loop kernel: a restricted ring carries a loop", "[uring]") {
    EventLoop loop(LoopOptions{.kernel = &restricted_uring_kernel()});
    CHECK(run_on(loop, 4) == 4);
    CHECK(loop.kernel_name() == "io_uring");
}

TEST_CASE("loop kernel: in debug mode the exception handler hears the remark, once") {
    static RemarkableSource source;
    EventLoop loop(LoopOptions{.debug = true, .kernel = &source});
    Reports reports(loop);
    CHECK(run_on(loop, 1) == 1);
    CHECK(run_on(loop, 2) == 2);
    CHECK(reports.only() == "epoll is used: for this test");
}

TEST_CASE("loop kernel: without debug mode nobody hears it") {
    static RemarkableSource source;
    EventLoop loop(LoopOptions{.debug = false, .kernel = &source});
    Reports reports(loop);
    CHECK(run_on(loop, 1) == 1);
    CHECK(reports.seen.empty());
}

TEST_CASE("loop kernel: who hears the remark may close the loop: it does not run then") {
    static RemarkableSource source;
    for (const bool asked : {false, true}) {
        EventLoop loop(LoopOptions{.debug = true, .kernel = &source});
        loop.set_exception_handler([](EventLoop& self, const ExceptionContext&) { self.close(); });
        if (asked) {
            CHECK(loop.kernel_name() == "epoll");
        }
        CHECK(thrown<std::runtime_error>([&] { loop.run_forever(); }) == "Event loop is closed");
        CHECK(loop.is_closed());
    }
}

TEST_CASE("loop kernel: who asks for epoll is not told why it is not io_uring") {
    EventLoop loop(LoopOptions{.debug = true, .kernel = &epoll_kernel()});
    Reports reports(loop);
    CHECK(run_on(loop, 1) == 1);
    CHECK(reports.seen.empty());
}

// swoole-src#6114, monoio#359: a program on a host that refuses io_uring.
TEST_CASE("loop kernel: where io_uring is refused a program runs, and debug mode says on what",
          "[uring]") {
    const ChildResult child = run_in_child([] {
        answer_calls(uring_calls(), failure(EPERM));
        print_reports(true);
        std::fputs("\n", stderr);
        print_reports(true);  // the second loop explains itself, too
        std::fputs("\n", stderr);
        print_reports(false);
    });
    INFO(child.text);
    CHECK(child.status == 0);
    const std::string told = "7 on epoll; epoll is used: io_uring cannot be used: ";
    CHECK(child.text.rfind(told, 0) == 0);
    CHECK(child.text.find("\n" + told) != std::string::npos);
    const std::string silent = "\n7 on epoll;";
    CHECK(child.text.rfind(silent) == child.text.size() - silent.size());
    if (read_io_uring_sysctl() <= 0) {
        CHECK(child.text.find("docker run --security-opt seccomp=") != std::string::npos);
    }
}

TEST_CASE("loop kernel: where a filter kills a program runs as well, and is told so", "[uring]") {
    const ChildResult child = run_in_child([] {
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        print_reports(true);
    });
    CHECK(child.status == 0);
    CHECK(child.text.rfind("7 on epoll; epoll is used: a seccomp filter kills", 0) == 0);
}

namespace {

std::unique_ptr<Kernel> announcing_kernel(unsigned entries) {
    auto kernel = std::make_unique<testing::ScriptedKernel>(entries, 2 * entries);
    kernel->flags_that_stay = IORING_SQ_TASKRUN;
    return kernel;
}

Task<bool> waits_for_nobody() {
    Promise<> promise = get_running_loop().create_future<void>();
    co_await promise.get_future();
    co_return true;
}

Task<int> sleeps_for_hours() {
    co_await sleep(3h);
    co_return 3;
}

}  // namespace

TEST_CASE("loop kernel: virtual time passes and deadlocks are found though news stays announced") {
    EventLoop loop(
        LoopOptions{.virtual_time = true, .kernel = testing::kernel_from<&announcing_kernel>()});
    CHECK(loop.run_until_complete(sleeps_for_hours()) == 3);
    CHECK_THROWS_AS(loop.run_until_complete(waits_for_nobody()), DeadlockError);
}
