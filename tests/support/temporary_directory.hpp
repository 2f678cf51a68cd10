// A directory of the test's own, removed at its end with what is in it.
#pragma once

#include <support/catch.hpp>

#include <filesystem>
#include <string>

#include <stdlib.h>

namespace ringio::testing {

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        char name[] = "/tmp/ringio-test-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path_ = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const noexcept { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace ringio::testing
