// DatagramEndpoint: datagrams over UDP, or between processes. Each is whole or lost, in whatever
// order they come, and one without a byte is a datagram as well.
#pragma once

#include <ringio/base/byte_range.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/task.hpp>
#include <ringio/io/address.hpp>
#include <ringio/io/given_socket.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/streams/datagram_state.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ringio {

struct DatagramEndpointOptions {
    SocketAddress local = {};      ///< to bind to; port 0: a free one
    SocketAddress remote = {};     ///< whom it talks to, and nobody else
    int family = 0;                ///< without addresses: AF_INET, AF_INET6, AF_UNIX
    int proto = 0;                 ///< 0: the one that datagrams of the family have
    bool reuse_port = false;       ///< SO_REUSEPORT: several endpoints on one port
    bool allow_broadcast = false;  ///< SO_BROADCAST; then `remote` is not connected to
    GivenSocket sock = {};         ///< a datagram socket, in place of all of the above

    std::size_t limit = 64 * 1024;  ///< the longest datagram that is received whole, in bytes
    bool ignore_refused = false;    ///< recv() goes on when the remote refused a datagram
    bool cleanup_socket = true;     ///< the path that a Unix socket was bound to goes with it
};

/// Sends and receives datagrams; what the protocol and the transport of asyncio's
/// create_datagram_endpoint() do. A handle: copies refer to the same endpoint.
///
///     auto endpoint = co_await create_datagram_endpoint({.remote = server});
///     endpoint.send("question");
///     Datagram answer = co_await endpoint.recv();
///
/// *Lifetime*: when the last handle goes without close(), the endpoint is closed as by close().
class DatagramEndpoint {
public:
    explicit DatagramEndpoint(IntrusivePtr<detail::DatagramState> state) noexcept
        : state_(std::move(state)) {
        state_->add_handle();
    }
    DatagramEndpoint(const DatagramEndpoint& other) noexcept : DatagramEndpoint(other.state_) {}
    DatagramEndpoint(DatagramEndpoint&& other) noexcept = default;
    DatagramEndpoint& operator=(DatagramEndpoint other) noexcept {
        state_.swap(other.state_);
        return *this;
    }
    ~DatagramEndpoint() {
        if (state_) {
            state_->release_handle();
        }
    }

    /// Receives a datagram; does not wait when one is there. One coroutine may wait at a time. What
    /// comes while nobody receives is kept by the kernel, and lost when its buffer is full.
    ///
    /// *Errors*: std::system_error, once for each time that the kernel told of one, with the
    /// endpoint fit to go on: ECONNREFUSED when the remote has refused a datagram that was sent
    /// before, and what sending failed with. std::runtime_error when another coroutine waits, and
    /// when the endpoint is closed, be it meanwhile.
    /// *Cancellation*: at once; no datagram is lost, for what comes waits here for the next call.
    detail::DatagramReceive recv() const noexcept { return detail::DatagramReceive(state_); }

    /// The same into memory of the caller's. *Lifetime*: `buffer` must live until the await is
    /// over; it is written to within recv_into() only, whatever becomes of the await.
    detail::DatagramReceiveInto recv_into(std::span<char> buffer) const noexcept {
        return detail::DatagramReceiveInto(state_, buffer);
    }

    /// Sends a datagram to the remote address, or to `address`; at once, or when those before it
    /// are gone. Follow many by `co_await drain()`, lest what waits to be sent grow without bound.
    /// Once the endpoint is closed, it is dropped.
    ///
    /// What sending fails with (EMSGSIZE, EACCES, ENETUNREACH …) the next recv() or drain() throws;
    /// that the remote refused an earlier datagram the next recv() only, and this one is sent all
    /// the same. *Errors*: std::invalid_argument without an address, and when the endpoint has
    /// another remote one. *Python*: that an earlier one was refused costs asyncio this one.
    void send(std::string_view data) { state_->send(data); }
    template <ByteRange Range>
    void send(const Range& bytes) {
        send(detail::as_text(bytes));
    }
    void sendto(std::string_view data, const SocketAddress& address) {
        state_->sendto(data, address);
    }
    template <ByteRange Range>
    void sendto(const Range& bytes, const SocketAddress& address) {
        sendto(detail::as_text(bytes), address);
    }

    /// Waits while more than the high-water mark waits to be sent, until it is below the low one.
    /// *Errors*: std::system_error as send() says; std::runtime_error when the endpoint is closed.
    /// *Cancellation*: at once; what is to be sent is sent all the same.
    detail::DatagramDrain drain() const noexcept { return detail::DatagramDrain(state_); }

    /// Sets the marks, in bytes; each datagram counts 8 more than it has. As
    /// StreamWriter::set_write_buffer_limits().
    void set_write_buffer_limits(std::optional<std::size_t> high = {},
                                 std::optional<std::size_t> low = {});
    std::size_t get_write_buffer_size() const noexcept { return state_->pending_bytes(); }

    /// Closes the endpoint once everything is sent. Receives no more; who waits in recv() gets
    /// std::runtime_error. Returns at once. Idempotent.
    void close() noexcept { state_->close(); }
    /// Closes at once; what waits to be sent is lost.
    void abort() noexcept { state_->abort(); }
    bool is_closing() const noexcept { return state_->closing(); }
    /// Waits until it is closed. *Cancellation*: at once; the endpoint is not touched.
    detail::DatagramClose wait_closed() const noexcept { return detail::DatagramClose(state_); }

    /// The own address, and the remote one, also once it is closed.
    /// *Errors*: std::system_error (ENOTCONN) when there is no remote one.
    SocketAddress getsockname() const { return state_->own_address(); }
    SocketAddress getpeername() const { return state_->peer_address(); }

    /// Receives what is sent to a group of hosts (`group`: 224.0.0.0/4, ff00::/8), or no more of
    /// it, on one interface; 0: the kernel chooses. *Errors*: std::system_error that names it.
    void join_multicast(const SocketAddress& group, unsigned interface = 0);
    void leave_multicast(const SocketAddress& group, unsigned interface = 0);
    /// Whether this host hears what it sends to a group; over how many routers it goes (1); and on
    /// which interface. *Errors*: std::system_error.
    void set_multicast_loop(bool on);
    void set_multicast_ttl(int hops);
    void set_multicast_interface(unsigned interface);
    /// Whether it may send to a broadcast address. *Errors*: std::system_error.
    void set_broadcast(bool on);

    /// The socket, to ask for more and to set more options.
    const Socket& socket() const noexcept { return state_->socket(); }

private:
    IntrusivePtr<detail::DatagramState> state_;
};

/// Makes an endpoint of its own, bound to `local`, or connected to `remote`, or both. A socket of
/// this kind that is left over at the path of a Unix one is removed first.
///
/// *Errors*: std::system_error that names the address; std::invalid_argument: "unexpected address
/// family" without any address and family; "can not get address information" when the families
/// differ; for a limit of 0; for a given socket that is a stream, or comes with other options. The
/// socket stays the caller's then. *Cancellation*: no descriptor is left.
/// *Python*: addresses are not looked up here: getaddrinfo() does that.
Task<DatagramEndpoint> create_datagram_endpoint(const DatagramEndpointOptions& options);

}  // namespace ringio
