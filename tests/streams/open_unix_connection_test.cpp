#include <ringio/streams/open_unix_connection.hpp>

#include <ringio/streams/start_unix_server.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/descriptor_pair.hpp>
#include <support/ends.hpp>
#include <support/temporary_directory.hpp>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::Ends;
using ringio::testing::Family;
using ringio::testing::read_now;
using ringio::testing::TemporaryDirectory;

namespace {

/// A socket at a path whose connections nobody takes.
UniqueFd listener_at(const std::string& path, int backlog) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress address = SocketAddress::unix_path(path);
    REQUIRE(::bind(fd.get(), address.data(), address.size()) == 0);
    REQUIRE(::listen(fd.get(), backlog) == 0);
    return fd;
}

// What the call throws, before anything is awaited.
template <class Open>
std::string refusal_of_unix(Open open) {
    try {
        static_cast<void>(open());
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "nothing";
}

}  // namespace

ASYNC_TEST_CASE("open_unix_connection: bytes go both ways") {
    const TemporaryDirectory directory;
    const UniqueFd listener = listener_at(directory / "socket", 1);
    auto [reader, writer] = co_await open_unix_connection(directory / "socket");
    const UniqueFd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    writer.write("there\n");
    co_await writer.drain();
    CHECK(read_now(peer.get()) == "there\n");
    CHECK(::write(peer.get(), "back\n", 5) == 5);
    CHECK_AWAIT(reader.readline(), "back\n");
    CHECK(writer.getpeername().path() == directory / "socket");
    CHECK(writer.peer_credentials().pid == ::getpid());
    CHECK(writer.peer_credentials().uid == ::getuid());
    CHECK(writer.peer_credentials().gid == ::getgid());
    writer.close();
    co_await writer.wait_closed();
    CHECK_THROWS_AS(writer.peer_credentials(), std::system_error);
}

ASYNC_TEST_CASE("open_unix_connection: an abstract name") {
    const std::string name = std::string(1, '\0') + "ringio-test-" + std::to_string(::getpid());
    const UniqueFd listener = listener_at(name, 1);
    auto [reader, writer] = co_await open_unix_connection(name);
    const UniqueFd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    CHECK(::write(peer.get(), "x", 1) == 1);
    CHECK_AWAIT(reader.readexactly(1), "x");
}

ASYNC_TEST_CASE("open_unix_connection: errors name the path") {
    const TemporaryDirectory directory;
    CHECK_AWAIT(text_of<std::system_error>(open_unix_connection(directory / "none")),
                "connect to " + directory / "none" + ": No such file or directory");
    {
        const UniqueFd listener = listener_at(directory / "left", 1);
    }
    CHECK_AWAIT(text_of<std::system_error>(open_unix_connection(directory / "left")),
                "connect to " + directory / "left" + ": Connection refused");
    CHECK_AWAIT(errno_of(open_unix_connection("/etc/passwd")), ECONNREFUSED);
}

ASYNC_TEST_CASE(
    "open_unix_connection: waits while the server has no room, and is cancelled there") {
    const TemporaryDirectory directory;
    const UniqueFd listener = listener_at(directory / "socket", 0);
    auto [reader, writer] = co_await open_unix_connection(directory / "socket");
    std::vector<TaskHandle<Connection>> waiting;
    for (int i = 0; i < 20; ++i) {
        waiting.push_back(create_task(open_unix_connection(directory / "socket")));
    }
    co_await sleep(1s);
    for (auto& each : waiting) {
        CHECK_FALSE(each.done());
    }
    for (std::size_t i = 1; i < waiting.size(); ++i) {
        waiting[i].cancel();
        CHECK_AWAIT(is_cancelled(waiting[i]), true);
    }
    const UniqueFd first(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    Connection late = co_await waiting[0];
    const UniqueFd second(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    late.writer.write("in");
    co_await late.writer.drain();
    CHECK(read_now(second.get()) == "in");
}

ASYNC_TEST_CASE("open_unix_connection: takes over a socket, and refuses what is none") {
    Ends ends = Ends::sockets(Family::local);
    auto [reader, writer] = co_await open_unix_connection({.sock = std::move(ends.near)});
    ends.write("x\n");
    CHECK_AWAIT(reader.readline(), "x\n");
    CHECK(writer.peer_credentials().pid == ::getpid());

    Ends tcp = Ends::sockets(Family::tcp);
    CHECK(refusal_of_unix([&] { return open_unix_connection({.sock = std::move(tcp.near)}); }) ==
          "open_unix_connection: A UNIX Domain Stream Socket was expected, got one of family 2 and "
          "type 1");
    CHECK(tcp.near);  // still the caller's
    Ends datagrams = Ends::sockets(Family::local, SOCK_DGRAM);
    CHECK(refusal_of_unix(
              [&] { return open_unix_connection({.sock = std::move(datagrams.near)}); }) ==
          "open_unix_connection: A UNIX Domain Stream Socket was expected, got one of family 1 and "
          "type 2");
    CHECK_THROWS_AS(tcp.near ? open_unix_connection("x", {.sock = std::move(tcp.near)})
                             : open_unix_connection("x"),
                    std::invalid_argument);
}

TEST_CASE("open_unix_connection: bad arguments are refused at the call") {
    CHECK(refusal_of_unix([] { return open_unix_connection(""); }) ==
          "open_unix_connection: the path is empty");
    CHECK(refusal_of_unix([] { return open_unix_connection("x", {.limit = 0}); }) ==
          "open_unix_connection: the limit is 0; a reader needs a buffer");
    CHECK(refusal_of_unix([] { return open_unix_connection(UnixConnectionOptions{}); }) ==
          "open_unix_connection: neither a path nor a socket");
    const std::string text =
        refusal_of_unix([] { return open_unix_connection(std::string(108, 'x')); });
    CHECK(text.find("108") != std::string::npos);
    CHECK(text.find("107") != std::string::npos);
    CHECK(refusal_of_unix([] { return open_unix_connection(std::string("a\0b", 3)); }) !=
          "nothing");
}
