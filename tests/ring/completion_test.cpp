#include <type_traits>

#include <ringio/ring/completion.hpp>
#include <support/catch.hpp>

#include "probe.hpp"
#include "scripted_kernel.hpp"

using namespace ringio;
using namespace ringio::testing;

static_assert(alignof(Completion) == 16, "the low bits of its address carry the kind");
static_assert(!std::is_copy_constructible_v<NopProbe> && !std::is_move_constructible_v<NopProbe>);

TEST_CASE("completion: it is in flight from submit until its terminal completion is delivered") {
    Scripted s;
    static bool within = true;
    NopProbe nop;
    nop.then = [](NopProbe& self) noexcept { within = self.in_flight(); };
    CHECK_FALSE(nop.in_flight());
    s.ring.submit(nop);
    CHECK(nop.in_flight());
    s.ring.enter(false);
    s.kernel.answer(0, 0);
    CHECK(nop.in_flight());
    s.ring.reap();
    CHECK_FALSE(within);
    CHECK_FALSE(nop.in_flight());
}

TEST_CASE("completion: it is prepared when it is given an entry, not before") {
    Scripted s(1);
    s.kernel.refusals = 2;
    NopProbe first, second;
    s.ring.submit(first);
    s.ring.submit(second);
    CHECK(first.prepared == 1);
    CHECK(second.prepared == 0);
    s.kernel.refusals = 0;
    s.kernel.answer_at_once = 0;
    drain(s.ring);
    CHECK(second.prepared == 1);
}
