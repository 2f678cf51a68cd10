#include <ringio/streams/open_unix_connection.hpp>

#include <ringio/base/system_calls.hpp>
#include <ringio/core/op.hpp>
#include <ringio/tasks/sleep.hpp>

#include "sockets.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ringio {
namespace {

constexpr std::chrono::milliseconds first_retry{1};
constexpr std::chrono::milliseconds last_retry{64};

void set_blocking(const Socket& socket, bool blocking) {
    const int flags = detail::system_calls->fcntl(socket.fd(), F_GETFL, 0);
    detail::system_calls->fcntl(socket.fd(), F_SETFL,
                                blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

// Kernel: a connect to a Unix socket whose backlog is full keeps a worker of io_uring until there
// is room; in non-blocking mode it says EAGAIN instead, and nothing tells when to try again.
// connect(2).
Task<Socket> connect_to_path(const SocketAddress& address) {
    Socket socket = Socket::stream(AF_UNIX);
    set_blocking(socket, false);
    std::chrono::milliseconds pause = first_retry;
    int result = co_await socket.connect(address).as_code();
    while (result == -EAGAIN || result == -EINTR) {
        co_await sleep(pause);
        pause = std::min(2 * pause, last_retry);
        result = co_await socket.connect(address).as_code();
    }
    if (result < 0) {
        const std::string what = "connect to " + address.to_string();
        throw std::system_error(-result, std::system_category(),
                                detail::describe_failure(-result, what));
    }
    set_blocking(socket, true);
    co_return std::move(socket);
}

Task<Connection> connect_unix(SocketAddress address, std::size_t limit, detail::OwnedTls tls) {
    Socket socket = co_await connect_to_path(address);
    co_return co_await detail::connection_over(std::move(socket), address.to_string(), limit,
                                               std::move(tls));
}

detail::OwnedTls tls_of(const UnixConnectionOptions& options, std::string_view address) {
    return detail::tls_of_client(options.tls, detail::start_tls_options(options), {}, address);
}

void require_limit_of(const UnixConnectionOptions& options) {
    if (options.limit == 0) {
        throw std::invalid_argument(
            "open_unix_connection: the limit is 0; a reader needs a buffer");
    }
}

}  // namespace

Task<Connection> open_unix_connection(std::string path, const UnixConnectionOptions& options) {
    if (path.empty()) {
        throw std::invalid_argument("open_unix_connection: the path is empty");
    }
    if (options.sock) {
        throw std::invalid_argument("open_unix_connection: a path, and a socket as well; give one");
    }
    require_limit_of(options);
    return connect_unix(SocketAddress::unix_path(path), options.limit, tls_of(options, path));
}

Task<Connection> open_unix_connection(const UnixConnectionOptions& options) {
    if (!options.sock) {
        throw std::invalid_argument("open_unix_connection: neither a path nor a socket");
    }
    require_limit_of(options);
    detail::require_unix_stream_socket("open_unix_connection", options.sock);
    detail::OwnedTls tls = tls_of(options, {});
    return detail::take_over(options.sock.take(), options.limit, std::move(tls));
}

}  // namespace ringio
