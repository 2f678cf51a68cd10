// The requests on files: plain structs that fill a submission entry. See socket_requests.hpp for
// what dispose and retry_on_eintr mean. A request on a regular file may run in a worker thread of
// the kernel, where a cancel no longer reaches it: its completion then takes as long as the disk.
#pragma once

#include <cstddef>
#include <cstdint>

#include <linux/openat2.h>

struct io_uring_sqe;
struct statx;

namespace ringio {

/// The offset of files without one (pipes, terminals), and of reading on from the file's position.
inline constexpr std::uint64_t current_position = ~std::uint64_t{0};

/// Reads at most `size` bytes (clamped to max_transfer); 0 is the end of the file.
struct ReadRequest {
    int fd = -1;
    void* buffer = nullptr;
    std::size_t size = 0;
    std::uint64_t offset = current_position;

    static constexpr const char* name = "read";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: the bytes are in the caller's buffer.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Writes at most `size` bytes (clamped to max_transfer). Not for sockets: SIGPIPE. A pipe takes a
/// part of them where it has no room for all; see Features::pipes_never_wait() for older kernels.
struct WriteRequest {
    int fd = -1;
    const void* buffer = nullptr;
    std::size_t size = 0;
    std::uint64_t offset = current_position;

    static constexpr const char* name = "write";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: what was written is written.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Opens a file; the result is its descriptor. CLOEXEC always. `directory` is AT_FDCWD or a
/// descriptor.
struct OpenAtRequest {
    int directory = -100;  // AT_FDCWD
    const char* path = nullptr;
    int flags = 0;
    std::uint32_t mode = 0;  // mode_t, of a file that is created

    static constexpr const char* name = "openat";
    static constexpr bool makes_descriptor = true;
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Closes the file that nobody takes.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// The same as openat2(2) has it: `how.flags` is to have O_CLOEXEC, and `how.resolve` says where
/// the path may lead.
struct OpenAt2Request {
    int directory = -100;  // AT_FDCWD
    const char* path = nullptr;
    open_how how = {};

    static constexpr const char* name = "openat2";
    static constexpr bool makes_descriptor = true;
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Closes the file that nobody takes.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Closes a descriptor. Not submitted again after EINTR: the descriptor is closed by then.
struct CloseRequest {
    int fd = -1;

    static constexpr const char* name = "close";
    static constexpr bool retry_on_eintr = false;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: the descriptor is closed.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Brings what was written to the disk; with `data_only` as fdatasync does.
struct FsyncRequest {
    int fd = -1;
    bool data_only = false;

    static constexpr const char* name = "fsync";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: there is no result beside success.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Asks what statx(2) tells about a file.
struct StatxRequest {
    int directory = -100;  // AT_FDCWD
    const char* path = nullptr;
    int flags = 0;           // AT_*
    unsigned mask = 0x7ffU;  // STATX_BASIC_STATS
    struct ::statx* result = nullptr;

    static constexpr const char* name = "statx";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: the answer is in the caller's struct.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Sets aside space for `size` bytes from `offset`; with FALLOC_FL_* in `mode` what else
/// fallocate(2) does.
struct FallocateRequest {
    int fd = -1;
    int mode = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    static constexpr const char* name = "fallocate";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: there is no result beside success.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

}  // namespace ringio
