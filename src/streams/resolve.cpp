#include <ringio/streams/resolve.hpp>

#include "lookups.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace ringio {
namespace {

class ResolverCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "getaddrinfo"; }
    std::string message(int code) const override { return ::gai_strerror(code); }
};

}  // namespace

const std::error_category& resolver_category() noexcept {
    static const ResolverCategory category;
    return category;
}

Task<std::vector<SocketAddress>> resolve(std::string host, std::uint16_t port, bool passive,
                                         int family) {
    const std::optional<SocketAddress> literal = SocketAddress::from_literal(host, port);
    if (literal && (family == AF_UNSPEC || family == literal->family())) {
        co_return std::vector<SocketAddress>{*literal};
    }
    const AddressHints hints = {
        .family = family, .type = SOCK_STREAM, .flags = passive ? AI_PASSIVE : 0};
    const detail::SharedAnswer answer = co_await detail::ask(
        get_running_loop(), detail::Question(host, std::to_string(port), hints));
    if (answer->error != 0) {
        detail::throw_resolver_error(*answer, "resolve " + host_and_port(host, port));
    }
    std::vector<SocketAddress> addresses;
    addresses.reserve(answer->found.size());
    for (const AddressInfo& each : answer->found) {
        addresses.push_back(each.address);
    }
    co_return addresses;
}

std::vector<SocketAddress> detail::interleaved(const std::vector<SocketAddress>& addresses) {
    std::vector<std::vector<SocketAddress>> families;
    for (const SocketAddress& address : addresses) {
        const auto same = [&address](const std::vector<SocketAddress>& family) {
            return family.front().family() == address.family();
        };
        const auto family = std::find_if(families.begin(), families.end(), same);
        if (family == families.end()) {
            families.push_back({address});
        } else {
            family->push_back(address);
        }
    }
    std::vector<SocketAddress> result;
    result.reserve(addresses.size());
    for (std::size_t row = 0; result.size() < addresses.size(); ++row) {
        for (const std::vector<SocketAddress>& family : families) {
            if (row < family.size()) {
                result.push_back(family[row]);
            }
        }
    }
    return result;
}

std::uint16_t detail::checked_port(std::string_view function, long port) {
    if (port < 0 || port > 65535) {
        throw std::invalid_argument(std::string(function) + ": port " + std::to_string(port) +
                                    " is out of range; a port is 0-65535");
    }
    return static_cast<std::uint16_t>(port);
}

}  // namespace ringio
