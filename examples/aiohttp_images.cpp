// Six images that are downloaded and saved: one after another by calls that block; at the same
// time; and by calls that block, in the loop's threads. Python: requests.get(url); aiohttp with
// asyncio.gather(*tasks); loop.run_in_executor(None, requests.get, url).
// They come from a server of this program's own, over HTTPS, slowly. download_images.cpp has the
// same without a session.
#include "certificate.hpp"
#include "page_server.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <ringio/http.hpp>
#include <ringio/main.hpp>
#include <ringio/requests.hpp>
#include <ringio/tls.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
namespace fs = std::filesystem;
namespace requests = ringio::requests;
using ringio::http::ClientSession;

namespace {

std::string trusted;  // the file of the server's certificate

std::string create_images_dir(const fs::path& root_directory) {
    const fs::path images_directory = root_directory / "images";
    if (fs::create_directory(images_directory)) {
        fmt::print("已在根目录下创建 images 目录: {}\n", images_directory.string());
    } else {
        fmt::print("目录 images 已存在:{}\n", images_directory.string());
    }
    return images_directory.string();
}

// What the address ends with, in the directory for images.
std::string path_for(const std::string& images_dir, const std::string& url) {
    return images_dir + url.substr(url.rfind('/'));
}

// A call that blocks.
requests::Response requests_get(const std::string& url) {
    return requests::Session({.ca_file = trusted}).get(url);
}

void download_image_and_block(const std::string& url, const std::string& images_dir) {
    fmt::print("[+] 开始下载图片->");
    const requests::Response response = requests_get(url);
    fmt::print("[+] 下载完成: {}\n", url);
    std::ofstream(path_for(images_dir, url), std::ios::binary) << response.content();
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
    co_await ringio::write_file(path_for(images_dir, url), image);
}

ringio::Task<> at_the_same_time(std::vector<std::string> url_list, std::string images_dir) {
    ClientSession session({.ca_file = trusted});
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
    co_await ringio::write_file(path_for(images_dir, url), response.content());
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

// Bitmaps of 32 by 32 points, each of a colour that runs into another.
std::string make_image(unsigned number) {
    std::string image("BM\x36\x0C\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x20\0\0\0\x20\0\0\0\1\0\x18\0",
                      30);
    image.resize(54, '\0');
    for (unsigned y = 0; y < 32; ++y) {
        for (unsigned x = 0; x < 32; ++x) {
            for (const unsigned colour : {8 * x, 8 * y, 40 * number}) {
                image.push_back(static_cast<char>(colour));
            }
        }
    }
    return image;
}

using Way = ringio::Task<> (*)(std::vector<std::string> url_list, std::string images_dir);

ringio::Task<> download_all(Way way, std::vector<std::string> url_list, fs::path root_directory) {
    const std::string images_dir = create_images_dir(root_directory);
    const auto start_time = std::chrono::steady_clock::now();
    co_await way(url_list, images_dir);
    const std::chrono::duration<double> exec_time = std::chrono::steady_clock::now() - start_time;
    fmt::print("[+] 下载完毕,耗时 {:.3f}\n", exec_time.count());

    std::vector<bool> complete;
    for (unsigned number = 1; number <= url_list.size(); ++number) {
        const std::string saved = path_for(images_dir, url_list[number - 1]);
        const std::string image = co_await ringio::read_file(saved);
        complete.push_back(image == make_image(number));
        co_await ringio::fs::remove(saved);
    }
    fmt::print("complete: {}\n", complete);
}

}  // namespace

ringio::Task<int> co_main(int, char**) {
    std::string name = (fs::temp_directory_path() / "ringio_images_XXXXXX").string();
    const fs::path root_directory = ::mkdtemp(name.data());
    const fs::path site = root_directory / "site";
    fs::create_directory(site);
    const Certificate certificate = co_await Certificate::make();
    trusted = certificate.file();
    const auto context =
        ringio::TlsContext::server({.certificate = certificate.file(), .key = certificate.key()});
    auto server =
        co_await pages::start_server(site.string(), 0, {.pause = 10ms, .chunk = 1024}, context);
    const std::string address = server.sockets()[0].getsockname().to_string();
    std::vector<std::string> url_list;
    for (unsigned number = 1; number <= 6; ++number) {
        const std::string file = fmt::format("image-{}.bmp", number);
        std::ofstream(site / file, std::ios::binary) << make_image(number);
        url_list.push_back("https://" + address + "/" + file);
    }
    co_await download_all(one_after_another_aside, url_list, root_directory);
    co_await download_all(at_the_same_time, url_list, root_directory);
    co_await download_all(in_threads, url_list, root_directory);
    server.close();
    fs::remove_all(root_directory);
    co_return 0;
}
