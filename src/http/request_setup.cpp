#include "request_setup.hpp"

#include <ringio/http/errors.hpp>

#include <fmt/core.h>

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace ringio::http::detail {
namespace {

constexpr long keepalive_seconds = 15;  // as aiohttp
constexpr long buffer_size = 64L << 10;
constexpr const char* codings = "gzip, deflate";

std::string cookie_line(const FieldList& cookies) {
    std::string line;
    for (const auto& [name, value] : cookies) {
        constexpr std::string_view forbidden("\r\n\0;", 4);
        if (name.find_first_of(forbidden) != std::string::npos ||
            value.find_first_of(forbidden) != std::string::npos) {
            throw std::invalid_argument(
                fmt::format("the cookie {} has a line end, a zero byte or a ';'", shown(name)));
        }
        line += fmt::format("{}{}={}", line.empty() ? "" : "; ", name, value);
    }
    return line;
}

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::string proxy_of_environment(bool is_secure) {
    // Not HTTP_PROXY: a CGI program's caller chooses it.
    for (const char* name : {is_secure ? "https_proxy" : "http_proxy",
                             is_secure ? "HTTPS_PROXY" : "all_proxy", "all_proxy", "ALL_PROXY"}) {
        std::string proxy = environment(name);
        if (!proxy.empty()) {
            return proxy.find("://") == std::string::npos ? fmt::format("http://{}", proxy) : proxy;
        }
    }
    return {};
}

const std::string& unix_socket_of(const Exchange& exchange,
                                  const SessionSettings& settings) noexcept {
    const std::string& path = exchange.url.unix_socket();
    return path.empty() ? settings.unix_socket : path;
}

// With .trust_env libcurl heeds no_proxy by itself: its words say whom it tried.
bool is_of_proxy(const CurlFailure& failure, const Url& url) {
    const std::string without =
        fmt::format("Failed to connect to {} port {} ", url.host(), url.port());
    return failure.code != CURLE_COULDNT_RESOLVE_HOST && !failure.text.starts_with(without);
}

// libcurl writes its own Accept-Encoding twice, byte by byte.
TextList list_of(const Exchange& exchange, const SessionSettings& settings) {
    const Headers& headers = exchange.headers;
    TextList list;
    for (const auto& [name, value] : headers) {
        check_header(name, value);
        list.add(value.empty() ? fmt::format("{};", name) : fmt::format("{}: {}", name, value));
    }
    if (!headers.contains("User-Agent")) {
        list.add("User-Agent: ringio");
    }
    if (settings.auto_decompress && !headers.contains("Accept-Encoding")) {
        list.add(fmt::format("Accept-Encoding: {}", codings));
    }
    if (exchange.body && !headers.contains("Expect")) {
        list.add("Expect:");
    }
    return list;
}

void set_up_head(EasyHandle& easy, RequestParts& parts, const Exchange& exchange,
                 const SessionSettings& settings) {
    if (const std::string line = cookie_line(exchange.cookies); !line.empty()) {
        easy.set(CURLOPT_COOKIE, line.c_str());
    }
    if (parts.header_list.get() == nullptr || exchange.body || parts.headers != exchange.headers) {
        parts.header_list = list_of(exchange, settings);
        easy.set(CURLOPT_HTTPHEADER, parts.header_list.get());
        parts.headers = exchange.headers;
    }
    if (exchange.method == "HEAD") {
        easy.set(CURLOPT_CUSTOMREQUEST, static_cast<const char*>(nullptr));
        easy.set(CURLOPT_NOBODY, 1L);
    } else if (parts.method != exchange.method) {
        easy.set(CURLOPT_CUSTOMREQUEST, exchange.method.c_str());
        parts.method = exchange.method;
    }
}

void set_up_target(EasyHandle& easy, const Exchange& exchange, const SessionSettings& settings,
                   const std::string& proxy) {
    const Url& url = exchange.url;
    const std::string& path = unix_socket_of(exchange, settings);
    if (!path.empty()) {
        easy.set(CURLOPT_UNIX_SOCKET_PATH, path.c_str());
    }
    std::string target = url.unix_socket().empty() ? url.origin() : "http://localhost";
    target += url.path();
    if (!url.query().empty()) {
        target += '?';
        target += url.query();
    }
    easy.set(CURLOPT_URL, target.c_str());
    if (!proxy.empty()) {
        const Url by(proxy);
        easy.set(CURLOPT_PROXY, by.origin().c_str());
        if (by.has_credentials()) {
            easy.set(CURLOPT_PROXYUSERNAME, by.user().c_str());
            easy.set(CURLOPT_PROXYPASSWORD, by.password().c_str());
        }
    }
}

}  // namespace

std::string proxy_of(const Exchange& exchange, const SessionSettings& settings) {
    if (!exchange.proxy.empty() || !settings.proxy.empty()) {
        return exchange.proxy.empty() ? settings.proxy : exchange.proxy;
    }
    return settings.trust_env ? proxy_of_environment(exchange.url.is_secure()) : std::string();
}

void set_up_session(EasyHandle& easy, RequestParts& parts, const SessionSettings& settings) {
    easy.set(CURLOPT_ERRORBUFFER, parts.error_text.data());
    easy.set(CURLOPT_NOSIGNAL, 1L);
    easy.set(CURLOPT_PROTOCOLS_STR, "http,https");
    easy.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    // Refused where a handle kept its buffer, of this size, from its last request.
    curl_easy_setopt(easy.get(), CURLOPT_BUFFERSIZE, buffer_size);
    easy.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    easy.set(CURLOPT_PATH_AS_IS, 1L);
    easy.set(CURLOPT_MAXAGE_CONN, keepalive_seconds);
    easy.set(CURLOPT_PROXY, "");
    easy.set(CURLOPT_NOPROXY, settings.trust_env ? environment("no_proxy").c_str() : "");
    if (settings.cookies) {
        easy.set(CURLOPT_COOKIEFILE, "");
    }
    if (settings.auto_decompress) {
        easy.set(CURLOPT_ACCEPT_ENCODING, codings);
    }
}

void set_up_request(EasyHandle& easy, RequestParts& parts, const Exchange& exchange,
                    const SessionSettings& settings) {
    parts.error_text.front() = '\0';
    set_up_head(easy, parts, exchange, settings);
    const std::string proxy = proxy_of(exchange, settings);
    set_up_target(easy, exchange, settings, proxy);
    parts.tls.set_up(easy, exchange, settings, !proxy.empty() && Url(proxy).is_secure());
}

bool sets_the_usual(const Exchange& exchange, const SessionSettings& settings) {
    return exchange.method != "HEAD" && !exchange.body && exchange.cookies.empty() &&
           exchange.url.unix_socket().empty() && proxy_of(exchange, settings).empty();
}

CurlFailure describe_failure(CURLcode code, const EasyHandle& easy, const RequestParts& parts,
                             const Exchange& exchange, const SessionSettings& settings) {
    CurlFailure failure{.code = code,
                        .text = parts.error_text.data(),
                        .url = exchange.url.to_string(),
                        .system_error = static_cast<int>(easy.info<long>(CURLINFO_OS_ERRNO)),
                        .proxy_status = easy.info<long>(CURLINFO_HTTP_CONNECTCODE),
                        .tls = parts.tls.failure()};
    const std::string proxy = proxy_of(exchange, settings);
    const bool is_given = !exchange.proxy.empty() || !settings.proxy.empty();
    failure.by_proxy =
        !proxy.empty() && !failure.tls && (is_given || is_of_proxy(failure, exchange.url));
    failure.by_environment = failure.by_proxy && !is_given;
    const Url peer = failure.by_proxy ? Url(proxy) : exchange.url;
    failure.unix_socket = unix_socket_of(exchange, settings);
    failure.host = peer.unix_socket().empty() ? peer.host() : "localhost";
    failure.port = peer.port();
    return failure;
}

}  // namespace ringio::http::detail
