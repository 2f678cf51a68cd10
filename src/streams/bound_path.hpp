// BoundPath: the path of a Unix socket that listens, in the file system.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

namespace ringio::detail {

/// Removes the path of a socket when the server that made it is gone, if the path still is that
/// socket's. *Lifetime*: move-only.
class BoundPath {
public:
    BoundPath() noexcept = default;
    /// Notes which file a path, to which a socket was just bound, is.
    explicit BoundPath(std::string path);
    BoundPath(BoundPath&& other) noexcept
        : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}
    BoundPath& operator=(BoundPath&& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(device_, other.device_);
        std::swap(inode_, other.inode_);
        return *this;
    }
    ~BoundPath() { remove(); }

    /// Removes it now.
    void remove() noexcept;

private:
    std::string path_;  // empty: nothing is to be removed
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

/// Whether a path is an abstract name, which no directory has.
inline bool is_abstract(std::string_view path) { return !path.empty() && path.front() == '\0'; }

}  // namespace ringio::detail
