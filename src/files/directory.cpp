#include "directory.hpp"

#include "path_errors.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace ringio::detail {
namespace {

constexpr std::size_t buffer_size = 64 * 1024;

std::uint64_t beginning_of(std::string_view text) noexcept {
    std::uint64_t number = 0;
    for (std::size_t at = 0; at < sizeof(number); ++at) {
        const auto byte = at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
        number = number << 8U | byte;
    }
    return number;
}

// Kernel: not every file system says it with the name.
FileType type_of(int directory, const dirent64& entry) noexcept {
    if (entry.d_type != DT_UNKNOWN) {
        return file_type_of(static_cast<mode_t>(DTTOIF(entry.d_type)));
    }
    struct ::stat status{};
    const bool known = ::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    return known ? file_type_of(status.st_mode) : FileType::unknown;
}

}  // namespace

void Names::add(std::string_view text, FileType type) {
    names_.push_back(
        {beginning_of(text), texts_.size(), static_cast<std::uint16_t>(text.size()), type});
    texts_.append(text).push_back('\0');
}

void Names::sort() {
    std::ranges::sort(names_, [this](const Name& left, const Name& right) {
        return left.beginning != right.beginning ? left.beginning < right.beginning
                                                 : text(left) < text(right);
    });
}

UniqueFd Directory::open_below(int parent, const char* name) noexcept {
    return UniqueFd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Directory::Directory(const std::string& path)
    : Directory(UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), path) {}

Directory::Directory(UniqueFd fd, const std::string& path) : path_(path), fd_(std::move(fd)) {
    if (!fd_) {
        throw path_error(errno, "scandir", path_);
    }
}

Names Directory::names() const {
    const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_size);
    Names names;
    for (;;) {
        const ssize_t size = ::getdents64(fd(), buffer.get(), buffer_size);
        // Kernel: ENOENT, when it was removed meanwhile.
        if (size == 0 || (size < 0 && errno == ENOENT)) {
            break;
        }
        if (size < 0) {
            throw path_error(errno, "scandir", path_);
        }
        for (ssize_t at = 0; at < size;) {
            const auto* const entry = reinterpret_cast<const dirent64*>(buffer.get() + at);
            at += entry->d_reclen;
            const std::string_view text(entry->d_name);
            if (text != "." && text != "..") {
                names.add(text, type_of(fd(), *entry));
            }
        }
    }
    names.sort();
    return names;
}

}  // namespace ringio::detail
