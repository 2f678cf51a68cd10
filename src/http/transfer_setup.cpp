// What libcurl is told of a request that a loop carries: callbacks, addresses, sockets.
#include "transfer.hpp"

#include <algorithm>
#include <chrono>

namespace ringio::http::detail {
namespace {

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

}  // namespace

void Transfer::configure() {
    easy_ = session_->take_easy();
    easy_.set(CURLOPT_PRIVATE, static_cast<MultiTransfer*>(this));
    easy_.set(CURLOPT_HEADERFUNCTION, &header_function);
    easy_.set(CURLOPT_HEADERDATA, this);
    easy_.set(CURLOPT_WRITEFUNCTION, &body_function);
    easy_.set(CURLOPT_WRITEDATA, this);
    easy_.set(CURLOPT_PREREQFUNCTION, &connected_function);
    easy_.set(CURLOPT_PREREQDATA, this);
    easy_.set(CURLOPT_SHARE, session_->share());
    set_up_request(easy_, parts_, exchange_, session_->settings());
    configure_connection();
    configure_body();
}

void Transfer::configure_connection() {
    if (!resolve_entry_.empty()) {
        resolve_list_.add(resolve_entry_);
        easy_.set(CURLOPT_RESOLVE, resolve_list_.get());
    }
    easy_.set(CURLOPT_OPENSOCKETFUNCTION, &open_function);
    easy_.set(CURLOPT_OPENSOCKETDATA, this);
    easy_.set(CURLOPT_FRESH_CONNECT, exchange_.is_repeated ? 1L : 0L);
    easy_.set(CURLOPT_CLOSESOCKETFUNCTION, &CurlMulti::close_socket);
    easy_.set(CURLOPT_CLOSESOCKETDATA, &session_->multi());
    const std::optional<Delay> limit = limit_of(exchange_.timeout.sock_connect);
    // Of several addresses each gets a part of it; the time itself is the loop's to keep.
    const auto wait = limit ? std::chrono::ceil<std::chrono::milliseconds>(limit->value()) +
                                  std::chrono::seconds(1)
                            : std::chrono::hours(24);
    easy_.set(CURLOPT_CONNECTTIMEOUT_MS,
              static_cast<long>(
                  std::min<std::chrono::milliseconds>(wait, std::chrono::hours(24)).count()));
    // A paused stream of HTTP/2 keeps up to 32 MiB within libcurl: bodies that come bit by bit go
    // over a connection of their own.
    const bool may_share = session_->settings().http2 && !exchange_.chunks;
    easy_.set(CURLOPT_HTTP_VERSION,
              static_cast<long>(may_share ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    easy_.set(CURLOPT_PIPEWAIT,
              may_share && session_->speaks_http2(exchange_.url.origin()) ? 1L : 0L);
}

void Transfer::configure_body() {
    if (exchange_.body && exchange_.method != "HEAD") {
        easy_.set(CURLOPT_UPLOAD, 1L);
        easy_.set(CURLOPT_READFUNCTION, &read_function);
        easy_.set(CURLOPT_READDATA, this);
        easy_.set(CURLOPT_SEEKFUNCTION, &seek_function);
        easy_.set(CURLOPT_SEEKDATA, this);
        const std::optional<std::size_t>& size = exchange_.body->size();
        easy_.set(CURLOPT_INFILESIZE_LARGE, size ? static_cast<curl_off_t>(*size) : -1);
    }
}

}  // namespace ringio::http::detail
