#include <ringio/files/file.hpp>

#include "file_turn.hpp"

#include <ringio/base/system_calls.hpp>
#include <ringio/tasks/run_in_executor.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <stdexcept>

namespace ringio {
namespace detail {

Task<FileStatus> ask_status(FileState& file, std::string_view call) {
    struct ::statx answer{};
    const StatxRequest request{.directory = file.fd(),
                               .path = "",
                               .flags = AT_EMPTY_PATH,
                               .mask = STATX_BASIC_STATS | STATX_BTIME,
                               .result = &answer};
    const int result = co_await Op<StatxRequest>(request).as_code();
    if (result < 0) {
        file.fail(-result, call);
    }
    co_return file_status_of(answer);
}

namespace {

constexpr auto last_position = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

// Kernel: of a disk statx(2) does not tell the size, and lseek(2) does without asking it.
Task<std::uint64_t> ask_size(FileState& file, std::string_view call) {
    const FileStatus status = co_await ask_status(file, call);
    if (status.type != FileType::block_device) {
        co_return status.size;
    }
    const off_t end = ::lseek(file.fd(), 0, SEEK_END);
    if (end < 0) {
        file.fail(errno, call);
    }
    co_return static_cast<std::uint64_t>(end);
}

Task<std::size_t> write_bytes(FilePtr shared, std::string_view bytes) {
    const FileTurn turn(std::move(shared), "write");
    FileState& file = turn.file();
    if (file.has_positions()) {
        file.ahead.clear();
    }
    std::size_t written = 0;
    while (written < bytes.size()) {
        const std::string_view rest = bytes.substr(written);
        const WriteRequest request{file.fd(), rest.data(), rest.size(), file.offset(0)};
        const int result = co_await Op<WriteRequest>(request).as_code();
        if (result <= 0) {
            file.fail(result < 0 ? -result : EIO, WriteRequest::name);
        }
        file.has_written(static_cast<std::size_t>(result));
        written += static_cast<std::size_t>(result);
    }
    co_return written;
}

Task<std::uint64_t> seek_to(FilePtr shared, std::int64_t offset, int whence) {
    const FileTurn turn(std::move(shared), "seek");
    FileState& file = turn.file();
    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) {
        throw std::invalid_argument("invalid whence (" + std::to_string(whence) +
                                    ", should be 0, 1 or 2)");
    }
    if (!file.has_positions()) {
        file.fail(ESPIPE, "seek");
    }
    std::uint64_t from = 0;
    if (whence == SEEK_END) {
        from = co_await ask_size(file, "seek");
    } else if (whence == SEEK_CUR) {
        if (file.is_at_end) {
            co_await locate(file);
        }
        from = file.position;
    }
    const std::uint64_t target = from + static_cast<std::uint64_t>(offset);
    if (target > last_position || (offset > 0 && target < from)) {
        file.fail(EINVAL, "seek");
    }
    file.move_to(target);
    co_return target;
}

Task<std::uint64_t> tell_position(FilePtr shared) {
    const FileTurn turn(std::move(shared), "tell");
    FileState& file = turn.file();
    if (!file.has_positions()) {
        file.fail(ESPIPE, "tell");
    }
    if (file.is_at_end) {
        co_await locate(file);
    }
    co_return file.position;
}

// Kernel: FTRUNCATE is an operation since 6.9 only.
Task<> truncate_to(FilePtr shared, std::optional<std::uint64_t> asked) {
    const FileTurn turn(std::move(shared), "truncate");
    FileState& file = turn.file();
    if (!asked && file.is_at_end) {
        co_await locate(file);
    }
    const std::uint64_t size = asked.value_or(file.position);
    if (size > last_position) {
        file.fail(EINVAL, "truncate");
    }
    file.ahead.clear();
    // The thread has a descriptor of its own: it may be at it longer than anybody waits.
    UniqueFd fd(system_calls->fcntl(file.fd(), F_DUPFD_CLOEXEC, 0));
    if (!fd) {
        file.fail(errno, "truncate");
    }
    auto job = [fd = std::move(fd), size] {
        return ::ftruncate(fd.get(), static_cast<off_t>(size)) == 0 ? 0 : errno;
    };
    Future<int> truncated = get_running_loop().run_in_executor(nullptr, by_move(job));
    const int error = co_await std::move(truncated);
    if (error != 0) {
        file.fail(error, "truncate");
    }
}

Task<> allocate_space(FilePtr shared, std::uint64_t offset, std::uint64_t size, int mode) {
    const FileTurn turn(std::move(shared), "allocate");
    FileState& file = turn.file();
    if (offset > last_position || size > last_position) {
        file.fail(EINVAL, "allocate");
    }
    const FallocateRequest request{file.fd(), mode, offset, size};
    const int result = co_await Op<FallocateRequest>(request).as_code();
    checked(file, result, "allocate");
}

Task<> sync_file(FilePtr shared, bool data_only) {
    const FileTurn turn(std::move(shared), "fsync");
    const FsyncRequest request{turn.file().fd(), data_only};
    const int result = co_await Op<FsyncRequest>(request).as_code();
    checked(turn.file(), result, FsyncRequest::name);
}

Task<FileStatus> status_of(FilePtr shared) {
    const FileTurn turn(std::move(shared), "stat");
    co_return co_await ask_status(turn.file(), "stat");
}

}  // namespace

Task<> locate(FileState& file) {
    const std::uint64_t end = co_await ask_size(file, "tell");
    file.move_to(end);
}

}  // namespace detail

Task<std::size_t> File::write(std::string_view bytes) {
    return detail::write_bytes(opened(), bytes);
}

Task<std::uint64_t> File::seek(std::int64_t offset, int whence) {
    return detail::seek_to(opened(), offset, whence);
}

Task<std::uint64_t> File::tell() { return detail::tell_position(opened()); }

Task<> File::truncate(std::optional<std::uint64_t> size) {
    return detail::truncate_to(opened(), size);
}

Task<> File::allocate(std::uint64_t offset, std::uint64_t size, int mode) {
    return detail::allocate_space(opened(), offset, size, mode);
}

Task<> File::fsync(FsyncOptions options) { return detail::sync_file(opened(), options.data_only); }

Task<FileStatus> File::stat() { return detail::status_of(opened()); }

}  // namespace ringio
