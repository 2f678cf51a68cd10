// SystemCalls: the calls that are made beside the requests that a kernel answers, because they do
// not wait. A kernel that only plays one puts its own in their place.
#pragma once

#include <ringio/base/config.hpp>

#include <cstddef>

#include <sys/types.h>

struct addrinfo;
struct sockaddr;

namespace ringio {

/// Each as the function of the same name: errno, or what getaddrinfo(3) and getnameinfo(3) return,
/// tells the error.
struct SystemCalls {
    int (*socket)(int family, int type, int protocol);
    int (*bind)(int fd, const sockaddr* address, unsigned length);
    int (*listen)(int fd, int backlog);
    int (*setsockopt)(int fd, int level, int name, const void* value, unsigned length);
    int (*getsockopt)(int fd, int level, int name, void* value, unsigned* length);
    int (*getsockname)(int fd, sockaddr* address, unsigned* length);
    int (*getpeername)(int fd, sockaddr* address, unsigned* length);
    int (*shutdown)(int fd, int how);
    ssize_t (*recv)(int fd, void* buffer, std::size_t size, int flags);
    int (*fcntl)(int fd, int command, int argument);
    int (*close)(int fd);
    int (*getaddrinfo)(const char* host, const char* service, const addrinfo* hints,
                       addrinfo** found);
    void (*freeaddrinfo)(addrinfo* list);
    int (*getnameinfo)(const sockaddr* address, unsigned length, char* host, unsigned host_size,
                       char* service, unsigned service_size, int flags);

    /// Those of Linux.
    static const SystemCalls real;
};

namespace detail {

/// What this thread calls; never null.
RINGIO_VARIABLE(thread_local const SystemCalls* system_calls, = &SystemCalls::real);

}  // namespace detail
}  // namespace ringio
