#include <ringio/io/socket_fds.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/descriptor_pair.hpp>
#include <support/ends.hpp>

#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;
using ringio::testing::Family;
using ringio::testing::fill;
using ringio::testing::read_now;

namespace {

struct LocalSockets {
    explicit LocalSockets(Ends ends) : near(std::move(ends.near)), far(std::move(ends.far)) {}
    LocalSockets() : LocalSockets(Ends::sockets(Family::local)) {}

    Socket near;
    Socket far;
};

std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < 1024; ++fd) {
        count += ::fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
    }
    return count;
}

}  // namespace

ASYNC_TEST_CASE("send_fds: descriptors arrive with the bytes, close-on-exec, and work") {
    const LocalSockets sockets;
    const Ends pipe = Ends::pipe();
    const std::array sent = {pipe.far.get(), pipe.near.get()};
    co_await send_fds(sockets.near, "two", sent);
    ReceivedFds received = co_await recv_fds(sockets.far, 100);
    CHECK(received.data == "two");
    REQUIRE(received.fds.size() == 2);
    CHECK(::fcntl(received.fds[0].get(), F_GETFD) == FD_CLOEXEC);
    CHECK(::write(received.fds[0].get(), "through", 7) == 7);
    CHECK(read_now(received.fds[1].get()) == "through");
}

ASYNC_TEST_CASE("send_fds: bytes alone, and the end") {
    LocalSockets sockets;
    co_await send_fds(sockets.near, "bytes", {});
    ReceivedFds received = co_await recv_fds(sockets.far, 100);
    CHECK(received.data == "bytes");
    CHECK(received.fds.empty());
    sockets.near.close();
    received = co_await recv_fds(sockets.far, 100);
    CHECK(received.data == "");
}

ASYNC_TEST_CASE("send_fds: as many as one message carries, no more") {
    const LocalSockets sockets;
    const Ends pipe = Ends::pipe();
    const std::vector<int> most(max_fds_per_message, pipe.near.get());
    co_await send_fds(sockets.near, "x", most);
    const ReceivedFds received = co_await recv_fds(sockets.far, 1);
    CHECK(received.fds.size() == max_fds_per_message);
    const std::vector<int> more(max_fds_per_message + 1, pipe.near.get());
    CHECK_THROWS_AS(send_fds(sockets.near, "x", more), std::invalid_argument);
    CHECK_THROWS_AS(send_fds(sockets.near, "", most), std::invalid_argument);
    CHECK_THROWS_AS(recv_fds(sockets.far, 0), std::invalid_argument);
}

ASYNC_TEST_CASE("send_fds: more bytes than the socket has room for") {
    const LocalSockets sockets;
    const Ends pipe = Ends::pipe();
    const std::string text(1 << 20, 'x');
    const std::array sent = {pipe.near.get()};
    auto sending = create_task(send_fds(sockets.near, text, sent));
    ReceivedFds received = co_await recv_fds(sockets.far, 1 << 16);
    CHECK(received.fds.size() == 1);
    std::size_t all = received.data.size();
    while (all < text.size()) {
        const ReceivedFds more = co_await recv_fds(sockets.far, 1 << 16);
        all += more.data.size();
    }
    co_await sending;
}

ASYNC_TEST_CASE("recv_fds: more descriptors than were asked for are all closed, and told") {
    const LocalSockets sockets;
    const Ends pipe = Ends::pipe();
    const std::vector<int> sent(5, pipe.near.get());
    co_await send_fds(sockets.near, "x", sent);
    const std::size_t before = open_descriptors();
    CHECK_AWAIT(errno_of(recv_fds(sockets.far, 1, 2)), EMSGSIZE);
    CHECK(open_descriptors() == before);
}

ASYNC_TEST_CASE("recv_fds: a process without room for descriptors is told, and leaks none") {
    const LocalSockets sockets;
    const Ends pipe = Ends::pipe();
    const std::vector<int> sent(40, pipe.near.get());
    co_await send_fds(sockets.near, "x", sent);
    const std::size_t before = open_descriptors();
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    rlimit narrow = limit;
    narrow.rlim_cur = before + 10;
    ::setrlimit(RLIMIT_NOFILE, &narrow);
    const int error = co_await errno_of(recv_fds(sockets.far, 1));
    ::setrlimit(RLIMIT_NOFILE, &limit);
    CHECK(error == EMSGSIZE);
    CHECK(open_descriptors() == before);
}

ASYNC_TEST_CASE("recv_fds: cancelled while it waits it takes nothing") {
    const LocalSockets sockets;
    const Ends pipe = Ends::pipe();
    auto waiting = create_task(recv_fds(sockets.far, 10));
    co_await turns(3);
    waiting.cancel();
    CHECK_AWAIT(is_cancelled(waiting), true);
    const std::array sent = {pipe.near.get()};
    co_await send_fds(sockets.near, "x", sent);
    const ReceivedFds received = co_await recv_fds(sockets.far, 10);
    CHECK(received.fds.size() == 1);
}

ASYNC_TEST_CASE("recv_fds: a cancel that comes too late loses neither bytes nor descriptors") {
    const LocalSockets sockets;
    const Ends pipe = Ends::pipe();
    auto waiting = create_task(recv_fds(sockets.far, 10));
    co_await turns(3);
    const std::array sent = {pipe.near.get()};
    co_await send_fds(sockets.near, "x", sent);
    waiting.cancel();
    co_await turns(5);
    REQUIRE(waiting.done());
    std::size_t arrived = 0;
    if (!waiting.cancelled()) {
        arrived = waiting.result().fds.size();
    } else {
        const ReceivedFds later = co_await recv_fds(sockets.far, 10);
        arrived = later.fds.size();
    }
    CHECK(arrived == 1);
}

ASYNC_TEST_CASE("peer_credentials: say who connected, and refuse other sockets") {
    const LocalSockets sockets;
    CHECK(peer_credentials(sockets.near).pid == ::getpid());
    CHECK(peer_credentials(sockets.near).uid == ::getuid());
    const LocalSockets tcp(Ends::sockets(Family::tcp));
    CHECK_THROWS_AS(peer_credentials(tcp.near), std::system_error);
    CHECK_THROWS_AS(peer_credentials(Socket()), std::system_error);
    co_return;
}
