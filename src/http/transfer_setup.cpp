// What libcurl is told of a request that a loop carries: callbacks, addresses, sockets.
#include "transfer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace ringio::http::detail {
namespace {

Transfer& transfer_of(void* parts) noexcept { return *static_cast<RequestParts*>(parts)->transfer; }

std::size_t header_function(char* data, std::size_t, std::size_t size, void* parts) {
    return transfer_of(parts).on_header({data, size});
}
std::size_t body_function(char* data, std::size_t, std::size_t size, void* parts) {
    return transfer_of(parts).on_body({data, size});
}
std::size_t read_function(char* data, std::size_t size, std::size_t count, void* parts) {
    return transfer_of(parts).on_read(data, size * count);
}
int seek_function(void* parts, curl_off_t, int) { return transfer_of(parts).on_rewind(); }
curl_socket_t open_function(void* parts, curlsocktype, curl_sockaddr* address) {
    return transfer_of(parts).may_connect() ? CurlMulti::open_socket(*address) : CURL_SOCKET_BAD;
}
int connected_function(void* parts, char*, char*, int, int) {
    return transfer_of(parts).on_connected();
}

}  // namespace

// Said again is only what changes from one usual request to the next; after another the handle is
// reset.
void Transfer::configure() {
    handle_ = session_->take_handle();
    if (!std::exchange(handle_.is_set_up, false)) {
        handle_.parts = std::make_unique<RequestParts>();
        configure_session();
    }
    EasyHandle& easy = handle_.easy;
    handle_.parts->transfer = this;
    easy.set(CURLOPT_PRIVATE, static_cast<MultiTransfer*>(this));
    set_up_request(easy, *handle_.parts, *exchange_, session_->settings());
    configure_connection();
    configure_body();
    handle_.is_set_up = sets_the_usual(*exchange_, session_->settings());
}

void Transfer::configure_session() {
    EasyHandle& easy = handle_.easy;
    for (const CURLoption data :
         {CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_PREREQDATA, CURLOPT_OPENSOCKETDATA}) {
        easy.set(data, handle_.parts.get());
    }
    easy.set(CURLOPT_HEADERFUNCTION, &header_function);
    easy.set(CURLOPT_WRITEFUNCTION, &body_function);
    easy.set(CURLOPT_PREREQFUNCTION, &connected_function);
    easy.set(CURLOPT_OPENSOCKETFUNCTION, &open_function);
    easy.set(CURLOPT_CLOSESOCKETFUNCTION, &CurlMulti::close_socket);
    easy.set(CURLOPT_CLOSESOCKETDATA, &session_->multi());
    easy.set(CURLOPT_SHARE, session_->share());
    easy.set(CURLOPT_HEADER, 1L);  // on_body() sees each line before libcurl keeps it
    set_up_session(easy, *handle_.parts, session_->settings());
}

void Transfer::configure_connection() {
    EasyHandle& easy = handle_.easy;
    RequestParts& parts = *handle_.parts;
    if (!resolve_entry_.empty() || parts.resolve_list.get() != nullptr) {  // forgotten when used
        parts.resolve_list = {};
        if (!resolve_entry_.empty()) {
            parts.resolve_list.add(resolve_entry_);
        }
        easy.set(CURLOPT_RESOLVE, parts.resolve_list.get());
    }
    const ConnectionOptions options = connection_options();
    if (parts.connection != options) {
        easy.set(CURLOPT_FRESH_CONNECT, options.is_fresh ? 1L : 0L);
        easy.set(CURLOPT_CONNECTTIMEOUT_MS, options.milliseconds);
        easy.set(CURLOPT_HTTP_VERSION, options.version);
        easy.set(CURLOPT_PIPEWAIT, options.waits_for_http2 ? 1L : 0L);
        parts.connection = options;
    }
}

ConnectionOptions Transfer::connection_options() const {
    const std::optional<Delay> limit = limit_of(exchange_->timeout.sock_connect);
    // Of several addresses each gets a part of it; the time itself is the loop's to keep.
    const auto wait = limit ? std::chrono::ceil<std::chrono::milliseconds>(limit->value()) +
                                  std::chrono::seconds(1)
                            : std::chrono::hours(24);
    // A paused stream of HTTP/2 keeps up to 32 MiB within libcurl: bodies that come bit by bit go
    // over a connection of their own.
    const Url& url = exchange_->url;
    const bool may_share = session_->settings().http2 && url.is_secure() && !exchange_->chunks;
    return {.is_fresh = exchange_->is_repeated,
            .milliseconds = static_cast<long>(
                std::min<std::chrono::milliseconds>(wait, std::chrono::hours(24)).count()),
            .version = may_share ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1,
            .waits_for_http2 = may_share && session_->speaks_http2(url.origin())};
}

void Transfer::configure_body() {
    EasyHandle& easy = handle_.easy;
    if (exchange_->body && exchange_->method != "HEAD") {
        easy.set(CURLOPT_UPLOAD, 1L);
        easy.set(CURLOPT_READFUNCTION, &read_function);
        easy.set(CURLOPT_READDATA, handle_.parts.get());
        easy.set(CURLOPT_SEEKFUNCTION, &seek_function);
        easy.set(CURLOPT_SEEKDATA, handle_.parts.get());
        const std::optional<std::size_t>& size = exchange_->body->size();
        easy.set(CURLOPT_INFILESIZE_LARGE, size ? static_cast<curl_off_t>(*size) : -1);
    }
}

}  // namespace ringio::http::detail
