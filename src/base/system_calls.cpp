#include <ringio/base/system_calls.hpp>

#include <type_traits>

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringio {

static_assert(std::is_same_v<socklen_t, unsigned>);

constinit const SystemCalls SystemCalls::real = {
    .socket = ::socket,
    .bind = ::bind,
    .listen = ::listen,
    .setsockopt = ::setsockopt,
    .getsockopt = ::getsockopt,
    .getsockname = ::getsockname,
    .getpeername = ::getpeername,
    .shutdown = ::shutdown,
    .recv = ::recv,
    .fcntl = [](int fd, int command, int argument) { return ::fcntl(fd, command, argument); },
    .close = ::close,
    .getaddrinfo = ::getaddrinfo,
    .freeaddrinfo = ::freeaddrinfo,
    .getnameinfo = ::getnameinfo,
};

}  // namespace ringio
