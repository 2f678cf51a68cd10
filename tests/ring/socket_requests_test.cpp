#include <cerrno>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring.hpp>
#include <support/catch.hpp>

#include "probe.hpp"

using namespace ringio;
using namespace ringio::testing;

namespace {

static_assert(plain<AcceptRequest, ConnectRequest, RecvRequest, SendRequest, SendMsgRequest,
                    RecvMsgRequest, ShutdownRequest, RecvMultishotRequest>);

struct Loopback {
    Loopback() {
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        socklen_t length = sizeof address;
        REQUIRE(::bind(listener.get(), any, length) == 0);
        REQUIRE(::listen(listener.get(), 8) == 0);
        REQUIRE(::getsockname(listener.get(), any, &length) == 0);
    }

    ConnectRequest connect_request(int fd) const {
        return {fd, reinterpret_cast<const sockaddr*>(&address), sizeof address};
    }

    UniqueFd listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    UniqueFd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
};

}  // namespace

TEST_CASE("socket requests: accept, connect, send, recv and shutdown over the loopback") {
    Ring ring = make_ring();
    Loopback loopback;
    Probe<AcceptRequest> accept(AcceptRequest{loopback.listener.get()});
    ring.submit(accept);
    REQUIRE(perform(ring, loopback.connect_request(loopback.client.get())) == 0);
    drain(ring);
    REQUIRE(accept.result >= 0);
    const UniqueFd server(accept.result);
    CHECK(is_cloexec(server.get()));

    char buffer[16] = {};
    CHECK(perform(ring, SendRequest{loopback.client.get(), "hello", 5}) == 5);
    CHECK(perform(ring, RecvRequest{server.get(), buffer, sizeof buffer}) == 5);
    CHECK(std::string(buffer, 5) == "hello");

    iovec parts[2] = {{buffer, 2}, {buffer + 2, 3}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    CHECK(perform(ring, SendMsgRequest{server.get(), &message}) == 5);
    CHECK(perform(ring, RecvMsgRequest{loopback.client.get(), &message}) == 5);

    CHECK(perform(ring, ShutdownRequest{loopback.client.get(), SHUT_WR}) == 0);
    CHECK(perform(ring, RecvRequest{server.get(), buffer, sizeof buffer}) == 0);
}

TEST_CASE("socket requests: a connection refused is a result") {
    Ring ring = make_ring();
    Loopback loopback;
    loopback.listener.reset();
    CHECK(perform(ring, loopback.connect_request(loopback.client.get())) == -ECONNREFUSED);
}

TEST_CASE("socket requests: sending to a peer that is gone is a result and no signal") {
    Ring ring = make_ring();
    int fds[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    const UniqueFd left(fds[0]);
    ::close(fds[1]);
    CHECK(perform(ring, SendRequest{left.get(), "x", 1}) == -EPIPE);
    char byte = 'x';
    iovec part{&byte, 1};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    CHECK(perform(ring, SendMsgRequest{left.get(), &message}) == -EPIPE);
}

TEST_CASE("socket requests: an accepted connection that nobody takes is closed") {
    const int fd = ::eventfd(0, EFD_CLOEXEC);
    AcceptRequest::dispose(fd, 0);
    CHECK_FALSE(is_open(fd));
    AcceptRequest::dispose(-ECANCELED, 0);
}

TEST_CASE("socket requests: disposing of a transfer touches nothing") {
    const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
    const int number = event.get();  // a byte count that happens to be a descriptor
    RecvRequest::dispose(number, 0);
    SendRequest::dispose(number, 0);
    RecvMsgRequest::dispose(number, 0);
    SendMsgRequest::dispose(number, 0);
    CHECK(is_open(number));
}

TEST_CASE("socket requests: the flags that are always on are on") {
    const io_uring_sqe send = prepared(SendRequest{3, nullptr, 1});
    CHECK(send.flags == 0);
    CHECK(send.ioprio == 0);
    CHECK(send.file_index == 0);
    CHECK((send.msg_flags & MSG_NOSIGNAL) != 0);
    CHECK((prepared(SendMsgRequest{3}).msg_flags & MSG_NOSIGNAL) != 0);
    CHECK((prepared(RecvMsgRequest{3}).msg_flags & MSG_CMSG_CLOEXEC) != 0);
    CHECK((prepared(AcceptRequest{3}).accept_flags & SOCK_CLOEXEC) != 0);
}

TEST_CASE("socket requests: connect alone is not done again after EINTR") {
    STATIC_REQUIRE_FALSE(ConnectRequest::retry_on_eintr);
    STATIC_REQUIRE(RecvRequest::retry_on_eintr);
    STATIC_REQUIRE(AcceptRequest::retry_on_eintr);
    CHECK(std::string(RecvRequest::name) == "recv");
}
