// What the scenarios of paths and programs share: a directory of their own, and what is refused.
#pragma once

#include "scenario.hpp"

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

namespace ringio::conformance {

/// As tempfile.TemporaryDirectory in Python.
class Directory {
public:
    Directory() {
        char name[] = "/tmp/ringio-XXXXXX";
        if (::mkdtemp(name) == nullptr) {
            throw std::runtime_error("mkdtemp");
        }
        path_ = name;
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const noexcept { return path_; }
    std::string operator/(const char* name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

/// Awaits, and gives the error, or "nothing".
template <class A>
Task<std::string> failure(A awaitable) {
    try {
        static_cast<void>(co_await std::move(awaitable));
    } catch (...) {
        co_return error_of_current();
    }
    co_return "nothing";
}

/// Awaits what a call gives, and gives the type of what either throws, or "nothing".
template <class Call>
Task<std::string> refusal_by(Call call) {
    try {
        static_cast<void>(co_await call());
    } catch (...) {
        co_return kind_of_current();
    }
    co_return "nothing";
}

}  // namespace ringio::conformance
