// What the kernel on epoll does at once, and what it leaves to a thread.
#include <string>

#include <fcntl.h>
#include <liburing.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring/file_requests.hpp>
#include <support/catch.hpp>

#include "../../src/ring/epoll/call.hpp"

using namespace ringio;

namespace {

alignas(4096) char block[4096];

// A file of one block, which is in the page cache and has no name; with more flags for its opening.
UniqueFd file_of_one_block(int flags) {
    std::string name = "/var/tmp/ringio-epoll-call-XXXXXX";
    const UniqueFd made(::mkstemp(name.data()));
    REQUIRE(made);
    REQUIRE(::write(made.get(), block, sizeof block) == sizeof block);
    UniqueFd opened(::open(name.c_str(), O_RDWR | O_CLOEXEC | flags));
    ::unlink(name.c_str());
    return opened;
}

detail::Verdict first_try(int fd) {
    detail::FileBudget budget;
    detail::Call call{};
    ReadRequest{.fd = fd, .buffer = block, .size = sizeof block, .offset = 0}.prepare(call.request);
    return detail::attempt(call, budget);
}

}  // namespace

TEST_CASE("epoll call: what the page cache has is read at once") {
    const UniqueFd file = file_of_one_block(0);
    const iovec part{block, sizeof block};
    if (::preadv2(file.get(), &part, 1, 0, RWF_NOWAIT) < 0) {
        WARN("not tested: this file system cannot be asked");  // Kernel: a tmpfs, still with 6.12
        return;
    }
    CHECK(first_try(file.get()).next == detail::Verdict::Next::done);
}

TEST_CASE("epoll call: a read past the page cache is for a thread, for it waits for the disk") {
    const UniqueFd file = file_of_one_block(O_DIRECT);
    if (!file) {
        WARN("not tested: this file system knows no O_DIRECT");  // Kernel: tmpfs before 6.6
        return;
    }
    CHECK(first_try(file.get()).next == detail::Verdict::Next::worker);
}

TEST_CASE("epoll call: a pipe in packet mode is no disk") {
    int ends[2] = {-1, -1};
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_DIRECT) == 0);
    const UniqueFd near(ends[0]);
    const UniqueFd far(ends[1]);
    CHECK(first_try(near.get()).next == detail::Verdict::Next::readable);
    REQUIRE(::write(far.get(), "abc", 3) == 3);
    CHECK(first_try(near.get()).result == 3);
}
