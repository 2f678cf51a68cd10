#include <poll.h>
#include <sys/eventfd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring.hpp>
#include <support/catch.hpp>

#include "probe.hpp"

using namespace ringio;
using namespace ringio::testing;

static_assert(plain<PollRequest, NopRequest>);

TEST_CASE("control requests: poll tells which events are there") {
    Ring ring = make_ring();
    const UniqueFd event(::eventfd(1, EFD_CLOEXEC));
    CHECK(perform(ring, PollRequest{event.get(), POLLIN | POLLOUT}) == (POLLIN | POLLOUT));
    CHECK(perform(ring, PollRequest{event.get(), POLLOUT}) == POLLOUT);
}

TEST_CASE("control requests: a nop completes with 0") {
    Ring ring = make_ring();
    CHECK(perform(ring, NopRequest{}) == 0);
}

TEST_CASE("control requests: preparing leaves nothing of an earlier request in the entry") {
    const io_uring_sqe nop = prepared(NopRequest{});
    CHECK(nop.flags == 0);
    CHECK(nop.ioprio == 0);
    CHECK(nop.personality == 0);
    CHECK(nop.file_index == 0);
    CHECK(nop.addr3 == 0);
}
