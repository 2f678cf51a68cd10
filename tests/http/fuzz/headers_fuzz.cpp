// Lines of a head, as libcurl gives them to HeadReader; then, behind the line that ends it, a name,
// a file's name, a type and a content with '|' between, for a part of a form.
#include <ringio/http/errors.hpp>
#include <ringio/http/headers.hpp>
#include <ringio/http/multipart.hpp>
#include <ringio/http/url.hpp>
#include <support/fuzzing.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

#include "../../../src/http/response_head.hpp"
#include "targets.hpp"

namespace ringio::fuzz {

using namespace http;

namespace {

bool has_line_end(std::string_view text) { return text.find_first_of("\r\n") != text.npos; }

/// Takes a line with its end.
std::string_view take_head_line(std::string_view& input) {
    const std::string_view line = input.substr(0, input.find('\n'));
    const std::string_view whole = input.substr(0, line.size() + 1);
    input.remove_prefix(whole.size());
    return whole;
}

std::string_view take_until(std::string_view& input, char mark) {
    const std::string_view part = input.substr(0, input.find(mark));
    input.remove_prefix(std::min(part.size() + 1, input.size()));
    return part;
}

void must_be_in_order(const http::detail::ResponseHead& head) {
    must_hold(head.status == 101 || (head.status >= 200 && head.status <= 999),
              "a head that is whole has a status that is one");
    must_hold(http::detail::trimmed(head.reason) == head.reason,
              "a reason has no blanks at its ends");
    for (const auto& [name, value] : head.headers) {
        must_hold(name.find('\n') == name.npos, "a header has no line end in its name");
        must_hold(value.find('\n') == value.npos, "a header has no line end in it");
        must_hold(head.headers.contains(name), "a header is found by its name");
    }
    for (const auto& [name, value] : http::detail::cookies_of(head.headers)) {
        must_hold(name.find('=') == name.npos, "a cookie's name ends at the first =");
        must_hold(value.find(';') == value.npos, "a cookie's value ends before its attributes");
    }
    const std::string type = http::detail::content_type_of(head.headers);
    must_hold(type == http::detail::to_lower(type), "a type is in lower case");
    must_hold(type.find(';') == type.npos, "a type ends before its parameters");
    must_hold(http::detail::charset_of(head.headers).find(';') == std::string::npos,
              "a charset is one parameter");
}

/// Says whether that was the last line; a head that is refused ends, too.
bool ends_head(http::detail::HeadReader& reader, std::string_view line, bool& is_good) {
    try {
        return reader.take(line, Url("http://localhost/"));
    } catch (const ClientResponseError&) {
        is_good = false;
        return true;
    }
}

/// Returns what stands behind the head.
std::string_view read_head(std::string_view input) {
    http::detail::HeadReader reader;
    bool is_good = true;
    while (!input.empty()) {
        const std::string_view line = take_head_line(input);
        if (ends_head(reader, line, is_good)) {
            if (!is_good) {
                break;
            }
            must_hold(line.front() == '\r' || line.front() == '\n',
                      "what ends a head is what ends it for libcurl");
            must_be_in_order(reader.head());
            break;
        }
    }
    return input;
}

bool is_header(std::string_view name, std::string_view value) {
    try {
        http::detail::check_header(name, value);
        return true;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

void must_be_one_line(std::string_view name, std::string_view value) {
    if (!is_header(name, value)) {
        return;
    }
    const Url url("http://localhost/");
    http::detail::HeadReader reader;
    reader.take("HTTP/1.1 200 OK\r\n", url);
    reader.take(std::string(name) + ": " + std::string(value) + "\r\n", url);
    must_hold(!has_line_end(value) && value.find('\0') == value.npos, "a value stays in its line");
    must_hold(reader.head().headers.size() == 1, "a header is one header");
    must_hold(reader.head().headers.get(name) == http::detail::trimmed(value),
              "a header is heard as it was said");
}

void must_be_one_part(std::string_view name, std::string_view filename, std::string_view type,
                      std::string_view content) {
    std::string body;
    try {
        body = Multipart(Part(name, content, filename, type)).encoded("boundary");
    } catch (const std::invalid_argument&) {
        return;
    }
    std::string_view rest = body;
    must_hold(take_head_line(rest) == "--boundary\r\n", "a part begins with the boundary");
    const std::string_view disposition = take_head_line(rest);
    must_hold(disposition.starts_with("Content-Disposition: form-data; name=\""),
              "a part is named");
    must_hold(std::ranges::count(disposition, '"') == (filename.empty() ? 2 : 4),
              "a name does not end its quotes");
    must_hold(std::ranges::count(disposition, '\r') == 1, "a name does not end its line");
    if (!filename.empty() || !type.empty()) {
        const std::string_view line = take_head_line(rest);
        must_hold(line.starts_with("Content-Type: ") && std::ranges::count(line, '\r') == 1,
                  "a type is one line");
    }
    const std::string expected = "\r\n" + std::string(content) + "\r\n--boundary--\r\n";
    must_hold(rest == expected, "a content stands behind the head of its part");
}

}  // namespace

void fuzz_headers(std::string_view input) {
    std::string_view header = input;
    const std::string_view name = take_until(header, ':');
    must_be_one_line(name, header);
    std::string_view rest = read_head(input);
    const std::string_view part = take_until(rest, '|');
    const std::string_view filename = take_until(rest, '|');
    const std::string_view type = take_until(rest, '|');
    if (part.data() != nullptr) {
        must_be_one_part(part, filename, type, rest);
    }
}

}  // namespace ringio::fuzz
