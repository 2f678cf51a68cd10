// Previews of several pages that are downloaded at the same time: aiohttp_previews [URL...].
// Without URLs, a server of its own on loopback serves examples/pages slowly, over HTTPS with a
// certificate made on the fly, and the pages are fetched one after another first, for comparison.
// Python: aiohttp's ClientSession, and one task for each page.
#include "certificate.hpp"
#include "page_server.hpp"
#include "preview.hpp"

#include <fmt/core.h>
#include <ringio/http.hpp>
#include <ringio/main.hpp>
#include <ringio/tls.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
using ringio::http::ClientSession;

ringio::Task<std::string> download(const ClientSession& session, std::string url) {
    auto response = co_await session.get(url);
    response.raise_for_status();
    co_return co_await response.text();
}

ringio::Task<bool> print_preview(const ClientSession& session, std::string url) {
    try {
        const auto text = co_await download(session, url);
        print_lines(text);
        fmt::print("\n{}: {} bytes\n", url, text.size());
        co_return true;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}: {}\n", url, error.what());
        co_return false;
    }
}

// Downloads all pages at once; the previews come in the order in which the downloads end.
ringio::Task<bool> print_all_pages(const ClientSession& session, std::vector<std::string> urls) {
    std::vector<ringio::TaskHandle<bool>> tasks;
    for (const auto& url : urls) {
        tasks.push_back(ringio::create_task(print_preview(session, url)));
    }
    const auto successes = co_await ringio::gather(tasks);
    co_return std::find(successes.begin(), successes.end(), false) == successes.end();
}

ringio::Task<bool> compare(const ClientSession& session, std::vector<std::string> urls) {
    const auto start = Clock::now();
    std::size_t bytes = 0;
    for (const auto& url : urls) {
        const auto text = co_await download(session, url);
        bytes += text.size();
    }
    const auto middle = Clock::now();
    const bool success = co_await print_all_pages(session, urls);
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
    const Certificate certificate = co_await Certificate::make();
    const std::string file = certificate.file();
    const std::string key = certificate.key();
    const auto context = ringio::TlsContext::server({.certificate = file, .key = key});
    auto server =
        co_await pages::start_server(directory, 0, {.pause = 40ms, .chunk = 512}, context);
    const auto address = server.sockets()[0].getsockname().to_string();
    std::vector<std::string> urls;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        urls.push_back(fmt::format("https://{}/{}", address, entry.path().filename().string()));
    }
    std::sort(urls.begin(), urls.end());
    ClientSession session({.tls = ringio::TlsContext::client({.ca_file = file})});
    const bool success = co_await compare(session, urls);
    co_await session.close();
    server.close();
    co_return success;
}

ringio::Task<int> co_main(int argc, char** argv) {
    bool success = false;
    if (argc > 1) {
        ClientSession session;
        const std::vector<std::string> urls(argv + 1, argv + argc);
        success = co_await print_all_pages(session, urls);
        co_await session.close();
    } else {
        success = co_await compare_own_pages();
    }
    co_return success ? 0 : 1;
}
