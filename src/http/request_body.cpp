#include "request_body.hpp"

#include <algorithm>
#include <cstring>

namespace ringio::http::detail {

std::size_t RequestBody::take(char* to, std::size_t room) noexcept {
    const std::size_t size = std::min(room, waiting());
    std::memcpy(to, bytes_.data() + at_, size);
    at_ += size;
    is_begun_ = is_begun_ || size != 0;
    return size;
}

bool RequestBody::rewind() noexcept {
    if (!is_repeatable_ && is_begun_) {
        return false;
    }
    at_ = 0;
    return true;
}

void RequestBody::push(std::string bytes) {
    if (at_ == bytes_.size()) {
        bytes_ = std::move(bytes);
    } else {
        bytes_.erase(0, at_);
        bytes_ += bytes;
    }
    at_ = 0;
}

}  // namespace ringio::http::detail
