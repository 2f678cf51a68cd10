#include <ringio/ring/waker.hpp>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <support/catch.hpp>

#include "child_process.hpp"
#include "probe.hpp"

using namespace ringio;
using namespace ringio::testing;

namespace {

bool is_readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
}

std::uint64_t take_wakes(const EventFd& waker) {
    std::uint64_t count = 0;
    return ::read(waker.fd(), &count, sizeof count) == sizeof count ? count : 0;
}

EventFd* woken_by_signal = nullptr;

}  // namespace

TEST_CASE("waker: an eventfd is readable once it was woken, and not before") {
    EventFd waker;
    CHECK_FALSE(is_readable(waker.fd()));
    waker.wake();
    CHECK(is_readable(waker.fd()));
}

TEST_CASE("waker: many wakes are one event, that counts them") {
    EventFd waker;
    for (int i = 0; i < 1000; ++i) {
        waker.wake();
    }
    CHECK(take_wakes(waker) == 1000);
    CHECK_FALSE(is_readable(waker.fd()));
}

TEST_CASE("waker: leaves errno as it was, also when it cannot write") {
    EventFd waker;
    errno = EDOM;
    waker.wake();
    CHECK(errno == EDOM);
    // As full as an eventfd gets, and told not to wait.
    const std::uint64_t room = ~std::uint64_t{0} - 2;
    REQUIRE(::write(waker.fd(), &room, sizeof room) == sizeof room);
    REQUIRE(::fcntl(waker.fd(), F_SETFL, O_NONBLOCK) == 0);
    errno = EDOM;
    waker.wake();
    CHECK(errno == EDOM);
    CHECK(is_readable(waker.fd()));
}

TEST_CASE("waker: may be called by a signal handler") {
    EventFd waker;
    woken_by_signal = &waker;
    struct sigaction before{};
    struct sigaction action{};
    action.sa_handler = [](int) { woken_by_signal->wake(); };
    REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
    ::raise(SIGUSR1);
    ::sigaction(SIGUSR1, &before, nullptr);
    woken_by_signal = nullptr;
    CHECK(take_wakes(waker) == 1);
}

TEST_CASE("waker: its descriptor is not for programs that are executed") {
    const EventFd waker;
    CHECK(is_cloexec(waker.fd()));
}

TEST_CASE("waker: without a descriptor left it is a system error") {
    const ChildResult child = run_in_child([] {
        leave_no_descriptor();
        try {
            const EventFd waker;
        } catch (const std::system_error& error) {
            ::_exit(error.code().value() == EMFILE ? 7 : 1);
        }
    });
    CHECK(WEXITSTATUS(child.status) == 7);
}

TEST_CASE("waker: ends a sleep of the ring from another thread, and the next one not") {
    Ring ring = make_ring();
    const std::shared_ptr<Waker> waker = ring.accept_wakes();
    std::thread waking([waker] { waker->wake(); });
    ring.enter(true, std::nullopt);  // for ever, else
    waking.join();
    ring.reap();
    NopProbe nop;
    ring.submit(nop);
    while (nop.in_flight()) {
        ring.enter(true, std::nullopt);
        ring.reap();
    }
    CHECK(nop.result == 0);
    ring.end_requests();
}

TEST_CASE("waker: outlives the kernel that it woke") {
    std::shared_ptr<Waker> waker;
    {
        Ring ring = make_ring();
        waker = ring.accept_wakes();
        waker->wake();
        ring.enter(false, std::nullopt);
        ring.reap();
        ring.end_requests();
    }
    waker->wake();
    CHECK(waker.use_count() == 1);
}
