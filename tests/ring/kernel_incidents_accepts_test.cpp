// What went wrong elsewhere, fifth part: accepts, and what they accepted.
#include "kernel_contract.hpp"
#include "kernel_rescue.hpp"
#include "kernel_sockets.hpp"

#include <array>
#include <cerrno>
#include <cstdio>

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <support/catch.hpp>

#include "child_process.hpp"
#include "probe.hpp"
#include "seccomp.hpp"

using namespace ringio;
using namespace ringio::testing;

namespace {

using Id = Driver::Id;

// While it lives, the process can open no descriptor more.
class NoDescriptorLeft {
public:
    NoDescriptorLeft() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const UniqueFd next(::fcntl(0, F_DUPFD_CLOEXEC, 0));
        rlimit none = before_;
        none.rlim_cur = static_cast<rlim_t>(next.get());
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    NoDescriptorLeft(const NoDescriptorLeft&) = delete;
    NoDescriptorLeft& operator=(const NoDescriptorLeft&) = delete;
    ~NoDescriptorLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

// Its result, for which a child that has no assertions waits.
template <class Request>
int end_of(Ring& ring, const Probe<Request>& probe) {
    while (probe.in_flight()) {
        ring.enter(true);
        ring.reap();
    }
    return probe.result;
}

}  // namespace

TEST_CASE("kernel incident 33, ponyc#5722, libfabric#6493: a client taken away blocks no accept",
          "[uring]") {
    for (const Family family : {Family::tcp, Family::local}) {
        for_each_kernel(family == Family::tcp ? "tcp" : "unix", [&](const KernelUnderTest& kernel) {
            const Listener listener(family);
            const UniqueFd last = listener.socket();
            const Rescue rescue(
                [&] { ::connect(last.get(), listener.address(), listener.length()); });
            Driver driver(kernel);
            const Id first = driver.submit(AcceptRequest{listener.fd()});
            const Id second = driver.submit(AcceptRequest{listener.fd()});
            driver.turn();
            for (int round = 0; round < 20; ++round) {
                const UniqueFd client = listener.client();
                const UniqueFd taken = listener.accept();  // by another process, say
                driver.enter();
            }
            // Of two that are told of one client, one finds nothing.
            const UniqueFd client = listener.client();
            while (!driver.is_over(first) && !driver.is_over(second)) {
                driver.sleep();
            }
            driver.turn();
            CHECK(driver.is_over(first) != driver.is_over(second));
            const UniqueFd accepted(driver.result(driver.is_over(first) ? first : second));
            CHECK(accepted);
            driver.finish();
        });
    }
}

TEST_CASE("kernel incident 40, go#34392: who was accepted and cannot be waited for is not lost",
          "[uring]") {
    for_each_kernel("", [](const KernelUnderTest& kernel) {
        const Listener listener(Family::tcp);
        const UniqueFd client = listener.socket();
        const ChildResult child = run_in_child([&] {
            Ring ring(kernel.make(8, 0));
            Probe<AcceptRequest> accept({listener.fd()});
            ring.submit(accept);
            ring.enter(false);
            // From here on nobody more can be registered.
            answer_calls({__NR_epoll_ctl}, failure(ENOSPC));
            ::connect(client.get(), listener.address(), listener.length());
            end_of(ring, accept);
            if (accept.result < 0) {
                std::fprintf(stderr, "nobody was accepted: %d", accept.result);
                ::_exit(0);
            }
            UniqueFd accepted(accept.result);
            char byte = 0;
            Probe<RecvRequest> recv({accepted.get(), &byte, 1});
            ring.submit(recv);
            ring.enter(false);
            ring.reap();
            ::send(client.get(), "x", 1, MSG_NOSIGNAL);
            const bool served = end_of(ring, recv) == 1;
            std::fputs(served || recv.result == -ENOMEM ? "it was told" : "it was not", stderr);
            accepted.reset();
            ::shutdown(client.get(), SHUT_WR);
            pollfd end{client.get(), POLLIN, 0};
            std::fputs(::poll(&end, 1, 1000) == 1 ? ", and closed" : ", and left open", stderr);
        });
        CHECK(child.text == "it was told, and closed");
    });
}

TEST_CASE("kernel incident 41, compio#315: an accept cancelled as it completes loses no client",
          "[uring]") {
    for (const Family family : {Family::tcp, Family::local}) {
        for_each_kernel(family == Family::tcp ? "tcp" : "unix", [&](const KernelUnderTest& kernel) {
            Driver driver(kernel);
            const Listener listener(family);
            for (int round = 0; round < 100; ++round) {
                const Id id = driver.submit(AcceptRequest{listener.fd()});
                if (round % 2 == 0) {
                    driver.enter();
                }
                const UniqueFd client = listener.client();
                if (round % 3 == 0) {
                    driver.enter();
                }
                driver.cancel(id);
                driver.until_over(id);
                UniqueFd accepted;
                if (driver.result(id) >= 0) {
                    accepted.reset(driver.result(id));
                } else {
                    REQUIRE(driver.result(id) == -ECANCELED);
                    accepted.reset(driver.perform(AcceptRequest{listener.fd()}));
                }
                REQUIRE(accepted);
                REQUIRE(::send(client.get(), "x", 1, MSG_NOSIGNAL) == 1);
                pollfd entry{accepted.get(), POLLIN, 0};
                REQUIRE(::poll(&entry, 1, 10'000) == 1);
                REQUIRE(read_now(accepted.get()) == "x");
            }
        });
    }
}

TEST_CASE("kernel incident 42, cpython#127529, ponyc#4816: no descriptor left for an accept",
          "[uring]") {
    for (const bool waits : {false, true}) {
        for_each_kernel(waits ? "it waited" : "it did not wait",
                        [&](const KernelUnderTest& kernel) {
                            Driver driver(kernel);
                            const Listener listener(Family::tcp);
                            Id id = 0;
                            UniqueFd client;
                            if (waits) {
                                id = driver.submit(AcceptRequest{listener.fd()});
                                driver.turn();
                            }
                            client = listener.client();
                            {
                                const NoDescriptorLeft none;
                                if (!waits) {
                                    id = driver.submit(AcceptRequest{listener.fd()});
                                }
                                driver.until_over(id);
                            }
                            // Kernel: io_uring goes by the limit that was valid at submission.
                            UniqueFd accepted;
                            if (waits && driver.result(id) >= 0) {
                                accepted.reset(driver.result(id));
                            } else {
                                CHECK(driver.result(id) == -EMFILE);
                                accepted.reset(driver.perform(AcceptRequest{listener.fd()}));
                            }
                            REQUIRE(accepted);
                            REQUIRE(::send(client.get(), "x", 1, MSG_NOSIGNAL) == 1);
                            pollfd entry{accepted.get(), POLLIN, 0};
                            REQUIRE(::poll(&entry, 1, 10'000) == 1);
                            CHECK(read_now(accepted.get()) == "x");
                        });
    }
}

TEST_CASE("kernel incident 42, cpython#127529: no descriptor left for any other request",
          "[uring]") {
    for_each_kernel("", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Ends ends = Ends::sockets(Family::local);
        const Ends others = Ends::sockets(Family::local);
        std::array<char, 8> bytes{};
        const NoDescriptorLeft none;
        const Id id = driver.submit(RecvRequest{ends.near.get(), bytes.data(), 8});
        driver.submit(RecvRequest{others.near.get(), bytes.data(), 8});
        driver.turn();
        ends.write("x");
        CHECK(driver.result_of(id) == 1);
        CHECK(driver.perform(OpenAtRequest{.path = "/dev/null"}) == -EMFILE);
        driver.finish();
    });
}
