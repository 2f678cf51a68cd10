// A progress bar for downloads that run at the same time. It is drawn on standard error: one line
// on a terminal, plain lines in a file. Python: `for c in tqdm(asyncio.as_completed(downloads))`.
#include "http_get.hpp"
#include "page_server.hpp"

#include <fmt/core.h>
#include <ringio/main.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

using namespace std::chrono_literals;

ringio::Task<std::size_t> download(std::string url) {
    const http::Response response = co_await http::get(url);
    co_return response.body.size();
}

// [progress]
ringio::Task<std::size_t> download_all(std::vector<std::string> urls) {
    std::vector<ringio::Task<std::size_t>> downloads;
    for (const std::string& url : urls) {
        downloads.push_back(download(url));
    }
    std::size_t bytes = 0;
    auto pages = ringio::progress(std::move(downloads), {.label = "pages"});
    for (auto& next : pages) {
        const std::size_t size = co_await next;
        bytes += size;
    }
    co_return bytes;
}
// [/progress]

ringio::Task<int> co_main(int, char**) {
    const std::string directory = RINGIO_EXAMPLES_DIR "/pages";
    auto server = co_await pages::start_server(directory, 0, {.pause = 40ms, .chunk = 512});
    const std::string address = server.sockets()[0].getsockname().to_string();
    std::vector<std::string> urls;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        urls.push_back("http://" + address + "/" + entry.path().filename().string());
    }
    const std::size_t bytes = co_await download_all(urls);
    fmt::print("{} pages, {} bytes\n", urls.size(), bytes);
    server.close();
    co_return 0;
}
