// A download that can be gone on with: what came is in "name.part", and "name.part.tag" says of
// which version of the file it is. Only a whole file gets its name.
#pragma once

#include "checksums.hpp"

#include <fmt/core.h>
#include <ringio/http.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace resumable {

struct Download {
    std::string url = {};
    std::string path = {};    // where it is to be
    std::string sha256 = {};  // in hexadecimal; empty: unknown

    // How far it is.
    std::uint64_t size = 0;         // what is there
    std::uint64_t from_before = 0;  // what was there when it began
    std::optional<std::uint64_t> total = std::nullopt;

    std::string name() const { return path.substr(path.rfind('/') + 1); }
    std::string part() const { return path + ".part"; }
    std::string tag() const { return path + ".part.tag"; }
};

/// Called whenever there is more.
using Listener = std::function<void()>;

/// What an earlier run left: nothing, where it is not known of which version of the file it is.
struct Left {
    std::uint64_t size = 0;
    std::string tag = {};
};

inline ringio::Task<Left> what_is_left(const Download& download) {
    const bool has_tag = co_await ringio::fs::exists(download.tag());
    const bool has_part = co_await ringio::fs::exists(download.part());
    if (!has_tag || !has_part) {
        co_return Left();
    }
    Left left;
    left.tag = co_await ringio::read_file(download.tag());
    if (!left.tag.empty()) {
        const ringio::FileStatus status = co_await ringio::fs::stat(download.part());
        left.size = status.size;
    }
    co_return left;
}

inline ringio::Task<> forget(const Download& download) {
    co_await ringio::fs::remove(download.part(), {.missing_ok = true});
    co_await ringio::fs::remove(download.tag(), {.missing_ok = true});
}

/// What If-Range may say of this answer. RFC 9110, 13.1.5: a weak tag does not tell bytes apart.
inline std::string tag_of(const ringio::http::Headers& headers) {
    const std::string_view tag = headers.get("ETag");
    return std::string(tag.starts_with('"') ? tag : headers.get("Last-Modified"));
}

inline std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc() && end == text.data() + text.size();
    return is_number ? std::optional(number) : std::nullopt;
}

/// "bytes 100-199/200", or "bytes */200", which begins nowhere.
struct ContentRange {
    std::optional<std::uint64_t> begin = std::nullopt;
    std::optional<std::uint64_t> total = std::nullopt;
};

inline ContentRange range_of(const ringio::http::Headers& headers) {
    std::string_view text = headers.get("Content-Range");
    constexpr std::string_view unit = "bytes ";
    if (!text.starts_with(unit)) {
        return {};
    }
    text.remove_prefix(unit.size());
    const std::size_t slash = std::min(text.find('/'), text.size());
    return {.begin = number_of(text.substr(0, text.find('-'))),
            .total = number_of(text.substr(std::min(slash + 1, text.size())))};
}

/// Asks for what is missing: for all of it, if nothing is left.
inline ringio::Task<ringio::http::ClientResponse> ask(const ringio::http::ClientSession& session,
                                                      const Download& download, const Left& left) {
    ringio::http::FieldList headers;
    if (left.size != 0) {
        headers.emplace_back("Range", fmt::format("bytes={}-", left.size));
        headers.emplace_back("If-Range", left.tag);
    }
    using namespace std::chrono_literals;
    co_return co_await session.get(
        download.url, {.headers = headers, .timeout = {.total = 0s, .sock_read = 60s}});
}

/// Writes an answer to the part: behind what is there, or in its place.
inline ringio::Task<> save(ringio::http::ClientResponse response, Download& download,
                           const Listener& listener) {
    const bool goes_on = download.from_before != 0;
    const auto mode = goes_on ? ringio::OpenMode::append : ringio::OpenMode::write;
    ringio::File file = co_await ringio::open_file(download.part(), mode);
    if (!goes_on) {  // the old bytes are gone, and so their tag may go
        const std::string tag = tag_of(response.headers());
        co_await ringio::write_file(download.tag(), tag);
    }
    while (auto chunk = co_await response.content().next()) {
        download.size += co_await file.write(*chunk);
        listener();
    }
    co_await file.fsync();
    co_await file.aclose();
}

/// Has all bytes in the part, whatever was there.
inline ringio::Task<> complete(const ringio::http::ClientSession& session, Download& download,
                               const Listener& listener) {
    Left left = co_await what_is_left(download);
    auto response = co_await ask(session, download, left);
    if (response.status() == 416 && left.size != 0) {  // there is nothing behind what is there
        download.total = range_of(response.headers()).total;
        if (download.total == left.size) {
            download.size = download.from_before = left.size;
            co_return;
        }
        left = Left();
        response = co_await ask(session, download, left);
    }
    response.raise_for_status();
    if (response.status() == 206) {
        const ContentRange range = range_of(response.headers());
        if (left.size == 0 || range.begin != left.size) {
            throw std::runtime_error("the server sent another part than was asked for");
        }
        download.size = download.from_before = left.size;
        download.total = range.total;
    } else {
        download.total = number_of(response.headers().get("Content-Length"));
    }
    co_await save(response, download, listener);
}

/// Whether a file has the checksum that it should have. *Errors*: std::runtime_error if not.
inline ringio::Task<> verify(const Download& download, std::string path) {
    const std::string sum = co_await checksums::sha256_of(path);
    if (sum != download.sha256) {
        throw std::runtime_error(fmt::format("its SHA-256 is {}, not {}", sum, download.sha256));
    }
}

/// Whether there is nothing to do.
inline ringio::Task<bool> is_there(const Download& download) {
    const bool exists = co_await ringio::fs::exists(download.path);
    if (!exists || download.sha256.empty()) {
        co_return exists;
    }
    const std::string sum = co_await checksums::sha256_of(download.path);
    co_return sum == download.sha256;
}

/// Downloads a file, or what is missing of it, and says how that went. A file that is there stays,
/// unless its checksum is another. *Errors*: those of the session; std::system_error;
/// std::runtime_error for a wrong checksum: the part is gone then, for it cannot be gone on with.
/// *Cancellation*: what came is in the part.
inline ringio::Task<std::string> run(const ringio::http::ClientSession& session, Download& download,
                                     const Listener& listener) {
    const std::string verified = download.sha256.empty() ? "" : ", checksum ok";
    const bool is_done = co_await is_there(download);
    if (is_done) {
        co_return fmt::format("was there{}", verified);
    }
    bool ended_early = false;
    try {
        co_await complete(session, download, listener);
    } catch (const ringio::http::ClientPayloadError&) {
        ended_early = true;
    }
    if (ended_early || download.size < download.total.value_or(0)) {
        const std::string total = download.total ? fmt::format(" of {}", *download.total) : "";
        throw std::runtime_error(fmt::format("the answer ended after {}{} bytes: what came is kept",
                                             download.size, total));
    }
    if (!download.sha256.empty()) {
        const auto sum = co_await ringio::as_outcome(verify(download, download.part()));
        if (!sum.has_value()) {
            co_await forget(download);
            std::rethrow_exception(sum.exception());
        }
    }
    co_await ringio::fs::rename(download.part(), download.path);
    co_await ringio::fs::remove(download.tag(), {.missing_ok = true});
    const std::string before = download.from_before == 0
                                   ? ""
                                   : fmt::format(", {} of them from before", download.from_before);
    co_return fmt::format("{} bytes{}{}", download.size, before, verified);
}

}  // namespace resumable
