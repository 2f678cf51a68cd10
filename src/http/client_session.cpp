#include <ringio/http/client_session.hpp>

#include "exchange.hpp"
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

Task<ClientResponse> request(std::shared_ptr<SessionState> session,
                             std::unique_ptr<RequestSpec> spec, std::exception_ptr refused) {
    if (refused) {
        std::rethrow_exception(refused);
    }
    session->require_open();
    if (!spec->file.empty()) {
        co_await spec->open_file_body();
    }
    std::unique_ptr<Exchange> exchange =
        first_exchange(session->settings(), *spec, session->loop().time());
    std::vector<ClientResponse> history;
    while (true) {
        auto transfer = std::make_shared<Transfer>(session, std::move(exchange));
        const auto state = std::make_shared<ResponseState>(transfer);
        bool once_more = false;
        try {
            co_await transfer->run_to_head();
        } catch (const ClientConnectionError&) {
            once_more = transfer->may_be_made_again();
            if (!once_more) {
                throw;
            }
        }
        if (once_more) {
            exchange = transfer->take_exchange_again();
            continue;
        }
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
        exchange = next_exchange(transfer->exchange(), transfer->head(), location);
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
    return detail::request(state_, std::move(spec), std::move(refused));
}

Task<> ClientSession::close() const {
    state_->close_now();
    return detail::wait_closed(state_);
}

bool ClientSession::closed() const noexcept { return state_->is_closed(); }

}  // namespace ringio::http
