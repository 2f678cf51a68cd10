// What connections and servers both ask of a socket.
#pragma once

#include <ringio/base/system_calls.hpp>
#include <ringio/io/given_socket.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/streams/open_connection.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace ringio::detail {

/// How errors name the other end of a connection: "127.0.0.1:80".
inline std::string peer_text(const Socket& socket) {
    try {
        const SocketAddress peer = socket.getpeername();
        const bool has_name = !peer.host().empty() || !peer.path().empty();
        return has_name ? peer.to_string() : "a local socket";
    } catch (const std::system_error&) {
        return "a peer that is gone";
    }
}

/// Asks for an option of SOL_SOCKET. *Errors*: std::invalid_argument when no socket was given;
/// std::system_error when it is none.
inline int option_of(const std::string& function, const GivenSocket& given, int name) {
    if (given.fd() < 0) {
        throw std::invalid_argument(function + ": the socket is empty; its descriptor was moved");
    }
    int value = 0;
    socklen_t length = sizeof(value);
    if (system_calls->getsockopt(given.fd(), SOL_SOCKET, name, &value, &length) != 0) {
        throw std::system_error(errno, std::system_category(), function + ": not a socket");
    }
    return value;
}

/// *Errors*: std::invalid_argument, std::system_error, when `given` is not what `function` takes.
inline void require_stream_socket(const std::string& function, const GivenSocket& given) {
    if (option_of(function, given, SO_TYPE) != SOCK_STREAM) {
        throw std::invalid_argument(function + ": a stream socket is expected");
    }
}

/// The same for a Unix socket.
inline void require_unix_stream_socket(const std::string& function, const GivenSocket& given) {
    const int family = option_of(function, given, SO_DOMAIN);
    const int type = option_of(function, given, SO_TYPE);
    if (family != AF_UNIX || type != SOCK_STREAM) {
        throw std::invalid_argument(
            function + ": A UNIX Domain Stream Socket was expected, got one of family " +
            std::to_string(family) + " and type " + std::to_string(type));
    }
}

/// Makes streams of a connected socket, and secures them if that is wanted; `peer` is how errors
/// name its other end.
Task<Connection> connection_over(Socket socket, std::string peer, std::size_t limit, OwnedTls tls);

/// The same for one that was made elsewhere. *Errors*: std::system_error.
Task<Connection> take_over(UniqueFd fd, std::size_t limit, OwnedTls tls);

}  // namespace ringio::detail
