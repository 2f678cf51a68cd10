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
        while (auto chunk = co_await state->transfer->next()) {
            if (body.empty()) {
                body = std::move(*chunk);
            } else {
                body += *chunk;
            }
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
    std::map<std::string, std::string> cookies;
    for (const std::string& line : headers().getall("Set-Cookie")) {
        const std::string_view pair = std::string_view(line).substr(0, line.find(';'));
        const std::size_t equals = pair.find('=');
        if (equals != std::string_view::npos) {
            cookies.insert_or_assign(std::string(detail::trimmed(pair.substr(0, equals))),
                                     std::string(detail::trimmed(pair.substr(equals + 1))));
        }
    }
    return cookies;
}

std::string ClientResponse::content_type() const {
    const std::string_view type = headers().get("Content-Type", "application/octet-stream");
    return detail::to_lower(detail::trimmed(type.substr(0, type.find(';'))));
}

std::string ClientResponse::charset() const {
    const std::string type = detail::to_lower(headers().get("Content-Type"));
    const std::size_t at = type.find("charset=");
    if (at == std::string::npos) {
        return {};
    }
    std::string_view name = std::string_view(type).substr(at + 8);
    name = detail::trimmed(name.substr(0, name.find(';')));
    const bool is_quoted = name.size() > 1 && name.front() == '"' && name.back() == '"';
    return std::string(is_quoted ? name.substr(1, name.size() - 2) : name);
}

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
