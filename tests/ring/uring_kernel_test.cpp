#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include <liburing.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring/uring_kernel.hpp>
#include <support/catch.hpp>

#include "child_process.hpp"
#include "probe.hpp"
#include "seccomp.hpp"

using namespace ringio;
using namespace ringio::testing;
using namespace std::chrono_literals;

namespace {

// What a program is told when it creates a ring of `entries`: "code: text".
void report_set_up(unsigned entries = 8) {
    try {
        const UringKernel kernel(UringOptions{entries, 0});
        std::fputs("no error", stderr);
    } catch (const std::system_error& error) {
        std::fprintf(stderr, "%d: %s", error.code().value(), error.what());
    }
}

std::string told_when_forbidden(int system_call, int error, unsigned entries = 8) {
    return run_in_child([=] {
               forbid(system_call, error);
               report_set_up(entries);
           })
        .text;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string code(int error) { return std::to_string(error) + ": "; }

struct SocketPair {
    SocketPair() {
        int fds[2] = {-1, -1};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        left.reset(fds[0]);
        right.reset(fds[1]);
    }
    UniqueFd left, right;
};

}  // namespace

TEST_CASE("uring kernel: on this kernel it is set up with one issuer and deferred task work",
          "[uring]") {
    const UringKernel kernel;
    CHECK((kernel.setup_flags() & IORING_SETUP_SINGLE_ISSUER) != 0);
    CHECK((kernel.setup_flags() & IORING_SETUP_DEFER_TASKRUN) != 0);
    CHECK((kernel.setup_flags() & IORING_SETUP_TASKRUN_FLAG) != 0);
    CHECK((kernel.setup_flags() & IORING_SETUP_SUBMIT_ALL) != 0);
    CHECK(kernel.queues().sq.ring_entries == 256);
    CHECK(kernel.queues().cq.ring_entries == 4096);
}

TEST_CASE("uring kernel: sizes are rounded up, and the completion queue is not the smaller one",
          "[uring]") {
    const UringKernel small(UringOptions{3, 1});
    CHECK(small.queues().sq.ring_entries == 4);
    CHECK(small.queues().cq.ring_entries == 4);
    const UringKernel large(UringOptions{2048, 0});
    CHECK(large.queues().sq.ring_entries == 2048);
    CHECK(large.queues().cq.ring_entries == 8192);
}

TEST_CASE("uring kernel: a ring without entries is an invalid argument", "[uring]") {
    CHECK_THROWS_AS(UringKernel(UringOptions{0, 0}), std::invalid_argument);
}

TEST_CASE("uring kernel: sizes beyond the kernel's caps are clamped", "[uring]") {
    const UringKernel kernel(UringOptions{~0U, ~0U});
    CHECK(kernel.queues().sq.ring_entries <= 32768);
}

TEST_CASE("uring kernel: a seccomp profile that forbids io_uring_setup is named", "[uring]") {
    const std::string text = told_when_forbidden(__NR_io_uring_setup, EPERM);
    INFO(text);
    CHECK(contains(text, code(EPERM)));
    if (read_io_uring_sysctl() <= 0) {
        CHECK(contains(text, "seccomp profile"));
        CHECK(contains(text, "--security-opt"));
    }
}

TEST_CASE("uring kernel: a seccomp profile that forbids only entering or registering is named",
          "[uring]") {
    for (const int call : {__NR_io_uring_enter, __NR_io_uring_register}) {
        const std::string text = told_when_forbidden(call, EPERM);
        INFO(text);
        CHECK(contains(text, code(EPERM) + "io_uring cannot be used"));
    }
}

TEST_CASE("uring kernel: a kernel without io_uring is named", "[uring]") {
    const std::string text = told_when_forbidden(__NR_io_uring_setup, ENOSYS);
    INFO(text);
    CHECK(contains(text, code(ENOSYS) + "io_uring cannot be used: the kernel has none"));
}

TEST_CASE("uring kernel: an EINVAL says that the kernel is too old", "[uring]") {
    const std::string text = told_when_forbidden(__NR_io_uring_setup, EINVAL);
    CHECK(contains(text, code(EINVAL) + "io_uring cannot be used: the kernel is too old"));
}

TEST_CASE("uring kernel: for want of memory it asks for less, down to 64 entries, never for more",
          "[uring]") {
    CHECK(contains(told_when_forbidden(__NR_io_uring_setup, ENOMEM, 256), "ring of 64 entries"));
    CHECK(contains(told_when_forbidden(__NR_io_uring_setup, ENOMEM, 4), "ring of 4 entries"));
}

TEST_CASE("uring kernel: having no descriptor left is named with the limit", "[uring]") {
    const ChildResult child = run_in_child([] {
        leave_no_descriptor();
        report_set_up();
    });
    INFO(child.text);
    CHECK(contains(child.text, code(EMFILE)));
    CHECK(contains(child.text, "RLIMIT_NOFILE is 3"));
}

TEST_CASE("uring kernel: many rings can be made and dropped in a row", "[uring]") {
    for (int i = 0; i < 200; ++i) {
        Ring ring = Ring(std::make_unique<UringKernel>(UringOptions{4, 8}));
        REQUIRE(perform(ring, NopRequest{}) == 0);
    }
}

TEST_CASE("uring kernel: a sleep ends with the timeout, also with a huge or a negative one",
          "[uring]") {
    UringKernel kernel(UringOptions{4, 0});
    const auto before = kernel.now();
    CHECK(kernel.enter(true, 2ms) == -ETIME);
    CHECK(kernel.now() - before >= 2ms);
    CHECK(kernel.enter(true, -1s) == 0);
    CHECK(kernel.enter(true, 0s) == 0);
    CHECK(kernel.enter(false, std::nullopt) == 0);

    Ring ring(std::make_unique<UringKernel>(UringOptions{4, 0}));
    NopProbe nop;
    ring.submit(nop);
    CHECK(ring.enter(true, std::chrono::nanoseconds::max()));
    CHECK(ring.reap() == 1);
}

TEST_CASE("uring kernel: try_now sends and receives when that is possible without waiting",
          "[uring]") {
    SocketPair sockets;
    UringKernel kernel(UringOptions{4, 0});
    io_uring_sqe sqe{};
    char buffer[8] = {};

    RecvRequest{sockets.right.get(), buffer, sizeof buffer}.prepare(sqe);
    CHECK(kernel.try_now(sqe) == -EAGAIN);
    SendRequest{sockets.left.get(), "hello", 5}.prepare(sqe);
    CHECK(kernel.try_now(sqe) == 5);
    RecvRequest{sockets.right.get(), buffer, sizeof buffer, MSG_WAITALL}.prepare(sqe);
    CHECK(kernel.try_now(sqe) == -EAGAIN);
    RecvRequest{sockets.right.get(), buffer, sizeof buffer}.prepare(sqe);
    CHECK(kernel.try_now(sqe) == 5);
    CHECK(std::string(buffer, 5) == "hello");

    iovec part{buffer, 5};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    SendMsgRequest{sockets.left.get(), &message}.prepare(sqe);
    CHECK(kernel.try_now(sqe) == 5);
    RecvMsgRequest{sockets.right.get(), &message}.prepare(sqe);
    CHECK(kernel.try_now(sqe) == 5);

    sockets.right.reset();
    SendRequest{sockets.left.get(), "hello", 5}.prepare(sqe);
    CHECK(kernel.try_now(sqe) == -EPIPE);
    NopRequest{}.prepare(sqe);
    CHECK(kernel.try_now(sqe) == -EAGAIN);
}
