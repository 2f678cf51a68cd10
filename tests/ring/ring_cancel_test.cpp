#include <cerrno>
#include <cstdint>
#include <deque>
#include <memory>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring.hpp>
#include <support/catch.hpp>

#include "probe.hpp"
#include "scripted_kernel.hpp"

using namespace ringio;
using namespace ringio::testing;

namespace {

class IdleEvent {
public:
    PollRequest poll() const { return {fd_.get(), POLLIN}; }
    void set() { REQUIRE(::eventfd_write(fd_.get(), 1) == 0); }

private:
    UniqueFd fd_{::eventfd(0, EFD_CLOEXEC)};
};

}  // namespace

TEST_CASE("ring cancel: what was not handed over never is, whatever its descriptor is by then") {
    Ring ring = make_ring();
    auto event = std::make_unique<IdleEvent>();
    Probe<PollRequest> poll(event->poll());
    Probe<PollRequest> again(event->poll());
    const int number = event->poll().fd;
    ring.submit(poll);
    ring.cancel(poll);
    event.reset();
    IdleEvent other;
    REQUIRE(other.poll().fd == number);
    other.set();
    CHECK(poll.calls == 0);
    drain(ring);
    CHECK(poll.result == -ECANCELED);
    CHECK(poll.calls == 1);
    ring.submit(again);
    drain(ring);
    CHECK(again.result == POLLIN);
}

TEST_CASE("ring cancel: what was not handed over is taken out from between the others") {
    Scripted s(8, 16);
    std::deque<NopProbe> nops(6);
    for (NopProbe& nop : nops) {
        s.ring.submit(nop);
    }
    s.ring.cancel(nops[0]);
    s.ring.cancel(nops[3]);
    s.ring.cancel(nops[5]);
    s.kernel.answer_at_once = 7;
    drain(s.ring);
    CHECK(s.kernel.cancels.empty());
    for (const std::size_t at : {0U, 3U, 5U}) {
        CHECK(nops[at].result == -ECANCELED);
    }
    for (const std::size_t at : {1U, 2U, 4U}) {
        CHECK(nops[at].result == 7);
    }
    for (const NopProbe& nop : nops) {
        CHECK(nop.calls == 1);
    }
}

TEST_CASE("ring cancel: what waited for its entry is taken out of it, too") {
    Scripted s(4, 64);
    s.kernel.refusals = 1;
    std::deque<NopProbe> nops(7);
    for (NopProbe& nop : nops) {
        s.ring.submit(nop);  // the last three wait
    }
    s.kernel.accepts_at_most = 2;
    s.ring.enter(false);  // two, two and two of them go; the last has taken its entry
    REQUIRE(s.kernel.held.size() == 6);
    s.ring.cancel(nops.back());
    s.ring.enter(false);
    CHECK(s.kernel.cancels.empty());
    s.ring.reap();
    CHECK(nops.back().result == -ECANCELED);
    for (std::size_t at = 0; at < 6; ++at) {
        CHECK(nops[at].in_flight());
        s.kernel.post(s.kernel.held[at].user_data, 0);
    }
    s.ring.reap();
}

TEST_CASE("ring cancel: what the kernel has is not found in the queue, however full that is") {
    Scripted s(8, 64);
    NopProbe old;
    s.ring.submit(old);
    s.ring.enter(false);
    std::deque<NopProbe> young(5);
    for (NopProbe& nop : young) {
        s.ring.submit(nop);
    }
    s.ring.cancel(old);
    s.ring.enter(false);
    REQUIRE(s.kernel.cancels.size() == 1);
    CHECK(s.kernel.cancels.front().addr == s.kernel.cancels.front().user_data - 1);
    s.kernel.answer_at_once = 0;
    for (NopProbe& nop : young) {
        s.ring.cancel(nop);
    }
    drain(s.ring);
    CHECK(old.result == -ECANCELED);
}

TEST_CASE("ring cancel: in flight") {
    Ring ring = make_ring();
    const IdleEvent event;
    Probe<PollRequest> poll(event.poll());
    ring.submit(poll);
    ring.enter(false);
    ring.reap();
    REQUIRE(poll.in_flight());
    ring.cancel(poll);
    CHECK(poll.calls == 0);
    drain(ring);
    CHECK(poll.result == -ECANCELED);
}

TEST_CASE("ring cancel: a request that is complete, or was never submitted, is left alone") {
    Scripted s;
    NopProbe nop;
    s.ring.cancel(nop);
    s.kernel.answer_at_once = 5;
    s.ring.submit(nop);
    drain(s.ring);
    s.ring.cancel(nop);
    s.ring.enter(false);
    CHECK(s.kernel.cancels.empty());
    CHECK(nop.result == 5);
    CHECK(nop.calls == 1);
}

TEST_CASE("ring cancel: twice is once") {
    Scripted s;
    NopProbe nop;
    s.ring.submit(nop);
    s.ring.enter(false);
    s.ring.cancel(nop);
    s.ring.cancel(nop);
    s.ring.enter(false);
    s.ring.cancel(nop);
    s.ring.enter(false);
    CHECK(s.kernel.cancels.size() == 1);
    drain(s.ring);
    CHECK(nop.calls == 1);
    CHECK(nop.result == -ECANCELED);
}

TEST_CASE("ring cancel: a result that is visible but not reaped wins") {
    Scripted s;
    NopProbe nop;
    s.ring.submit(nop);
    s.ring.enter(false);
    s.kernel.answer(0, 9);
    s.ring.cancel(nop);
    drain(s.ring);
    s.ring.enter(false);  // the cancel finds nothing: its completion is ignored
    s.ring.reap();
    CHECK(nop.result == 9);
    CHECK(nop.calls == 1);
}

TEST_CASE("ring cancel: both orders of the two completions and every outcome are accepted") {
    for (const int cancel_result : {0, 1, -ENOENT, -EALREADY, -EINVAL, -EBADF}) {
        for (const int result : {-ECANCELED, -EINTR, 0, 17}) {
            for (const bool cancel_first : {false, true}) {
                Scripted s;
                NopProbe nop;
                s.ring.submit(nop);
                s.ring.enter(false);
                const std::uint64_t target = s.kernel.held[0].user_data;
                s.kernel.held.clear();  // the test answers itself
                s.ring.cancel(nop);
                s.kernel.refusals = 0;
                if (cancel_first) {
                    s.kernel.post(target | 1, cancel_result);
                    s.ring.reap();
                    CHECK(nop.in_flight());
                    s.kernel.post(target, result);
                } else {
                    s.kernel.post(target, result);
                    s.kernel.post(target | 1, cancel_result);
                }
                s.ring.reap();
                CHECK(nop.result == result);
                CHECK(nop.calls == 1);
                s.ring.enter(false);
                s.ring.reap();
                CHECK(nop.calls == 1);
            }
        }
    }
}

TEST_CASE("ring cancel: a request that waits for room is withdrawn, and completes at the reap") {
    Scripted s(1, 16);
    s.kernel.refusals = 1'000;
    NopProbe first, second, third;
    s.ring.submit(first);
    s.ring.submit(second);
    s.ring.submit(third);
    s.ring.cancel(second);
    s.ring.cancel(second);
    CHECK(second.calls == 0);
    CHECK(second.in_flight());
    s.kernel.slept = false;
    CHECK(s.ring.enter(true));  // there is something to reap: no sleep
    CHECK_FALSE(s.kernel.slept);
    CHECK(s.ring.reap() == 1);
    CHECK(second.result == -ECANCELED);
    CHECK(second.prepared == 0);
    CHECK(second.calls == 1);
    s.kernel.refusals = 0;
    s.kernel.answer_at_once = 0;
    drain(s.ring);
    CHECK(first.result == 0);
    CHECK(third.result == 0);
}

TEST_CASE("ring cancel: what is withdrawn while reaping is for the next reap") {
    Scripted s(1, 16);
    s.kernel.refusals = 1'000;
    static NopProbe* victim = nullptr;
    NopProbe in_queue, first, second;
    victim = &second;
    first.ring = &s.ring;
    first.then = [](NopProbe& self) noexcept { self.ring->cancel(*victim); };
    s.ring.submit(in_queue);
    s.ring.submit(first);
    s.ring.submit(second);
    s.ring.cancel(first);
    CHECK(s.ring.reap() == 1);
    CHECK(second.calls == 0);
    CHECK(s.ring.reap() == 1);
    CHECK(second.result == -ECANCELED);
    s.kernel.refusals = 0;
    s.kernel.answer_at_once = 0;
    drain(s.ring);
}

TEST_CASE("ring cancel: a cancel that finds no room waits and is sent later") {
    Scripted s(1, 16);
    NopProbe a, b, c;
    s.ring.submit(a);
    s.ring.submit(b);
    s.ring.submit(c);
    s.ring.enter(false);
    REQUIRE(s.kernel.held.size() == 3);
    NopProbe filler;
    s.ring.submit(filler);  // takes the only entry
    s.kernel.refusals = 3;
    s.ring.cancel(a);
    s.ring.cancel(b);
    CHECK(s.kernel.cancels.empty());
    CHECK(s.ring.has_work());
    s.kernel.answer(1, 4);  // b completes while its cancel waits
    s.ring.reap();
    CHECK(b.result == 4);
    s.kernel.refusals = 0;
    s.ring.enter(false);
    s.ring.reap();
    CHECK(a.result == -ECANCELED);
    CHECK(s.kernel.cancels.size() == 1);
    CHECK(c.in_flight());
    s.ring.cancel_all();
    drain(s.ring);
    CHECK(c.result == -ECANCELED);
    CHECK(filler.result == -ECANCELED);
}

TEST_CASE("ring cancel: 10,000 cancels on a ring of four entries are all obeyed") {
    Ring ring = make_ring(4, 16);
    const IdleEvent event;
    std::deque<Probe<PollRequest>> polls;
    for (int i = 0; i < 10'000; ++i) {
        ring.submit(polls.emplace_back(event.poll()));
    }
    for (auto& poll : polls) {
        ring.cancel(poll);
    }
    drain(ring);
    unsigned cancelled = 0;
    for (const auto& poll : polls) {
        cancelled += poll.result == -ECANCELED && poll.calls == 1 ? 1U : 0U;
    }
    CHECK(cancelled == 10'000);
}

TEST_CASE("ring cancel: cancel_all ends everything, handed over or not") {
    Ring ring = make_ring(4, 64);
    const IdleEvent event;
    std::deque<Probe<PollRequest>> polls;
    for (int i = 0; i < 1003; ++i) {
        ring.submit(polls.emplace_back(event.poll()));
    }
    ring.cancel_all();
    drain(ring);
    for (const auto& poll : polls) {
        REQUIRE(poll.result == -ECANCELED);
    }
}

TEST_CASE("ring cancel: cancel_all is not dropped when the kernel refuses, nor hits what follows") {
    Scripted s(1, 16);
    NopProbe in_kernel, in_queue, waiting, later;
    s.ring.submit(in_kernel);
    s.ring.enter(false);
    s.kernel.refusals = 4;
    s.ring.submit(in_queue);
    s.ring.submit(waiting);
    s.ring.cancel_all();
    s.ring.submit(later);
    CHECK(s.ring.has_work());
    while (s.kernel.cancels.empty() || s.kernel.held.empty()) {
        s.ring.enter(false);
        s.ring.reap();
    }
    s.ring.reap();
    CHECK(in_kernel.result == -ECANCELED);
    CHECK(in_queue.result == -ECANCELED);
    CHECK(waiting.result == -ECANCELED);
    CHECK(later.in_flight());
    s.kernel.answer(0, 1);
    s.ring.reap();
    CHECK(later.result == 1);
}

TEST_CASE("ring cancel: a byte and a cancel race 10,000 times: never both, never neither") {
    Ring ring = make_ring(4, 64);
    int fds[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    const UniqueFd left(fds[0]), right(fds[1]);
    unsigned received = 0;
    unsigned cancelled = 0;
    std::uint32_t random = 12345;
    for (int i = 0; i < 10'000; ++i) {
        random = random * 1664525U + 1013904223U;
        const std::uint32_t choice = random >> 20;
        char byte = 0;
        Probe<RecvRequest> recv(RecvRequest{right.get(), &byte, 1});
        const auto send = [&] { return ::send(left.get(), "x", 1, MSG_NOSIGNAL) == 1; };
        const bool send_first = (choice & 1) != 0;
        bool sent = true;
        if ((choice & 2) != 0 && send_first) {
            sent = send();
        }
        ring.submit(recv);
        if ((choice & 4) != 0) {
            ring.enter(false);
        }
        if ((choice & 2) == 0 && send_first) {
            sent = send();
        }
        if ((choice & 8) != 0) {
            ring.enter(false);
        }
        ring.cancel(recv);
        if ((choice & 16) != 0) {
            ring.enter(false);
        }
        if (!send_first) {
            sent = send();
        }
        drain(ring);
        REQUIRE(sent);
        REQUIRE(recv.calls == 1);
        char rest = 0;
        const bool left_over = ::recv(right.get(), &rest, 1, MSG_DONTWAIT) == 1;
        if (recv.result == 1) {
            REQUIRE_FALSE(left_over);
            ++received;
        } else {
            REQUIRE((recv.result == -ECANCELED || recv.result == -EINTR));
            REQUIRE(left_over);
            ++cancelled;
        }
    }
    CHECK(received != 0);
    CHECK(cancelled != 0);
}
