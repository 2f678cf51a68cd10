#include <fcntl.h>
#include <liburing.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
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

TEST_CASE("features: a pipe that blocks is written to without waiting, or is said to wait") {
    int ends[2] = {-1, -1};
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd reading(ends[0]);
    const UniqueFd writing(ends[1]);
    char byte = 0;
    const iovec part{&byte, 1};
    const bool before = Features::pipes_never_wait();
    const ssize_t written = ::pwritev2(writing.get(), &part, 1, -1, RWF_NOWAIT);
    CHECK(written == (before ? 1 : -1));
    CHECK(Features::pipes_never_wait() == before);
}
