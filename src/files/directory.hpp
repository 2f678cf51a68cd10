// Directory: an open directory, read by a thread that may block.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <ringio/files/file_status.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringio::detail {

/// Names, in the order of their bytes once they are sorted. In one piece of memory: to a name of a
/// large directory that makes more of a difference than anything else but the kernel.
class Names {
public:
    struct Name {
        std::uint64_t beginning;  // the first bytes, as a number that is ordered like them
        std::size_t at;
        std::uint16_t size;
        FileType type;
    };

    void add(std::string_view text, FileType type);
    void sort();

    std::size_t size() const noexcept { return names_.size(); }
    auto begin() const noexcept { return names_.begin(); }
    auto end() const noexcept { return names_.end(); }
    /// Ends with a zero byte.
    std::string_view text(const Name& name) const noexcept { return {&texts_[name.at], name.size}; }

private:
    std::string texts_;
    std::vector<Name> names_;
};

/// Called on worker threads.
class Directory {
public:
    /// Opens a directory, not by way of a symbolic link; `fd` is below 0 when that failed, and
    /// errno says why.
    static UniqueFd open_below(int parent, const char* name) noexcept;

    /// *Errors*: std::system_error that names `path`.
    explicit Directory(const std::string& path);
    Directory(UniqueFd fd, const std::string& path);

    int fd() const noexcept { return fd_.get(); }

    /// All names but "." and "..", sorted. *Errors*: std::system_error.
    Names names() const;

private:
    std::string path_;
    UniqueFd fd_;
};

}  // namespace ringio::detail
