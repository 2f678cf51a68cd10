// ClientSession: requests over HTTP, with connections that are kept for the next one.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/http/client_response.hpp>
#include <ringio/http/options.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace ringio::http {
namespace detail {

class SessionState;

}  // namespace detail

/// Makes requests; aiohttp.ClientSession. It keeps connections and cookies, so one for all of a
/// program is right. It belongs to the loop that runs when it is made.
///
///     ClientSession session;
///     auto response = co_await session.get("https://example.org/", {.params = {{"q", "1"}}});
///     std::string page = co_await response.text();
///     co_await session.close();
///
/// Each method gives the answer as soon as its head is there. A request goes to a connection that
/// is free, or a new one; when that one turns out to be closed before anything of the answer has
/// come, it is made once more, if its method is idempotent and its body can be repeated.
///
/// *Errors*: the tree of errors.hpp, TimeoutError; std::invalid_argument for a method, a header or
/// options that cannot be; all by the Task. *Cancellation*: at once; the connection is closed in
/// the next turn. *Lifetime*: the destructor closes the session without waiting; what waits for an
/// answer gets a ClientConnectionError. One that is left when its loop closes is reported.
/// *Python*: no `async with`: the destructor is enough, close() waits until the last descriptor is
/// closed.
class ClientSession {
public:
    /// *Errors*: std::runtime_error without a running loop; InvalidURL, std::invalid_argument for
    /// options that cannot be.
    ClientSession() : ClientSession(SessionOptions{}) {}
    explicit ClientSession(const SessionOptions& options);
    ClientSession(ClientSession&& other) noexcept = default;
    ClientSession& operator=(ClientSession&& other) noexcept;
    ~ClientSession();

    Task<ClientResponse> request(std::string_view method, std::string_view url,
                                 const RequestOptions& options = no_options) const;
    Task<ClientResponse> get(std::string_view url,
                             const RequestOptions& options = no_options) const {
        return request("GET", url, options);
    }
    Task<ClientResponse> post(std::string_view url,
                              const RequestOptions& options = no_options) const {
        return request("POST", url, options);
    }
    Task<ClientResponse> put(std::string_view url,
                             const RequestOptions& options = no_options) const {
        return request("PUT", url, options);
    }
    Task<ClientResponse> patch(std::string_view url,
                               const RequestOptions& options = no_options) const {
        return request("PATCH", url, options);
    }
    Task<ClientResponse> delete_(std::string_view url,
                                 const RequestOptions& options = no_options) const {
        return request("DELETE", url, options);
    }
    /// Does not follow redirects unless told so.
    Task<ClientResponse> head(std::string_view url,
                              const RequestOptions& options = no_options) const {
        return request("HEAD", url, options);
    }
    Task<ClientResponse> options(std::string_view url,
                                 const RequestOptions& options = no_options) const {
        return request("OPTIONS", url, options);
    }

    /// Ends all requests, and waits until all connections are closed. Idempotent.
    Task<> close() const;
    bool closed() const noexcept;

private:
    std::shared_ptr<detail::SessionState> state_;
};

}  // namespace ringio::http
