// What the handles of an answer share.
#pragma once

#include "transfer.hpp"

#include <ringio/http/client_response.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ringio::http::detail {

struct ResponseState {
    explicit ResponseState(std::shared_ptr<Transfer> of) noexcept : transfer(std::move(of)) {}
    ResponseState(const ResponseState&) = delete;
    ResponseState& operator=(const ResponseState&) = delete;
    ~ResponseState() { transfer->abort(nullptr); }

    const std::shared_ptr<Transfer> transfer;
    std::vector<ClientResponse> history;
    std::optional<std::string> body;  // once it was read
    bool is_read = false;             // read() has begun
};

}  // namespace ringio::http::detail
