#include <liburing.h>

#include <ringio/ring/features.hpp>
#include <ringio/ring/uring_kernel.hpp>
#include <support/catch.hpp>

using namespace ringio;

TEST_CASE("features: what this kernel is known to do is supported, what nobody does is not",
          "[uring]") {
    const UringKernel kernel;
    const Features& features = kernel.features();
    CHECK(features.sufficient());
    CHECK(features.supports(IORING_OP_NOP));
    CHECK(features.supports(IORING_OP_ACCEPT));
    CHECK_FALSE(features.supports(255));
    CHECK_FALSE(features.supports(100'000));
    CHECK((features.feature_bits() & IORING_FEAT_EXT_ARG) != 0);
    CHECK_FALSE(Features().sufficient());
    CHECK_FALSE(Features().supports(IORING_OP_NOP));
}
