#include <ringio/requests.hpp>

#include "curl_errors.hpp"
#include "easy_handle.hpp"
#include "exchange.hpp"
#include "request_setup.hpp"

#include <ringio/base/scope_exit.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>

namespace ringio::requests {
namespace {

using http::detail::Exchange;

/// One exchange under way; what libcurl's callbacks fill.
struct Call {
    const Exchange* exchange;
    http::detail::HeadReader head = {};
    bool has_head = false;
    int connections = 0;
    std::string body = {};
    std::exception_ptr failure = {};
    Clock::time_point last_activity = {};  // since there is a connection
};

/// Runs a callback: what it throws ends the call, and is thrown again by it.
template <class Work>
std::size_t guarded(Call& call, std::size_t size, Work work) noexcept {
    call.last_activity = Clock::now();
    try {
        work();
        return size;
    } catch (...) {
        call.failure = std::current_exception();
        return 0;
    }
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* given) {
    Call& call = *static_cast<Call*>(given);
    return guarded(call, size, [&] {
        if (!call.has_head) {
            call.has_head = call.head.take({data, size}, call.exchange->url);
        }
    });
}

std::size_t take_body(char* data, std::size_t, std::size_t size, void* given) {
    Call& call = *static_cast<Call*>(given);
    return guarded(call, size, [&] {
        if (!call.has_head) {
            call.head.check({data, size}, call.exchange->url);
            return;
        }
        const auto& most = call.exchange->max_body;
        if (most && call.body.size() + size > *most) {
            throw http::ClientPayloadError(
                fmt::format("the body is longer than max_body, {} bytes", *most));
        }
        call.body.append(data, size);
    });
}

std::size_t give_body(char* data, std::size_t size, std::size_t count, void* given) {
    Call& call = *static_cast<Call*>(given);
    call.last_activity = Clock::now();
    return call.exchange->body->take(data, size * count);
}

int rewind_body(void* given, curl_off_t, int) {
    return static_cast<Call*>(given)->exchange->body->rewind() ? CURL_SEEKFUNC_OK
                                                               : CURL_SEEKFUNC_FAIL;
}

int note_connection(void* given, char*, char*, int, int) {
    Call& call = *static_cast<Call*>(given);
    const int most = call.exchange->is_idempotent() ? 2 : 1;  // libcurl would try six times
    const bool may_go_on = ++call.connections <= most;
    static_cast<void>(guarded(call, 0, [&] {
        if (!may_go_on) {
            throw http::ServerDisconnectedError();
        }
    }));
    return may_go_on ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

long milliseconds_of(std::chrono::nanoseconds time) {
    return static_cast<long>(
        std::clamp<std::chrono::milliseconds>(std::chrono::ceil<std::chrono::milliseconds>(time),
                                              std::chrono::milliseconds(1), std::chrono::hours(24))
            .count());
}

/// What is left of `sock_read`, which begins with the connection.
std::optional<std::chrono::nanoseconds> time_to_read(const Call& call) {
    const std::optional<Delay> limit = http::detail::limit_of(call.exchange->timeout.sock_read);
    if (!limit || call.connections == 0) {
        return std::nullopt;
    }
    return limit->value() - (Clock::now() - call.last_activity);
}

}  // namespace

struct Session::State {
    template <auto clean_up>
    struct CleanUp {
        template <class Owned>
        void operator()(Owned* owned) const noexcept {
            clean_up(owned);
        }
    };

    explicit State(const SessionOptions& options)
        : settings(options),
          share(curl_share_init()),
          multi(curl_multi_init()),
          easy(http::detail::EasyHandle::make()) {
        if (!share || !multi) {
            throw std::bad_alloc();
        }
        if (settings.cookies) {
            curl_share_setopt(share.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
        }
        for (const curl_lock_data kept :
             {CURL_LOCK_DATA_CONNECT, CURL_LOCK_DATA_DNS, CURL_LOCK_DATA_SSL_SESSION}) {
            curl_share_setopt(share.get(), CURLSHOPT_SHARE, kept);
        }
    }

    Response perform(const Exchange& exchange);
    void set_up(Call& call);
    CURLcode run(const Call& call);

    const http::detail::SessionSettings settings;
    const std::unique_ptr<CURLSH, CleanUp<&curl_share_cleanup>> share;
    const std::unique_ptr<CURLM, CleanUp<&curl_multi_cleanup>> multi;
    http::detail::EasyHandle easy;
};

void Session::State::set_up(Call& call) {
    const Exchange& exchange = *call.exchange;
    easy.set(CURLOPT_SHARE, share.get());
    easy.set(CURLOPT_HEADERFUNCTION, &take_header);
    easy.set(CURLOPT_HEADERDATA, &call);
    easy.set(CURLOPT_WRITEFUNCTION, &take_body);
    easy.set(CURLOPT_WRITEDATA, &call);
    easy.set(CURLOPT_PREREQFUNCTION, &note_connection);
    easy.set(CURLOPT_PREREQDATA, &call);
    easy.set(CURLOPT_HEADER, 1L);  // take_body() sees each line before libcurl keeps it
    if (exchange.body && exchange.method != "HEAD") {
        easy.set(CURLOPT_UPLOAD, 1L);
        easy.set(CURLOPT_READFUNCTION, &give_body);
        easy.set(CURLOPT_READDATA, &call);
        easy.set(CURLOPT_SEEKFUNCTION, &rewind_body);
        easy.set(CURLOPT_SEEKDATA, &call);
        easy.set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(exchange.body->waiting()));
    }
    if (exchange.deadline) {
        easy.set(CURLOPT_TIMEOUT_MS, milliseconds_of(*exchange.deadline - Clock::now()));
    }
    const Delay never = std::chrono::hours(24);
    const Delay connect =
        std::min(http::detail::limit_of(exchange.timeout.connect).value_or(never),
                 http::detail::limit_of(exchange.timeout.sock_connect).value_or(never));
    easy.set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds_of(connect.value()));
}

// As curl_easy_perform(), which knows no limit between two pieces.
CURLcode Session::State::run(const Call& call) {
    constexpr std::chrono::nanoseconds longest = std::chrono::seconds(1);
    if (curl_multi_add_handle(multi.get(), easy.get()) != CURLM_OK) {
        return CURLE_OUT_OF_MEMORY;
    }
    const ScopeExit removed([this] { curl_multi_remove_handle(multi.get(), easy.get()); });
    for (int running = 1; running != 0;) {
        CURLMcode code = curl_multi_perform(multi.get(), &running);
        const std::chrono::nanoseconds left = time_to_read(call).value_or(longest);
        if (code == CURLM_OK && running != 0) {
            if (left <= std::chrono::nanoseconds(0)) {
                throw http::SocketTimeoutError("Timeout on reading data from socket");
            }
            code = curl_multi_poll(multi.get(), nullptr, 0,
                                   static_cast<int>(milliseconds_of(std::min(left, longest))),
                                   nullptr);
        }
        if (code != CURLM_OK) {
            return CURLE_OUT_OF_MEMORY;
        }
    }
    int left = 0;
    const CURLMsg* const message = curl_multi_info_read(multi.get(), &left);
    return message != nullptr ? message->data.result : CURLE_OUT_OF_MEMORY;
}

Response Session::State::perform(const Exchange& exchange) {
    Call call{.exchange = &exchange};
    http::detail::RequestParts parts;
    const ScopeExit forget([this] { easy.reset(); });  // what points into this call
    set_up(call);
    http::detail::set_up_session(easy, parts, settings);
    http::detail::set_up_request(easy, parts, exchange, settings);
    const Clock::time_point begin = Clock::now();
    const CURLcode code = run(call);
    const bool failed = code != CURLE_OK || !call.has_head;
    http::detail::CurlFailure failure;
    if (failed) {
        failure = http::detail::describe_failure(code == CURLE_OK ? CURLE_GOT_NOTHING : code, easy,
                                                 parts, exchange, settings);
    }
    if (call.failure) {
        std::rethrow_exception(call.failure);
    }
    if (code == CURLE_OPERATION_TIMEDOUT && exchange.deadline &&
        Clock::now() >= *exchange.deadline) {
        throw TimeoutError();
    }
    if (failed) {
        failure.connected = call.connections != 0;
        failure.has_head = call.has_head;
        std::rethrow_exception(http::detail::error_of(failure));
    }
    const http::detail::ResponseHead& head = call.head.head();
    return Response({.status = head.status,
                     .reason = head.reason,
                     .headers = head.headers,
                     .body = std::move(call.body),
                     .url = exchange.url,
                     .elapsed = Clock::now() - begin});
}

void Response::raise_for_status() const {
    if (!ok()) {
        throw http::ClientResponseError(status_code(), reason(), url().to_string());
    }
}

Session::Session(const SessionOptions& options) {
    http::detail::require_curl();
    state_ = std::make_unique<State>(options);
}

Session::Session(Session&& other) noexcept = default;
Session& Session::operator=(Session&& other) noexcept = default;
Session::~Session() = default;

Response Session::request(std::string_view method, std::string_view url, const Options& options) {
    http::detail::RequestSpec spec(method, url, options);
    if (spec.chunks || !spec.file.empty()) {
        throw std::invalid_argument(
            "requests: a generator or a file as the body needs a loop: use http::ClientSession");
    }
    std::unique_ptr<Exchange> exchange =
        http::detail::first_exchange(state_->settings, spec, Clock::now());
    std::vector<Response> history;
    while (true) {
        Response response = state_->perform(*exchange);
        const http::detail::ResponseHead head{.status = response.status_code(),
                                              .reason = response.reason(),
                                              .version = {},
                                              .headers = response.headers()};
        const std::string_view location = http::detail::location_of(head);
        if (location.empty() || !spec.allow_redirects) {
            response.history_ = std::move(history);
            if (spec.raise_for_status.value_or(state_->settings.raise_for_status)) {
                response.raise_for_status();
            }
            return response;
        }
        history.push_back(response);
        if (history.size() > static_cast<std::size_t>(std::max(spec.max_redirects, 0))) {
            throw http::TooManyRedirects(response.status_code(),
                                         fmt::format("more than {} redirects", spec.max_redirects),
                                         history.front().url().to_string());
        }
        exchange = http::detail::next_exchange(*exchange, head, location);
    }
}

}  // namespace ringio::requests
