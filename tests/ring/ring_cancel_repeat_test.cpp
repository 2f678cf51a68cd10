// A cancel that does not take hold is sent again, until the request has ended.
#include <cerrno>
#include <chrono>

#include <ringio/ring.hpp>
#include <support/catch.hpp>

#include "probe.hpp"
#include "scripted_kernel.hpp"

using namespace ringio;
using namespace ringio::testing;
using namespace std::chrono_literals;

namespace {

void sleep_and_reap(Scripted& scripted) {
    scripted.ring.enter(true, 1h);
    scripted.ring.reap();
}

}  // namespace

TEST_CASE("ring cancel: one that the kernel refuses is sent again, not at once, until it works") {
    for (const int refusal : {-EALREADY, -ENOENT}) {
        Scripted scripted;
        Probe<NopRequest> slow;
        scripted.ring.submit(slow);
        scripted.ring.enter(false);
        scripted.kernel.refuse_cancels = refusal;
        scripted.ring.cancel(slow);
        sleep_and_reap(scripted);
        CHECK(scripted.kernel.cancels.size() == 1);

        // The sleep is cut short, for there is something to do.
        sleep_and_reap(scripted);
        CHECK(scripted.kernel.cancels.size() == 1);
        CHECK(scripted.kernel.last_timeout == std::chrono::nanoseconds(10ms));
        scripted.kernel.pass(10ms);
        sleep_and_reap(scripted);
        CHECK(scripted.kernel.cancels.size() == 2);
        CHECK(slow.in_flight());

        scripted.kernel.refuse_cancels = 0;
        scripted.kernel.pass(10ms);
        sleep_and_reap(scripted);
        sleep_and_reap(scripted);
        CHECK(scripted.kernel.cancels.size() == 3);
        CHECK_FALSE(slow.in_flight());
        CHECK(slow.result == -ECANCELED);

        // Nothing is left to do.
        scripted.kernel.pass(1h);
        CHECK_FALSE(scripted.ring.has_work());
        sleep_and_reap(scripted);
        CHECK(scripted.kernel.last_timeout == std::chrono::nanoseconds(1h));
        CHECK(scripted.kernel.cancels.size() == 3);
    }
}

TEST_CASE("ring cancel: the refusal of one whose request has ended asks for nothing") {
    Scripted scripted;
    Probe<NopRequest> quick;
    scripted.ring.submit(quick);
    scripted.ring.enter(false);
    scripted.kernel.answer(0, 7);
    scripted.ring.cancel(quick);
    sleep_and_reap(scripted);
    CHECK(quick.result == 7);
    sleep_and_reap(scripted);
    scripted.kernel.pass(1h);
    sleep_and_reap(scripted);
    CHECK(scripted.kernel.cancels.size() == 1);
}

TEST_CASE("ring cancel: one whose request ends before it would be sent again is not") {
    Scripted scripted;
    Probe<NopRequest> slow;
    scripted.ring.submit(slow);
    scripted.ring.enter(false);
    scripted.kernel.refuse_cancels = -EALREADY;
    scripted.ring.cancel(slow);
    sleep_and_reap(scripted);
    scripted.kernel.answer(0, 5);
    sleep_and_reap(scripted);
    CHECK(slow.result == 5);
    scripted.kernel.pass(1h);
    sleep_and_reap(scripted);
    CHECK(scripted.kernel.cancels.size() == 1);
}
