// What went wrong elsewhere, third part: single requests, queues and wake-ups.
#include "kernel_contract.hpp"
#include "kernel_sockets.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;
using namespace std::chrono_literals;

namespace {

using Id = Driver::Id;

template <class Body>
void on_each_kernel(Body body) {
    for_each_kernel("", [&](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        body(driver);
    });
}

bool blocks(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

}  // namespace

TEST_CASE("kernel incident 12, zio#500: a sleep is not a millisecond too long", "[uring]") {
    on_each_kernel([](Driver& driver) {
        auto shortest = std::chrono::nanoseconds::max();
        for (int round = 0; round < 200 && shortest >= 900us; ++round) {
            const auto begin = driver.kernel().now();
            if (driver.enter_for(true, 50us) == -ETIME) {
                shortest =
                    std::min<std::chrono::nanoseconds>(shortest, driver.kernel().now() - begin);
            }
        }
        CHECK(shortest >= 50us);
        CHECK(shortest < 900us);
    });
}

TEST_CASE("kernel incident 30, netty#7788: what a short read leaves shows by itself", "[uring]") {
    on_each_kernel([](Driver& driver) {
        const Ends ends = Ends::sockets(Family::tcp);
        std::array<char, 8> bytes{};
        const Id first = driver.submit(RecvRequest{ends.near.get(), bytes.data(), 3});
        driver.turn();
        ends.write("abcdef");
        CHECK(driver.result_of(first) == 3);
        driver.turn();
        const Id poll = driver.submit(PollRequest{ends.near.get(), POLLIN});
        CHECK(driver.result_of(poll) == POLLIN);
        CHECK(driver.perform(RecvRequest{ends.near.get(), bytes.data(), 8}) == 3);
        CHECK(bytes[0] == 'd');
    });
}

TEST_CASE("kernel incident 31, netty#4317: the last bytes come before the end", "[uring]") {
    for (const bool multishot : {false, true}) {
        for_each_pair(multishot ? "multishot" : "one by one", [&](Driver& driver, Ends& ends) {
            std::array<char, 4> bytes{};
            driver.buffers(16);
            const auto submit = [&] {
                return multishot ? driver.submit(RecvMultishotRequest{ends.near.get(), 0})
                                 : driver.submit(RecvRequest{ends.near.get(), bytes.data(), 4});
            };
            Id id = submit();
            driver.turn();
            ends.write("0123456789");
            ends.far.reset();
            std::string all;
            for (;;) {
                driver.until_over(id);
                all += multishot
                           ? driver.take_bytes(id)
                           : std::string(bytes.data(), static_cast<std::size_t>(driver.result(id)));
                if (driver.result(id) == 0) {
                    break;
                }
                id = submit();
            }
            CHECK(all == "0123456789");
        });
    }
}

TEST_CASE("kernel incident 34, mio#1560, asio#1365: a full backlog is no connection", "[uring]") {
    on_each_kernel([](Driver& driver) {
        const Listener listener(Family::local, 0);
        const std::vector<UniqueFd> before = listener.fill_backlog();
        const UniqueFd fd = listener.socket();
        const Id id =
            driver.submit(ConnectRequest{fd.get(), listener.address(), listener.length()});
        driver.turn(10);
        REQUIRE(driver.result(id) == not_over);
        CHECK(listener.accept());
        CHECK(driver.result_of(id) == 0);
        CHECK(driver.perform(SendRequest{fd.get(), "x", 1}) == 1);
    });
}

TEST_CASE("kernel incident 35, php-src#23669: a connect that waits lets deadlines pass",
          "[uring]") {
    on_each_kernel([](Driver& driver) {
        const Listener listener(Family::local, 0);
        const std::vector<UniqueFd> before = listener.fill_backlog();
        const UniqueFd fd = listener.socket();
        const Id id =
            driver.submit(ConnectRequest{fd.get(), listener.address(), listener.length()});
        driver.turn();
        const auto deadline = driver.kernel().now() + 20ms;
        while (driver.kernel().now() < deadline) {
            driver.enter_for(true, deadline - driver.kernel().now());
        }
        CHECK(driver.kernel().now() < deadline + patience());
        CHECK(driver.result(id) == not_over);
        CHECK(is_one_of(cancel_results, driver.cancelled_result_of(id)));
    });
}

TEST_CASE("kernel incident 36, netty#2342: a connect that is refused says so", "[uring]") {
    for (const bool non_blocking : {false, true}) {
        for_each_kernel(
            non_blocking ? "does not block" : "blocks", [&](const KernelUnderTest& kernel) {
                Driver driver(kernel);
                Listener listener(Family::tcp);
                const UniqueFd fd = listener.socket();
                set_non_blocking(fd.get(), non_blocking);
                listener.close();
                CHECK(driver.perform(ConnectRequest{fd.get(), listener.address(),
                                                    listener.length()}) == -ECONNREFUSED);
            });
    }
}

TEST_CASE("kernel incident 37, bun#33827, flux-core#1803: shared descriptors keep their flags",
          "[uring]") {
    on_each_kernel([](Driver& driver) {
        std::array<char, 8> bytes{};
        const Ends pipe = Ends::pipe();
        const Ends sockets = Ends::sockets(Family::tcp);
        const Ends full = Ends::pipe();
        fill(full.far.get());
        const std::vector<int> fds = {pipe.near.get(), sockets.near.get(), full.far.get()};
        driver.submit(ReadRequest{fds[0], bytes.data(), 1});
        driver.submit(RecvRequest{fds[1], bytes.data(), 1});
        driver.submit(WriteRequest{fds[2], "x", 1});
        driver.submit(PollRequest{fds[1], POLLIN});
        driver.turn();
        CHECK(driver.in_flight() == 4);
        CHECK(std::ranges::all_of(fds, blocks));
        driver.finish();
        CHECK(std::ranges::all_of(fds, blocks));
    });
}

TEST_CASE("kernel incident 44, compio#1035: full queues block nobody who does not want to sleep",
          "[uring]") {
    for_each_kernel("", [](const KernelUnderTest& kernel) {
        Driver driver(kernel, 2, 2);
        const Ends ends = Ends::sockets(Family::local);
        const Id poll = driver.submit(PollRequest{ends.near.get(), POLLIN});
        driver.turn();
        driver.keeps_unreaped = true;
        const auto begin = driver.kernel().now();
        for (int at = 0; at < 2; ++at) {
            driver.submit(NopRequest{});
        }
        driver.enter();
        for (int at = 0; at < 2; ++at) {
            driver.submit(NopRequest{});
        }
        driver.turn();
        ends.write("x");
        driver.turn();
        CHECK(driver.visible() == 2);
        driver.enter_for(true, std::nullopt);  // there is something to read: no sleep either
        CHECK(driver.kernel().now() - begin < patience());
        driver.keeps_unreaped = false;
        CHECK(driver.result_of(poll) == POLLIN);
        driver.finish();
    });
}

TEST_CASE("kernel incident 45, io-event#68: ten thousand wake-ups, and none is lost", "[uring]") {
    for_each_kernel("from here", [](const KernelUnderTest& kernel) {
        Ring ring(kernel.make(8, 0));
        const std::shared_ptr<Waker> waker = ring.accept_wakes();
        for (int round = 0; round < 10'000; ++round) {
            waker->wake();
            const auto begin = ring.now();
            ring.enter(true, patience());
            REQUIRE(ring.now() - begin < patience());
            ring.reap();
        }
        ring.end_requests();
    });
    for_each_kernel("from another thread", [](const KernelUnderTest& kernel) {
        Ring ring(kernel.make(8, 0));
        const std::shared_ptr<Waker> waker = ring.accept_wakes();
        std::atomic<int> asked = 0;
        std::atomic<int> seen = 0;
        std::thread other([&] {
            for (int round = 0; round < 10'000; ++round) {
                asked.store(round + 1);
                waker->wake();
                while (seen.load() <= round) {
                    std::this_thread::yield();
                }
            }
        });
        int rounds_seen = 0;
        bool in_time = true;
        while (rounds_seen < 10'000) {
            const auto begin = ring.now();
            while (asked.load() == rounds_seen && in_time) {
                ring.enter(true, patience());
                ring.reap();
                in_time = ring.now() - begin < patience();
            }
            seen.store(++rounds_seen);
        }
        other.join();
        CHECK(in_time);
        ring.end_requests();
    });
}
