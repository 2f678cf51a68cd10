// Images to be downloaded and saved: what the programs have in common that do so in different ways.
#pragma once

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <ringio.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace images {

namespace fs = std::filesystem;

inline std::string create_images_dir(const fs::path& root_directory) {
    const fs::path images_directory = root_directory / "images";
    if (fs::create_directory(images_directory)) {
        fmt::print("已在根目录下创建 images 目录: {}\n", images_directory.string());
    } else {
        fmt::print("目录 images 已存在:{}\n", images_directory.string());
    }
    return images_directory.string();
}

// What the address ends with, in the directory for images.
inline std::string path_for(const std::string& images_dir, const std::string& url) {
    return images_dir + url.substr(url.rfind('/'));
}

// Bitmaps of 32 by 32 points, each of a colour that runs into another.
inline std::string make_image(unsigned number) {
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

/// A directory of its own with six images to be served, which goes with it.
class Site {
public:
    Site() : root_(::mkdtemp(name_.data())) {
        fs::create_directory(directory());
        for (unsigned number = 1; number <= count; ++number) {
            std::ofstream(fs::path(directory()) / file(number), std::ios::binary)
                << make_image(number);
        }
    }
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;
    ~Site() { fs::remove_all(root_); }

    const fs::path& root() const { return root_; }
    std::string directory() const { return root_ / "site"; }

    /// Their addresses, on a server of `directory()`.
    static std::vector<std::string> urls(const std::string& server) {
        std::vector<std::string> all;
        for (unsigned number = 1; number <= count; ++number) {
            all.push_back(server + "/" + file(number));
        }
        return all;
    }

private:
    static constexpr unsigned count = 6;
    static std::string file(unsigned number) { return fmt::format("image-{}.bmp", number); }

    std::string name_ = fs::temp_directory_path() / "ringio_images_XXXXXX";
    fs::path root_;
};

using Way = ringio::Task<> (*)(std::vector<std::string> url_list, std::string images_dir);

inline ringio::Task<> download_all(Way way, std::vector<std::string> url_list,
                                   fs::path root_directory) {
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

}  // namespace images
