#include <ringio/http/client_response.hpp>

#include "response_state.hpp"

#include <ringio/http/errors.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>

namespace ringio::http {
namespace {

using detail::ResponseState;

Task<std::optional<std::string>> next_of(std::shared_ptr<ResponseState> state) {
    if (state->is_read) {
        throw std::runtime_error("the body was read by read(): it does not come again");
    }
    co_return co_await state->transfer->next();
}

Task<std::string> read_all(std::shared_ptr<ResponseState> state) {
    if (!state->body) {
        if (state->is_read) {
            throw std::runtime_error(
                "the body is being read, or was lost with a read() that failed");
        }
        state->is_read = true;
        std::string body;
        while (!state->transfer->take_rest(body)) {
            Future<> news = state->transfer->news();
            co_await news;
        }
        state->body = std::move(body);
    }
    co_return *state->body;
}

Task<std::string> read_json(ClientResponse response) {
    const std::string type = response.content_type();
    const bool is_json =
        type == "application/json" || (type.starts_with("application/") && type.ends_with("+json"));
    if (!is_json) {
        throw ContentTypeError(
            response.status(),
            fmt::format("Attempt to decode JSON with unexpected mimetype: {}", type),
            response.url().to_string());
    }
    co_return co_await response.read();
}

}  // namespace

Task<std::optional<std::string>> BodyStream::next() const { return next_of(state_); }

int ClientResponse::status() const noexcept { return state_->transfer->head().status; }
const std::string& ClientResponse::reason() const noexcept {
    return state_->transfer->head().reason;
}
const Headers& ClientResponse::headers() const noexcept { return state_->transfer->head().headers; }
const Url& ClientResponse::url() const noexcept { return state_->transfer->exchange().url; }
const std::string& ClientResponse::method() const noexcept {
    return state_->transfer->exchange().method;
}
const std::string& ClientResponse::version() const noexcept {
    return state_->transfer->head().version;
}
const std::vector<ClientResponse>& ClientResponse::history() const noexcept {
    return state_->history;
}

std::map<std::string, std::string> ClientResponse::cookies() const {
    return detail::cookies_of(headers());
}
std::string ClientResponse::content_type() const { return detail::content_type_of(headers()); }
std::string ClientResponse::charset() const { return detail::charset_of(headers()); }

void ClientResponse::raise_for_status() const {
    if (!ok()) {
        close();
        throw ClientResponseError(status(), reason(), url().to_string());
    }
}

Task<std::string> ClientResponse::read() const { return read_all(state_); }
Task<std::string> ClientResponse::json() const { return read_json(*this); }

void ClientResponse::close() const noexcept { state_->transfer->abort(nullptr); }

}  // namespace ringio::http
