#include <ringio/streams/start_unix_server.hpp>

#include <ringio/streams/bound_path.hpp>

#include "server_state.hpp"
#include "sockets.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace ringio::detail {
namespace {

ServerOptions as_server_options(const UnixServerOptions& options) {
    return {.limit = options.limit,
            .backlog = options.backlog,
            .start_serving = options.start_serving,
            .tls = options.tls,
            .ssl_handshake_timeout = options.ssl_handshake_timeout,
            .ssl_shutdown_timeout = options.ssl_shutdown_timeout};
}

// Kernel: the mode of the socket is the mode of the path that bind(2) makes, less the umask.
BoundPath bind_to_path(const Socket& socket, const std::string& path,
                       const UnixServerOptions& options) {
    const SocketAddress address = SocketAddress::unix_path(path);
    if (options.mode && ::fchmod(socket.fd(), *options.mode) != 0) {
        throw std::system_error(errno, std::system_category(), "fchmod of " + address.to_string());
    }
    try {
        return BoundPath::bind(socket, address);
    } catch (const std::system_error& error) {
        if (error.code().value() == EADDRINUSE) {
            throw std::system_error(error.code(),
                                    "Address '" + address.to_string() + "' is already in use");
        }
        throw;
    }
}

Server listen_on_bound(ConnectionHandler handler, Socket socket, BoundPath path,
                       const UnixServerOptions& options, OwnedTls tls) {
    if (!options.cleanup_socket) {
        path.release();
    }
    socket.listen(options.backlog);
    std::vector<Socket> sockets;
    sockets.push_back(std::move(socket));
    return serve(std::move(handler), std::move(sockets), as_server_options(options), std::move(tls),
                 std::move(path));
}

Task<Server> listen_at(ConnectionHandler handler, std::string path, UnixServerOptions options,
                       OwnedTls tls) {
    Socket socket = Socket::stream(AF_UNIX);
    BoundPath bound = bind_to_path(socket, path, options);
    co_return listen_on_bound(std::move(handler), std::move(socket), std::move(bound), options,
                              std::move(tls));
}

Task<Server> listen_on_unix(ConnectionHandler handler, UniqueFd fd, UnixServerOptions options,
                            OwnedTls tls) {
    Socket socket = Socket::adopted(std::move(fd));
    BoundPath bound = BoundPath::of(socket);
    co_return listen_on_bound(std::move(handler), std::move(socket), std::move(bound), options,
                              std::move(tls));
}

}  // namespace

Task<Server> start_unix_server(ConnectionHandler handler, std::string path,
                               const UnixServerOptions& options) {
    OwnedTls tls = check_server("start_unix_server", handler, as_server_options(options));
    if (options.sock) {
        throw std::invalid_argument("start_unix_server: a path, and a socket as well; give one");
    }
    if (path.empty()) {
        throw std::invalid_argument("start_unix_server: the path is empty");
    }
    static_cast<void>(SocketAddress::unix_path(path));  // refused now, not when it is awaited
    return listen_at(std::move(handler), std::move(path), options, std::move(tls));
}

Task<Server> start_unix_server(ConnectionHandler handler, const UnixServerOptions& options) {
    OwnedTls tls = check_server("start_unix_server", handler, as_server_options(options));
    if (!options.sock) {
        throw std::invalid_argument("start_unix_server: neither a path nor a socket");
    }
    require_unix_stream_socket("start_unix_server", options.sock);
    UniqueFd fd = options.sock.take();
    return listen_on_unix(std::move(handler), std::move(fd), options, std::move(tls));
}

}  // namespace ringio::detail
