// What a program prints to standard error, as a text that a test can compare.
#pragma once

#include <support/catch.hpp>

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

namespace ringio::test_support {

/// What `action` writes to standard error.
template <class Action>
std::string printed(Action&& action) {
    std::FILE* const file = std::tmpfile();
    REQUIRE(file != nullptr);
    const int before = ::dup(STDERR_FILENO);
    REQUIRE(::dup2(::fileno(file), STDERR_FILENO) >= 0);
    std::forward<Action>(action)();
    std::fflush(stderr);
    REQUIRE(::dup2(before, STDERR_FILENO) >= 0);
    ::close(before);
    std::string text(
        static_cast<std::size_t>(std::ftell(file) < 0 ? 0 : ::lseek(::fileno(file), 0, SEEK_END)),
        '\0');
    const ssize_t got = ::pread(::fileno(file), text.data(), text.size(), 0);
    std::fclose(file);
    REQUIRE(got == static_cast<ssize_t>(text.size()));
    return text;
}

}  // namespace ringio::test_support
