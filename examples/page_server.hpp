// A small HTTP/1.1 server for the files of one directory, or parts of them, on ringio's streams.
// One request for each connection; page_server.cpp is the program, preview_pages.cpp has one
// inside.
#pragma once

#include "page_request.hpp"

#include <fmt/core.h>
#include <ringio.hpp>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace pages {

/// How slowly pages are sent: `pause` comes before each `chunk` bytes. After `most` bytes of a body
/// the connection ends, whether it was all or not: for those who want to see what clients do then.
struct Pace {
    std::chrono::milliseconds pause{0};
    std::size_t chunk = 64 * 1024;
    std::size_t most = std::numeric_limits<std::size_t>::max();
};

/// What is served.
struct Site {
    ringio::UniqueFd directory;
    Pace pace;
};

/// A file to send.
struct Page {
    ringio::UniqueFd file;
    std::size_t size = 0;
    std::string tag = {};  // its ETag: another when the file has changed
};

/// The bytes of a page from `begin` to before `end`.
struct Part {
    std::size_t begin = 0;
    std::size_t end = 0;

    std::size_t size() const noexcept { return end - begin; }
};

/// Opens a page. *Errors*: HttpError 404 when there is none, or when it lies outside the directory.
inline Page open_page(const Site& site, const std::string& path) {
    // Kernel: RESOLVE_BENEATH (5.6) refuses "..", absolute paths and symbolic links that lead out.
    // O_NONBLOCK: a pipe in the directory must not stop the server.
    open_how how = {};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    ringio::UniqueFd file(static_cast<int>(
        ::syscall(SYS_openat2, site.directory.get(), path.c_str(), &how, sizeof(how))));
    struct stat facts = {};
    if (!file || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        throw HttpError(404, "there is no such page");
    }
    return {.file = std::move(file),
            .size = static_cast<std::size_t>(facts.st_size),
            .tag = fmt::format("\"{:x}-{:x}.{:x}\"", facts.st_size, facts.st_mtim.tv_sec,
                               facts.st_mtim.tv_nsec)};
}

/// The part of a page that "bytes=100-" or "bytes=100-199" asks for. Nothing where the answer is
/// the whole page: as one may do with what is written in another way, and must where the client has
/// a part of another page. *Errors*: HttpError 416 for a part behind the end.
inline std::optional<Part> part_of(const Page& page, const Request& request) {
    const std::string_view range = request.range;
    constexpr std::string_view unit = "bytes=";
    if (!range.starts_with(unit) || (!request.if_range.empty() && request.if_range != page.tag)) {
        return std::nullopt;
    }
    Part part;
    const char* const end = range.data() + range.size();
    const auto [dash, error] = std::from_chars(range.data() + unit.size(), end, part.begin);
    if (error != std::errc() || dash == end || *dash != '-') {
        return std::nullopt;
    }
    std::size_t last = page.size;
    if (dash + 1 != end) {
        const auto [rest, error_of_last] = std::from_chars(dash + 1, end, last);
        if (error_of_last != std::errc() || rest != end || last < part.begin) {
            return std::nullopt;
        }
    }
    if (part.begin >= page.size) {
        throw HttpError(416, "the page is not as long as that",
                        fmt::format("Content-Range: bytes */{}\r\n", page.size));
    }
    part.end = std::min(last, page.size - 1) + 1;
    return part;
}

inline std::string_view content_type(std::string_view path) {
    const std::string_view ending = path.substr(std::min(path.rfind('.'), path.size()));
    return ending == ".txt" || ending == ".md" ? "text/plain; charset=utf-8"
           : ending == ".html"                 ? "text/html; charset=utf-8"
                                               : "application/octet-stream";
}

/// `more`: other headers, each with its line end.
inline void write_head(ringio::StreamWriter& writer, int status, std::size_t length,
                       std::string_view type, std::string_view more) {
    writer.write(
        fmt::format("HTTP/1.1 {} {}\r\nServer: ringio\r\nConnection: close\r\n"
                    "Content-Type: {}\r\nContent-Length: {}\r\n{}\r\n",
                    status, reason(status), type, length, more));
}

inline ringio::Task<> write_part(const Site& site, const Page& page, Part part,
                                 ringio::StreamWriter& writer) {
    std::string chunk(site.pace.chunk, '\0');
    const std::size_t end = part.begin + std::min(part.size(), site.pace.most);
    for (std::size_t at = part.begin; at < end;) {
        co_await ringio::sleep(site.pace.pause);
        const std::size_t size = std::min(chunk.size(), end - at);
        const int count = co_await ringio::Op<ringio::ReadRequest>(
            {.fd = page.file.get(), .buffer = chunk.data(), .size = size, .offset = at});
        if (count == 0) {
            writer.abort();  // it became shorter than was promised
            co_return;
        }
        writer.write(std::string_view(chunk).substr(0, static_cast<std::size_t>(count)));
        co_await writer.drain();
        at += static_cast<std::size_t>(count);
    }
}

inline ringio::Task<> write_page(const Site& site, const Request& request, const Page& page,
                                 std::string_view type, ringio::StreamWriter& writer) {
    std::string more = fmt::format("Accept-Ranges: bytes\r\nETag: {}\r\n", page.tag);
    const bool is_get = request.method == "GET";
    const std::optional<Part> asked_for = is_get ? part_of(page, request) : std::nullopt;
    const Part part = asked_for.value_or(Part{.begin = 0, .end = page.size});
    if (asked_for) {
        more +=
            fmt::format("Content-Range: bytes {}-{}/{}\r\n", part.begin, part.end - 1, page.size);
    }
    write_head(writer, asked_for ? 206 : 200, part.size(), type, more);
    if (is_get) {
        co_await write_part(site, page, part, writer);
    }
}

inline ringio::Task<> answer(const Site& site, ringio::StreamReader& reader,
                             ringio::StreamWriter& writer) {
    using namespace std::chrono_literals;
    Request request;
    std::optional<HttpError> refusal;
    try {
        request = co_await ringio::wait_for(read_request(reader), 10s);
        const std::string path = path_of_target(request.target);
        const Page page = open_page(site, path);
        co_await write_page(site, request, page, content_type(path), writer);
    } catch (const HttpError& error) {
        refusal = error;
    } catch (const ringio::TimeoutError&) {
        refusal = HttpError(408, "the request did not come in time");
    }
    if (refusal) {
        const std::string text = fmt::format("{} {}: {}\n", refusal->status(),
                                             reason(refusal->status()), refusal->what());
        write_head(writer, refusal->status(), text.size(), "text/plain; charset=utf-8",
                   refusal->header());
        writer.write(request.method == "HEAD" ? std::string_view() : text);
    }
}

/// Reads off what the client still sends: closing before that could take the answer from it.
inline ringio::Task<> linger(ringio::StreamReader& reader) {
    for (std::size_t left = 1024 * 1024; left > 0;) {
        const std::string rest = co_await reader.read(64 * 1024);
        if (rest.empty()) {
            break;
        }
        left -= std::min(left, rest.size());
    }
}

inline ringio::Task<> serve_connection(std::shared_ptr<const Site> site,
                                       ringio::StreamReader reader, ringio::StreamWriter writer) {
    using namespace std::chrono_literals;
    try {
        co_await answer(*site, reader, writer);
        if (writer.can_write_eof()) {  // under TLS the end is a matter of both sides
            writer.write_eof();
            co_await ringio::wait_for(linger(reader), 2s);
        }
    } catch (const std::system_error&) {
        // The client has gone.
    } catch (const ringio::TimeoutError&) {
        // It neither ends nor sends.
    }
    writer.close();
}

/// Serves the files of `directory` on 127.0.0.1, under TLS if that is given. *Errors*:
/// std::system_error.
inline ringio::Task<ringio::Server> start_server(std::string directory, long port, Pace pace = {},
                                                 ringio::TlsOption tls = {}) {
    ringio::UniqueFd opened(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!opened) {
        throw std::system_error(errno, std::generic_category(), directory);
    }
    auto site = std::make_shared<const Site>(Site{std::move(opened), pace});
    auto handler = [site](ringio::StreamReader reader, ringio::StreamWriter writer) {
        return serve_connection(site, std::move(reader), std::move(writer));
    };
    co_return co_await ringio::start_server(handler, "127.0.0.1", port,
                                            {.limit = line_max, .tls = tls});
}

}  // namespace pages
