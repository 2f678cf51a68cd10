// RequestSpec: a call's arguments as the request keeps them: owned, before anything is checked.
#pragma once

#include "request_body.hpp"

#include <ringio/core/event_loop.hpp>
#include <ringio/core/task.hpp>
#include <ringio/http/headers.hpp>
#include <ringio/http/options.hpp>
#include <ringio/http/url.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ringio::http::detail {

/// What an Authorization header says.
struct Credentials {
    std::string login;
    std::string password;

    /// "Basic dXNlcjpwYXNz".
    std::string header() const;
};

std::optional<Credentials> copied(const std::optional<BasicAuth>& auth);

/// Fills what `timeout` does not set from `defaults`.
ClientTimeout merged(const ClientTimeout& timeout, const ClientTimeout& defaults) noexcept;

/// The time that is set, if it is a limit at all.
std::optional<Delay> limit_of(const std::optional<Delay>& time) noexcept;

struct RequestSpec {
    RequestSpec(std::string_view request_method, std::string_view request_url,
                const RequestOptions& options);

    /// Opens the file that is to be sent, if one is. *Errors*: std::system_error.
    Task<> open_file_body();
    /// The body and its headers, as the options say. *Errors*: std::invalid_argument for two
    /// bodies, and for a way to compress them that is none.
    void make_body();

    std::string method;
    std::string url;
    FieldList params;
    Headers headers;
    FieldList cookies;
    std::optional<std::string> text;
    std::optional<AsyncGenerator<std::string>> chunks;
    std::optional<std::string> json;
    std::optional<FieldList> form;
    std::optional<std::string> multipart;
    std::string multipart_type;
    std::string file;
    std::optional<std::size_t> file_size;
    std::optional<AsyncGenerator<std::string>> file_chunks;
    ClientTimeout timeout;
    bool allow_redirects;
    int max_redirects;
    std::optional<std::uint64_t> max_body;
    std::optional<bool> raise_for_status;
    std::string proxy;
    std::optional<Credentials> auth;
    std::string compress;

    std::shared_ptr<RequestBody> body;
    std::string body_type;    // what Content-Type says if the caller does not
    std::string body_coding;  // what Content-Encoding says; empty: nothing

private:
    void send_text(std::string bytes, std::string_view type);
    void send_chunks();
};

/// One exchange with a server: a request, or one step of it where it is redirected.
struct Exchange {
    std::string method;
    Url url;
    Headers headers;
    FieldList cookies;
    std::shared_ptr<RequestBody> body;                  // null: none
    std::optional<AsyncGenerator<std::string>> chunks;  // what feeds it
    ClientTimeout timeout;
    std::optional<EventLoop::TimePoint> deadline;  // of the whole request
    std::optional<std::uint64_t> max_body;
    std::string proxy;         // empty: none
    bool is_repeated = false;  // because a kept connection was lost: over a new one

    bool is_idempotent() const noexcept;
};

}  // namespace ringio::http::detail
