// Sockets that were made elsewhere, taken over by a connection or a server.
#include "link.hpp"

#include <ringio/io/given_socket.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

UniqueFd bound_socket() {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr_in address = RawSocket::loopback(0);
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    return fd;
}

UniqueFd connected_socket(const RawSocket& listener, int flags = 0) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr_in address = RawSocket::loopback(listener.port());
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    REQUIRE(::fcntl(fd.get(), F_SETFL, flags) == 0);
    return fd;
}

std::array<UniqueFd, 2> unix_pair(int type = SOCK_STREAM) {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, type, 0, ends) == 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Task<> greet(StreamReader reader, StreamWriter writer) {
    const std::string name = co_await reader.readline();
    writer.write("hello " + name);
    writer.close();
}

Task<std::string> greeting(Connection connection) {
    connection.writer.write("x\n");
    std::string answer = co_await connection.reader.read();
    connection.writer.close();
    co_await connection.writer.wait_closed();
    co_return answer;
}

Task<Connection> call(UniqueFd fd, std::size_t limit = default_stream_limit) {
    co_return co_await open_connection({.limit = limit, .sock = std::move(fd)});
}

}  // namespace

ASYNC_TEST_CASE("open_connection: takes over a socket that is connected") {
    const RawSocket listener = RawSocket::listening();
    UniqueFd fd = connected_socket(listener, O_NONBLOCK);
    const int number = fd.get();
    const RawSocket peer = listener.accept();
    auto [reader, writer] = co_await open_connection({.sock = std::move(fd)});
    CHECK_FALSE(fd);
    CHECK((::fcntl(number, F_GETFL) & O_NONBLOCK) == 0);
    CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
    writer.write("question");
    co_await writer.drain();
    CHECK(peer.receive() == "question");
    peer.send("answer");
    CHECK_AWAIT(reader.readexactly(6), "answer");
    CHECK(writer.getpeername().port() == listener.port());
    writer.close();
    co_await writer.wait_closed();
    CHECK(peer.ended());
}

ASYNC_TEST_CASE("open_connection: takes over a socket that is a temporary") {
    const RawSocket listener = RawSocket::listening();
    const std::size_t before = UniqueFd::live_count();
    auto [reader, writer] =
        co_await open_connection({.limit = 4, .sock = connected_socket(listener)});
    CHECK(UniqueFd::live_count() == before + 1);
    const RawSocket peer = listener.accept();
    peer.send("123456789");
    CHECK_AWAIT_HAS(text_of<LimitOverrunError>(reader.readuntil()), "exceed the limit");
}

ASYNC_TEST_CASE("open_connection: takes over a Unix socket") {
    auto [near, far] = unix_pair();
    Server server = co_await start_server(greet, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection({.sock = std::move(near)});
    Connection other = co_await open_connection({.sock = std::move(far)});
    writer.write("over");
    CHECK_AWAIT(other.reader.read(100), "over");
    other.writer.close();
    CHECK_AWAIT(reader.read(), "");
    server.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE("open_connection: a socket that is refused stays the caller's") {
    UniqueFd empty;
    auto [datagrams, unused] = unix_pair(SOCK_DGRAM);
    UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto [stream, also_unused] = unix_pair();
    const auto refused = [](UniqueFd& fd, ConnectionOptions options = {}) {
        options.sock = std::move(fd);
        try {
            open_connection(options).close();
        } catch (const std::exception& error) {
            return std::string(error.what());
        }
        return std::string("not refused");
    };
    CHECK(refused(empty) == "open_connection: the socket is empty; its descriptor was moved");
    CHECK(refused(datagrams) == "open_connection: a stream socket is expected");
    CHECK_THAT(refused(file), Catch::Matchers::Contains("open_connection: not a socket"));
    CHECK_THAT(refused(stream, {.limit = 0}), Catch::Matchers::Contains("limit is 0"));
    CHECK(datagrams);
    CHECK(file);
    CHECK(stream);
    CHECK_THROWS_AS(open_connection(ConnectionOptions{}), std::invalid_argument);
    CHECK_THROWS_AS(open_connection("127.0.0.1", 80, {.sock = std::move(stream)}),
                    std::invalid_argument);
    CHECK(stream);
    co_return;
}

ASYNC_TEST_CASE("open_connection: a call that nobody awaits closes the socket that it took") {
    auto [near, far] = unix_pair();
    const RawSocket peer(far.release());
    auto call = open_connection({.sock = std::move(near)});
    CHECK_FALSE(peer.ended());
    call.close();
    CHECK(peer.ended());
    co_return;
}

ASYNC_TEST_CASE("start_server: serves on a socket that is bound, or listens already") {
    for (const bool listens : {false, true}) {
        UniqueFd fd = bound_socket();
        if (listens) {
            REQUIRE(::listen(fd.get(), 5) == 0);
        }
        Server server = co_await start_server(greet, {.sock = std::move(fd), .backlog = 5});
        const std::uint16_t port = server.sockets()[0].getsockname().port();
        Connection connection = co_await open_connection("127.0.0.1", port);
        CHECK_AWAIT(greeting(std::move(connection)), "hello x\n");
        server.close();
        co_await server.wait_closed();
    }
}

ASYNC_TEST_CASE("start_server: serves on a Unix socket that listens") {
    const std::string name = "\0ringio-given-socket-" + std::to_string(::getpid());
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, sizeof(address.sun_path) - 1);  // an abstract name
    const auto* target = reinterpret_cast<const sockaddr*>(&address);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(::bind(fd.get(), target, sizeof(address)) == 0);
    Server server = co_await start_server(greet, {.sock = std::move(fd)});
    UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(::connect(client.get(), target, sizeof(address)) == 0);
    Connection connection = co_await call(std::move(client));
    CHECK_AWAIT(greeting(std::move(connection)), "hello x\n");
    server.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE("start_server: a socket that is refused stays the caller's") {
    UniqueFd empty;
    auto [datagrams, unused] = unix_pair(SOCK_DGRAM);
    CHECK_THROWS_AS(start_server(greet, {.sock = std::move(empty)}), std::invalid_argument);
    CHECK_THROWS_AS(start_server(greet, {.sock = std::move(datagrams)}), std::invalid_argument);
    CHECK_THROWS_AS(start_server(greet, ServerOptions{}), std::invalid_argument);
    CHECK_THROWS_AS(start_server(greet, "127.0.0.1", 0, {.sock = std::move(datagrams)}),
                    std::invalid_argument);
    CHECK(datagrams);
    co_return;
}
