#include <ringio/io/socket_fds.hpp>

#include <ringio/base/system_calls.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace ringio {
namespace {

/// A message with room for descriptors beside its bytes, which it closes unless they are taken.
class FdMessage {
public:
    FdMessage(void* data, std::size_t size, std::size_t max_fds)
        : part_{data, size},
          control_size_(max_fds == 0 ? 0 : CMSG_SPACE(max_fds * sizeof(int))),
          control_(std::make_unique<unsigned char[]>(control_size_)) {
        header_.msg_iov = &part_;
        header_.msg_iovlen = 1;
        header_.msg_control = control_.get();
        header_.msg_controllen = control_size_;
    }
    FdMessage(const FdMessage&) = delete;
    FdMessage& operator=(const FdMessage&) = delete;
    // Before the kernel has answered there is nothing but zeros.
    ~FdMessage() {
        for (const int fd : fds()) {
            const UniqueFd closed(fd);
        }
    }

    msghdr* header() noexcept { return &header_; }

    void put(std::span<const int> fds) noexcept {
        cmsghdr* const first = CMSG_FIRSTHDR(&header_);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(first), fds.data(), fds.size_bytes());
    }
    void forget() noexcept { header_.msg_controllen = 0; }

    std::vector<UniqueFd> take() {
        std::vector<UniqueFd> taken;
        const std::span<const int> present = fds();
        taken.reserve(present.size());
        for (const int fd : present) {
            taken.emplace_back(fd);
        }
        forget();
        return taken;
    }

private:
    std::span<const int> fds() const noexcept {
        const cmsghdr* const first = CMSG_FIRSTHDR(&header_);
        if (first == nullptr || first->cmsg_len < CMSG_LEN(0) || first->cmsg_level != SOL_SOCKET ||
            first->cmsg_type != SCM_RIGHTS) {
            return {};
        }
        const std::size_t count = (first->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        return {reinterpret_cast<const int*>(CMSG_DATA(first)), count};
    }

    iovec part_;
    std::size_t control_size_;
    std::unique_ptr<unsigned char[]> control_;
    msghdr header_ = {};
};

Task<> send_all_with(const Socket& socket, std::string_view data, std::vector<int> fds) {
    std::string_view rest = data;
    if (!fds.empty()) {
        FdMessage message(const_cast<char*>(data.data()), data.size(), fds.size());
        message.put(fds);
        const Op<SendMsgRequest> sending({.fd = socket.fd(), .message = message.header()});
        int sent = 0;
        try {
            sent = co_await sending;
        } catch (...) {
            message.forget();  // they are the caller's
            throw;
        }
        message.forget();
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    while (!rest.empty()) {
        const int sent = co_await socket.send(rest);
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

Task<ReceivedFds> receive_with(const Socket& socket, std::size_t size, std::size_t max_fds) {
    std::string data(size, '\0');
    FdMessage message(data.data(), data.size(), max_fds);
    const int received =
        co_await Op<RecvMsgRequest>({.fd = socket.fd(), .message = message.header()});
    if ((message.header()->msg_flags & MSG_CTRUNC) != 0) {
        throw std::system_error(EMSGSIZE, std::system_category(),
                                "recv_fds: more descriptors came than there was room for, " +
                                    std::to_string(max_fds) + "; all of them were closed");
    }
    data.resize(static_cast<std::size_t>(received));
    std::vector<UniqueFd> fds = message.take();
    co_return ReceivedFds(std::move(data), std::move(fds));
}

}  // namespace

PeerCredentials peer_credentials(const Socket& socket) {
    ucred credentials = {};
    socklen_t length = sizeof(credentials);
    int error = 0;
    if (detail::system_calls->getsockopt(socket.fd(), SOL_SOCKET, SO_PEERCRED, &credentials,
                                         &length) != 0) {
        error = errno;
    } else if (credentials.pid == 0) {  // Kernel: what is no connected Unix socket says so
        error = ENOTCONN;
    }
    if (error != 0) {
        throw std::system_error(error, std::system_category(),
                                "peer_credentials: not a connected Unix socket");
    }
    return {credentials.pid, credentials.uid, credentials.gid};
}

Task<> send_fds(const Socket& socket, std::string_view data, std::span<const int> fds) {
    if (data.empty()) {
        throw std::invalid_argument("send_fds: descriptors go with at least one byte of data");
    }
    if (fds.size() > max_fds_per_message) {
        throw std::invalid_argument("send_fds: " + std::to_string(fds.size()) +
                                    " descriptors; one message carries 253");
    }
    return send_all_with(socket, data, std::vector<int>(fds.begin(), fds.end()));
}

Task<ReceivedFds> recv_fds(const Socket& socket, std::size_t size, std::size_t max_fds) {
    if (size == 0) {
        throw std::invalid_argument("recv_fds: a size of 0; descriptors come with bytes");
    }
    return receive_with(socket, size, std::min(max_fds, max_fds_per_message));
}

}  // namespace ringio
