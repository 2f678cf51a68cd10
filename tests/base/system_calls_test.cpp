#include <ringio/base/system_calls.hpp>

#include <cerrno>

#include <sys/socket.h>
#include <unistd.h>

#include <ringio/base/scope_exit.hpp>
#include <ringio/base/unique_fd.hpp>
#include <ringio/io/socket.hpp>
#include <support/catch.hpp>

using namespace ringio;

namespace {

int closed = -1;

SystemCalls with_sockets_of_its_own() {
    SystemCalls calls = SystemCalls::real;
    calls.socket = [](int, int, int) { return 1'000'000; };
    calls.close = [](int fd) {
        closed = fd;
        return 0;
    };
    return calls;
}

}  // namespace

TEST_CASE("system calls: those of Linux are what a thread begins with") {
    CHECK(detail::system_calls == &SystemCalls::real);
    const UniqueFd socket(detail::system_calls->socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(socket);
    int type = 0;
    unsigned length = sizeof type;
    CHECK(detail::system_calls->getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &length) == 0);
    CHECK(type == SOCK_STREAM);
    CHECK(detail::system_calls->fcntl(-1, 0, 0) == -1);
    CHECK(errno == EBADF);
}

TEST_CASE("system calls: a thread may be given others, and sockets then are theirs") {
    const SystemCalls own = with_sockets_of_its_own();
    const ScopeExit back([] { detail::system_calls = &SystemCalls::real; });
    detail::system_calls = &own;
    {
        const Socket socket = Socket::stream(AF_INET);
        CHECK(socket.fd() == 1'000'000);
    }
    CHECK(closed == 1'000'000);
}
