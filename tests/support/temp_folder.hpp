// TempFolder: a directory of the test's own, which goes with it.
#pragma once

#include <support/catch.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace ringio::test_support {

class TempFolder {
public:
    TempFolder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const noexcept { return path_; }

    /// The path of a name in it.
    std::string operator/(std::string_view name) const { return path_ + '/' + std::string(name); }

    /// Makes a file, and gives its path.
    std::string file(std::string_view name, std::string_view content = {}) const {
        std::string path = *this / name;
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }

    std::string content(std::string_view name) const {
        std::ifstream stream(*this / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    bool has(std::string_view name) const {
        return std::filesystem::exists(std::filesystem::symlink_status(*this / name));
    }

    mode_t mode(std::string_view name) const {
        struct ::stat status{};
        REQUIRE(::stat((*this / name).c_str(), &status) == 0);
        return status.st_mode & 07777U;
    }

    /// All names in it and below, in their order, as "a b/c".
    std::string names() const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
            all.push_back(entry.path().lexically_relative(path_).string());
        }
        std::ranges::sort(all);
        std::string text;
        for (const std::string& name : all) {
            text.append(text.empty() ? "" : " ").append(name);
        }
        return text;
    }

private:
    std::string path_ = "/tmp/ringio_files_XXXXXX";
};

}  // namespace ringio::test_support
