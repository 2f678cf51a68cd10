// What libcurl is told of an exchange.
#include "transfer.hpp"

#include <ringio/http/errors.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <stdexcept>

namespace ringio::http::detail {
namespace {

constexpr long keepalive_seconds = 15;  // as aiohttp
constexpr long buffer_size = 64L << 10;

std::size_t header_function(char* data, std::size_t, std::size_t size, void* transfer) {
    return static_cast<Transfer*>(transfer)->on_header({data, size});
}
std::size_t body_function(char* data, std::size_t, std::size_t size, void* transfer) {
    return static_cast<Transfer*>(transfer)->on_body({data, size});
}
std::size_t read_function(char* data, std::size_t size, std::size_t count, void* transfer) {
    return static_cast<Transfer*>(transfer)->on_read(data, size * count);
}
int seek_function(void* transfer, curl_off_t, int) {
    return static_cast<Transfer*>(transfer)->on_rewind();
}
curl_socket_t open_function(void* transfer, curlsocktype, curl_sockaddr* address) {
    return static_cast<Transfer*>(transfer)->may_connect() ? CurlMulti::open_socket(*address)
                                                           : CURL_SOCKET_BAD;
}
int connected_function(void* transfer, char*, char*, int, int) {
    return static_cast<Transfer*>(transfer)->on_connected();
}

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

}  // namespace

std::string Transfer::proxy() const {
    const SessionSettings& settings = session_->settings();
    if (!exchange_.proxy.empty() || !settings.proxy.empty()) {
        return exchange_.proxy.empty() ? settings.proxy : exchange_.proxy;
    }
    return settings.trust_env ? proxy_of_environment(exchange_.url.is_secure()) : std::string();
}

void Transfer::configure() {
    easy_ = session_->take_easy();
    easy_.set(CURLOPT_PRIVATE, static_cast<MultiTransfer*>(this));
    easy_.set(CURLOPT_ERRORBUFFER, error_text_.data());
    easy_.set(CURLOPT_NOSIGNAL, 1L);
    easy_.set(CURLOPT_PROTOCOLS_STR, "http,https");
    easy_.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    easy_.set(CURLOPT_HEADERFUNCTION, &header_function);
    easy_.set(CURLOPT_HEADERDATA, this);
    easy_.set(CURLOPT_WRITEFUNCTION, &body_function);
    easy_.set(CURLOPT_WRITEDATA, this);
    easy_.set(CURLOPT_PREREQFUNCTION, &connected_function);
    easy_.set(CURLOPT_PREREQDATA, this);
    easy_.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    // Refused where a handle kept its buffer, of this size, from its last request.
    curl_easy_setopt(easy_.get(), CURLOPT_BUFFERSIZE, buffer_size);
    easy_.set(CURLOPT_SHARE, session_->share());
    const SessionSettings& settings = session_->settings();
    if (settings.cookies) {
        easy_.set(CURLOPT_COOKIEFILE, "");
    }
    if (const std::string line = cookie_line(exchange_.cookies); !line.empty()) {
        easy_.set(CURLOPT_COOKIE, line.c_str());
    }
    if (settings.auto_decompress) {
        easy_.set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    }
    for (const auto& [name, value] : exchange_.headers) {
        check_header(name, value);
        header_list_.add(value.empty() ? fmt::format("{};", name)
                                       : fmt::format("{}: {}", name, value));
    }
    if (!exchange_.headers.contains("Expect")) {
        header_list_.add("Expect:");
    }
    easy_.set(CURLOPT_HTTPHEADER, header_list_.get());
    configure_connection();
    configure_tls();
    configure_body();
}

void Transfer::configure_connection() {
    const SessionSettings& settings = session_->settings();
    const Url& url = exchange_.url;
    const bool is_unix = !url.unix_socket().empty();
    const std::string& path = is_unix ? url.unix_socket() : settings.unix_socket;
    if (!path.empty()) {
        easy_.set(CURLOPT_UNIX_SOCKET_PATH, path.c_str());
    }
    std::string target = is_unix ? "http://localhost" : url.origin();
    target += url.path();
    if (!url.query().empty()) {
        target += fmt::format("?{}", url.query());
    }
    easy_.set(CURLOPT_URL, target.c_str());
    easy_.set(CURLOPT_PATH_AS_IS, 1L);
    if (!resolve_entry_.empty()) {
        resolve_list_.add(resolve_entry_);
        easy_.set(CURLOPT_RESOLVE, resolve_list_.get());
    }
    easy_.set(CURLOPT_OPENSOCKETFUNCTION, &open_function);
    easy_.set(CURLOPT_OPENSOCKETDATA, this);
    easy_.set(CURLOPT_CLOSESOCKETFUNCTION, &CurlMulti::close_socket);
    easy_.set(CURLOPT_CLOSESOCKETDATA, &session_->multi());
    easy_.set(CURLOPT_MAXAGE_CONN, keepalive_seconds);
    const std::optional<Delay> limit = limit_of(exchange_.timeout.sock_connect);
    // Of several addresses each gets a part of it; the time itself is the loop's to keep.
    const auto wait = limit ? std::chrono::ceil<std::chrono::milliseconds>(limit->value()) +
                                  std::chrono::seconds(1)
                            : std::chrono::hours(24);
    easy_.set(CURLOPT_CONNECTTIMEOUT_MS,
              static_cast<long>(
                  std::min<std::chrono::milliseconds>(wait, std::chrono::hours(24)).count()));
    const std::string proxy_url = proxy();
    easy_.set(CURLOPT_PROXY, "");
    easy_.set(CURLOPT_NOPROXY, settings.trust_env ? environment("no_proxy").c_str() : "");
    if (!proxy_url.empty()) {
        const Url by(proxy_url);
        easy_.set(CURLOPT_PROXY, by.origin().c_str());
        if (!by.user().empty()) {
            easy_.set(CURLOPT_PROXYUSERNAME, by.user().c_str());
            easy_.set(CURLOPT_PROXYPASSWORD, by.password().c_str());
        }
    }
}

void Transfer::configure_tls() {
    const SessionSettings& settings = session_->settings();
    easy_.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    easy_.set(CURLOPT_SSL_VERIFYPEER, settings.verify ? 1L : 0L);
    easy_.set(CURLOPT_SSL_VERIFYHOST, settings.verify ? 2L : 0L);
    const auto set_path = [&](CURLoption option, const std::string& path) {
        if (!path.empty()) {
            easy_.set(option, path.c_str());
        }
    };
    if (!settings.ca_file.empty() || !settings.ca_path.empty()) {
        // Those that are named, and not the system's beside them.
        easy_.set(CURLOPT_CAINFO, settings.ca_file.empty() ? nullptr : settings.ca_file.c_str());
        easy_.set(CURLOPT_CAPATH, settings.ca_path.empty() ? nullptr : settings.ca_path.c_str());
    }
    set_path(CURLOPT_SSLCERT, settings.certificate);
    set_path(CURLOPT_SSLKEY, settings.key);
    set_path(CURLOPT_KEYPASSWD, settings.password);
    const std::string origin = exchange_.url.origin();
    // A paused stream of HTTP/2 keeps up to 32 MiB within libcurl: bodies that come bit by bit go
    // over a connection of their own.
    const bool may_share = settings.http2 && !exchange_.chunks;
    easy_.set(CURLOPT_HTTP_VERSION,
              static_cast<long>(may_share ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    easy_.set(CURLOPT_PIPEWAIT, may_share && session_->speaks_http2(origin) ? 1L : 0L);
}

void Transfer::configure_body() {
    if (exchange_.method == "HEAD") {
        easy_.set(CURLOPT_NOBODY, 1L);
        return;
    }
    if (exchange_.body) {
        easy_.set(CURLOPT_UPLOAD, 1L);
        easy_.set(CURLOPT_READFUNCTION, &read_function);
        easy_.set(CURLOPT_READDATA, this);
        easy_.set(CURLOPT_SEEKFUNCTION, &seek_function);
        easy_.set(CURLOPT_SEEKDATA, this);
        const std::optional<std::size_t>& size = exchange_.body->size();
        easy_.set(CURLOPT_INFILESIZE_LARGE, size ? static_cast<curl_off_t>(*size) : -1);
    }
    easy_.set(CURLOPT_CUSTOMREQUEST, exchange_.method.c_str());
}

}  // namespace ringio::http::detail
