// SocketAddress: where a socket is, or goes to: an IPv4 or IPv6 address with a port, or a name of a
// Unix socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace ringio {

/// The address of a socket; a value. What getsockname() gives in Python as a tuple, or a text.
class SocketAddress {
public:
    /// Holds no address: family() is 0.
    SocketAddress() noexcept = default;

    /// Takes an address of the kernel's form. *Errors*: std::invalid_argument when it is too long.
    SocketAddress(const sockaddr* address, std::size_t length);

    /// Reads an IPv4 or IPv6 literal ("127.0.0.1", "::1", "fe80::1%eth0"); nothing when it is none,
    /// or this machine has no interface of that name.
    static std::optional<SocketAddress> from_literal(std::string_view host, std::uint16_t port);

    /// Takes the path of a Unix socket; one that begins with a zero byte is an abstract name, which
    /// is in no directory. Empty: a bind() chooses an abstract one.
    /// *Errors*: std::invalid_argument when it is longer than a Unix address, or a path has a zero
    /// byte in it.
    static SocketAddress unix_path(std::string_view path);

    /// AF_INET, AF_INET6, AF_UNIX, or another family of the kernel's; 0 when empty.
    int family() const noexcept;

    /// "127.0.0.1", "::1"; empty for other families.
    std::string host() const;

    /// 0 for other families.
    std::uint16_t port() const noexcept;

    /// The interface of an IPv6 address that is known there only; 0 for others.
    std::uint32_t scope_id() const noexcept;

    /// The path or the abstract name of a Unix socket, as unix_path() takes it; empty for other
    /// families, and for a socket without a name.
    std::string path() const;

    /// "127.0.0.1:80", "[::1]:80", "[fe80::1%2]:80", "/run/x", "@abstract".
    std::string to_string() const;

    const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(storage_); }
    std::uint32_t size() const noexcept { return size_; }

    friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept;

private:
    alignas(8) unsigned char storage_[128] = {};
    std::uint32_t size_ = 0;
};

/// "host:port", with brackets around an IPv6 literal; for texts of errors.
std::string host_and_port(std::string_view host, unsigned port);

}  // namespace ringio
