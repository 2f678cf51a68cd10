// The owner of a file descriptor: from the system call that made it to close(2), exactly once.
#pragma once

#include <cstddef>
#include <utility>

namespace ringio {

/// Owns a file descriptor, or none. Move-only.
/// *Errors*: a descriptor that turns out to be closed already (EBADF) aborts: its number may belong
/// to another file by then. Other errors of close(2) are not reported. `errno` is left as it was.
class [[nodiscard]] UniqueFd {
public:
    /// Owns nothing.
    UniqueFd() noexcept = default;

    /// Takes ownership of `fd`; a negative number is no descriptor.
    explicit UniqueFd(int fd) noexcept { reset(fd); }

    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        UniqueFd(std::move(other)).swap(*this);
        return *this;
    }
    ~UniqueFd() {
        if (fd_ >= 0) {
            reset();
        }
    }

    /// Returns the descriptor, -1 when there is none.
    int get() const noexcept { return fd_; }

    /// Tells whether a descriptor is owned.
    explicit operator bool() const noexcept { return fd_ >= 0; }

    /// Gives the descriptor up without closing it; returns -1 when there is none.
    [[nodiscard]] int release() noexcept;

    /// Closes the descriptor, if any, and takes ownership of `fd`, which is another one.
    void reset(int fd = -1) noexcept;

    void swap(UniqueFd& other) noexcept { std::swap(fd_, other.fd_); }

    /// Returns how many descriptors are owned by all UniqueFd objects of the process.
    static std::size_t live_count() noexcept;

private:
    int fd_ = -1;  // -1: none; never another negative number
};

}  // namespace ringio
