// What only Unix sockets do: pass descriptors on to another process, and say who that is.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/io/socket.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace ringio {

/// The other process of a Unix connection, as it was when it connected.
struct PeerCredentials {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
};

/// Asks the kernel, which nobody can lie to. *Errors*: std::system_error that says so when it is no
/// Unix socket, or not connected.
PeerCredentials peer_credentials(const Socket& socket);

/// The most descriptors that one message carries.
inline constexpr std::size_t max_fds_per_message = 253;

/// Sends all of `data`, and with its first byte copies of `fds`; as socket.send_fds. The sender
/// keeps its own.
///
/// *Errors*: std::invalid_argument for no data, which nothing could go with, or more descriptors
/// than one message carries; std::system_error. *Cancellation*: what was sent is sent.
/// *Lifetime*: `socket` and `data` must live until the await is over; `fds` until the call is.
Task<> send_fds(const Socket& socket, std::string_view data, std::span<const int> fds);

/// What recv_fds() gives.
struct ReceivedFds {
    ReceivedFds(std::string received_data, std::vector<UniqueFd> received_fds)
        : data(std::move(received_data)), fds(std::move(received_fds)) {}
    ReceivedFds(ReceivedFds&&) noexcept = default;
    ReceivedFds& operator=(ReceivedFds&&) noexcept = default;
    ~ReceivedFds() = default;

    std::string data;           ///< empty: the end of the stream
    std::vector<UniqueFd> fds;  ///< close-on-exec
};

/// Receives up to `size` bytes, and up to `max_fds` descriptors that come with them; as
/// socket.recv_fds. Only on a socket that nobody else reads: bytes that a stream takes lose theirs.
///
/// *Errors*: std::system_error, EMSGSIZE when more descriptors came than were asked for, or this
/// process has no room for them: then all of them are closed. std::invalid_argument for a size of
/// 0. *Cancellation*: no byte and no descriptor is lost. *Lifetime*: `socket` must live until the
/// await is over.
Task<ReceivedFds> recv_fds(const Socket& socket, std::size_t size,
                           std::size_t max_fds = max_fds_per_message);

}  // namespace ringio
