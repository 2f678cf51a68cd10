// Previews of several pages that are downloaded at the same time: preview_pages [URL...].
// Without URLs, a server of its own on loopback serves examples/pages slowly, and the pages are
// fetched one after another first, for comparison. Python: aiohttp, and one task for each page.
#include "http_get.hpp"
#include "page_server.hpp"
#include "preview.hpp"

#include <fmt/core.h>
#include <ringio/main.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

ringio::Task<std::string> download(std::string url) {
    auto response = co_await http::get(url);
    if (response.status != 200) {
        throw std::runtime_error(fmt::format("{}: {} {}", url, response.status, response.reason));
    }
    co_return std::move(response.body);
}

ringio::Task<bool> print_preview(std::string url) {
    try {
        const auto text = co_await download(url);
        print_lines(text);
        fmt::print("\n{}: {} bytes\n", url, text.size());
        co_return true;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        co_return false;
    }
}

// Downloads all pages at once; the previews come in the order in which the downloads end.
ringio::Task<bool> print_all_pages(std::vector<std::string> urls) {
    std::vector<ringio::TaskHandle<bool>> tasks;
    for (const auto& url : urls) {
        tasks.push_back(ringio::create_task(print_preview(url)));
    }
    const auto successes = co_await ringio::gather(tasks);
    co_return std::find(successes.begin(), successes.end(), false) == successes.end();
}

ringio::Task<bool> compare(std::vector<std::string> urls) {
    const auto start = Clock::now();
    std::size_t bytes = 0;
    for (const auto& url : urls) {
        const auto text = co_await download(url);
        bytes += text.size();
    }
    const auto middle = Clock::now();
    const bool success = co_await print_all_pages(urls);
    const Seconds one_by_one = middle - start;
    const Seconds at_once = Clock::now() - middle;

    fmt::print("{:-<80}\n{} pages, {} bytes\n", "", urls.size(), bytes);
    fmt::print("one after another: {:6.3f} s\n", one_by_one.count());
    fmt::print("concurrently:      {:6.3f} s, {:.1f} times as fast\n", at_once.count(),
               one_by_one / at_once);
    co_return success;
}

ringio::Task<bool> compare_own_pages() {
    const std::string directory = RINGIO_EXAMPLES_DIR "/pages";
    auto server = co_await pages::start_server(directory, 0, {.pause = 40ms, .chunk = 512});
    const auto address = server.sockets()[0].getsockname().to_string();
    std::vector<std::string> urls;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        urls.push_back(fmt::format("http://{}/{}", address, entry.path().filename().string()));
    }
    std::sort(urls.begin(), urls.end());
    const bool success = co_await compare(urls);
    server.close();
    co_return success;
}

ringio::Task<int> co_main(int argc, char** argv) {
    bool success = false;
    if (argc > 1) {
        success = co_await print_all_pages(std::vector<std::string>(argv + 1, argv + argc));
    } else {
        success = co_await compare_own_pages();
    }
    co_return success ? 0 : 1;
}
