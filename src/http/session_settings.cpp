#include "session_settings.hpp"

#include <stdexcept>

namespace ringio::http::detail {

SessionSettings::SessionSettings(const SessionOptions& options)
    : headers(options.headers.copied()),
      cookies(options.cookies),
      timeout(options.timeout),
      limit(options.limit),
      limit_per_host(options.limit_per_host),
      max_body(options.max_body),
      proxy(options.proxy),
      trust_env(options.trust_env),
      raise_for_status(options.raise_for_status),
      auto_decompress(options.auto_decompress),
      http2(options.http2),
      unix_socket(options.unix_socket),
      auth(copied(options.auth)),
      tls(options.tls.security()) {
    if (tls && tls->is_server()) {
        throw std::invalid_argument(
            "ClientSession: .tls is the context of a server: TlsContext::client() makes those of "
            "clients");
    }
    if (!options.base_url.empty()) {
        base_url = Url(options.base_url);
    }
    for (const auto& [name, value] : headers) {
        check_header(name, value);
    }
}

}  // namespace ringio::http::detail
