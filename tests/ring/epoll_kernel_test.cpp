// What is EpollKernel's own; what it has in common with the others is in the contract's suite.
#include <ringio/ring/epoll_kernel.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <liburing.h>

#include <ringio/base/unique_fd.hpp>
#include <support/catch.hpp>

#include "chosen_kernel.hpp"
#include "every_operation.hpp"
#include "probe.hpp"

using namespace ringio;
using namespace ringio::testing;
using namespace std::chrono_literals;

namespace {

struct EpollPair {
    EpollPair() {
        int fds[2] = {-1, -1};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        near.reset(fds[0]);
        far.reset(fds[1]);
    }
    void send(const char* text) const {
        CHECK(::send(far.get(), text, std::char_traits<char>::length(text), 0) > 0);
    }
    UniqueFd near, far;
};

// A ring on epoll, and the kernel behind it.
struct EpollRing {
    EpollRing() : owned(std::make_unique<EpollKernel>()), kernel(*owned), ring(std::move(owned)) {}

    std::unique_ptr<EpollKernel> owned;
    EpollKernel& kernel;
    Ring ring;
};

using ReceiveProbe = Probe<RecvRequest>;

void turn_until_over(Ring& ring, const Completion& request) {
    while (request.in_flight()) {
        ring.enter(true);
        ring.reap();
    }
}

// Sleeps `count` times for `timeout`, and returns the shortest sleep; 0 when one ended early.
std::chrono::nanoseconds shortest_sleep(std::chrono::nanoseconds timeout, int count) {
    const std::unique_ptr<Kernel> owned = plain_epoll_kernel();
    Kernel& kernel = *owned;
    auto shortest = std::chrono::nanoseconds::max();
    for (int round = 0; round < count; ++round) {
        const auto before = kernel.now();
        const int result = kernel.enter(true, timeout);
        const auto slept = kernel.now() - before;
        if (result != -ETIME || slept < timeout) {
            return 0ns;
        }
        shortest = std::min<std::chrono::nanoseconds>(shortest, slept);
    }
    return shortest;
}

// Whether a sleep of a tenth of a millisecond is one, and not a whole, in a child whose system
// calls are filtered so.
bool sleeps_to_the_point(const std::vector<long>& refused, int error) {
    const ChildResult child = run_in_child([&] {
        answer_calls(refused, failure(error));
        const auto slept = shortest_sleep(100us, 50);
        std::fputs(slept > 0ns && slept < 1ms ? "to the point" : "late or early", stderr);
    });
    return child.text == "to the point";
}

}  // namespace

TEST_CASE("epoll kernel: sizes are rounded up, and the completion queue is not the smaller one") {
    const EpollKernel usual;
    CHECK(usual.queues().sq.ring_entries == 256);
    CHECK(usual.queues().cq.ring_entries == 4096);
    const EpollKernel small(EpollOptions{3, 1, {}});
    CHECK(small.queues().sq.ring_entries == 4);
    CHECK(small.queues().cq.ring_entries == 4);
    const EpollKernel large(EpollOptions{2048, 0, {}});
    CHECK(large.queues().sq.ring_entries == 2048);
    CHECK(large.queues().cq.ring_entries == 8192);
    CHECK(large.queues().sq.ring_mask == 2047);
    CHECK(large.queues().cq.ring_mask == 8191);
}

TEST_CASE("epoll kernel: sizes beyond those of io_uring are clamped to them") {
    const EpollKernel kernel(EpollOptions{~0U, ~0U, {}});
    CHECK(kernel.queues().sq.ring_entries == 32768);
    CHECK(kernel.queues().cq.ring_entries == 65536);
}

TEST_CASE("epoll kernel: a queue without entries is an invalid argument") {
    CHECK_THROWS_AS(EpollKernel(EpollOptions{0, 8, {}}), std::invalid_argument);
}

TEST_CASE("epoll kernel: says its name, and the remark that it was given") {
    CHECK(EpollKernel().name() == "epoll");
    CHECK(EpollKernel().remark().empty());
    CHECK(EpollKernel(EpollOptions{.remark = "there was nothing else"}).remark() ==
          "there was nothing else");
    CHECK_FALSE(EpollKernel().shares_calls());
    CHECK_FALSE(EpollKernel().keeps_time());
    CHECK(EpollKernel().waker() != nullptr);
}

TEST_CASE("epoll kernel: serves every operation without a call of io_uring") {
    const ChildResult child = run_in_child([] {
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        Ring ring(std::make_unique<EpollKernel>());
        std::fputs(failures_of_every_operation(ring).c_str(), stderr);
    });
    CHECK(child.status == 0);
    CHECK(child.text.empty());
}

TEST_CASE("epoll kernel: what need not wait needs no registration, what waits has one") {
    EpollRing epoll;
    const EpollPair pair;
    const std::uint64_t none = epoll.kernel.registrations();
    char bytes[4] = {};
    pair.send("1234");
    CHECK(perform(epoll.ring, RecvRequest{pair.near.get(), bytes, 4}) == 4);
    CHECK(epoll.kernel.registrations() == none);

    ReceiveProbe waits({pair.near.get(), bytes, 4});
    epoll.ring.submit(waits);
    epoll.ring.enter(false);
    CHECK(epoll.kernel.registrations() == none + 1);
    pair.send("5678");
    turn_until_over(epoll.ring, waits);
    CHECK(waits.result == 4);
}

// zio#510: four calls of epoll_ctl for each message.
TEST_CASE("epoll kernel: a receive of many results needs one registration for all of them") {
    EpollRing epoll;
    const EpollPair pair;
    BufferPool* const pool = epoll.ring.buffers();
    REQUIRE(pool != nullptr);
    const std::uint64_t before = epoll.kernel.registrations();
    Probe<RecvMultishotRequest> receiving({pair.near.get(), BufferPool::group});
    epoll.ring.submit(receiving);
    for (unsigned message = 0; message < 100; ++message) {
        pair.send("message");
        while (receiving.calls == message) {
            epoll.ring.enter(true);
            epoll.ring.reap();
        }
        const unsigned id = BufferPool::id_of(receiving.flags);
        CHECK(pool->borrow(id, static_cast<std::size_t>(receiving.result)) == "message");
        pool->recycle(id);
    }
    CHECK(epoll.kernel.registrations() == before + 1);
    epoll.ring.end_requests();
}

// io-event#69, #71: a number that was cached as registered was another file by now.
TEST_CASE("epoll kernel: a number that is another file by now is served as that") {
    EpollRing epoll;
    char byte = 0;
    int number = -1;
    for (int round = 0; round < 100; ++round) {
        const EpollPair pair;
        CHECK((number == -1 || number == pair.near.get()));
        number = pair.near.get();
        ReceiveProbe receiving({number, &byte, 1});
        epoll.ring.submit(receiving);
        epoll.ring.enter(false);
        pair.send("x");
        turn_until_over(epoll.ring, receiving);
        REQUIRE(receiving.result == 1);
    }
}

TEST_CASE("epoll kernel: a file that was put under a number by dup2 is served as that file") {
    EpollRing epoll;
    const EpollPair first;
    const EpollPair second;
    char byte = 0;
    ReceiveProbe receiving({first.near.get(), &byte, 1});
    epoll.ring.submit(receiving);
    epoll.ring.enter(false);
    epoll.ring.cancel(receiving);
    drain(epoll.ring);
    REQUIRE(::dup3(second.near.get(), first.near.get(), O_CLOEXEC) == first.near.get());
    ReceiveProbe moved({first.near.get(), &byte, 1});
    epoll.ring.submit(moved);
    epoll.ring.enter(false);
    second.send("2");
    turn_until_over(epoll.ring, moved);
    CHECK(moved.result == 1);
    CHECK(byte == '2');
}

// libuv#4323, uvloop#61, joyent/libuv#1099: closed here and open in a child, a socket was reported
// for ever.
TEST_CASE("epoll kernel: a file that lives on in a child is not reported for ever") {
    EpollRing epoll;
    int ends[2] = {-1, -1};
    REQUIRE(::pipe(ends) == 0);
    EpollPair gone[2];
    char byte = 0;
    for (const EpollPair& pair : gone) {
        ReceiveProbe receiving({pair.near.get(), &byte, 1});
        epoll.ring.submit(receiving);
        epoll.ring.enter(false);
        epoll.ring.cancel(receiving);
        drain(epoll.ring);
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[1]);
        static_cast<void>(::read(ends[0], &byte, 1));  // until the parent has seen enough
        ::_exit(0);
    }
    REQUIRE(child > 0);
    for (const bool reused : {true, false}) {
        EpollPair& pair = gone[reused ? 0 : 1];
        const int number = pair.near.get();
        pair.near.reset();
        const UniqueFd in_its_place(reused ? -1 : ::fcntl(ends[0], F_DUPFD_CLOEXEC, 0));
        const EpollPair other;
        CHECK((other.near.get() == number) == reused);
        pair.send("for nobody");
        ReceiveProbe waits({other.near.get(), &byte, 1});
        epoll.ring.submit(waits);
        epoll.ring.enter(true, 20ms);
        epoll.ring.enter(true, 20ms);
        const std::uint64_t before = epoll.kernel.registrations();
        for (int round = 0; round < 10; ++round) {
            CHECK_FALSE(epoll.ring.enter(true, 1ms));
        }
        CHECK(epoll.kernel.registrations() == before);
        other.send("x");
        turn_until_over(epoll.ring, waits);
        CHECK(waits.result == 1);
    }
    ::close(ends[1]);
    CHECK(::waitpid(child, nullptr, 0) == child);
    ::close(ends[0]);
}

TEST_CASE("epoll kernel: the child of a fork lets go, and the parent's goes on") {
    auto ring = std::make_unique<Ring>(std::make_unique<EpollKernel>());
    const UniqueFd file(::open("/tmp", O_RDONLY | O_CLOEXEC));
    CHECK(perform(*ring, FsyncRequest{file.get()}) <= 0);  // so that there is a thread
    const EpollPair pair;
    char byte = 0;
    ReceiveProbe receiving({pair.near.get(), &byte, 1});
    ring->submit(receiving);
    ring->enter(false);
    const ChildResult child = run_in_child([&] {
        ring.reset();
        Ring own(std::make_unique<EpollKernel>());
        std::fputs(failures_of_every_operation(own).c_str(), stderr);
    });
    CHECK(child.status == 0);
    CHECK(child.text.empty());
    CHECK(receiving.in_flight());
    pair.send("x");
    turn_until_over(*ring, receiving);
    CHECK(receiving.result == 1);
}

// io-event#59, php-src#23825: the C library had epoll_pwait2, the kernel not, and every wait
// failed.
TEST_CASE("epoll kernel: where epoll_pwait2 is refused a timer takes its place, to the point") {
    CHECK(sleeps_to_the_point({__NR_swapon}, EPERM));  // nothing is refused
    for (const int error : {ENOSYS, EPERM, EOPNOTSUPP, EACCES}) {
        INFO("errno " << error);
        CHECK(sleeps_to_the_point({__NR_epoll_pwait2}, error));
    }
}

TEST_CASE("epoll kernel: where timers are refused too it is never early, and still to the point") {
    CHECK(sleeps_to_the_point({__NR_epoll_pwait2, __NR_timerfd_create}, ENOSYS));
}

TEST_CASE("epoll kernel: a timer of an earlier sleep does not end a later one") {
    const ChildResult child = run_in_child([] {
        forbid(__NR_epoll_pwait2, ENOSYS);
        EpollRing epoll;
        const EpollPair pair;
        char byte = 0;
        ReceiveProbe receiving({pair.near.get(), &byte, 1});
        epoll.ring.submit(receiving);
        pair.send("x");
        epoll.ring.enter(true, 1ms);  // ends at once, and the timer stays
        epoll.ring.reap();
        ReceiveProbe next({pair.near.get(), &byte, 1});
        epoll.ring.submit(next);
        const auto before = epoll.ring.now();
        const bool early = epoll.ring.enter(true, 20ms);
        std::fputs(!early && epoll.ring.now() - before >= 20ms ? "whole" : "early", stderr);
        epoll.ring.end_requests();
    });
    CHECK(child.text == "whole");
}

TEST_CASE("epoll kernel: its waker ends a sleep that a timer would end later") {
    const ChildResult child = run_in_child([] {
        forbid(__NR_epoll_pwait2, ENOSYS);
        EpollKernel kernel;
        std::thread waking([waker = kernel.waker()] { waker->wake(); });
        const int result = kernel.enter(true, std::chrono::hours(1));
        waking.join();
        std::fputs(result == 0 ? "woken" : "not", stderr);
    });
    CHECK(child.text == "woken");
}
