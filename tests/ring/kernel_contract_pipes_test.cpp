// Requests on pipes that have less room, or less in them, than is asked for. All of it may be used
// on any kernel; only a large write to a pipe that blocks is not the same on all.
#include "kernel_contract.hpp"
#include "kernel_sockets.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

namespace {

const std::vector<char> much(1 << 20, 'x');

// What a write of `much` may answer where there is room for a part of it. Kernel: before 6.4 a pipe
// cannot be asked for what is possible at once, and on epoll as much is written as never waits.
Outcomes parts(const Ends& ends) { return {PIPE_BUF, ::fcntl(ends.far.get(), F_GETPIPE_SZ)}; }

// Kernel: before 6.4 io_uring gives reads and writes of a pipe that blocks to a thread.
bool goes_to_worker(Driver& driver) {
    return driver.kernel().name() == "io_uring" && !Features::pipes_never_wait();
}

template <class Body>
void with_pipe(const char* title, int flags, Body body) {
    for_each_kernel(title, [&](const KernelUnderTest& kernel) {
        const NoSigpipe no_sigpipe;
        Ends ends = Ends::pipe(flags);
        Driver driver(kernel);
        body(driver, ends);
    });
}

}  // namespace

TEST_CASE("kernel contract: a pipe has room for a part", "[uring]") {
    with_pipe("that is O_NONBLOCK", O_NONBLOCK, [](Driver& driver, const Ends& ends) {
        const int result = driver.perform(WriteRequest{ends.far.get(), much.data(), much.size()});
        CHECK(is_one_of(parts(ends), result));
        CHECK(read_now(ends.near.get()).size() == static_cast<std::size_t>(result));
    });
    with_pipe("that blocks", 0, [](Driver& driver, const Ends& ends) {
        const Driver::Id id = driver.submit(WriteRequest{ends.far.get(), much.data(), much.size()});
        std::string all;
        if (goes_to_worker(driver)) {
            while (!driver.is_over(id)) {
                all += read_now(ends.near.get());
                driver.enter();
            }
            CHECK(driver.result(id) == static_cast<int>(much.size()));
        }
        CHECK(is_one_of(goes_to_worker(driver) ? Outcomes{1 << 20} : parts(ends),
                        driver.result_of(id)));
        all += read_now(ends.near.get());
        CHECK(all.size() == static_cast<std::size_t>(driver.result(id)));
    });
    with_pipe("that blocks, and the rest is cancelled", 0, [](Driver& driver, const Ends& ends) {
        const Driver::Id id = driver.submit(WriteRequest{ends.far.get(), much.data(), much.size()});
        driver.turn();
        const int result = driver.cancelled_result_of(id);
        // Kernel: a cancel interrupts the thread, and what it has written is the result.
        CHECK((result > 0 || is_one_of(cancel_results, result)));
        CHECK(read_now(ends.near.get()).size() == static_cast<std::size_t>(std::max(result, 0)));
    });
    with_pipe("that blocks, and the reader goes", 0, [](Driver& driver, Ends& ends) {
        const Driver::Id id = driver.submit(WriteRequest{ends.far.get(), much.data(), much.size()});
        driver.turn();
        pollfd entry{ends.near.get(), POLLIN, 0};
        REQUIRE(::poll(&entry, 1, 10'000) == 1);  // a thread may take its time to begin
        ends.near.reset();
        CHECK(driver.result_of(id) > 0);
        CHECK(driver.perform(WriteRequest{ends.far.get(), "x", 1}) == -EPIPE);
    });
}

TEST_CASE("kernel contract: a poll, and then a write of PIPE_BUF, waits nowhere", "[uring]") {
    with_pipe("filled by it", 0, [](Driver& driver, const Ends& ends) {
        const int room = ::fcntl(ends.far.get(), F_GETPIPE_SZ);
        for (int written = 0; written < room; written += PIPE_BUF) {
            CHECK(driver.perform(PollRequest{ends.far.get(), POLLOUT}) == POLLOUT);
            CHECK(driver.perform(WriteRequest{ends.far.get(), much.data(), PIPE_BUF}) == PIPE_BUF);
        }
        const Driver::Id poll = driver.submit(PollRequest{ends.far.get(), POLLOUT});
        driver.turn();
        CHECK(driver.result(poll) == not_over);
        CHECK(read_now(ends.near.get()).size() == static_cast<std::size_t>(room));
        CHECK(driver.result_of(poll) == POLLOUT);
    });
}

TEST_CASE("kernel contract: a read of nothing from a pipe with nothing", "[uring]") {
    std::array<char, 1> bytes{};
    for (const int flags : {0, O_NONBLOCK}) {
        with_pipe(flags == 0 ? "that blocks" : "that is O_NONBLOCK", flags,
                  [&](Driver& driver, const Ends& ends) {
                      const Driver::Id id =
                          driver.submit(ReadRequest{ends.near.get(), bytes.data(), 0});
                      driver.turn();
                      // Kernel: before 6.4 io_uring may wait until there is something.
                      if (goes_to_worker(driver) && !driver.is_over(id)) {
                          ends.write("x");
                      }
                      CHECK(driver.result_of(id) == 0);
                  });
    }
}

// Kernel: before 6.4 only a pipe that is O_NONBLOCK says what is possible at once.
TEST_CASE("kernel contract: a write that is tried at once never waits, nor changes the pipe",
          "[uring]") {
    for (const int flags : {0, O_NONBLOCK}) {
        with_pipe("a pipe", flags, [flags](Driver& driver, Ends& ends) {
            const auto try_write = [&driver, &ends] {
                io_uring_sqe entry{};
                WriteRequest{ends.far.get(), much.data(), much.size()}.prepare(entry);
                return driver.kernel().try_now(entry);
            };
            if (flags == 0 && !Features::pipes_never_wait()) {
                CHECK(try_write() == -EAGAIN);
                return;
            }
            CHECK(try_write() == ::fcntl(ends.far.get(), F_GETPIPE_SZ));
            CHECK(try_write() == -EAGAIN);
            CHECK((::fcntl(ends.far.get(), F_GETFL) & O_NONBLOCK) == flags);
            ends.near.reset();
            CHECK(try_write() == -EPIPE);
        });
    }
}

// Kernel: a terminal does not know RWF_NOWAIT, on 6.18 neither.
TEST_CASE("kernel contract: a write to a terminal is tried at once only if it is O_NONBLOCK",
          "[uring]") {
    for (const int flags : {0, O_NONBLOCK}) {
        for_each_kernel("a terminal", [flags](const KernelUnderTest& kernel) {
            Driver driver(kernel);
            const UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
            REQUIRE(::unlockpt(master.get()) == 0);
            const UniqueFd slave(
                ::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC | flags));
            REQUIRE(slave);
            io_uring_sqe entry{};
            WriteRequest{slave.get(), "typed", 5}.prepare(entry);
            CHECK(driver.kernel().try_now(entry) == (flags == 0 ? -EAGAIN : 5));
        });
    }
}
