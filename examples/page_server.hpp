// A small HTTP/1.1 server for the files of one directory, on ringio's streams. One request for each
// connection; page_server.cpp is the program, preview_pages.cpp has one inside.
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
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace pages {

/// How slowly pages are sent: `pause` comes before each `chunk` bytes.
struct Pace {
    std::chrono::milliseconds pause{0};
    std::size_t chunk = 64 * 1024;
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
    return {std::move(file), static_cast<std::size_t>(facts.st_size)};
}

inline std::string_view content_type(std::string_view path) {
    const std::string_view ending = path.substr(std::min(path.rfind('.'), path.size()));
    return ending == ".txt" || ending == ".md" ? "text/plain; charset=utf-8"
           : ending == ".html"                 ? "text/html; charset=utf-8"
                                               : "application/octet-stream";
}

inline void write_head(ringio::StreamWriter& writer, int status, std::size_t length,
                       std::string_view type) {
    writer.write(fmt::format(
        "HTTP/1.1 {} {}\r\nServer: ringio\r\nConnection: close\r\n"
        "Content-Type: {}\r\nContent-Length: {}\r\n{}\r\n",
        status, reason(status), type, length, status == 405 ? "Allow: GET, HEAD\r\n" : ""));
}

inline ringio::Task<> write_page(const Site& site, const Page& page, ringio::StreamWriter& writer) {
    std::string chunk(site.pace.chunk, '\0');
    for (std::size_t sent = 0; sent < page.size;) {
        co_await ringio::sleep(site.pace.pause);
        const std::size_t size = std::min(chunk.size(), page.size - sent);
        const int count = co_await ringio::Op<ringio::ReadRequest>(
            {.fd = page.file.get(), .buffer = chunk.data(), .size = size, .offset = sent});
        if (count == 0) {
            writer.abort();  // it became shorter than was promised
            co_return;
        }
        writer.write(std::string_view(chunk).substr(0, static_cast<std::size_t>(count)));
        co_await writer.drain();
        sent += static_cast<std::size_t>(count);
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
        write_head(writer, 200, page.size, content_type(path));
        if (request.method == "GET") {
            co_await write_page(site, page, writer);
        }
    } catch (const HttpError& error) {
        refusal = error;
    } catch (const ringio::TimeoutError&) {
        refusal = HttpError(408, "the request did not come in time");
    }
    if (refusal) {
        const std::string text = fmt::format("{} {}: {}\n", refusal->status(),
                                             reason(refusal->status()), refusal->what());
        write_head(writer, refusal->status(), text.size(), "text/plain; charset=utf-8");
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
