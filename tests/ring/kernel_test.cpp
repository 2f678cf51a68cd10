#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include <ringio/ring/kernel.hpp>
#include <support/catch.hpp>

#include "probe.hpp"
#include "scripted_kernel.hpp"

using namespace ringio;
using namespace ringio::testing;

namespace {

// A program that cannot tell which kernel answers.
template <class AnyKernel>
bool ten_nops_twice(AnyKernel kernel) {
    Ring ring(std::move(kernel));
    std::array<NopProbe, 10> nops;
    for (int round = 0; round < 2; ++round) {
        for (NopProbe& nop : nops) {
            ring.submit(nop);
        }
        drain(ring);
    }
    unsigned calls = 0;
    for (const NopProbe& nop : nops) {
        calls += nop.result == 0 ? nop.calls : 0;
    }
    return calls == 20 && !ring.has_work();
}

}  // namespace

TEST_CASE("kernel: nothing above can tell which one answers") {
    CHECK(ten_nops_twice(make_kernel(4)));
    auto scripted = std::make_unique<ScriptedKernel>(4, 4);
    scripted->answer_at_once = 0;
    CHECK(ten_nops_twice(std::move(scripted)));
}

TEST_CASE("kernel: signals, timeouts and refusals are transient, a lost completion is not") {
    for (const int result : {-EINTR, -ETIME, -EAGAIN, -EBUSY}) {
        CHECK(Kernel::is_transient(result));
    }
    for (const int result : {-EBADR, -EEXIST, -EBADF, 0, 1}) {
        CHECK_FALSE(Kernel::is_transient(result));
    }
}
