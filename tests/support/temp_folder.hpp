// TempFolder: a TemporaryDirectory, and what is in it.
#pragma once

#include <support/catch.hpp>
#include <support/temporary_directory.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace ringio::test_support {

class TempFolder : public testing::TemporaryDirectory {
public:
    /// Makes a file, and gives its path.
    std::string file(std::string_view name, std::string_view content = {}) const {
        std::string path = *this / std::string(name);
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }

    std::string content(std::string_view name) const {
        std::ifstream stream(*this / std::string(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    bool has(std::string_view name) const {
        return std::filesystem::exists(std::filesystem::symlink_status(*this / std::string(name)));
    }

    mode_t mode(std::string_view name) const {
        struct ::stat status{};
        REQUIRE(::stat((*this / std::string(name)).c_str(), &status) == 0);
        return status.st_mode & 07777U;
    }

    /// All names in it and below, in their order, as "a b/c".
    std::string names() const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
            all.push_back(entry.path().lexically_relative(path()).string());
        }
        std::ranges::sort(all);
        std::string text;
        for (const std::string& name : all) {
            text.append(text.empty() ? "" : " ").append(name);
        }
        return text;
    }
};

}  // namespace ringio::test_support
