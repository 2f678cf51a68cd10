// What a session and a request can be told. All of it refers to what the caller has, for as long as
// the call takes: so it may stand in a co_await expression.
#pragma once

#include <ringio/base/delay.hpp>
#include <ringio/http/fields.hpp>
#include <ringio/http/multipart.hpp>
#include <ringio/tasks/async_generator.hpp>
#include <ringio/tls/tls_context.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ringio::http {

/// How long things may take; aiohttp.ClientTimeout. What a request does not set is as in its
/// session; 0 is no limit.
struct ClientTimeout {
    std::optional<Delay> total = {};         ///< all of it, with redirects and the body
    std::optional<Delay> connect = {};       ///< to a connection, with the wait for a free one
    std::optional<Delay> sock_connect = {};  ///< to a connection, once it is the turn of it
    std::optional<Delay> sock_read = {};     ///< between two pieces of the answer
};

/// User and password of "Authorization: Basic"; aiohttp.BasicAuth.
struct BasicAuth {
    std::string_view login = {};
    std::string_view password = {};
};

/// The body of a request: a text, or what an AsyncGenerator<std::string> yields, which is taken out
/// of where it is.
class Data {
public:
    constexpr Data() noexcept = default;
    template <class Text>
        requires std::convertible_to<const Text&, std::string_view>
    constexpr Data(const Text& text) noexcept : text_(text), is_given_(true) {}
    Data(AsyncGenerator<std::string>& chunks) noexcept
        : chunks_(std::addressof(chunks)), is_given_(true) {}
    Data(AsyncGenerator<std::string>&& chunks) noexcept : Data(chunks) {}

    constexpr bool is_given() const noexcept { return is_given_; }
    constexpr std::string_view text() const noexcept { return text_; }
    AsyncGenerator<std::string>* chunks() const noexcept { return chunks_; }

private:
    std::string_view text_ = {};
    AsyncGenerator<std::string>* chunks_ = nullptr;
    bool is_given_ = false;
};

/// *Lifetime*: what the options refer to must live until the method that takes them has been
/// called, not until its Task has ended.
struct RequestOptions {
    Fields params = {};   ///< behind the URL's own query
    Fields headers = {};  ///< in the place of the session's of the same name
    Fields cookies = {};  ///< beside those of the session
    // At most one of these is the body.
    Data data = {};
    std::string_view json = {};  ///< a text that is JSON
    Fields form = {};            ///< application/x-www-form-urlencoded
    Multipart multipart = {};    ///< multipart/form-data
    std::string_view file = {};  ///< the path of a file that is sent
    /// "deflate" or "gzip": the body goes out so, if it is not empty. *Python*: True is "deflate".
    std::string_view compress = {};

    ClientTimeout timeout = {};
    std::optional<bool> allow_redirects = {};  ///< none: but with head() they are followed
    int max_redirects = 10;
    std::optional<std::uint64_t> max_body = {};  ///< of the answer, decoded, in bytes
    std::optional<bool> raise_for_status = {};
    std::string_view proxy = {};  ///< "http://host:port"
    std::optional<BasicAuth> auth = {};
};

/// What a call has that is told nothing: some kilobytes, which it need not make each time.
inline constexpr RequestOptions no_options = {};

/// *Lifetime*: what they refer to is copied by the constructor.
struct SessionOptions {
    std::string_view base_url = {};  ///< what a URL without a host is relative to
    Fields headers = {};
    bool cookies = true;  ///< those of answers are kept, and sent where they belong
    ClientTimeout timeout = {.total = std::chrono::seconds(300),
                             .sock_connect = std::chrono::seconds(30)};
    std::size_t limit = 100;         ///< of requests at a time; 0: none
    std::size_t limit_per_host = 0;  ///< the same for a host and port; 0: none
    std::optional<std::uint64_t> max_body = {};
    std::string_view proxy = {};
    bool trust_env = false;  ///< the proxies of http_proxy, https_proxy, all_proxy, no_proxy
    bool raise_for_status = false;
    bool auto_decompress = true;
    bool http2 = true;                  ///< with those that speak it, over TLS
    std::string_view unix_socket = {};  ///< where all requests go, whatever their host
    std::optional<BasicAuth> auth = {};
    TlsOption tls = {};  ///< none: as TlsContext::client(). ALPN is what `http2` says
};

}  // namespace ringio::http
