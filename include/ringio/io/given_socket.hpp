// GivenSocket: a socket that exists already, as a member of options: `{.sock = std::move(fd)}`.
#pragma once

#include <ringio/base/unique_fd.hpp>

#include <utility>

namespace ringio {

/// Refers to the descriptor of a socket that a function is to take over, or to none. The function
/// takes it when it is called; when it refuses its arguments, the caller keeps it.
///
/// *Lifetime*: a reference, so that options remain trivially destructible (GCC 12): the UniqueFd
/// must live until the function that takes the options has been called.
class GivenSocket {
public:
    constexpr GivenSocket() noexcept = default;
    constexpr GivenSocket(UniqueFd&& fd) noexcept : fd_(&fd) {}

    /// Tells whether one was given, be it an empty one.
    constexpr explicit operator bool() const noexcept { return fd_ != nullptr; }

    /// Returns the descriptor, which the caller still owns; -1 when there is none.
    int fd() const noexcept { return fd_ != nullptr ? fd_->get() : -1; }

    /// Takes it over.
    UniqueFd take() const noexcept { return std::move(*fd_); }

private:
    UniqueFd* fd_ = nullptr;
};

}  // namespace ringio
