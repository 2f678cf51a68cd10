#include <ringio/streams/bound_path.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>

using namespace ringio;
using namespace ringio::test_support;
using detail::BoundPath;

namespace {

/// A folder of the test's own, and a path in it.
struct PathInFolder {
    PathInFolder() { REQUIRE(::mkdtemp(folder) != nullptr); }
    PathInFolder(const PathInFolder&) = delete;
    PathInFolder& operator=(const PathInFolder&) = delete;
    ~PathInFolder() {
        ::unlink(path().c_str());
        ::rmdir(folder);
    }

    std::string path() const { return std::string(folder) + "/socket"; }
    SocketAddress address() const { return SocketAddress::unix_path(path()); }
    bool exists() const { return ::access(path().c_str(), F_OK) == 0; }

    char folder[24] = "/tmp/ringio_test_XXXXXX";
};

}  // namespace

TEST_CASE("BoundPath: the path of a socket goes with it") {
    const PathInFolder place;
    {
        const Socket socket = Socket::datagram(AF_UNIX);
        const BoundPath path = BoundPath::bind(socket, place.address());
        CHECK(place.exists());
        CHECK(socket.getsockname() == place.address());
    }
    CHECK_FALSE(place.exists());
}

TEST_CASE("BoundPath: a socket that was left over is removed first, anything else is not") {
    const PathInFolder place;
    {
        const Socket left = Socket::datagram(AF_UNIX);
        left.bind(place.address());
    }
    CHECK(place.exists());
    const Socket socket = Socket::datagram(AF_UNIX);
    BoundPath path = BoundPath::bind(socket, place.address());
    CHECK(place.exists());
    path.remove();
    CHECK_FALSE(place.exists());
    path.remove();

    std::ofstream(place.path()) << "text";
    const Socket other = Socket::datagram(AF_UNIX);
    CHECK_THROWS_WITH(BoundPath::bind(other, place.address()),
                      "bind to " + place.path() + ": Address already in use");
    CHECK(place.exists());
}

TEST_CASE("BoundPath: what took the place of the socket stays, and so does what is released") {
    const PathInFolder place;
    const Socket socket = Socket::datagram(AF_UNIX);
    std::optional<BoundPath> path = BoundPath::bind(socket, place.address());
    ::unlink(place.path().c_str());
    std::ofstream(place.path()) << "text";
    path.reset();
    CHECK(place.exists());
    ::unlink(place.path().c_str());
    {
        const Socket other = Socket::datagram(AF_UNIX);
        BoundPath released = BoundPath::bind(other, place.address());
        released.release();
    }
    CHECK(place.exists());
}

TEST_CASE("BoundPath: an abstract name, or another family, has no path") {
    const Socket unnamed = Socket::datagram(AF_UNIX);
    const BoundPath none =
        BoundPath::bind(unnamed, SocketAddress::unix_path(std::string("\0ringio bound", 13)));
    CHECK(unnamed.getsockname().to_string() == "@ringio bound");
    const Socket udp = Socket::datagram(AF_INET);
    const BoundPath nothing = BoundPath::bind(udp, *SocketAddress::from_literal("127.0.0.1", 0));
    CHECK(udp.getsockname().port() != 0);
}

TEST_CASE("BoundPath: moved, there is one that removes the path") {
    const PathInFolder place;
    const Socket socket = Socket::datagram(AF_UNIX);
    BoundPath target;
    {
        BoundPath path = BoundPath::bind(socket, place.address());
        target = std::move(path);
    }
    CHECK(place.exists());
    target = BoundPath();
    CHECK_FALSE(place.exists());
}

TEST_CASE("BoundPath: the child of a fork leaves the path to its parent") {
    const PathInFolder place;
    const Socket socket = Socket::datagram(AF_UNIX);
    std::optional<BoundPath> path = BoundPath::bind(socket, place.address());
    const pid_t child = ::fork();
    if (child == 0) {
        path.reset();
        ::_exit(0);
    }
    CHECK(::waitpid(child, nullptr, 0) == child);
    CHECK(place.exists());
}

ASYNC_TEST_CASE("BoundPath: a path that cannot be looked at is told, and bind says why") {
    const Reported reported;
    const PathInFolder place;
    std::ofstream(place.path()) << "text";
    const Socket socket = Socket::datagram(AF_UNIX);
    CHECK_THROWS_AS(BoundPath::bind(socket, SocketAddress::unix_path(place.path() + "/under")),
                    std::system_error);
    CHECK(reported.messages ==
          std::vector<std::string>{"Unable to check or remove stale UNIX socket"});
    co_return;
}
