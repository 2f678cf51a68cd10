#include <ringio/files/scandir.hpp>

#include "directory.hpp"
#include "path_errors.hpp"

#include <ringio/tasks/run_in_executor.hpp>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace ringio {
namespace detail {
namespace {

// Kernel: not every file system says it with the name.
FileType type_of(int directory, const dirent& entry) noexcept {
    if (entry.d_type != DT_UNKNOWN) {
        return file_type_of(static_cast<mode_t>(DTTOIF(entry.d_type)));
    }
    struct ::stat status{};
    const bool known = ::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    return known ? file_type_of(status.st_mode) : FileType::unknown;
}

}  // namespace

UniqueFd Directory::open_below(int parent, const char* name) noexcept {
    return UniqueFd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Directory::Directory(const std::string& path) : path_(path), stream_(::opendir(path.c_str())) {
    if (!stream_) {
        throw path_error(errno, "scandir", path_);
    }
}

Directory::Directory(UniqueFd fd, const std::string& path) : path_(path) {
    if (fd) {
        stream_.reset(::fdopendir(fd.get()));
    }
    if (!stream_) {
        throw path_error(errno, "scandir", path_);
    }
    static_cast<void>(fd.release());
}

int Directory::fd() const noexcept { return ::dirfd(stream_.get()); }

std::vector<fs::DirectoryEntry> Directory::entries() {
    std::vector<fs::DirectoryEntry> all;
    for (;;) {
        errno = 0;
        const dirent* const entry = ::readdir(stream_.get());
        if (entry == nullptr) {
            break;
        }
        const std::string_view name(entry->d_name);
        if (name != "." && name != "..") {
            all.push_back({std::string(name), type_of(fd(), *entry)});
        }
    }
    if (errno != 0) {
        throw path_error(errno, "scandir", path_);
    }
    std::ranges::sort(all, {}, &fs::DirectoryEntry::name);
    return all;
}

}  // namespace detail

Task<std::vector<fs::DirectoryEntry>> fs::scandir(std::string path) {
    detail::require_path(path);
    const auto list = [](const std::string& name) { return detail::Directory(name).entries(); };
    Future<std::vector<DirectoryEntry>> listing =
        get_running_loop().run_in_executor(nullptr, list, path);
    co_return co_await std::move(listing);
}

}  // namespace ringio
