// requests: HTTP by calls that block, for threads and executors; the module of that name in Python.
// On a loop's thread use http::ClientSession: a call here stops the loop for as long as it takes.
#pragma once

#include <ringio/http/errors.hpp>
#include <ringio/http/headers.hpp>
#include <ringio/http/json_decoder.hpp>
#include <ringio/http/options.hpp>
#include <ringio/http/url.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ringio::requests {

using http::BasicAuth;
using http::ClientTimeout;
using http::Fields;

/// What a call is told: http::RequestOptions, of which `file` and a generator as `data` need a loop
/// and are refused. *Python*: `timeout=` is `.timeout = {.total = …}`; here it is 300 s by itself.
using Options = http::RequestOptions;
/// What a Session is told; `limit` and `http2` mean nothing here.
using SessionOptions = http::SessionOptions;

/// An answer, whole.
class Response {
public:
    struct Parts {
        int status = 0;
        std::string reason;
        http::Headers headers;
        std::string body;
        http::Url url;
        std::chrono::nanoseconds elapsed{};
    };

    explicit Response(Parts parts) : parts_(std::make_shared<const Parts>(std::move(parts))) {}

    int status_code() const noexcept { return parts_->status; }
    const std::string& reason() const noexcept { return parts_->reason; }
    const http::Headers& headers() const noexcept { return parts_->headers; }
    /// The body, as it came. *Python*: bytes, and `text` decodes them.
    const std::string& content() const noexcept { return parts_->body; }
    const std::string& text() const noexcept { return parts_->body; }
    /// The body as a T, whatever its type is said to be: `json<nlohmann::json>()` with
    /// <ringio/http/json.hpp>. *Errors*: http::JSONDecodeError.
    template <class T>
    T json() const {
        http::detail::require_decoder<T>();
        return http::JsonDecoder<T>::decode(text());
    }
    const http::Url& url() const noexcept { return parts_->url; }
    bool ok() const noexcept { return status_code() < 400; }
    /// From the request to the end of the answer. *Python*: to the end of its head.
    std::chrono::nanoseconds elapsed() const noexcept { return parts_->elapsed; }
    /// The answers that redirected to this one.
    const std::vector<Response>& history() const noexcept { return history_; }
    /// *Errors*: http::ClientResponseError unless it is ok().
    void raise_for_status() const;

private:
    friend class Session;

    std::shared_ptr<const Parts> parts_;
    std::vector<Response> history_;
};

/// Keeps connections and cookies between calls; requests.Session. For one thread at a time: each
/// thread has its own, as in `thread_local requests::Session session;`.
///
/// *Errors*: as http::ClientSession, thrown by the call.
class Session {
public:
    Session() : Session(SessionOptions{}) {}
    explicit Session(const SessionOptions& options);
    Session(Session&& other) noexcept;
    Session& operator=(Session&& other) noexcept;
    ~Session();

    Response request(std::string_view method, std::string_view url, const Options& options = {});
    Response get(std::string_view url, const Options& options = {}) {
        return request("GET", url, options);
    }
    Response post(std::string_view url, const Options& options = {}) {
        return request("POST", url, options);
    }
    Response put(std::string_view url, const Options& options = {}) {
        return request("PUT", url, options);
    }
    Response patch(std::string_view url, const Options& options = {}) {
        return request("PATCH", url, options);
    }
    Response delete_(std::string_view url, const Options& options = {}) {
        return request("DELETE", url, options);
    }
    Response head(std::string_view url, const Options& options = {}) {
        return request("HEAD", url, options);
    }
    Response options(std::string_view url, const Options& options = {}) {
        return request("OPTIONS", url, options);
    }

private:
    struct State;

    std::unique_ptr<State> state_;
};

/// The same with a session of their own for each call.
inline Response request(std::string_view method, std::string_view url,
                        const Options& options = {}) {
    return Session().request(method, url, options);
}
inline Response get(std::string_view url, const Options& options = {}) {
    return request("GET", url, options);
}
inline Response post(std::string_view url, const Options& options = {}) {
    return request("POST", url, options);
}
inline Response put(std::string_view url, const Options& options = {}) {
    return request("PUT", url, options);
}
inline Response patch(std::string_view url, const Options& options = {}) {
    return request("PATCH", url, options);
}
inline Response delete_(std::string_view url, const Options& options = {}) {
    return request("DELETE", url, options);
}
inline Response head(std::string_view url, const Options& options = {}) {
    return request("HEAD", url, options);
}

}  // namespace ringio::requests
