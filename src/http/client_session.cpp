#include <ringio/http/client_session.hpp>

#include "response_state.hpp"
#include "session_state.hpp"
#include "transfer.hpp"

#include <ringio/base/config.hpp>
#include <ringio/http/errors.hpp>

#include <fmt/core.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace ringio::http {
namespace detail {
namespace {

constexpr std::string_view user_agent = "ringio";

Url url_of(const SessionState& session, const RequestSpec& spec) {
    const std::optional<Url>& base = session.settings().base_url;
    const bool is_whole = !base || spec.url.find("://") != std::string::npos;
    const Url url = is_whole ? Url(spec.url) : base->join(spec.url);
    return spec.params.empty() ? url : url.with_params(spec.params);
}

/// The credentials of a request, out of its URL, too. *Errors*: std::invalid_argument.
std::optional<Credentials> credentials_of(const SessionState& session, const RequestSpec& spec,
                                          const Url& url) {
    const bool has_user = !url.user().empty();
    if (has_user && spec.auth) {
        throw std::invalid_argument("Cannot combine AUTH argument with credentials encoded in URL");
    }
    std::optional<Credentials> auth = spec.auth ? spec.auth : session.settings().auth;
    if (has_user) {
        auth = Credentials{url.user(), url.password()};
    }
    if ((spec.auth || has_user) && spec.headers.contains("Authorization")) {
        throw std::invalid_argument(
            "Cannot combine AUTHORIZATION header with AUTH argument or credentials encoded in URL");
    }
    return auth;
}

Headers headers_of(const SessionState& session, const RequestSpec& spec,
                   const std::optional<Credentials>& auth) {
    Headers headers = session.settings().headers;
    for (const auto& [name, value] : spec.headers) {
        headers.remove(name);
    }
    for (const auto& [name, value] : spec.headers) {
        check_header(name, value);
        if (same_name(name, "Content-Length") || same_name(name, "Transfer-Encoding")) {
            throw std::invalid_argument(
                fmt::format("the header {} is set by the body that is sent", name));
        }
        headers.add(name, value);
    }
    if (!headers.contains("User-Agent")) {
        headers.add("User-Agent", std::string(user_agent));
    }
    if (spec.body && !spec.body_type.empty() && !headers.contains("Content-Type")) {
        headers.add("Content-Type", spec.body_type);
    }
    if (auth && !headers.contains("Authorization")) {
        headers.add("Authorization", auth->header());
    }
    return headers;
}

Exchange first_exchange(const SessionState& session, RequestSpec& spec) {
    check_method(spec.method);
    const Url url = url_of(session, spec);
    const std::optional<Credentials> auth = credentials_of(session, spec, url);
    spec.make_body();
    const ClientTimeout timeout = merged(spec.timeout, session.settings().timeout);
    const std::optional<Delay> total = limit_of(timeout.total);
    return Exchange{
        .method = spec.method,
        .url = url.without_user(),
        .headers = headers_of(session, spec, auth),
        .cookies = spec.cookies,
        .body = spec.body,
        .chunks = std::move(spec.chunks),
        .timeout = timeout,
        .deadline = total ? std::optional(session.loop().time() + total->value()) : std::nullopt,
        .max_body = spec.max_body ? spec.max_body : session.settings().max_body,
        .proxy = spec.proxy};
}

/// Where an answer redirects to; empty: nowhere.
std::string_view location_of(const ResponseHead& head) noexcept {
    const bool redirects = head.status == 301 || head.status == 302 || head.status == 303 ||
                           head.status == 307 || head.status == 308;
    return redirects ? head.headers.get("Location", head.headers.get("URI")) : std::string_view();
}

Url redirected(const Url& from, std::string_view location) {
    try {
        Url to = from.join(location);
        if (!to.unix_socket().empty() && to.origin() != from.origin()) {
            throw InvalidURL("it leads to a socket of this machine");
        }
        return to;
    } catch (const InvalidURL& error) {
        throw InvalidUrlRedirectClientError(
            fmt::format("{} redirects to no valid URL: {}", from.to_string(), error.what()));
    }
}

/// The exchange that an answer redirects to. Nobody but the server that they were meant for gets
/// credentials and cookies.
Exchange next_exchange(const Transfer& transfer, std::string_view location) {
    const Exchange& last = transfer.exchange();
    const int status = transfer.head().status;
    Exchange next{.method = last.method,
                  .url = redirected(last.url, location),
                  .headers = last.headers,
                  .cookies = last.cookies,
                  .body = last.body,
                  .chunks = {},
                  .timeout = last.timeout,
                  .deadline = last.deadline,
                  .max_body = last.max_body,
                  .proxy = last.proxy};
    const bool becomes_get = (status == 303 && last.method != "HEAD") ||
                             ((status == 301 || status == 302) && last.method == "POST");
    if (becomes_get) {
        next.method = "GET";
        next.body = nullptr;
        next.headers.remove("Content-Type");
    } else if (next.body && !next.body->rewind()) {
        throw ClientPayloadError(
            fmt::format("{} redirects a body that is gone: it came from a generator or a file",
                        last.url.to_string()));
    }
    if (next.url.fragment().empty() && !last.url.fragment().empty()) {
        next.url = next.url.join(fmt::format("#{}", last.url.fragment()));
    }
    if (next.url.origin() != last.url.origin()) {
        for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization", "Host"}) {
            next.headers.remove(name);
        }
        next.cookies.clear();
    }
    if (!next.url.user().empty()) {
        const Credentials auth{next.url.user(), next.url.password()};
        next.headers.set("Authorization", auth.header());
        next.url = next.url.without_user();
    }
    return next;
}

Task<ClientResponse> run_request(std::shared_ptr<SessionState> session,
                                 std::unique_ptr<RequestSpec> spec, std::exception_ptr refused) {
    if (refused) {
        std::rethrow_exception(refused);
    }
    session->require_open();
    co_await spec->open_file_body();
    Exchange exchange = first_exchange(*session, *spec);
    std::vector<ClientResponse> history;
    while (true) {
        auto transfer = std::make_shared<Transfer>(session, std::move(exchange));
        const auto state = std::make_shared<ResponseState>(transfer);
        co_await transfer->run_to_head();
        const std::string_view location = location_of(transfer->head());
        if (location.empty() || !spec->allow_redirects) {
            state->history = std::move(history);
            ClientResponse response(state);
            if (spec->raise_for_status.value_or(session->settings().raise_for_status)) {
                response.raise_for_status();
            }
            co_return response;
        }
        history.emplace_back(state);
        if (history.size() > static_cast<std::size_t>(std::max(spec->max_redirects, 0))) {
            throw TooManyRedirects(transfer->head().status,
                                   fmt::format("more than {} redirects", spec->max_redirects),
                                   history.front().url().to_string());
        }
        exchange = next_exchange(*transfer, location);
        transfer->abort(nullptr);  // its body says nothing; a short one is there by now
    }
}

Task<> wait_closed(std::shared_ptr<SessionState> session) {
    Future<> closed = session->multi().closed_descriptors();
    co_await closed;
}

}  // namespace
}  // namespace detail

ClientSession::ClientSession(const SessionOptions& options)
    : state_(std::make_shared<detail::SessionState>(options)) {
    detail::register_session(state_);
}

ClientSession& ClientSession::operator=(ClientSession&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
}

ClientSession::~ClientSession() {
    if (state_ != nullptr) {
        state_->close_now();
    }
}

Task<ClientResponse> ClientSession::request(std::string_view method, std::string_view url,
                                            const RequestOptions& options) const {
    std::unique_ptr<detail::RequestSpec> spec;
    std::exception_ptr refused;
    try {
        spec = std::make_unique<detail::RequestSpec>(method, url, options);
    } catch (...) {
        refused = std::current_exception();
    }
    return detail::run_request(state_, std::move(spec), std::move(refused));
}

Task<> ClientSession::close() const {
    state_->close_now();
    return detail::wait_closed(state_);
}

bool ClientSession::closed() const noexcept { return state_->is_closed(); }

}  // namespace ringio::http
