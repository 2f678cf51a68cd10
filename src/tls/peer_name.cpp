#include "peer_name.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <new>

namespace ringio::detail {

bool is_address(const std::string& host) noexcept {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

std::string name_in_certificates(const std::string& host) {
    if (host.size() > 1 && host.back() == '.') {
        return host.substr(0, host.size() - 1);
    }
    const std::string address = host.substr(0, host.find('%'));
    return is_address(address) ? address : host;
}

void demand_name(X509_VERIFY_PARAM& rules, const std::string& name) {
    X509_VERIFY_PARAM_set_hostflags(
        &rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const int result = is_address(name)
                           ? X509_VERIFY_PARAM_set1_ip_asc(&rules, name.c_str())
                           : X509_VERIFY_PARAM_set1_host(&rules, name.data(), name.size());
    if (result != 1) {
        throw std::bad_alloc();
    }
}

}  // namespace ringio::detail
