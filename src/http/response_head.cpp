#include "response_head.hpp"

#include <ringio/http/errors.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace ringio::http::detail {

bool HeadReader::take(std::string_view line, const Url& url) {
    size_ += line.size();
    if (size_ > size_max) {
        throw ClientResponseError(400, fmt::format("the head is longer than {} bytes", size_max),
                                  url.to_string());
    }
    const std::string_view text = trimmed(line);
    if (line.starts_with("HTTP/")) {
        begin(text);
    } else if (text.empty()) {
        return head_.status >= 200 || head_.status == 101;  // else the true one is to come
    } else if (line.front() == ' ' || line.front() == '\t') {
        head_.headers.append_to_last(text);
    } else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        head_.headers.add(std::string(text.substr(0, colon)),
                          std::string(trimmed(text.substr(std::min(colon + 1, text.size())))));
    }
    return false;
}

// "HTTP/1.1 404 Not Found"
void HeadReader::begin(std::string_view status_line) {
    head_ = {};
    const std::size_t blank = std::min(status_line.find(' '), status_line.size());
    head_.version = status_line.substr(5, blank - 5);
    const std::string_view rest = trimmed(status_line.substr(blank));
    std::from_chars(rest.data(), rest.data() + rest.size(), head_.status);
    head_.reason = trimmed(rest.substr(std::min<std::size_t>(3, rest.size())));
}

}  // namespace ringio::http::detail
