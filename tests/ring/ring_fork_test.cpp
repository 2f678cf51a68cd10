#include <memory>
#include <string>

#include <ringio/ring.hpp>
#include <support/catch.hpp>

#include "child_process.hpp"
#include "probe.hpp"

using namespace ringio;
using namespace ringio::testing;

TEST_CASE("ring: says so when it is used in the child of a fork") {
    Ring ring(testing::make_kernel(8));
    const ChildResult child = run_in_child([&] {
        Probe<NopRequest> nop;
        ring.submit(nop);
    });
    CHECK(child.aborted());
    CHECK(child.text.find("in the child of a fork()") != std::string::npos);
    Probe<NopRequest> nop;
    ring.submit(nop);
    ring.enter(true);
    ring.reap();
    CHECK(!nop.in_flight());
}
