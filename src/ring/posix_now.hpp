// What a request for a socket answers at once, by a system call that does not block.
#pragma once

#include <sys/types.h>
#include <cerrno>
#include <cstdint>

struct io_uring_sqe;

namespace ringio {

struct SendRequest;

namespace detail {

/// As Kernel::try_now() and Kernel::try_send().
int answer_now(const io_uring_sqe& request) noexcept;
int send_now(const SendRequest& request) noexcept;

/// The call that a request for a socket stands for, with MSG_DONTWAIT and MSG_NOSIGNAL: what it
/// returned, and errno. Not for others than RECV, SEND, RECVMSG and SENDMSG.
ssize_t call_socket(const io_uring_sqe& request) noexcept;

/// What a pointer in a request points to.
template <class T>
T* pointer(std::uint64_t address) noexcept {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address));
}

}  // namespace detail
}  // namespace ringio
