#include <ringio/ring/path_requests.hpp>

#include <fcntl.h>
#include <liburing.h>

namespace ringio {

static_assert(MkdirAtRequest{}.directory == AT_FDCWD && UnlinkAtRequest{}.directory == AT_FDCWD);
static_assert(RenameAtRequest{}.directory == AT_FDCWD && LinkAtRequest{}.directory == AT_FDCWD);
static_assert(RenameAtRequest{}.new_directory == AT_FDCWD &&
              LinkAtRequest{}.new_directory == AT_FDCWD &&
              SymlinkAtRequest{}.directory == AT_FDCWD);

void MkdirAtRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_mkdirat(&sqe, directory, path, mode);
}

void MkdirAtRequest::dispose(int, std::uint32_t) noexcept {}

void UnlinkAtRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_unlinkat(&sqe, directory, path, flags);
}

void UnlinkAtRequest::dispose(int, std::uint32_t) noexcept {}

void RenameAtRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_renameat(&sqe, directory, path, new_directory, new_path, flags);
}

void RenameAtRequest::dispose(int, std::uint32_t) noexcept {}

void SymlinkAtRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_symlinkat(&sqe, target, directory, path);
}

void SymlinkAtRequest::dispose(int, std::uint32_t) noexcept {}

void LinkAtRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_linkat(&sqe, directory, path, new_directory, new_path, flags);
}

void LinkAtRequest::dispose(int, std::uint32_t) noexcept {}

}  // namespace ringio
