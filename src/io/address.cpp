#include <ringio/io/address.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace ringio {
namespace {

template <class Address>
Address view(const unsigned char* storage) noexcept {
    Address address;
    std::memcpy(&address, storage, sizeof(address));
    return address;
}

}  // namespace

SocketAddress::SocketAddress(const sockaddr* address, std::size_t length) {
    if (length > sizeof(storage_)) {
        throw std::invalid_argument("SocketAddress: the address is longer than any socket's");
    }
    std::memcpy(storage_, address, length);
    size_ = static_cast<std::uint32_t>(length);
}

std::optional<SocketAddress> SocketAddress::from_literal(std::string_view host,
                                                         std::uint16_t port) {
    if (host.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    const std::string text(host);
    sockaddr_in v4 = {};
    if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        return SocketAddress(reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
    }
    sockaddr_in6 v6 = {};
    if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        return SocketAddress(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
    }
    return std::nullopt;
}

int SocketAddress::family() const noexcept {
    return size_ == 0 ? AF_UNSPEC : view<sockaddr>(storage_).sa_family;
}

std::string SocketAddress::host() const {
    char text[INET6_ADDRSTRLEN] = "";
    if (family() == AF_INET) {
        const auto address = view<sockaddr_in>(storage_);
        ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text));
    } else if (family() == AF_INET6) {
        const auto address = view<sockaddr_in6>(storage_);
        ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof(text));
    }
    return text;
}

std::uint16_t SocketAddress::port() const noexcept {
    switch (family()) {
        case AF_INET:
            return ntohs(view<sockaddr_in>(storage_).sin_port);
        case AF_INET6:
            return ntohs(view<sockaddr_in6>(storage_).sin6_port);
        default:
            return 0;
    }
}

std::string SocketAddress::to_string() const { return host_and_port(host(), port()); }

bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
    return a.size_ == b.size_ && std::equal(a.storage_, a.storage_ + a.size_, b.storage_);
}

std::string host_and_port(std::string_view host, unsigned port) {
    std::string text(host);
    if (host.find(':') != std::string_view::npos) {
        text.insert(text.begin(), '[');
        text.push_back(']');
    }
    text.push_back(':');
    return text.append(std::to_string(port));
}

}  // namespace ringio
