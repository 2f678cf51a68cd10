// Socket: a descriptor with the operations of the ring on it. The streams stand on it; programs
// that want the last nanosecond use it directly.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <ringio/core/op.hpp>
#include <ringio/io/address.hpp>
#include <ringio/ring/socket_requests.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ringio {

/// An owned socket. Every descriptor is close-on-exec; sending never raises SIGPIPE.
///
/// *Lifetime*: must outlive the operations that were started on it, and be closed only after them.
class Socket {
public:
    Socket() noexcept = default;
    explicit Socket(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

    /// Makes a stream socket (TCP). *Errors*: std::system_error.
    static Socket stream(int family);

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
