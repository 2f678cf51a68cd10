#include <ringio/streams/start_server.hpp>

#include <ringio/streams/resolve.hpp>

#include "server_state.hpp"

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

Task<Server> listen(ConnectionHandler handler, std::string host, std::uint16_t port,
                    ServerOptions options) {
    const std::vector<SocketAddress> addresses = co_await resolve(host, port, true);
    std::vector<Socket> sockets = listen_on_all(addresses, options);
    const IntrusivePtr<ServerState> state(
        new ServerState(get_running_loop(), std::move(handler), std::move(sockets), options));
    if (options.start_serving) {
        state->start_serving();
    }
    co_return Server(state);
}

}  // namespace

Task<Server> start_server(ConnectionHandler handler, std::string host, long port,
                          ServerOptions options) {
    if (options.limit == 0) {
        throw std::invalid_argument("start_server: the limit is 0; a reader needs a buffer");
    }
    if (options.backlog < 0) {
        throw std::invalid_argument("start_server: the backlog is negative");
    }
    return listen(std::move(handler), std::move(host), checked_port("start_server", port), options);
}

}  // namespace ringio::detail
