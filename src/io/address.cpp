#include <ringio/io/address.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace ringio {
namespace {

template <class Address>
Address view(const unsigned char* storage) noexcept {
    Address address;
    std::memcpy(&address, storage, sizeof(address));
    return address;
}

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);
constexpr std::size_t path_max = sizeof(sockaddr_un::sun_path);

// As getaddrinfo(3) reads what follows the %: a number, or, for an address of one link, a name.
std::optional<std::uint32_t> parse_scope(const in6_addr& address, const std::string& scope) {
    // The kernel would read "lo:x" as the interface lo.
    const bool may_be_name =
        (IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_MC_LINKLOCAL(&address)) &&
        scope.find(':') == std::string::npos;
    if (const unsigned index = may_be_name ? ::if_nametoindex(scope.c_str()) : 0) {
        return index;
    }
    std::uint32_t number = 0;
    const char* const end = scope.data() + scope.size();
    const auto [parsed, error] = std::from_chars(scope.data(), end, number);
    return error == std::errc() && parsed == end ? std::optional(number) : std::nullopt;
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
    const std::size_t percent = text.find('%');
    sockaddr_in6 v6 = {};
    if (::inet_pton(AF_INET6, text.substr(0, percent).c_str(), &v6.sin6_addr) != 1) {
        return std::nullopt;
    }
    if (percent != std::string::npos) {
        const auto scope = parse_scope(v6.sin6_addr, text.substr(percent + 1));
        if (!scope) {
            return std::nullopt;
        }
        v6.sin6_scope_id = *scope;
    }
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return SocketAddress(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
}

// Kernel: the length of a path counts the zero byte after it, that of an abstract name does not.
SocketAddress SocketAddress::unix_path(std::string_view path) {
    const bool is_abstract = !path.empty() && path.front() == '\0';
    const std::size_t most = is_abstract ? path_max : path_max - 1;
    if (path.size() > most) {
        throw std::invalid_argument("AF_UNIX path too long: " + std::to_string(path.size()) +
                                    " bytes, of at most " + std::to_string(most));
    }
    if (!is_abstract && path.find('\0') != std::string_view::npos) {
        throw std::invalid_argument("embedded null byte in path");
    }
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    const std::size_t size = path_offset + path.size() + (is_abstract || path.empty() ? 0 : 1);
    return SocketAddress(reinterpret_cast<const sockaddr*>(&address), size);
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

std::uint32_t SocketAddress::scope_id() const noexcept {
    return family() == AF_INET6 ? view<sockaddr_in6>(storage_).sin6_scope_id : 0;
}

std::string SocketAddress::path() const {
    if (family() != AF_UNIX || size_ <= path_offset) {
        return {};
    }
    std::string path(reinterpret_cast<const char*>(storage_) + path_offset, size_ - path_offset);
    if (path.front() != '\0') {
        path.resize(std::min(path.find('\0'), path.size()));
    }
    return path;
}

std::string SocketAddress::to_string() const {
    if (family() == AF_UNIX) {
        std::string text = path();
        std::replace(text.begin(), text.end(), '\0', '@');
        return text;
    }
    const std::uint32_t scope = scope_id();
    return host_and_port(scope == 0 ? host() : host() + "%" + std::to_string(scope), port());
}

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
