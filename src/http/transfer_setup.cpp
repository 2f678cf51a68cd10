// What libcurl is told of a request that a loop carries: callbacks, addresses, sockets.
#include "transfer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

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

// What the usual request changes is set for each; after another the handle is reset.
void Transfer::configure() {
    handle_ = session_->take_handle();
    if (!std::exchange(handle_.is_set_up, false)) {
        configure_session();
    }
    EasyHandle& easy = handle_.easy;
    easy.set(CURLOPT_PRIVATE, static_cast<MultiTransfer*>(this));
    for (const CURLoption data :
         {CURLOPT_HEADERDATA, CURLOPT_WRITEDATA, CURLOPT_PREREQDATA, CURLOPT_OPENSOCKETDATA}) {
        easy.set(data, this);
    }
    set_up_request(easy, *handle_.parts, exchange_, session_->settings());
    configure_connection();
    configure_body();
    handle_.is_set_up = sets_the_usual(exchange_, session_->settings());
}

void Transfer::configure_session() {
    EasyHandle& easy = handle_.easy;
    easy.set(CURLOPT_HEADERFUNCTION, &header_function);
    easy.set(CURLOPT_WRITEFUNCTION, &body_function);
    easy.set(CURLOPT_PREREQFUNCTION, &connected_function);
    easy.set(CURLOPT_OPENSOCKETFUNCTION, &open_function);
    easy.set(CURLOPT_CLOSESOCKETFUNCTION, &CurlMulti::close_socket);
    easy.set(CURLOPT_CLOSESOCKETDATA, &session_->multi());
    easy.set(CURLOPT_SHARE, session_->share());
    easy.set(CURLOPT_HEADER, 1L);  // on_body() sees each line before libcurl keeps it
    set_up_session(easy, session_->settings());
}

void Transfer::configure_connection() {
    EasyHandle& easy = handle_.easy;
    handle_.parts->resolve_list = {};
    if (!resolve_entry_.empty()) {
        handle_.parts->resolve_list.add(resolve_entry_);
    }
    easy.set(CURLOPT_RESOLVE, handle_.parts->resolve_list.get());
    easy.set(CURLOPT_FRESH_CONNECT, exchange_.is_repeated ? 1L : 0L);
    const std::optional<Delay> limit = limit_of(exchange_.timeout.sock_connect);
    // Of several addresses each gets a part of it; the time itself is the loop's to keep.
    const auto wait = limit ? std::chrono::ceil<std::chrono::milliseconds>(limit->value()) +
                                  std::chrono::seconds(1)
                            : std::chrono::hours(24);
    easy.set(CURLOPT_CONNECTTIMEOUT_MS,
             static_cast<long>(
                 std::min<std::chrono::milliseconds>(wait, std::chrono::hours(24)).count()));
    // A paused stream of HTTP/2 keeps up to 32 MiB within libcurl: bodies that come bit by bit go
    // over a connection of their own.
    const Url& url = exchange_.url;
    const bool may_share = session_->settings().http2 && url.is_secure() && !exchange_.chunks;
    easy.set(CURLOPT_HTTP_VERSION,
             static_cast<long>(may_share ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    easy.set(CURLOPT_PIPEWAIT, may_share && session_->speaks_http2(url.origin()) ? 1L : 0L);
}

void Transfer::configure_body() {
    EasyHandle& easy = handle_.easy;
    if (exchange_.body && exchange_.method != "HEAD") {
        easy.set(CURLOPT_UPLOAD, 1L);
        easy.set(CURLOPT_READFUNCTION, &read_function);
        easy.set(CURLOPT_READDATA, this);
        easy.set(CURLOPT_SEEKFUNCTION, &seek_function);
        easy.set(CURLOPT_SEEKDATA, this);
        const std::optional<std::size_t>& size = exchange_.body->size();
        easy.set(CURLOPT_INFILESIZE_LARGE, size ? static_cast<curl_off_t>(*size) : -1);
    }
}

}  // namespace ringio::http::detail
