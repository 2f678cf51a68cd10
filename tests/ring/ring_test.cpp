#include <cerrno>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring.hpp>
#include <support/catch.hpp>

#include "child_process.hpp"
#include "probe.hpp"
#include "scripted_kernel.hpp"

using namespace ringio;
using namespace ringio::testing;
using namespace std::chrono_literals;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

template <class Probes>
bool each_completed_once_with(const Probes& probes, int result) {
    for (const auto& probe : probes) {
        if (probe.calls != 1 || probe.result != result || probe.prepared != 1) {
            return false;
        }
    }
    return true;
}

}  // namespace

TEST_CASE("ring: 10,000 requests complete on rings of any size") {
    for (const unsigned entries : {1U, 2U, 4U, 8U}) {
        Ring ring = make_ring(entries);
        std::deque<NopProbe> nops(10'000);
        for (NopProbe& nop : nops) {
            ring.submit(nop);
        }
        CHECK(ring.in_flight() == 10'000);
        drain(ring);
        CHECK(each_completed_once_with(nops, 0));
    }
}

TEST_CASE("ring: 10,000 polls are in flight at once on rings of any size") {
    for (const unsigned entries : {1U, 2U, 4U, 8U}) {
        Ring ring = make_ring(entries, 16);
        const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
        std::deque<Probe<PollRequest>> polls;
        for (int i = 0; i < 10'000; ++i) {
            ring.submit(polls.emplace_back(PollRequest{event.get(), POLLIN}));
        }
        ring.enter(false);
        CHECK(ring.reap() == 0);
        REQUIRE(::eventfd_write(event.get(), 1) == 0);
        drain(ring);
        CHECK(each_completed_once_with(polls, POLLIN));
    }
}

TEST_CASE("ring: a completion queue that overflows loses nothing") {
    Ring ring = make_ring(2, 2);
    std::deque<NopProbe> nops(1000);
    for (NopProbe& nop : nops) {
        ring.submit(nop);
    }
    unsigned reaped = 0;
    while (ring.in_flight() != 0) {
        CHECK(ring.has_work());
        ring.enter(false);
        const unsigned now = ring.reap();
        CHECK(now <= 2);
        reaped += now;
    }
    CHECK(reaped == 1000);
    CHECK(each_completed_once_with(nops, 0));
}

TEST_CASE("ring: results and flags reach their request, in whatever order the kernel answers") {
    Scripted s;
    NopProbe a, b, c;
    s.ring.submit(a);
    s.ring.submit(b);
    s.ring.submit(c);
    CHECK_FALSE(s.ring.enter(false));
    REQUIRE(s.kernel.held.size() == 3);
    s.kernel.answer(2, 3);
    s.kernel.answer(0, -EIO, 1U << 16);
    s.kernel.answer(0, 2);
    CHECK(s.ring.reap() == 3);
    CHECK(a.result == -EIO);
    CHECK(a.flags == 1U << 16);
    CHECK(b.result == 2);
    CHECK(c.result == 3);
    CHECK(s.ring.in_flight() == 0);
}

TEST_CASE("ring: a request with more to come stays in flight until the completion that ends it") {
    Scripted s;
    NopProbe multishot;
    s.ring.submit(multishot);
    s.ring.enter(false);
    s.kernel.answer(0, 1, IORING_CQE_F_MORE);
    s.kernel.answer(0, 2, IORING_CQE_F_MORE);
    CHECK(s.ring.reap() == 2);
    CHECK(multishot.in_flight());
    CHECK(s.ring.in_flight() == 1);
    s.kernel.answer(0, 3);
    CHECK(s.ring.reap() == 1);
    CHECK_FALSE(multishot.in_flight());
    CHECK(multishot.calls == 3);
    CHECK(multishot.terminal_calls == 1);
}

TEST_CASE("ring: one reap delivers what is visible when it begins") {
    Scripted s(8, 16);
    NopProbe endless;
    endless.ring = &s.ring;
    s.kernel.answer_at_once = 0;
    endless.then = [](NopProbe& self) noexcept {
        if (self.calls < 1000) {  // submits and enters from within: the answer is visible at once
            self.ring->submit(self);
            self.ring->enter(false);
        }
    };
    s.ring.submit(endless);
    s.ring.enter(false);
    while (s.ring.in_flight() != 0) {
        CHECK(s.ring.reap() == 1);
    }
    CHECK(endless.calls == 1000);
}

TEST_CASE("ring: a request may destroy itself when it completes") {
    Ring ring = make_ring();
    auto* const nop = new NopProbe;
    nop->then = [](NopProbe& self) noexcept { delete &self; };
    ring.submit(*nop);
    drain(ring);
    CHECK(ring.in_flight() == 0);
}

TEST_CASE("ring: entering makes no system call when there is no reason to") {
    Scripted s;
    CHECK_FALSE(s.ring.has_work());
    s.ring.enter(false);
    CHECK(s.kernel.entries_made == 0);

    NopProbe nop;
    s.ring.submit(nop);
    CHECK(s.ring.has_work());
    s.ring.enter(false);
    CHECK(s.kernel.entries_made == 1);
    CHECK_FALSE(s.ring.has_work());

    s.kernel.answer(0, 0);
    CHECK(s.ring.has_work());
    CHECK(s.ring.enter(true));  // there is something to reap already
    CHECK(s.kernel.entries_made == 1);
    CHECK_FALSE(s.kernel.slept);
    s.ring.reap();

    s.ring.enter(true, 5ms);
    CHECK(s.kernel.slept);
    CHECK(s.kernel.last_timeout == 5ms);
}

TEST_CASE("ring: completions that overflowed are a reason to enter") {
    Scripted s(8, 2);
    s.kernel.answer_at_once = 0;
    std::deque<NopProbe> nops(8);
    for (NopProbe& nop : nops) {
        s.ring.submit(nop);
    }
    s.ring.enter(false);
    unsigned turns = 0;
    for (; s.ring.has_work(); ++turns) {
        s.ring.reap();
        s.ring.enter(false);
    }
    CHECK(turns == 4);
    CHECK(each_completed_once_with(nops, 0));
}

TEST_CASE("ring: news that stays announced after an entry that brought none is no work") {
    Scripted s;
    s.kernel.flags_that_stay = IORING_SQ_TASKRUN;
    s.kernel.answer_at_once = 0;
    NopProbe nop;
    s.ring.submit(nop);
    s.ring.enter(false);
    CHECK(s.ring.has_work());  // to be reaped
    s.ring.reap();
    CHECK(s.ring.has_work());  // that entry brought something: the announcement may be true
    s.ring.enter(false);
    CHECK_FALSE(s.ring.has_work());

    s.kernel.flags_that_stay = 0;
    s.ring.enter(false);
    s.kernel.flags_that_stay = IORING_SQ_TASKRUN;
    NopProbe another;
    s.ring.submit(another);
    s.ring.enter(false);
    s.ring.reap();
    CHECK(s.ring.has_work());  // trusted again
}

TEST_CASE("ring: requests that the kernel refuses wait and are handed over in order later") {
    for (const int refusal : {-EAGAIN, -EBUSY, -EINTR}) {
        Scripted s(2, 16);
        s.kernel.refusal = refusal;
        s.kernel.refusals = 5;
        std::deque<NopProbe> nops(10);
        for (NopProbe& nop : nops) {
            s.ring.submit(nop);
        }
        CHECK(s.ring.in_flight() == 10);
        while (s.kernel.held.size() < 10) {
            REQUIRE(s.ring.has_work());
            s.ring.enter(true);
        }
        std::vector<std::uint64_t> order;
        for (const io_uring_sqe& request : s.kernel.held) {
            order.push_back(request.user_data & 0xffff'ffff'fff0);
        }
        for (std::size_t i = 0; i < nops.size(); ++i) {
            CHECK(order[i] == reinterpret_cast<std::uintptr_t>(&nops[i]));
        }
        while (!s.kernel.held.empty()) {
            s.kernel.answer(0, 7);
        }
        s.ring.reap();
        CHECK(each_completed_once_with(nops, 7));
    }
}

TEST_CASE("ring: while a request waits for room no sleep is long") {
    Scripted s(1, 16);
    s.kernel.refusals = 100;
    NopProbe a, b;
    s.ring.submit(a);
    s.ring.submit(b);
    s.ring.enter(true);
    REQUIRE(s.kernel.last_timeout.has_value());
    CHECK(*s.kernel.last_timeout <= 10ms);
    s.kernel.refusals = 0;
    s.ring.cancel_all();
    drain(s.ring);
}

TEST_CASE("ring: a kernel that accepts few entries at a time gets them all") {
    Scripted s(8, 16);
    s.kernel.accepts_at_most = 3;
    s.kernel.answer_at_once = 0;
    std::deque<NopProbe> nops(100);
    for (NopProbe& nop : nops) {
        s.ring.submit(nop);
    }
    drain(s.ring);
    CHECK(each_completed_once_with(nops, 0));
}

TEST_CASE("ring: a kernel that accepts nothing for a long time is an error") {
    Scripted s;
    s.kernel.refusals = 1'000'000;
    NopProbe nop;
    s.ring.submit(nop);
    const auto forever = [&] {
        for (;;) {
            s.ring.enter(true);
        }
    };
    CHECK_THROWS_AS(forever(), std::system_error);
    s.kernel.refusals = 0;
    s.kernel.answer_at_once = 0;
    drain(s.ring);
    CHECK(nop.result == 0);
}

TEST_CASE("ring: a lost completion ends the ring, also when a submit meets it first") {
    for (const bool within_submit : {false, true}) {
        Scripted s(1, 16);
        s.kernel.refusal = -EBADR;
        NopProbe a, b;
        if (within_submit) {
            s.ring.submit(a);
            s.kernel.refusals = 1;
            s.ring.submit(b);  // the queue is full: enters
        } else {
            s.ring.submit(a);
            s.kernel.refusals = 1;
        }
        s.kernel.answer_at_once = 0;
        try {
            s.ring.enter(false);
            FAIL("must throw");
        } catch (const std::system_error& error) {
            CHECK(error.code().value() == EBADR);
            CHECK(contains(error.what(), "lost"));
        }
        while (s.ring.in_flight() != 0) {
            CHECK_THROWS_AS(s.ring.enter(false), std::system_error);
            s.ring.reap();
        }
    }
}

TEST_CASE("ring: signals and timeouts are ordinary ends of a sleep") {
    for (const int end : {-EINTR, -ETIME}) {
        Scripted s;
        s.kernel.refusal = end;
        s.kernel.refusals = 1;
        CHECK_FALSE(s.ring.enter(true));
    }
}

TEST_CASE("ring: try_now asks the kernel without submitting") {
    Scripted s;
    s.kernel.try_result = 42;
    char byte = 0;
    Probe<RecvRequest> recv(RecvRequest{5, &byte, 1});
    CHECK(s.ring.try_now(recv) == 42);
    CHECK(s.kernel.tried.at(0).opcode == IORING_OP_RECV);
    CHECK(s.kernel.tried.at(0).fd == 5);
    CHECK_FALSE(recv.in_flight());
    CHECK(recv.calls == 0);
    CHECK(s.kernel.entries_made == 0);
}

TEST_CASE("ring: time is the kernel's") {
    Scripted s;
    CHECK(s.ring.now() == Clock::time_point{});
}

TEST_CASE("ring: a second completion for one request is stale and stops the program") {
    const ChildResult child = run_in_child([] {
        Scripted s;
        NopProbe nop, other;
        s.ring.submit(nop);
        s.ring.submit(other);
        s.ring.enter(false);
        const std::uint64_t user_data = s.kernel.held[0].user_data;
        s.kernel.post(user_data, 0);
        s.kernel.post(user_data, 0);
        s.ring.reap();
    });
    CHECK(child.aborted());
    CHECK(contains(child.text, "a completion belongs to no request in flight"));
}

TEST_CASE("ring: a completion of an earlier submission of the same object is stale") {
    const ChildResult child = run_in_child([] {
        Scripted s;
        NopProbe nop;
        s.ring.submit(nop);
        s.ring.enter(false);
        const std::uint64_t earlier = s.kernel.held[0].user_data;
        s.kernel.answer(0, 0);
        s.ring.reap();
        s.ring.submit(nop);
        s.ring.enter(false);
        s.kernel.post(earlier, 0);
        s.ring.reap();
    });
    CHECK(child.aborted());
    CHECK(contains(child.text, "a completion belongs to no request in flight"));
}

TEST_CASE("ring: generations wrap, and another object in the same place has another generation") {
    Scripted s;
    s.kernel.answer_at_once = 0;
    std::uint64_t last = 0;
    s.kernel.answer_at_once.reset();
    for (int i = 0; i < 70'000; ++i) {
        NopProbe nop;
        s.ring.submit(nop);
        s.ring.enter(false);
        const std::uint64_t user_data = s.kernel.held[0].user_data;
        if (user_data == last) {
            FAIL("two submissions in a row look alike");
        }
        last = user_data;
        s.kernel.answer(0, 0);
        s.ring.reap();
    }
}

TEST_CASE("ring: misuse stops the program with a sentence") {
    const ChildResult thread = run_in_child([] {
        Scripted s;
        std::thread([&] { s.ring.enter(true, std::chrono::nanoseconds(0)); }).join();
    });
    CHECK(thread.aborted());
    CHECK(contains(thread.text, "on the thread that created it"));

    const ChildResult twice = run_in_child([] {
        Scripted s;
        NopProbe nop;
        s.ring.submit(nop);
        s.ring.submit(nop);
    });
    CHECK(twice.aborted());
    CHECK(contains(twice.text, "in flight already"));

    const ChildResult ring_first = run_in_child([] {
        NopProbe nop;
        Scripted s;
        s.ring.submit(nop);
    });
    CHECK(ring_first.aborted());
    CHECK(contains(ring_first.text, "a ring is destroyed with requests in flight"));

    const ChildResult request_first = run_in_child([] {
        Scripted s;
        NopProbe nop;
        s.ring.submit(nop);
    });
    CHECK(request_first.aborted());
    CHECK(contains(request_first.text, "may still write to its buffers"));
}
