// A process without descriptors, for tests of EMFILE.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/base/unique_fd.hpp>
#include <support/catch.hpp>

#include <sys/resource.h>
#include <unistd.h>

namespace ringio::test_support {

/// Leaves no descriptor to the process for as long as it lives.
class NoDescriptors {
public:
    NoDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const UniqueFd lowest(::dup(0));  // the lowest free one
        rlimit none = before_;
        none.rlim_cur = static_cast<rlim_t>(lowest.get());
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_ = {};
};

/// UndefinedBehaviorSanitizer opens a pipe to look at an object's type, and takes it for a broken
/// one when it cannot.
inline bool sanitizer_needs_descriptors() {
    if (RINGIO_SANITIZE_ADDRESS != 0) {
        WARN("skipped: the sanitizer of this build cannot work without descriptors");
        return true;
    }
    return false;
}

}  // namespace ringio::test_support
