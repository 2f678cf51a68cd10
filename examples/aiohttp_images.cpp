// Six images that are downloaded and saved: one after another by calls that block; at the same
// time; and by calls that block, in the loop's threads. Python: requests.get(url); aiohttp with
// asyncio.gather(*tasks); loop.run_in_executor(None, requests.get, url).
// They come from a server of this program's own, over HTTPS, slowly. download_images.cpp has the
// same without a session.
#include "certificate.hpp"
#include "images.hpp"
#include "page_server.hpp"

#include <fmt/core.h>
#include <ringio/http.hpp>
#include <ringio/main.hpp>
#include <ringio/requests.hpp>
#include <ringio/tls.hpp>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
namespace requests = ringio::requests;
using ringio::http::ClientSession;

namespace {

std::string trusted;  // the file of the server's certificate

// A call that blocks.
requests::Response requests_get(const std::string& url) {
    return requests::Session({.tls = ringio::TlsContext::client({.ca_file = trusted})}).get(url);
}

void download_image_and_block(const std::string& url, const std::string& images_dir) {
    fmt::print("[+] 开始下载图片->");
    const requests::Response response = requests_get(url);
    fmt::print("[+] 下载完成: {}\n", url);
    std::ofstream(images::path_for(images_dir, url), std::ios::binary) << response.content();
}

void one_after_another(const std::vector<std::string>& url_list, const std::string& images_dir) {
    for (const std::string& url : url_list) {
        download_image_and_block(url, images_dir);
    }
}

// [download]
ringio::Task<> download_image(const ClientSession& session, std::string url,
                              std::string images_dir) {
    fmt::print("[+] 开始下载图片->");
    auto response = co_await session.get(url);
    if (response.status() != 200) {
        fmt::print("[-] {} 下载失败: {}\n", response.status(), url);
        co_return;
    }
    const std::string image = co_await response.read();
    fmt::print("[+] 下载完成: {}\n", url);
    co_await ringio::write_file(images::path_for(images_dir, url), image);
}

ringio::Task<> at_the_same_time(std::vector<std::string> url_list, std::string images_dir) {
    ClientSession session({.tls = ringio::TlsContext::client({.ca_file = trusted})});
    std::vector<ringio::Task<>> tasks;
    for (const std::string& url : url_list) {
        tasks.push_back(download_image(session, url, images_dir));
    }
    co_await ringio::gather(std::move(tasks));
    co_await session.close();
}
// [/download]

ringio::Task<> download_in_thread(std::string url, std::string images_dir) {
    fmt::print("[+] 开始下载图片->");
    auto& loop = ringio::get_running_loop();
    auto future = loop.run_in_executor(nullptr, requests_get, url);
    const requests::Response response = co_await future;
    fmt::print("[+] 下载完成: {}\n", url);
    co_await ringio::write_file(images::path_for(images_dir, url), response.content());
}

ringio::Task<> in_threads(std::vector<std::string> url_list, std::string images_dir) {
    std::vector<ringio::TaskHandle<>> tasks;
    for (const std::string& url : url_list) {
        tasks.push_back(ringio::ensure_future(download_in_thread(url, images_dir)));
    }
    co_await ringio::wait(tasks);
}

// The first way, which would block the loop of the server, in a thread.
ringio::Task<> one_after_another_aside(std::vector<std::string> url_list, std::string images_dir) {
    co_await ringio::to_thread(one_after_another, url_list, images_dir);
}

}  // namespace

ringio::Task<int> co_main(int, char**) {
    const images::Site site;
    const Certificate certificate = co_await Certificate::make();
    trusted = certificate.file();
    const auto context =
        ringio::TlsContext::server({.certificate = certificate.file(), .key = certificate.key()});
    auto server =
        co_await pages::start_server(site.directory(), 0, {.pause = 10ms, .chunk = 1024}, context);
    const auto url_list =
        images::Site::urls("https://" + server.sockets()[0].getsockname().to_string());
    co_await images::download_all(one_after_another_aside, url_list, site.root());
    co_await images::download_all(at_the_same_time, url_list, site.root());
    co_await images::download_all(in_threads, url_list, site.root());
    server.close();
    co_return 0;
}
