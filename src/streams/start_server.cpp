#include <ringio/streams/start_server.hpp>

#include <ringio/streams/resolve.hpp>

#include "server_state.hpp"
#include "sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace ringio::detail {
namespace {

// A family that this machine lacks is left out, as long as there is another one.
bool is_lacking_family(const std::system_error& error) {
    return error.code().value() == EAFNOSUPPORT || error.code().value() == EADDRNOTAVAIL;
}

std::vector<Socket> listen_on_all(const std::vector<SocketAddress>& addresses,
                                  const ServerOptions& options) {
    std::vector<Socket> sockets;
    std::exception_ptr lacking;
    for (const SocketAddress& address : addresses) {
        try {
            sockets.push_back(Socket::listening(address, options.backlog, options.reuse_port));
        } catch (const std::system_error& error) {
            if (!is_lacking_family(error)) {
                throw;
            }
            lacking = std::current_exception();
        }
    }
    if (sockets.empty()) {
        std::rethrow_exception(lacking);
    }
    return sockets;
}

Task<Server> listen(ConnectionHandler handler, Hosts hosts, std::uint16_t port,
                    ServerOptions options, OwnedTls tls) {
    std::vector<SocketAddress> addresses;
    for (const std::string& host : hosts.all()) {
        const std::vector<SocketAddress> found = co_await resolve(host, port, true, options.family);
        for (const SocketAddress& address : found) {
            if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
                addresses.push_back(address);
            }
        }
    }
    co_return serve(std::move(handler), listen_on_all(addresses, options), options, std::move(tls));
}

Task<Server> listen_on(ConnectionHandler handler, UniqueFd fd, ServerOptions options,
                       OwnedTls tls) {
    std::vector<Socket> sockets;
    sockets.push_back(Socket::adopted(std::move(fd)));
    sockets.front().listen(options.backlog);
    co_return serve(std::move(handler), std::move(sockets), options, std::move(tls));
}

}  // namespace

OwnedTls check_server(const std::string& function, const ConnectionHandler& handler,
                      const ServerOptions& options) {
    if (!handler) {
        throw std::invalid_argument(function + ": the handler is null; nobody would answer");
    }
    if (options.limit == 0) {
        throw std::invalid_argument(function + ": the limit is 0; a reader needs a buffer");
    }
    if (options.backlog < 0) {
        throw std::invalid_argument(function + ": the backlog is negative");
    }
    return tls_of_server(function, options.tls, start_tls_options(options));
}

Server serve(ConnectionHandler handler, std::vector<Socket> sockets, const ServerOptions& options,
             OwnedTls tls, BoundPath path) {
    const IntrusivePtr<ServerState> state(new ServerState(
        get_running_loop(), std::move(handler), std::move(sockets), options, std::move(tls)));
    state->own_path(std::move(path));
    if (options.start_serving) {
        state->start_serving();
    }
    return Server(state);
}

Task<Server> start_server(ConnectionHandler handler, Hosts hosts, long port,
                          const ServerOptions& options) {
    OwnedTls tls = check_server("start_server", handler, options);
    if (options.sock) {
        throw std::invalid_argument(
            "start_server: host and port, and a socket as well; give one of them");
    }
    if (hosts.all().empty()) {
        throw std::invalid_argument("start_server: no host; an empty text is every interface");
    }
    return listen(std::move(handler), std::move(hosts), checked_port("start_server", port), options,
                  std::move(tls));
}

Task<Server> start_server(ConnectionHandler handler, const ServerOptions& options) {
    OwnedTls tls = check_server("start_server", handler, options);
    if (!options.sock) {
        throw std::invalid_argument("start_server: neither host and port nor a socket");
    }
    require_stream_socket("start_server", options.sock);
    UniqueFd fd = options.sock.take();
    return listen_on(std::move(handler), std::move(fd), options, std::move(tls));
}

}  // namespace ringio::detail
