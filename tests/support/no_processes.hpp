// NoProcesses: asserts that what is tested leaves no process and no descriptor behind.
#pragma once

#include <support/catch.hpp>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <iterator>

#include <sys/wait.h>

namespace ringio::test_support {

inline bool has_no_child() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

inline std::size_t descriptor_count() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                      std::filesystem::directory_iterator()));
}

/// To be declared before what starts processes.
class NoProcesses {
public:
    NoProcesses() : descriptors_(descriptor_count()) { REQUIRE(has_no_child()); }
    NoProcesses(const NoProcesses&) = delete;
    NoProcesses& operator=(const NoProcesses&) = delete;
    ~NoProcesses() {
        CHECK(has_no_child());
        CHECK(descriptor_count() == descriptors_);
    }

    std::size_t descriptors() const noexcept { return descriptors_; }

private:
    std::size_t descriptors_;
};

}  // namespace ringio::test_support
