// The head of an answer, out of the lines that libcurl gives.
#pragma once

#include <ringio/http/headers.hpp>
#include <ringio/http/url.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace ringio::http::detail {

struct ResponseHead {
    int status = 0;
    std::string reason;
    std::string version;
    Headers headers;
};

/// What its headers say, as ClientResponse has it.
std::map<std::string, std::string> cookies_of(const Headers& headers);
std::string content_type_of(const Headers& headers);
std::string charset_of(const Headers& headers);

/// Takes the lines of a head; those of heads before the last one, such as 100 Continue, are
/// forgotten.
class HeadReader {
public:
    static constexpr std::size_t size_max = std::size_t{256} << 10;

    /// Takes one line, with its end; true when it was the last one.
    /// *Errors*: ClientResponseError that names `url` when the head is too long, or lies.
    bool take(std::string_view line, const Url& url);

    /// Looks at a line, or a piece of one, before libcurl keeps it: before 8.1.0 that would put a
    /// first header that begins with a blank behind the last one of the handle's last answer, which
    /// is freed. *Errors*: ClientResponseError that names `url` for such a line.
    void check(std::string_view piece, const Url& url);

    const ResponseHead& head() const noexcept { return head_; }

private:
    void begin(std::string_view status_line);

    ResponseHead head_;
    std::size_t size_ = 0;
    bool is_begun_ = false;    // its first line has come
    bool begins_line_ = true;  // the next piece that is checked
};

}  // namespace ringio::http::detail
