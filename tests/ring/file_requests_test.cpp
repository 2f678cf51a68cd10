#include <cerrno>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring.hpp>
#include <support/catch.hpp>

#include "probe.hpp"

using namespace ringio;
using namespace ringio::testing;

static_assert(
    plain<ReadRequest, WriteRequest, OpenAtRequest, CloseRequest, FsyncRequest, StatxRequest>);

TEST_CASE("file requests: a file is opened, written, synced, read, asked about and closed") {
    Ring ring = make_ring();
    char path[] = "/tmp/ringio-requests-XXXXXX";
    ::close(::mkstemp(path));
    const int fd = perform(ring, OpenAtRequest{AT_FDCWD, path, O_RDWR});
    REQUIRE(fd >= 0);
    CHECK(is_cloexec(fd));
    CHECK(perform(ring, WriteRequest{fd, "hello", 5, 0}) == 5);
    CHECK(perform(ring, FsyncRequest{fd}) == 0);
    CHECK(perform(ring, FsyncRequest{fd, true}) == 0);

    char buffer[16] = {};
    CHECK(perform(ring, ReadRequest{fd, buffer, sizeof buffer, 1}) == 4);
    CHECK(std::string(buffer, 4) == "ello");
    CHECK(perform(ring, ReadRequest{fd, buffer, 2}) == 2);  // at the file's own position
    CHECK(perform(ring, ReadRequest{fd, buffer, 3}) == 3);
    CHECK(perform(ring, ReadRequest{fd, buffer, 3}) == 0);

    struct statx about{};
    CHECK(perform(ring, StatxRequest{AT_FDCWD, path, 0, STATX_SIZE, &about}) == 0);
    CHECK(about.stx_size == 5);
    CHECK(perform(ring, CloseRequest{fd}) == 0);
    CHECK_FALSE(is_open(fd));
    ::unlink(path);
    CHECK(perform(ring, OpenAtRequest{AT_FDCWD, path, O_RDONLY}) == -ENOENT);
}

TEST_CASE("file requests: an opened file that nobody takes is closed") {
    const int fd = ::eventfd(0, EFD_CLOEXEC);
    OpenAtRequest::dispose(fd, 0);
    CHECK_FALSE(is_open(fd));
    OpenAtRequest::dispose(-ENOENT, 0);
}

TEST_CASE("file requests: disposing of a transfer touches nothing") {
    const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
    ReadRequest::dispose(event.get(), 0);
    WriteRequest::dispose(event.get(), 0);
    CHECK(is_open(event.get()));
}

TEST_CASE("file requests: close alone is not done again after EINTR") {
    STATIC_REQUIRE_FALSE(CloseRequest::retry_on_eintr);
    STATIC_REQUIRE(ReadRequest::retry_on_eintr);
}
