#include <ringio/io/socket.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/raw_socket.hpp>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

struct Pair {
    Socket first;
    Socket second;
};

Pair make_pair() {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    return {Socket(UniqueFd(ends[0])), Socket(UniqueFd(ends[1]))};
}

SocketAddress loopback(std::uint16_t port) {
    return *SocketAddress::from_literal("127.0.0.1", port);
}

Socket make_listener() { return Socket::listening(loopback(0), 10, false); }

bool is_cloexec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

Task<std::string> received(const Socket& socket, std::size_t size) {
    std::string data(size, '\0');
    const int n = co_await socket.recv(data);
    data.resize(static_cast<std::size_t>(n));
    co_return data;
}

Task<> connect(const Socket& socket, SocketAddress address) { co_await socket.connect(address); }

}  // namespace

TEST_CASE("Socket: owns a descriptor that no child process gets, or none") {
    const Socket none;
    CHECK_FALSE(none);
    CHECK(none.fd() == -1);
    const Socket socket = Socket::stream(AF_INET);
    CHECK(socket);
    CHECK(is_cloexec(socket.fd()));
    CHECK_THROWS_AS(Socket::stream(12345), std::system_error);
}

ASYNC_TEST_CASE("Socket: sends a part of a file, and what is no regular file if that may be") {
    Pair pair = make_pair();
    const UniqueFd file(::memfd_create("file", MFD_CLOEXEC));
    REQUIRE(::write(file.get(), "0123456789", 10) == 10);
    CHECK_AWAIT(pair.first.sendfile(file.get(), {.offset = 2, .count = 3}), 3U);
    CHECK(::lseek(file.get(), 0, SEEK_CUR) == 5);
    CHECK_AWAIT(received(pair.second, 16), "234");
    int ends[2] = {-1, -1};
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    REQUIRE(::write(writing.get(), "piped", 5) == 5);
    writing.reset();
    CHECK_THROWS_AS(pair.first.sendfile(reading.get(), {.fallback = false}),
                    SendfileNotAvailableError);
    CHECK_AWAIT(pair.first.sendfile(reading.get()), 5U);
    CHECK_AWAIT(received(pair.second, 16), "piped");
}

TEST_CASE("Socket: sendfile refuses what is no stream, no socket, no file, no offset") {
    const UniqueFd file(::memfd_create("file", MFD_CLOEXEC));
    const Pair pair = make_pair();
    CHECK_THROWS_WITH(Socket::datagram(AF_INET).sendfile(file.get()),
                      "only SOCK_STREAM type sockets are supported");
    CHECK_THROWS_AS(Socket().sendfile(file.get()), std::system_error);
    CHECK_THROWS_WITH(pair.first.sendfile(-1),
                      "sendfile of file descriptor -1: Bad file descriptor");
    CHECK_THROWS_AS(pair.first.sendfile(file.get(), {.offset = ~std::uint64_t{0}}),
                    std::invalid_argument);
}

TEST_CASE("Socket: is closed by close(), and by its end") {
    const std::size_t before = UniqueFd::live_count();
    {
        Socket socket = Socket::stream(AF_INET);
        socket.close();
        CHECK_FALSE(socket);
        CHECK(UniqueFd::live_count() == before);
        socket = Socket::stream(AF_INET);
    }
    CHECK(UniqueFd::live_count() == before);
}

TEST_CASE("Socket: listening takes a free port for 0, and its address can be asked") {
    const Socket listener = make_listener();
    CHECK(listener.getsockname().host() == "127.0.0.1");
    CHECK(listener.getsockname().port() != 0);
    CHECK(is_cloexec(listener.fd()));
    CHECK_THROWS_AS(listener.getpeername(), std::system_error);
}

TEST_CASE("Socket: listening on a port in use is a std::system_error that names the address") {
    const Socket listener = make_listener();
    const SocketAddress address = listener.getsockname();
    try {
        static_cast<void>(Socket::listening(address, 10, false));
        FAIL("two listeners on one port");
    } catch (const std::system_error& error) {
        CHECK(error.code() == std::errc::address_in_use);
        CHECK_THAT(error.what(), Catch::Matchers::Contains(address.to_string()));
    }
}

ASYNC_TEST_CASE("Socket: connect and accept make a connection; both ends know its addresses") {
    const Socket listener = make_listener();
    const Socket client = Socket::stream(AF_INET);
    const SocketAddress address = listener.getsockname();
    auto accepting = create_task(listener.accept());
    co_await client.connect(address);
    const Socket server(co_await std::move(accepting));
    CHECK(is_cloexec(server.fd()));
    CHECK(client.getpeername() == address);
    CHECK(server.getpeername() == client.getsockname());
    CHECK((::fcntl(server.fd(), F_GETFL) & O_NONBLOCK) == 0);
}

ASYNC_TEST_CASE("Socket: a refused connect is a std::system_error") {
    const RawSocket closed = RawSocket::bound();
    const Socket client = Socket::stream(AF_INET);
    CHECK_AWAIT(errno_of(connect(client, loopback(closed.port()))), ECONNREFUSED);
}

ASYNC_TEST_CASE("Socket: send and recv move bytes; 0 is the end") {
    const Pair pair = make_pair();
    CHECK_AWAIT(pair.first.send("hello"), 5);
    CHECK_AWAIT(received(pair.second, 3), "hel");
    CHECK_AWAIT(received(pair.second, 100), "lo");
    pair.first.shutdown(SHUT_WR);
    CHECK_AWAIT(received(pair.second, 100), "");
    CHECK_AWAIT(pair.second.send("back"), 4);
    CHECK_AWAIT(received(pair.first, 100), "back");
}

ASYNC_TEST_CASE("Socket: recv waits until something comes") {
    const Pair pair = make_pair();
    auto reading = create_task(received(pair.second, 100));
    co_await sleep(1ms);
    CHECK_FALSE(reading.done());
    CHECK_AWAIT(pair.first.send("late"), 4);
    CHECK_AWAIT(reading, "late");
}

ASYNC_TEST_CASE("Socket: sending to a peer that is gone is EPIPE, and no signal") {
    Pair pair = make_pair();
    pair.second.close();
    CHECK_AWAIT(errno_of(pair.first.send("x")), EPIPE);
}

namespace {

Task<int> send(const Socket& socket, std::string_view data) {
    const int sent = co_await socket.send(data);
    co_return sent;
}

/// How many of 1000 sends in a row another task is overtaken by.
Task<int> sends_in_one_turn(const Pair& pair) {
    bool other_ran = false;
    auto other = create_task([](bool& ran) -> Task<> {
        ran = true;
        co_return;
    }(other_ran));
    int sends = 0;
    while (!other_ran && sends < 1000) {
        co_await pair.first.send("x");
        ++sends;
    }
    co_await other;
    co_return sends;
}

}  // namespace

ASYNC_TEST_CASE("Socket: a send that the socket has room for does not suspend") {
    const Pair pair = make_pair();
    EventLoop& loop = get_running_loop();
    co_await sleep(Delay());
    const std::size_t before = loop.statistics().operations;
    bool yielded = false;
    loop.call_soon([&yielded] { yielded = true; });
    CHECK_AWAIT(pair.first.send("x"), 1);
    CHECK_FALSE(yielded);
    CHECK(loop.statistics().operations == before);
    CHECK_AWAIT(received(pair.second, 100), "x");
}

ASYNC_TEST_CASE("Socket: sends that never suspend do not starve the others") {
    const Pair pair = make_pair();
    const int sends = co_await sends_in_one_turn(pair);
    CHECK(sends > 1);
    CHECK(sends < 100);
}

ASYNC_TEST_CASE("Socket: a send waits when the socket has no room, and can be cancelled then") {
    const Pair pair = make_pair();
    const std::string much(64U << 20, 'x');
    int sent = 1;
    TaskHandle<int> sending;
    for (int round = 0; round < 1000; ++round) {
        sending = create_task(send(pair.first, much));
        co_await sleep(1ms);
        if (!sending.done()) {
            break;
        }
        sent = co_await sending;
    }
    CHECK(sent > 0);
    REQUIRE_FALSE(sending.done());
    sending.cancel();
    CHECK_AWAIT(is_cancelled(sending), true);
}

ASYNC_TEST_CASE("Socket: a cancellation that is due is raised instead of sending") {
    const Pair pair = make_pair();
    auto sending = create_task([](const Pair& sockets) -> Task<> {
        current_task().cancel();
        co_await sockets.first.send("never");
    }(pair));
    CHECK_AWAIT(is_cancelled(sending), true);
    CHECK_AWAIT(pair.first.send("x"), 1);
    CHECK_AWAIT(received(pair.second, 100), "x");
}

ASYNC_TEST_CASE("Socket: shutdown ends a recv in flight") {
    const Pair pair = make_pair();
    auto reading = create_task(received(pair.first, 100));
    co_await sleep(1ms);
    pair.first.shutdown(SHUT_RD);
    CHECK_AWAIT(reading, "");
}

ASYNC_TEST_CASE("Socket: operations in flight can be cancelled") {
    const Pair pair = make_pair();
    const Socket listener = make_listener();
    auto reading = create_task(received(pair.first, 100));
    auto accepting = create_task(listener.accept());
    co_await sleep(1ms);
    reading.cancel();
    accepting.cancel();
    CHECK_AWAIT(is_cancelled(reading), true);
    CHECK_AWAIT(is_cancelled(accepting), true);
}

TEST_CASE("Socket: set_no_delay sets TCP_NODELAY, and is harmless elsewhere") {
    const Socket socket = Socket::stream(AF_INET);
    socket.set_no_delay();
    int on = 0;
    socklen_t size = sizeof(on);
    REQUIRE(::getsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0);
    CHECK(on != 0);
    make_pair().first.set_no_delay();
    Socket().set_no_delay();
}

namespace {

Socket bound_datagrams() {
    Socket socket = Socket::datagram(AF_INET);
    socket.bind(loopback(0));
    return socket;
}

Task<std::string> all_received(const Socket& socket, std::size_t size) {
    std::string all;
    while (all.size() < size) {
        all += co_await received(socket, size - all.size());
    }
    co_return all;
}

}  // namespace

ASYNC_TEST_CASE("Socket: sendto and recvfrom move one datagram, and say from whom") {
    const Socket first = bound_datagrams();
    const Socket second = bound_datagrams();
    char buffer[4];
    CHECK_AWAIT(second.sendto("hey", first.getsockname()), 3U);
    const ReceivedFrom whole = co_await first.recvfrom(buffer);
    CHECK(std::string(buffer, whole.size) == "hey");
    CHECK(whole.from == second.getsockname());
    CHECK_FALSE(whole.truncated);
    CHECK_AWAIT(second.sendto("", first.getsockname()), 0U);
    CHECK_AWAIT(second.sendto("too long", first.getsockname()), 8U);
    const ReceivedFrom empty = co_await first.recvfrom(buffer);
    CHECK(empty.size == 0);
    CHECK(empty.from == second.getsockname());
    const ReceivedFrom cut = co_await first.recvfrom(buffer);
    CHECK(std::string(buffer, cut.size) == "too ");
    CHECK(cut.truncated);
}

ASYNC_TEST_CASE("Socket: a datagram that cannot be sent is an error that names its address") {
    const Socket socket = bound_datagrams();
    const std::string too_long(65508, 'x');
    CHECK_AWAIT(text_of<std::system_error>(socket.sendto(too_long, loopback(9))),
                "sendto 127.0.0.1:9: Message too long");
}

ASYNC_TEST_CASE("Socket: nobody hears of a datagram that was sent to nobody") {
    const Socket socket = bound_datagrams();
    const std::uint16_t port = bound_datagrams().getsockname().port();
    CHECK_AWAIT(socket.sendto("x", loopback(port)), 1U);
    char buffer[4];
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(socket.recvfrom(buffer), 1ms)), "timed out");
}

ASYNC_TEST_CASE("Socket: sendall sends all, however little the kernel takes at a time") {
    const Pair pair = make_pair();
    pair.first.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096);
    const std::string much(1 << 20, 'x');
    auto sending = create_task(pair.first.sendall(much));
    CHECK_AWAIT(all_received(pair.second, much.size()), much);
    co_await sending;
    co_await pair.first.sendall("");
}

ASYNC_TEST_CASE("Socket: sendmsg and recvmsg carry several buffers") {
    const Pair pair = make_pair();
    char first[] = "hel";
    char second[] = "lo";
    iovec parts[2] = {{.iov_base = first, .iov_len = 3}, {.iov_base = second, .iov_len = 2}};
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    CHECK_AWAIT(pair.first.sendmsg(message), 5);
    char got[8] = {};
    iovec part = {.iov_base = got, .iov_len = sizeof(got)};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    CHECK_AWAIT(pair.second.recvmsg(message, MSG_PEEK), 5);
    CHECK_AWAIT(pair.second.recv_into(got), 5);
    CHECK(std::string(got) == "hello");
}

TEST_CASE("Socket: an option that there is not is a std::system_error") {
    const Socket socket = Socket::datagram(AF_INET);
    CHECK_NOTHROW(socket.setsockopt(SOL_SOCKET, SO_BROADCAST, 1));
    CHECK_THROWS_AS(socket.setsockopt(SOL_SOCKET, 9999, 1), std::system_error);
    CHECK_THROWS_AS(Socket::datagram(12345), std::system_error);
}
