// FileStatus: what is known about a file beside its bytes.
#pragma once

#include <chrono>
#include <cstdint>

#include <sys/types.h>

struct statx;

namespace ringio {

/// What kind of file it is.
enum class FileType : unsigned char {
    unknown,
    regular,
    directory,
    symlink,
    fifo,
    socket,
    character_device,
    block_device,
};

/// What fs::stat() and File::stat() tell. *Python*: os.stat_result, without the `st_`.
struct FileStatus {
    using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

    FileType type = FileType::unknown;
    mode_t mode = 0;  // the permissions: 0644 for instance
    uid_t uid = 0;
    gid_t gid = 0;
    std::uint64_t size = 0;    // in bytes; 0 for files of /proc, whatever is in them
    std::uint64_t blocks = 0;  // of 512 bytes on the disk
    std::uint64_t inode = 0;
    dev_t device = 0;  // inode and device together tell one file from another
    std::uint32_t links = 0;
    std::uint32_t block_size = 0;  // good for reading and writing
    Time accessed;
    Time modified;
    Time changed;  // the status; not the bytes alone
    Time created;  // the epoch where the file system does not know

    bool is_file() const noexcept { return type == FileType::regular; }
    bool is_directory() const noexcept { return type == FileType::directory; }
    bool is_symlink() const noexcept { return type == FileType::symlink; }
};

namespace detail {

/// Of the kinds S_IF* in `mode`.
FileType file_type_of(mode_t mode) noexcept;

FileStatus file_status_of(const struct ::statx& answer) noexcept;

}  // namespace detail
}  // namespace ringio
