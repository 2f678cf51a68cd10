// resolve: from a host name to the addresses that TCP connects to or listens on; what names.hpp
// tells of names, in short.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/io/address.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace ringio {

/// The category of errors of getaddrinfo (EAI_NONAME …).
const std::error_category& resolver_category() noexcept;

/// Resolves `host` to TCP addresses with `port`, at least one, in the resolver's order. An empty
/// host stands for every local interface when `passive`, as for a server. `family`: AF_INET or
/// AF_INET6 for those addresses only; 0 for all.
///
/// *Errors*: std::system_error of resolver_category() that names host and port; EAI_NODATA when the
/// answer is empty; std::invalid_argument for a host with a zero byte in it.
/// *Cancellation*: at once; the worker's answer is dropped.
Task<std::vector<SocketAddress>> resolve(std::string host, std::uint16_t port, bool passive = false,
                                         int family = 0);

namespace detail {

/// Puts addresses of different families alternately, the first one first, each family in its order:
/// so a family that is broken is passed over soon. RFC 8305, 4.
std::vector<SocketAddress> interleaved(const std::vector<SocketAddress>& addresses);

/// Checks what a caller gave as a port. *Errors*: std::invalid_argument outside 0-65535.
std::uint16_t checked_port(std::string_view function, long port);

}  // namespace detail
}  // namespace ringio
