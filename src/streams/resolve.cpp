#include <ringio/streams/resolve.hpp>

#include <ringio/base/system_calls.hpp>
#include <ringio/tasks/run_in_executor.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <stdexcept>

namespace ringio {
namespace {

class ResolverCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "getaddrinfo"; }
    std::string message(int code) const override { return ::gai_strerror(code); }
};

struct Answer {
    int error = 0;
    int system_error = 0;
    std::vector<SocketAddress> addresses;
};

// Called on a worker thread.
Answer look_up(const std::string& host, std::uint16_t port, bool passive, int family) {
    addrinfo hints = {};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = passive ? AI_PASSIVE : 0;
    addrinfo* found = nullptr;
    Answer answer;
    answer.error = detail::system_calls->getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                                     std::to_string(port).c_str(), &hints, &found);
    answer.system_error = errno;
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(
        answer.error == 0 ? found : nullptr,
        [](addrinfo* list) { detail::system_calls->freeaddrinfo(list); });
    for (const addrinfo* entry = owned.get(); entry != nullptr; entry = entry->ai_next) {
        answer.addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
    }
    if (answer.error == 0 && answer.addresses.empty()) {
        answer.error = EAI_NODATA;
    }
    return answer;
}

}  // namespace

const std::error_category& resolver_category() noexcept {
    static const ResolverCategory category;
    return category;
}

Task<std::vector<SocketAddress>> resolve(std::string host, std::uint16_t port, bool passive,
                                         int family) {
    if (host.find('\0') != std::string::npos) {
        throw std::invalid_argument("resolve: the host has a zero byte in it");
    }
    const std::optional<SocketAddress> literal = SocketAddress::from_literal(host, port);
    if (literal && (family == AF_UNSPEC || family == literal->family())) {
        co_return std::vector<SocketAddress>{*literal};
    }
    Future<Answer> looked_up =
        get_running_loop().run_in_executor(nullptr, look_up, host, port, passive, family);
    Answer answer = co_await std::move(looked_up);
    if (answer.error != 0) {
        const std::string what = "resolve " + host_and_port(host, port);
        if (answer.error == EAI_SYSTEM) {
            throw std::system_error(answer.system_error, std::system_category(), what);
        }
        throw std::system_error(answer.error, resolver_category(), what);
    }
    co_return std::move(answer.addresses);
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
