// Pages by ClientSession: three previews at the same time, a file that is downloaded piece by
// piece, and what goes wrong. Python: aiohttp's ClientSession. The pages come from a server of this
// program's own.
#include "page_server.hpp"

#include <fmt/core.h>
#include <ringio/http.hpp>
#include <ringio/main.hpp>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using ringio::http::ClientSession;

namespace {

// [preview]
ringio::Task<> preview(const ClientSession& session, std::string url) {
    auto response = co_await session.get(url);
    response.raise_for_status();
    const std::string text = co_await response.text();
    std::istringstream lines(text);
    std::string shown = std::string(80, '-') + "\n";
    int count = 0;
    for (std::string line; count < 3 && std::getline(lines, line);) {
        if (!line.empty()) {
            shown += line + "\n";
            ++count;
        }
    }
    fmt::print("{}\n", shown);
}

ringio::Task<> preview_all(const std::vector<std::string>& urls) {
    ClientSession session;
    std::vector<ringio::Task<>> previews;
    for (const std::string& url : urls) {
        previews.push_back(preview(session, url));
    }
    co_await ringio::gather(previews);
    co_await session.close();
}
// [/preview]

// [stream]
ringio::Task<std::size_t> download(const ClientSession& session, std::string url,
                                   std::string path) {
    auto response = co_await session.get(url, {.timeout = {.sock_read = 10s}});
    response.raise_for_status();
    ringio::File file = co_await ringio::open_file(path, ringio::OpenMode::write);
    std::size_t size = 0;
    while (auto chunk = co_await response.content().next()) {
        size += co_await file.write(*chunk);
    }
    co_await file.aclose();
    co_return size;
}
// [/stream]

// [errors]
ringio::Task<> try_to_get(const ClientSession& session, std::string url) {
    try {
        auto response = co_await session.get(url, {.params = {{"q", "1"}}});
        response.raise_for_status();
    } catch (const ringio::http::ClientResponseError& error) {
        fmt::print("the server says {}\n", error.status());
    } catch (const ringio::http::ClientConnectorError& error) {
        fmt::print("no connection to {}\n", error.host());
    } catch (const ringio::TimeoutError&) {
        fmt::print("it took too long\n");
    }
}
// [/errors]

}  // namespace

ringio::Task<int> co_main(int, char**) {
    const std::string directory = RINGIO_EXAMPLES_DIR "/pages";
    auto server = co_await pages::start_server(directory, 0, {});
    const std::string site = "http://" + server.sockets()[0].getsockname().to_string();
    std::vector<std::string> urls;
    for (const auto& page : std::filesystem::directory_iterator(directory)) {
        urls.push_back(site + "/" + page.path().filename().string());
    }
    co_await preview_all(urls);

    ClientSession session;
    const std::string path =
        std::filesystem::temp_directory_path() / fmt::format("page-{}", ::getpid());
    const std::size_t size = co_await download(session, urls[0], path);
    fmt::print("downloaded {} bytes, {} of them in the file\n", size,
               std::filesystem::file_size(path));
    std::filesystem::remove(path);
    co_await try_to_get(session, site + "/nothing");
    server.close();
    co_await try_to_get(session, site + "/nobody");
    co_await session.close();
    co_return 0;
}
