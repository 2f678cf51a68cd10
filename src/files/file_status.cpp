#include <ringio/files/file_status.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace ringio::detail {
namespace {

FileStatus::Time time_of(const statx_timestamp& time) noexcept {
    return FileStatus::Time(std::chrono::seconds(time.tv_sec) +
                            std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

FileType file_type_of(mode_t mode) noexcept {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return FileType::regular;
        case S_IFDIR:
            return FileType::directory;
        case S_IFLNK:
            return FileType::symlink;
        case S_IFIFO:
            return FileType::fifo;
        case S_IFSOCK:
            return FileType::socket;
        case S_IFCHR:
            return FileType::character_device;
        case S_IFBLK:
            return FileType::block_device;
        default:
            return FileType::unknown;
    }
}

FileStatus file_status_of(const struct ::statx& answer) noexcept {
    return {
        .type = file_type_of(answer.stx_mode),
        .mode = answer.stx_mode & 07777U,
        .uid = answer.stx_uid,
        .gid = answer.stx_gid,
        .size = answer.stx_size,
        .blocks = answer.stx_blocks,
        .inode = answer.stx_ino,
        .device = ::makedev(answer.stx_dev_major, answer.stx_dev_minor),
        .links = answer.stx_nlink,
        .block_size = answer.stx_blksize,
        .accessed = time_of(answer.stx_atime),
        .modified = time_of(answer.stx_mtime),
        .changed = time_of(answer.stx_ctime),
        .created = time_of(answer.stx_btime),
    };
}

}  // namespace ringio::detail
