// What connections and servers both ask of a socket.
#pragma once

#include <ringio/base/system_calls.hpp>
#include <ringio/io/given_socket.hpp>
#include <ringio/io/socket.hpp>

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

/// *Errors*: std::invalid_argument, std::system_error, when `given` is not what `function` takes.
inline void require_stream_socket(const std::string& function, const GivenSocket& given) {
    if (given.fd() < 0) {
        throw std::invalid_argument(function + ": the socket is empty; its descriptor was moved");
    }
    int type = 0;
    socklen_t length = sizeof(type);
    if (system_calls->getsockopt(given.fd(), SOL_SOCKET, SO_TYPE, &type, &length) != 0) {
        throw std::system_error(errno, std::system_category(), function + ": not a socket");
    }
    if (type != SOCK_STREAM) {
        throw std::invalid_argument(function + ": a stream socket is expected");
    }
}

/// The same for a Unix socket.
inline void require_unix_stream_socket(const std::string& function, const GivenSocket& given) {
    if (given.fd() < 0) {
        throw std::invalid_argument(function + ": the socket is empty; its descriptor was moved");
    }
    const auto option = [&](int name) {
        int value = 0;
        socklen_t length = sizeof(value);
        if (system_calls->getsockopt(given.fd(), SOL_SOCKET, name, &value, &length) != 0) {
            throw std::system_error(errno, std::system_category(), function + ": not a socket");
        }
        return value;
    };
    const int family = option(SO_DOMAIN);
    const int type = option(SO_TYPE);
    if (family != AF_UNIX || type != SOCK_STREAM) {
        throw std::invalid_argument(
            function + ": A UNIX Domain Stream Socket was expected, got one of family " +
            std::to_string(family) + " and type " + std::to_string(type));
    }
}

}  // namespace ringio::detail
