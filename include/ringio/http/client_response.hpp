// ClientResponse: the answer to a request. Its head is there; its body comes while it is read.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/http/headers.hpp>
#include <ringio/http/json_decoder.hpp>
#include <ringio/http/url.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringio::http {
namespace detail {

struct ResponseState;

}  // namespace detail

/// The body of an answer, as it comes.
class BodyStream {
public:
    explicit BodyStream(std::shared_ptr<detail::ResponseState> state) noexcept
        : state_(std::move(state)) {}

    /// Waits for the next piece, of whatever size, decoded; empty at the end. No more than some
    /// hundred kilobytes are kept for who does not read: then the server has to wait.
    ///
    /// *Errors*: ClientPayloadError when the body ended early or is too long, TimeoutError,
    /// SocketTimeoutError; std::runtime_error while another coroutine reads, and after read().
    /// *Cancellation*: at once; nothing is lost.
    Task<std::optional<std::string>> next() const;

private:
    std::shared_ptr<detail::ResponseState> state_;
};

/// An answer; aiohttp.ClientResponse. A handle: copies are the same answer.
///
/// *Lifetime*: when the last handle goes and the body was not read to its end, its connection is
/// closed; else another request may use it. The session may go before it; reading then fails.
class ClientResponse {
public:
    explicit ClientResponse(std::shared_ptr<detail::ResponseState> state) noexcept
        : state_(state), content_(std::move(state)) {}

    int status() const noexcept;
    const std::string& reason() const noexcept;  ///< "Not Found"; empty with HTTP/2
    const Headers& headers() const noexcept;
    const Url& url() const noexcept;  ///< where it came from, after redirects
    const std::string& method() const noexcept;
    /// "1.0", "1.1", "2".
    const std::string& version() const noexcept;
    /// The answers that redirected to this one, the first one first.
    const std::vector<ClientResponse>& history() const noexcept;
    /// The cookies that this answer set.
    std::map<std::string, std::string> cookies() const;
    /// "text/html", in lower case; "application/octet-stream" when it has none.
    std::string content_type() const;
    /// The charset that it names, in lower case; empty when it names none.
    std::string charset() const;
    /// A status below 400.
    bool ok() const noexcept { return status() < 400; }
    /// *Errors*: ClientResponseError unless it is ok(); the connection is released.
    void raise_for_status() const;

    /// Reads the body to its end; what was read stays for the next call.
    /// *Errors*, *Cancellation*: as BodyStream::next(); a cancelled one cannot be repeated.
    Task<std::string> read() const;
    /// The same. *Python*: decodes it; here a text is the bytes that came.
    Task<std::string> text() const { return read(); }
    /// The same of an answer whose type is JSON. *Errors*: ContentTypeError for another.
    Task<std::string> json() const;
    /// The same as a T, as json_decoder.hpp says: `co_await response.json<nlohmann::json>()` with
    /// <ringio/http/json.hpp>. *Errors*: ContentTypeError, JSONDecodeError.
    template <class T>
    Task<T> json() const {
        detail::require_decoder<T>();
        return decoded<T>(*this);
    }

    /// The body piece by piece: `while (auto chunk = co_await response.content().next())`.
    const BodyStream& content() const noexcept { return content_; }

    /// Does without the rest of the body, at once.
    void close() const noexcept;

private:
    template <class T>
    static Task<T> decoded(ClientResponse response) {
        const std::string text = co_await response.json();
        co_return JsonDecoder<T>::decode(text);
    }

    std::shared_ptr<detail::ResponseState> state_;
    BodyStream content_;
};

}  // namespace ringio::http
