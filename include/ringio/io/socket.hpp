// Socket: a descriptor with the operations of the ring on it. The streams stand on it; programs
// that want the last nanosecond use it directly.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <ringio/core/op.hpp>
#include <ringio/core/task.hpp>
#include <ringio/io/address.hpp>
#include <ringio/ring/socket_requests.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace ringio {

/// What recvfrom() gives.
struct ReceivedFrom {
    std::size_t size = 0;    ///< how many bytes were put into the buffer
    SocketAddress from;      ///< whose they are; none when the sender has no name
    bool truncated = false;  ///< the datagram was longer: the rest of it is lost
};

/// What sendfile() takes, of a Socket and of a stream.
struct SendfileOptions {
    std::uint64_t offset = 0;                 ///< where in the file it begins, in bytes
    std::optional<std::uint64_t> count = {};  ///< how many bytes; none: to the end of the file
    bool fallback = true;                     ///< what is no regular file is read and sent, too
};

/// Thrown by sendfile() for what is no regular file, where that was not allowed.
class SendfileNotAvailableError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// An owned socket. Every descriptor is close-on-exec; sending never raises SIGPIPE.
///
/// *Lifetime*: must outlive the operations that were started on it, and be closed only after them.
class Socket {
public:
    Socket() noexcept = default;
    explicit Socket(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

    /// Makes a stream socket (TCP). *Errors*: std::system_error.
    static Socket stream(int family);

    /// Makes a socket for datagrams (UDP, or between processes). *Errors*: std::system_error.
    static Socket datagram(int family, int protocol = 0);

    /// Makes a TCP socket that listens on `address`.
    /// *Errors*: std::system_error that names the address.
    static Socket listening(const SocketAddress& address, int backlog, bool reuse_port);

    /// Takes over a socket that was made elsewhere: it becomes close-on-exec and blocking, as those
    /// that are made here. *Errors*: std::system_error; `fd` is closed then.
    static Socket adopted(UniqueFd fd);

    int fd() const noexcept { return fd_.get(); }
    explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

    /// Binds to `address`. *Errors*: std::system_error that names it.
    void bind(const SocketAddress& address) const;

    /// Lets the kernel take connections, `backlog` of which may wait. *Errors*: std::system_error
    /// that names the address.
    void listen(int backlog) const;

    /// Sets an option; a number, or what else setsockopt(2) takes. *Errors*: std::system_error.
    void setsockopt(int level, int option, int value) const {
        setsockopt(level, option, &value, sizeof(value));
    }
    void setsockopt(int level, int option, const void* value, std::size_t size) const;

    /// Returns the own, or the peer's, address. *Errors*: std::system_error.
    SocketAddress getsockname() const;
    SocketAddress getpeername() const;

    /// Takes one connection; gives its descriptor.
    Op<AcceptRequest> accept() const { return Op<AcceptRequest>({.fd = fd()}); }

    /// Connects. *Lifetime*: `address` must live until the await is over.
    Op<ConnectRequest> connect(const SocketAddress& address) const {
        return Op<ConnectRequest>({fd(), address.data(), address.size()});
    }

    /// Receives at least one byte, at most `buffer.size()`; 0 is the end. *Lifetime*: `buffer` must
    /// live until the await is over. *Cancellation*: no byte is lost.
    Op<RecvRequest> recv(std::span<char> buffer) const {
        return Op<RecvRequest>({fd(), buffer.data(), buffer.size(), 0});
    }

    /// Sends at least one byte of `data`; gives how many. Tried at once: when the socket has room,
    /// the await does not suspend, so often in a turn; where sends leave together
    /// (LoopOptions::send_together) it may be a request. *Lifetime*: as recv().
    Op<SendRequest> send(std::string_view data) const {
        return Op<SendRequest>({fd(), data.data(), data.size(), 0});
    }

    /// recv() by asyncio's name.
    Op<RecvRequest> recv_into(std::span<char> buffer) const { return recv(buffer); }

    /// Sends all of `data`. *Cancellation*: a part may have been sent, and nobody knows how much.
    /// *Lifetime*: as recv(), and the socket as well.
    Task<> sendall(std::string_view data) const;

    /// Sends a file's content, a piece at a time; gives the number of bytes. Afterwards the
    /// position of the file is behind what was sent, if it was anything, also after a failure. What
    /// is no regular file, such as a pipe, is read from where it is; what of it was not sent is
    /// lost. loop.sock_sendfile. *Errors*: std::invalid_argument unless it is a stream socket;
    /// SendfileNotAvailableError; std::system_error. *Cancellation*: as sendall(), but the position
    /// tells how much was sent. *Lifetime*: as sendall(), and `file` must stay open.
    Task<std::uint64_t> sendfile(int file, SendfileOptions options = {}) const;

    /// Sends one datagram to `address`; gives how many bytes. *Errors*: std::system_error that
    /// names it. *Cancellation*, *Lifetime*: as send().
    Task<std::size_t> sendto(std::string_view data, SocketAddress address) const;

    /// Receives one datagram; one without bytes is a datagram, too. *Cancellation*: a request to
    /// the kernel; a datagram that comes in spite of it is delivered. *Lifetime*: as recv().
    Task<ReceivedFrom> recvfrom(std::span<char> buffer) const;

    /// Sends, or receives, a message with all that belongs to one: several buffers, an address,
    /// control data. Gives the number of bytes; with MSG_TRUNC in `flags` that of the whole
    /// datagram. Descriptors that come with it are close-on-exec, and the caller's.
    /// A datagram for which there is no room io_uring may send without its bytes: use sendto(), or
    /// MSG_DONTWAIT and wait_writable().
    /// *Lifetime*: `message`, and what it points to, must live until the await is over.
    Op<SendMsgRequest> sendmsg(const msghdr& message, int flags = 0) const {
        return Op<SendMsgRequest>({fd(), &message, flags});
    }
    Op<RecvMsgRequest> recvmsg(msghdr& message, int flags = 0) const {
        return Op<RecvMsgRequest>({fd(), &message, flags});
    }

    /// Ends one direction (SHUT_RD, SHUT_WR) or both, at once; errors are of no consequence.
    void shutdown(int how) const noexcept;

    /// Drops what was received and not read, up to a mebibyte.
    void discard_input() const noexcept;

    /// Sets TCP_NODELAY, as asyncio does for every TCP connection.
    void set_no_delay() const noexcept;

    void close() noexcept { fd_.reset(); }

private:
    UniqueFd fd_;
};

}  // namespace ringio
