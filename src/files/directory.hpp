// Directory: an open directory, read by a thread that may block.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <ringio/files/scandir.hpp>

#include <memory>
#include <string>
#include <vector>

#include <dirent.h>

namespace ringio::detail {

/// Called on worker threads.
class Directory {
public:
    /// Opens a directory, not by way of a symbolic link; `fd` is below 0 when that failed, and
    /// errno says why.
    static UniqueFd open_below(int parent, const char* name) noexcept;

    /// *Errors*: std::system_error that names `path`.
    explicit Directory(const std::string& path);
    Directory(UniqueFd fd, const std::string& path);

    int fd() const noexcept;

    /// All names, in their order. *Errors*: std::system_error.
    std::vector<fs::DirectoryEntry> entries();

private:
    struct Closer {
        void operator()(DIR* stream) const noexcept { ::closedir(stream); }
    };

    std::string path_;
    std::unique_ptr<DIR, Closer> stream_;
};

}  // namespace ringio::detail
