// The inputs that libFuzzer begins with, as tests that need none.
#pragma once

#include <support/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace ringio::test_support {

/// Gives each input of a folder to a target of libFuzzer, which ends the program if something does
/// not hold.
inline void run_corpus(const std::filesystem::path& folder, void (*target)(std::string_view)) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string input(std::istreambuf_iterator<char>(file), {});
        INFO(entry.path().filename().string());
        target(input);
        ++count;
    }
    CHECK(count > 0);
}

}  // namespace ringio::test_support
