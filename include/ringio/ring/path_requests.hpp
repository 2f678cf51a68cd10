// The requests that change what is in a directory: plain structs that fill a submission entry. See
// socket_requests.hpp for what dispose and retry_on_eintr mean. A worker thread of the kernel does
// them, where a cancel mostly comes too late. `directory` is AT_FDCWD or a descriptor, each time.
#pragma once

#include <cstdint>

struct io_uring_sqe;

namespace ringio {

/// Makes a directory.
struct MkdirAtRequest {
    int directory = -100;  // AT_FDCWD
    const char* path = nullptr;
    std::uint32_t mode = 0777;  // mode_t, less the umask

    static constexpr const char* name = "mkdirat";
    static constexpr bool retry_on_eintr = false;  // it may have been made
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: what was done is done.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Removes a name; with AT_REMOVEDIR in `flags` that of an empty directory.
struct UnlinkAtRequest {
    int directory = -100;  // AT_FDCWD
    const char* path = nullptr;
    int flags = 0;

    static constexpr const char* name = "unlinkat";
    static constexpr bool retry_on_eintr = false;  // it may be gone
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: what was done is done.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Gives a file another name, in place of one that has it; RENAME_* in `flags`.
struct RenameAtRequest {
    int directory = -100;  // AT_FDCWD
    const char* path = nullptr;
    int new_directory = -100;  // AT_FDCWD
    const char* new_path = nullptr;
    unsigned flags = 0;

    static constexpr const char* name = "renameat";
    static constexpr bool retry_on_eintr = false;  // it may have been renamed
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: what was done is done.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Makes a symbolic link at `path` that says `target`.
struct SymlinkAtRequest {
    const char* target = nullptr;
    int directory = -100;  // AT_FDCWD
    const char* path = nullptr;

    static constexpr const char* name = "symlinkat";
    static constexpr bool retry_on_eintr = false;  // it may have been made
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: what was done is done.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Gives a file one more name; with AT_SYMLINK_FOLLOW in `flags` that which a symbolic link says.
struct LinkAtRequest {
    int directory = -100;  // AT_FDCWD
    const char* path = nullptr;
    int new_directory = -100;  // AT_FDCWD
    const char* new_path = nullptr;
    int flags = 0;

    static constexpr const char* name = "linkat";
    static constexpr bool retry_on_eintr = false;  // it may have been made
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: what was done is done.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

}  // namespace ringio
