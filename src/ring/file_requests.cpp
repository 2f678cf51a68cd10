#include <ringio/ring/file_requests.hpp>

#include <fcntl.h>
#include <liburing.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring/max_transfer.hpp>

namespace ringio {

static_assert(OpenAtRequest{}.directory == AT_FDCWD && StatxRequest{}.directory == AT_FDCWD);

void ReadRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_read(&sqe, fd, buffer, clamp_transfer(size), offset);
}

void ReadRequest::dispose(int, std::uint32_t) noexcept {}

void WriteRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_write(&sqe, fd, buffer, clamp_transfer(size), offset);
}

void WriteRequest::dispose(int, std::uint32_t) noexcept {}

void OpenAtRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_openat(&sqe, directory, path, flags | O_CLOEXEC, mode);
}

void OpenAtRequest::dispose(int result, std::uint32_t) noexcept {
    if (result >= 0) {
        UniqueFd{result}.reset();
    }
}

void OpenAt2Request::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_openat2(&sqe, directory, path, const_cast<open_how*>(&how));
}

void OpenAt2Request::dispose(int result, std::uint32_t flags) noexcept {
    OpenAtRequest::dispose(result, flags);
}

void CloseRequest::prepare(io_uring_sqe& sqe) const noexcept { io_uring_prep_close(&sqe, fd); }

void CloseRequest::dispose(int, std::uint32_t) noexcept {}

void FsyncRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_fsync(&sqe, fd, data_only ? IORING_FSYNC_DATASYNC : 0);
}

void FsyncRequest::dispose(int, std::uint32_t) noexcept {}

void StatxRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_statx(&sqe, directory, path, flags, mask, result);
}

void StatxRequest::dispose(int, std::uint32_t) noexcept {}

void FallocateRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_fallocate(&sqe, fd, mode, static_cast<off_t>(offset), static_cast<off_t>(size));
}

void FallocateRequest::dispose(int, std::uint32_t) noexcept {}

}  // namespace ringio
