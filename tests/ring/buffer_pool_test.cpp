// Buffers on loan: from the kernel, in turn when they are scarce, and back.
#include <ringio/ring/buffer_pool.hpp>

#include "probe.hpp"
#include "scripted_kernel.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

namespace {

using RecvProbe = Probe<RecvMultishotRequest>;

struct Pair {
    Pair() {
        int fds[2] = {-1, -1};
        ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
        near = UniqueFd(fds[0]);
        far = UniqueFd(fds[1]);
    }
    void send(std::string_view text) const {
        CHECK(::send(far.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    }

    UniqueFd near;
    UniqueFd far;
};

void turn(Ring& ring) {
    ring.enter(false);
    ring.reap();
}

}  // namespace

TEST_CASE("BufferPool: one request brings many results, each in a buffer of its own") {
    Ring ring = make_ring();
    BufferPool* const pool = ring.buffers();
    REQUIRE(pool != nullptr);
    CHECK(ring.buffers() == pool);
    const Pair pair;
    RecvProbe probe({.fd = pair.near.get(), .group = BufferPool::group});
    ring.submit(probe);
    for (int round = 0; round < 200; ++round) {  // more often than there are buffers
        const std::string text = "message " + std::to_string(round);
        pair.send(text);
        while (probe.calls == static_cast<unsigned>(round)) {
            ring.enter(true);
            ring.reap();
        }
        REQUIRE(BufferPool::comes_with(probe.flags));
        const unsigned id = BufferPool::id_of(probe.flags);
        CHECK(pool->borrow(id, static_cast<std::size_t>(probe.result)) == text);
        CHECK(ring.borrowed_buffers() == 1);
        pool->recycle(id);
    }
    CHECK(probe.in_flight());
    ring.cancel(probe);
    drain(ring);
    CHECK(probe.result == -ECANCELED);
    CHECK(ring.borrowed_buffers() == 0);
}

TEST_CASE("BufferPool: with every buffer on loan a receive ends with ENOBUFS, and loses nothing") {
    Ring ring = make_ring();
    BufferPool* const pool = ring.buffers();
    REQUIRE(pool != nullptr);
    const Pair pair;
    RecvProbe probe({.fd = pair.near.get(), .group = BufferPool::group});
    for (unsigned index = 0; index < BufferPool::count; ++index) {
        pair.send("x");
    }
    pair.send("last");
    static std::vector<unsigned> ids;
    ids.clear();
    probe.then = [](RecvProbe& self) noexcept {
        if (BufferPool::comes_with(self.flags)) {
            ids.push_back(BufferPool::id_of(self.flags));
        }
    };
    ring.submit(probe);
    drain(ring);
    CHECK(probe.result == -ENOBUFS);
    REQUIRE(ids.size() == BufferPool::count);
    CHECK(pool->borrow(ids.back(), 1) == "x");
    pool->recycle(ids.back());
    ids.clear();
    ring.submit_starved(probe);
    while (ids.empty()) {
        ring.enter(true);
        ring.reap();
    }
    CHECK(pool->borrow(ids.front(), static_cast<std::size_t>(4)) == "last");
    pool->recycle(ids.front());
    probe.then = nullptr;
    ring.cancel(probe);
    drain(ring);
}

TEST_CASE("BufferPool: a kernel without buffer rings gives none, and is asked once") {
    Scripted scripted;
    scripted.kernel.refuses_buffers = true;
    CHECK(scripted.ring.buffers() == nullptr);
    scripted.kernel.refuses_buffers = false;
    CHECK(scripted.ring.buffers() == nullptr);
    CHECK(scripted.ring.borrowed_buffers() == 0);
}

TEST_CASE("BufferPool: half of the buffers may be kept") {
    Scripted scripted;
    BufferPool* const pool = scripted.ring.buffers();
    for (unsigned id = 0; id < BufferPool::count / 2; ++id) {
        pool->borrow(id, 1);
        CHECK(pool->try_keep());
    }
    constexpr unsigned another = BufferPool::count - 1;
    pool->borrow(another, 1);
    CHECK_FALSE(pool->try_keep());
    CHECK(pool->available() == BufferPool::count / 2 - 1);
    pool->recycle(another);
    pool->give_back(0);
    pool->borrow(0, 1);
    CHECK(pool->try_keep());
    for (unsigned id = 0; id < BufferPool::count / 2; ++id) {
        pool->give_back(id);
    }
    CHECK(pool->borrowed() == 0);
}

TEST_CASE("BufferPool: stays as long as somebody holds it, even without the ring") {
    const std::ptrdiff_t before = BufferPool::borrowed_on_thread();
    IntrusivePtr<BufferPool> pool;
    std::string_view bytes;
    {
        Scripted scripted;
        pool = IntrusivePtr<BufferPool>(scripted.ring.buffers());
        bytes = pool->borrow(3, 5);
    }
    CHECK(bytes == std::string(5, '\0'));
    CHECK(BufferPool::borrowed_on_thread() == before + 1);
    pool->recycle(3);
    CHECK(BufferPool::borrowed_on_thread() == before);
}

TEST_CASE("Ring: starved requests are fed first come, first served, half of the pool per entry") {
    Scripted scripted(256, 256);
    scripted.ring.buffers();
    constexpr std::size_t portion = BufferPool::count / 2;
    std::array<NopProbe, 3 * portion + 4> probes;
    for (NopProbe& probe : probes) {
        scripted.ring.submit_starved(probe);
    }
    CHECK(scripted.ring.in_flight() == probes.size());
    CHECK(scripted.ring.has_work());
    std::vector<std::size_t> fed;
    for (int round = 0; round < 4; ++round) {
        scripted.ring.enter(true, std::chrono::hours(1));
        fed.push_back(scripted.kernel.held.size());
    }
    CHECK(fed == std::vector<std::size_t>{portion, 2 * portion, 3 * portion, probes.size()});
    for (std::size_t index = 0; index < probes.size(); ++index) {
        scripted.kernel.answer(0, static_cast<int>(index));
    }
    scripted.ring.reap();
    bool in_order = true;
    for (std::size_t index = 0; index < probes.size(); ++index) {
        in_order = in_order && probes[index].result == static_cast<int>(index);
    }
    CHECK(in_order);
}

TEST_CASE("Ring: does not sleep while there are starved requests to feed") {
    Scripted scripted(256, 256);
    scripted.ring.buffers();
    std::array<NopProbe, BufferPool::count / 2 + 1> probes;
    for (NopProbe& probe : probes) {
        scripted.ring.submit_starved(probe);
    }
    scripted.ring.enter(true);
    CHECK_FALSE(scripted.kernel.slept);
    scripted.ring.enter(true);
    CHECK(scripted.kernel.slept);
    scripted.ring.cancel_all();
    turn(scripted.ring);
}

TEST_CASE("Ring: feeds nobody while every buffer is on loan, and sleeps") {
    Scripted scripted;
    BufferPool* const pool = scripted.ring.buffers();
    for (unsigned id = 0; id < BufferPool::count; ++id) {
        pool->borrow(id, 0);
    }
    NopProbe probe;
    scripted.ring.submit_starved(probe);
    scripted.ring.enter(true);
    CHECK(scripted.kernel.held.empty());
    CHECK(scripted.kernel.slept);
    for (unsigned id = 0; id < BufferPool::count; ++id) {
        pool->recycle(id);
    }
    scripted.ring.enter(true);
    CHECK(scripted.kernel.held.size() == 1);
    scripted.kernel.answer(0, 0);
    scripted.ring.reap();
}

TEST_CASE("Ring: a starved request that is cancelled never reaches the kernel") {
    Scripted scripted;
    NopProbe one;
    NopProbe two;
    scripted.ring.submit_starved(one);
    scripted.ring.submit_starved(two);
    scripted.ring.cancel(one);
    CHECK(one.calls == 0);
    scripted.ring.cancel_all();
    turn(scripted.ring);
    CHECK(one.result == -ECANCELED);
    CHECK(two.result == -ECANCELED);
    CHECK(one.prepared + two.prepared == 0);
    CHECK(scripted.ring.in_flight() == 0);
}
