#include "request_spec.hpp"

#include "compression.hpp"

#include <ringio/files/file_status.hpp>
#include <ringio/files/open_file.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <stdexcept>

namespace ringio::http::detail {
namespace {

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string result;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        unsigned word = 0;
        for (std::size_t byte = 0; byte < 3; ++byte) {
            word =
                (word << 8) | (byte < group.size() ? static_cast<unsigned char>(group[byte]) : 0U);
        }
        for (std::size_t digit = 0; digit < 4; ++digit) {
            result += digit <= group.size() ? digits[(word >> (18 - 6 * digit)) & 63] : '=';
        }
    }
    return result;
}

/// Up to so many bytes, for that many were promised.
AsyncGenerator<std::string> chunks_of_file(File file, std::optional<std::size_t> size) {
    constexpr std::size_t most = std::size_t{64} << 10;
    std::size_t left = size.value_or(std::numeric_limits<std::size_t>::max());
    while (left != 0) {
        std::string chunk = co_await file.read(static_cast<std::ptrdiff_t>(std::min(left, most)));
        if (chunk.empty()) {
            break;
        }
        left -= chunk.size();
        co_yield std::move(chunk);
    }
    if (size && left != 0) {
        throw std::runtime_error("a file became shorter while it was sent");
    }
}

}  // namespace

std::string Credentials::header() const {
    return fmt::format("Basic {}", base64(fmt::format("{}:{}", login, password)));
}

std::optional<Credentials> copied(const std::optional<BasicAuth>& auth) {
    if (!auth) {
        return std::nullopt;
    }
    if (auth->login.find(':') != std::string_view::npos) {
        throw std::invalid_argument("A \":\" is not allowed in login (RFC 1945#section-11.1)");
    }
    return Credentials{std::string(auth->login), std::string(auth->password)};
}

ClientTimeout merged(const ClientTimeout& timeout, const ClientTimeout& defaults) noexcept {
    ClientTimeout all = defaults;
    for (const auto member : {&ClientTimeout::total, &ClientTimeout::connect,
                              &ClientTimeout::sock_connect, &ClientTimeout::sock_read}) {
        if (timeout.*member) {
            all.*member = timeout.*member;
        }
    }
    return all;
}

std::optional<Delay> limit_of(const std::optional<Delay>& time) noexcept {
    return time && time->is_positive() ? time : std::nullopt;
}

RequestSpec::RequestSpec(std::string_view request_method, std::string_view request_url,
                         const RequestOptions& options)
    : method(to_upper(request_method)),
      url(request_url),
      params(options.params.copied()),
      headers(options.headers.copied()),
      cookies(options.cookies.copied()),
      file(options.file),
      timeout(options.timeout),
      allow_redirects(options.allow_redirects.value_or(method != "HEAD")),
      max_redirects(options.max_redirects),
      max_body(options.max_body),
      raise_for_status(options.raise_for_status),
      proxy(options.proxy),
      auth(copied(options.auth)),
      compress(options.compress) {
    if (options.data.chunks() != nullptr) {
        chunks = std::move(*options.data.chunks());
    } else if (options.data.is_given()) {
        text = options.data.text();
    }
    if (options.json.data() != nullptr) {
        json = options.json;
    }
    if (options.form.is_given()) {
        form = options.form.copied();
    }
    if (options.multipart.is_given()) {
        const std::string boundary = random_boundary();
        multipart = options.multipart.encoded(boundary);
        multipart_type = fmt::format("multipart/form-data; boundary={}", boundary);
    }
}

Task<> RequestSpec::open_file_body() {
    if (file.empty()) {
        co_return;
    }
    File opened = co_await open_file(file);
    const FileStatus status = co_await opened.stat();
    if (status.is_file() && status.size != 0) {  // those of /proc say 0
        file_size = static_cast<std::size_t>(status.size);
    }
    file_chunks = chunks_of_file(std::move(opened), file_size);
}

void RequestSpec::make_body() {
    const int given = (text ? 1 : 0) + (chunks ? 1 : 0) + (json ? 1 : 0) + (form ? 1 : 0) +
                      (multipart ? 1 : 0) + (file.empty() ? 0 : 1);
    if (given > 1) {
        throw std::invalid_argument(
            "of data, json, form, multipart and file only one can be the body of a request");
    }
    if (!compress.empty()) {
        check_coding(compress);
    }
    if (text) {
        send_text(std::move(*text), "text/plain; charset=utf-8");
    } else if (json) {
        send_text(std::move(*json), "application/json");
    } else if (form) {
        send_text(form_encoded(*form), "application/x-www-form-urlencoded");
    } else if (multipart) {
        send_text(std::move(*multipart), multipart_type);
    } else if (chunks || !file.empty()) {
        if (!chunks) {
            chunks = std::move(file_chunks);
        }
        send_chunks();
    } else if (method == "POST" || method == "PUT" || method == "PATCH") {
        body = std::make_shared<RequestBody>(std::string());
    }
}

void RequestSpec::send_text(std::string bytes, std::string_view type) {
    body_type = type;
    if (!bytes.empty() && !compress.empty()) {
        body_coding = compress;
        bytes = compressed(bytes, compress);
    }
    body = std::make_shared<RequestBody>(std::move(bytes));
}

void RequestSpec::send_chunks() {
    body_type = "application/octet-stream";
    std::optional<std::size_t> size = file_size;
    if (!compress.empty()) {
        body_coding = compress;
        chunks = compressed(std::move(*chunks), compress);
        size.reset();  // nobody knows before it is sent
    }
    body = std::make_shared<RequestBody>(RequestBody::Fed{}, size);
}

bool Exchange::is_idempotent() const noexcept {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" ||
           method == "PUT" || method == "DELETE";
}

}  // namespace ringio::http::detail
