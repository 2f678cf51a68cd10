#include <ringio/streams/start_unix_server.hpp>

#include <ringio/streams/open_unix_connection.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/descriptor_pair.hpp>
#include <support/ends.hpp>
#include <support/temporary_directory.hpp>

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;
using ringio::testing::Family;
using ringio::testing::TemporaryDirectory;

namespace {

Task<> answer(StreamReader reader, StreamWriter writer) {
    writer.write("got " + co_await reader.readline());
    co_await writer.drain();
    writer.close();
}

Task<std::string> ask(std::string path) {
    auto [reader, writer] = co_await open_unix_connection(std::move(path));
    writer.write("it\n");
    std::string all = co_await reader.read();
    co_return all;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

UniqueFd bound_to(const std::string& path, int type = SOCK_STREAM) {
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    const SocketAddress address = SocketAddress::unix_path(path);
    REQUIRE(::bind(fd.get(), address.data(), address.size()) == 0);
    return fd;
}

}  // namespace

ASYNC_TEST_CASE("start_unix_server: serves at a path, and removes it when it is closed") {
    const TemporaryDirectory directory;
    Server server = co_await start_unix_server(answer, directory / "socket");
    CHECK(server.sockets().at(0).getsockname().path() == directory / "socket");
    CHECK_AWAIT(ask(directory / "socket"), "got it\n");
    CHECK(exists(directory / "socket"));
    server.close();
    co_await server.wait_closed();
    CHECK_FALSE(exists(directory / "socket"));
}

ASYNC_TEST_CASE("start_unix_server: a path is kept when that is asked for") {
    const TemporaryDirectory directory;
    Server server =
        co_await start_unix_server(answer, directory / "socket", {.cleanup_socket = false});
    server.close();
    co_await server.wait_closed();
    CHECK(exists(directory / "socket"));
}

ASYNC_TEST_CASE("start_unix_server: a path that is gone, or another's by now, is left alone") {
    const TemporaryDirectory directory;
    Server gone = co_await start_unix_server(answer, directory / "gone");
    ::unlink((directory / "gone").c_str());
    gone.close();
    Server replaced = co_await start_unix_server(answer, directory / "replaced");
    Server other = co_await start_unix_server(answer, directory / "replaced");
    replaced.close();
    CHECK(exists(directory / "replaced"));
    CHECK_AWAIT(ask(directory / "replaced"), "got it\n");
    other.close();
    CHECK_FALSE(exists(directory / "replaced"));
    co_await gone.wait_closed();
    co_await replaced.wait_closed();
    co_await other.wait_closed();
}

ASYNC_TEST_CASE("start_unix_server: a socket that was left there is replaced") {
    const TemporaryDirectory directory;
    {
        const UniqueFd left = bound_to(directory / "socket");
    }
    CHECK(exists(directory / "socket"));
    Server server = co_await start_unix_server(answer, directory / "socket");
    CHECK_AWAIT(ask(directory / "socket"), "got it\n");
    server.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE("start_unix_server: what is no socket stays, and is an address in use") {
    const TemporaryDirectory directory;
    std::ofstream(directory / "file") << "content";
    CHECK_AWAIT(text_of<std::system_error>(start_unix_server(answer, directory / "file")),
                "Address '" + directory / "file" + "' is already in use: Address already in use");
    CHECK(exists(directory / "file"));
    CHECK_AWAIT(text_of<std::system_error>(start_unix_server(answer, directory / "no/socket")),
                "bind to " + directory / "no/socket" + ": No such file or directory");
}

ASYNC_TEST_CASE("start_unix_server: a stale path that cannot be looked at is reported, not fatal") {
    const TemporaryDirectory directory;
    std::ofstream(directory / "file") << "content";
    std::string reported;
    get_running_loop().set_exception_handler(
        [&](EventLoop&, const ExceptionContext& context) { reported = context.message; });
    const std::string path = directory / "file" + "/socket";
    CHECK_AWAIT(errno_of(start_unix_server(answer, path)), ENOTDIR);
    CHECK(reported == "Unable to check or remove stale UNIX socket");
    get_running_loop().set_exception_handler(nullptr);
}

ASYNC_TEST_CASE("start_unix_server: the path has the mode that was asked for") {
    const TemporaryDirectory directory;
    Server server = co_await start_unix_server(answer, directory / "socket", {.mode = 0600U});
    struct stat status{};
    CHECK(::stat((directory / "socket").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
    server.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE("start_unix_server: an abstract name is in no directory") {
    const std::string name = std::string(1, '\0') + "ringio-server-" + std::to_string(::getpid());
    Server server = co_await start_unix_server(answer, name);
    CHECK(server.sockets().at(0).getsockname().path() == name);
    CHECK_AWAIT(ask(name), "got it\n");
    CHECK_AWAIT(errno_of(start_unix_server(answer, name)), EADDRINUSE);
    server.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE("start_unix_server: takes over a bound socket, and cleans up after it") {
    const TemporaryDirectory directory;
    UniqueFd fd = bound_to(directory / "socket");
    Server server = co_await start_unix_server(answer, {.sock = std::move(fd)});
    CHECK_AWAIT(ask(directory / "socket"), "got it\n");
    server.close();
    co_await server.wait_closed();
    CHECK_FALSE(exists(directory / "socket"));
}

ASYNC_TEST_CASE("start_unix_server: other sockets are refused, and stay the caller's") {
    const TemporaryDirectory directory;
    UniqueFd datagrams = bound_to(directory / "datagrams", SOCK_DGRAM);
    CHECK_THROWS_WITH(start_unix_server(answer, {.sock = std::move(datagrams)}),
                      "start_unix_server: A UNIX Domain Stream Socket was expected, got one of "
                      "family 1 and type 2");
    CHECK(datagrams);
    Ends tcp = Ends::sockets(Family::tcp);
    CHECK_THROWS_AS(start_unix_server(answer, {.sock = std::move(tcp.near)}),
                    std::invalid_argument);
    CHECK_THROWS_AS(start_unix_server(answer, "x", {.sock = std::move(datagrams)}),
                    std::invalid_argument);
    CHECK_THROWS_AS(start_unix_server(answer, UnixServerOptions{}), std::invalid_argument);
    CHECK_THROWS_AS(start_unix_server(answer, ""), std::invalid_argument);
    CHECK_THROWS_AS(start_unix_server(answer, std::string(108, 'x')), std::invalid_argument);
    CHECK_THROWS_AS(start_unix_server(answer, "x", {.limit = 0}), std::invalid_argument);
    CHECK_THROWS_AS(start_unix_server(answer, "x", {.backlog = -1}), std::invalid_argument);
    co_return;
}

TEST_CASE("start_unix_server: the path goes with a loop that ends without close") {
    const TemporaryDirectory directory;
    run([](std::string path) -> Task<> {
        Server server = co_await start_unix_server(answer, path);
        co_await turns(1);
    }(directory / "socket"));
    CHECK_FALSE(exists(directory / "socket"));
}
