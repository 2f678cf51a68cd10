#include "bound_path.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace ringio::detail {

BoundPath::BoundPath(std::string path) : path_(std::move(path)) {
    struct stat status{};
    if (::stat(path_.c_str(), &status) == 0) {
        device_ = status.st_dev;
        inode_ = status.st_ino;
    } else {
        path_.clear();
    }
}

void BoundPath::remove() noexcept {
    struct stat status{};
    if (!path_.empty() && ::stat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
        status.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
    path_.clear();
}

}  // namespace ringio::detail
