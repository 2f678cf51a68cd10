#include <ringio/streams/names.hpp>

#include <ringio/streams/resolve.hpp>
#include <ringio/streams/resolver.hpp>

#include "lookups.hpp"

#include <sys/socket.h>

namespace ringio {
namespace {

std::string service_text(long port) {
    return std::to_string(detail::checked_port("getaddrinfo", port));
}

Task<std::vector<AddressInfo>> addresses_of(EventLoop& loop, std::string host, std::string service,
                                            AddressHints hints) {
    const std::string what = "resolve " + detail::host_and_service(host, service);
    const detail::SharedAnswer answer =
        co_await detail::ask(loop, detail::Question(std::move(host), std::move(service), hints));
    if (answer->error != 0) {
        detail::throw_resolver_error(*answer, what);
    }
    co_return answer->found;
}

Task<std::pair<std::string, std::string>> name_of(EventLoop& loop, SocketAddress address,
                                                  int flags) {
    const detail::SharedAnswer answer =
        co_await detail::ask(loop, detail::Question(address, flags));
    if (answer->error != 0) {
        detail::throw_resolver_error(*answer, "getnameinfo " + address.to_string());
    }
    co_return std::pair<std::string, std::string>(answer->host, answer->service);
}

}  // namespace

Task<std::vector<AddressInfo>> EventLoop::getaddrinfo(std::string host, long port) {
    return addresses_of(*this, std::move(host), service_text(port), {});
}

Task<std::vector<AddressInfo>> EventLoop::getaddrinfo(std::string host, long port,
                                                      const AddressHints& hints) {
    return addresses_of(*this, std::move(host), service_text(port), hints);
}

Task<std::vector<AddressInfo>> EventLoop::getaddrinfo(std::string host, std::string service) {
    return addresses_of(*this, std::move(host), std::move(service), {});
}

Task<std::vector<AddressInfo>> EventLoop::getaddrinfo(std::string host, std::string service,
                                                      const AddressHints& hints) {
    return addresses_of(*this, std::move(host), std::move(service), hints);
}

Task<std::pair<std::string, std::string>> EventLoop::getnameinfo(const SocketAddress& address,
                                                                 int flags) {
    return name_of(*this, address, flags);
}

void EventLoop::set_resolver(std::shared_ptr<Resolver> resolver) {
    machine().check_call();
    machine().books().find_or_make<detail::OwnResolver>().resolver = std::move(resolver);
}

}  // namespace ringio
