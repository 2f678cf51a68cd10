// The requests on sockets: plain structs that fill a submission entry. What they point to must live
// until the terminal completion. Each says what becomes of a completion that nobody takes
// (dispose), and whether an EINTR without a cancel is answered by submitting again
// (retry_on_eintr).
#pragma once

#include <cstddef>
#include <cstdint>

struct io_uring_sqe;
struct msghdr;
struct sockaddr;

namespace ringio {

/// Accepts a connection; the result is its file descriptor. The peer's address is got with
/// getpeername. CLOEXEC always; `flags` takes SOCK_NONBLOCK.
struct AcceptRequest {
    int fd = -1;
    int flags = 0;

    static constexpr const char* name = "accept";
    static constexpr bool makes_descriptor = true;
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Closes the connection that nobody takes.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Connects a socket. After EINTR the connection is still being made and a second connect would
/// fail: wait for POLLOUT and read SO_ERROR instead.
struct ConnectRequest {
    int fd = -1;
    const sockaddr* address = nullptr;
    std::uint32_t length = 0;  // socklen_t

    static constexpr const char* name = "connect";
    static constexpr bool retry_on_eintr = false;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: the socket stays its owner's.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Receives at most `size` bytes (clamped to max_transfer); 0 is the end of the stream.
struct RecvRequest {
    int fd = -1;
    void* buffer = nullptr;
    std::size_t size = 0;
    int flags = 0;

    static constexpr const char* name = "recv";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: the bytes are in the buffer of the caller, who gave up the stream.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Receives again and again, each time into a buffer of the BufferPool, until it ends with a
/// completion that is terminal: 0 is the end of the stream, -ENOBUFS says that no buffer was left.
/// It has no dispose: it is not awaited, and its owner gives each buffer back.
struct RecvMultishotRequest {
    int fd = -1;
    std::uint16_t group = 0;

    static constexpr const char* name = "recv";
    void prepare(io_uring_sqe& sqe) const noexcept;
};

/// Sends at most `size` bytes (clamped to max_transfer). MSG_NOSIGNAL always. Tried at once, for a
/// socket mostly has room.
struct SendRequest {
    int fd = -1;
    const void* buffer = nullptr;
    std::size_t size = 0;
    int flags = 0;

    static constexpr const char* name = "send";
    static constexpr bool tried_at_once = true;
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: what was sent is sent.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Sends a message. MSG_NOSIGNAL always. Many buffers are the caller's to keep below IOV_MAX.
struct SendMsgRequest {
    int fd = -1;
    const msghdr* message = nullptr;
    int flags = 0;

    static constexpr const char* name = "sendmsg";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: what was sent is sent.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Receives a message. File descriptors that come with it are CLOEXEC.
struct RecvMsgRequest {
    int fd = -1;
    msghdr* message = nullptr;
    int flags = 0;

    static constexpr const char* name = "recvmsg";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do here: bytes and control data, descriptors among them, are in the message, and
    /// only who owns that can look through it.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Shuts down a direction of a connection: `how` is SHUT_RD, SHUT_WR or SHUT_RDWR.
struct ShutdownRequest {
    int fd = -1;
    int how = 0;

    static constexpr const char* name = "shutdown";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: there is no result beside success.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

}  // namespace ringio
