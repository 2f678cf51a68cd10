// What a loop is in the child of a fork(): nothing that can be used, nothing that does harm, and no
// obstacle to a loop of the child's own.
#include <array>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core.hpp>
#include <ringio/io.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>

#include <sys/socket.h>

#include "../ring/child_process.hpp"
#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

constexpr const char* refusal = "an event loop is used in the child of a fork()";

bool prints(const testing::ChildResult& child, const char* text) {
    return child.text.find(text) != std::string::npos;
}

/// Says so when it is destroyed.
struct SaysGoodbye {
    ~SaysGoodbye() { std::fputs("goodbye", stderr); }
};

Task<> sleeps_on() { co_await sleep(1h); }
Task<> receives_once(int fd) {
    char buffer[8];
    co_await Op(RecvRequest{.fd = fd, .buffer = buffer, .size = sizeof(buffer)});
}
Task<int> doubled(int number) {
    co_await sleep(1ms);
    co_return 2 * number;
}

Task<int> last_doubled() {
    std::vector<Task<int>> tasks;
    for (int number = 0; number < 100; ++number) {
        tasks.push_back(doubled(number));
    }
    const std::vector<int> results = co_await gather(std::move(tasks));
    co_return results.back();
}

/// Forks within a task; gives the child's result.
template <class Body>
testing::ChildResult fork_in_task(Body body) {
    auto forks = [&]() -> Task<testing::ChildResult> {
        co_await sleep(0s);
        testing::ChildResult child = testing::run_in_child(body);
        co_await sleep(1ms);
        co_return child;
    };
    return run(forks());
}

}  // namespace

TEST_CASE("fork: a loop that is destroyed in the child only lets go") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const UniqueFd here(ends[0]);
    const UniqueFd there(ends[1]);
    auto loop = std::make_unique<EventLoop>();
    loop->set_exception_handler([](EventLoop&, const ExceptionContext& context) {
        std::fputs(context.message.c_str(), stderr);
    });
    const TaskHandle<> task = loop->create_task(receives_once(here.get()));
    TimerHandle timer = loop->call_later(1h, [goodbye = std::make_shared<SaysGoodbye>()] {});
    run_one_turn(*loop);
    loop->call_soon([goodbye = std::make_shared<SaysGoodbye>()] {});

    const testing::ChildResult destroyed = testing::run_in_child([&] {
        loop.reset();
        timer.cancel();
        std::fputs(task.done() ? "done" : "left", stderr);
    });
    CHECK(destroyed.status == 0);
    CHECK(destroyed.text == "goodbyeleft");  // the timer's, which its handle cancelled

    const testing::ChildResult closed = testing::run_in_child([&] {
        loop->close();
        loop->close();
        std::fputs(loop->is_closed() ? "closed" : "open", stderr);
    });
    CHECK(closed.status == 0);
    CHECK(closed.text == "closed");

    // The parent's goes on as if nothing had been.
    REQUIRE(::send(there.get(), "x", 1, MSG_NOSIGNAL) == 1);
    loop->run_until_complete(task);
    loop->set_exception_handler({});
}

TEST_CASE("fork: any other use in the child says so") {
    EventLoop loop;
    loop.run_until_complete(sleep(0s));
    const testing::ChildResult runs = testing::run_in_child([&] {
        std::fputs(
            thrown<std::runtime_error>([&] { loop.run_until_complete(sleeps_on()); }).c_str(),
            stderr);
    });
    CHECK(runs.status == 0);
    CHECK(prints(runs, refusal));

    const testing::ChildResult posts = testing::run_in_child([&] {
        std::fputs(thrown<std::runtime_error>([&] { loop.call_soon_threadsafe([] {}); }).c_str(),
                   stderr);
    });
    CHECK(posts.status == 0);
    CHECK(prints(posts, refusal));
}

TEST_CASE("fork: a child that returns to the parent's loop is stopped before another step runs") {
    auto forks = [](testing::ChildResult& child) -> Task<> {
        const auto other = create_task(sleeps_on());
        get_running_loop().call_soon([] { std::fputs("another step", stderr); });
        // run_in_child() would end the child itself.
        int ends[2] = {-1, -1};
        REQUIRE(::pipe(ends) == 0);
        const pid_t pid = ::fork();
        if (pid == 0) {
            std::signal(SIGABRT, SIG_DFL);
            ::dup2(ends[1], STDERR_FILENO);
            co_return;
        }
        ::close(ends[1]);
        char buffer[1024];
        for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
            child.text.append(buffer, static_cast<std::size_t>(n));
        }
        ::close(ends[0]);
        REQUIRE(::waitpid(pid, &child.status, 0) == pid);
    };
    testing::ChildResult child;
    run(forks(child));
    CHECK(child.aborted());
    CHECK(prints(child, refusal));
    CHECK(child.text.find("another step") == std::string::npos);
}

TEST_CASE("fork: in the child of a running task no loop runs, and one of its own may") {
    const testing::ChildResult child = fork_in_task([] {
        std::fprintf(stderr, "%s\n",
                     thrown<std::runtime_error>([] { get_running_loop(); }).c_str());
        std::fprintf(stderr, "%d\n", run(doubled(21)));
        std::fprintf(stderr, "%d\n", run(doubled(4)));
    });
    CHECK(child.status == 0);
    CHECK(child.text == "no running event loop\n42\n8\n");
}

TEST_CASE("fork: an await in the child of a running task says that no loop runs") {
    auto forks = []() -> Task<std::string> {
        std::string text;
        const pid_t pid = ::fork();
        if (pid == 0) {
            try {
                co_await sleep(1ms);
            } catch (const std::runtime_error& error) {
                text = error.what();
            }
            ::_exit(text == "no running event loop" ? 0 : 1);
        }
        int status = -1;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        co_return status == 0 ? "said" : "not said";
    };
    CHECK(run(forks()) == "said");
}

TEST_CASE("fork: Ctrl-C in the child is the child's, and reaches a run() of its own") {
    // Catch2 handles SIGINT itself; a Runner only takes it over where nobody does.
    struct sigaction before = {};
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGINT, &action, &before);
    const ScopeExit restore([&] { ::sigaction(SIGINT, &before, nullptr); });
    const testing::ChildResult child = fork_in_task([] {
        auto interrupted = []() -> Task<> {
            ::raise(SIGINT);
            co_await sleeps_on();
        };
        try {
            run(interrupted());
        } catch (const KeyboardInterrupt&) {
            std::fputs("interrupted", stderr);
        }
    });
    CHECK(child.status == 0);
    CHECK(child.text == "interrupted");
}

TEST_CASE("fork: a Runner that is destroyed in the child cancels nothing") {
    Runner runner;
    auto main = []() -> Task<> {
        auto says_when_cancelled = []() -> Task<> {
            try {
                co_await sleeps_on();
            } catch (const CancelledError&) {
                std::fputs("cancelled", stderr);
            }
        };
        create_task(says_when_cancelled());
        co_await sleep(1ms);
    };
    runner.run(main());
    const testing::ChildResult child = testing::run_in_child([&] { runner.close(); });
    CHECK(child.status == 0);
    CHECK(child.text == "");
    const std::string words = printed([&] { runner.close(); });
    CHECK(words == "cancelled");
}

TEST_CASE("fork: transfers in the child of a running task need no loop") {
    const testing::ChildResult child = [] {
        auto forks = []() -> Task<testing::ChildResult> {
            testing::ChildResult result;
            const pid_t pid = ::fork();
            if (pid == 0) {
                auto one = []() -> Task<int> { co_return 1; };
                int sum = 0;
                for (int count = 0; count < 1000; ++count) {
                    sum += co_await one();
                }
                ::_exit(sum == 1000 ? 0 : 1);
            }
            REQUIRE(::waitpid(pid, &result.status, 0) == pid);
            co_return result;
        };
        return run(forks());
    }();
    CHECK(child.status == 0);
}

TEST_CASE("fork: a thread of the parent that is at the frames' depot does not stop the child") {
    if (RINGIO_SANITIZE_ADDRESS != 0) {
        return;  // frames come from its allocator then, whose locks it does not look after at a
                 // fork
    }
    std::atomic<bool> stop = false;
    std::thread busy([&stop] {
        while (!stop.load()) {
            std::array<void*, 256> blocks;
            for (void*& block : blocks) {
                block = detail::frame_pool.allocate(96);
            }
            for (void* block : blocks) {
                detail::frame_pool.deallocate(block, 96);
            }
            detail::frame_pool.trim();
        }
    });
    for (int round = 0; round < 20; ++round) {
        const testing::ChildResult child = testing::run_in_child([] {
            const int result = run(last_doubled());
            std::fputs(result == 198 ? "ran" : "wrong", stderr);
        });
        INFO(child.text);
        CHECK(prints(child, "ran"));
    }
    stop.store(true);
    busy.join();
}
