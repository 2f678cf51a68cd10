#include <ringio/streams/open_connection.hpp>

#include <ringio/ring/control_requests.hpp>
#include <ringio/streams/resolve.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace ringio {
namespace {

struct Attempts {
    std::vector<std::error_code> codes;
    std::vector<std::string> targets;

    void add(int error, const SocketAddress& address) {
        codes.emplace_back(error, std::system_category());
        targets.push_back("connect to " + address.to_string());
    }

    [[noreturn]] void fail() const {
        bool all_same = true;
        std::string text = "Multiple exceptions:";
        for (std::size_t index = 0; index < codes.size(); ++index) {
            all_same = all_same && codes[index] == codes.front();
            text +=
                (index == 0 ? " [" : ", [") + targets[index] + ": " + codes[index].message() + "]";
        }
        throw std::system_error(codes.front(), all_same ? targets.front() : text);
    }
};

// Kernel: a connect that was interrupted goes on by itself, and must not be asked for again;
// SO_ERROR has its result once the socket is writable. connect(2).
Task<int> finish_interrupted_connect(const Socket& socket) {
    const int polled = co_await Op<PollRequest>({.fd = socket.fd(), .mask = POLLOUT}).as_code();
    int error = 0;
    socklen_t length = sizeof(error);
    if (polled >= 0) {
        ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
    }
    co_return polled < 0 ? polled : -error;
}

// Returns no socket when the kernel refuses; says so in `attempts`.
Task<Socket> try_connect(SocketAddress address, Attempts& attempts) {
    Socket socket;
    int result = 0;
    try {
        socket = Socket::stream(address.family());
    } catch (const std::system_error& error) {
        result = -error.code().value();
    }
    if (result == 0) {
        result = co_await socket.connect(address).as_code();
    }
    if (result == -EINTR) {
        result = co_await finish_interrupted_connect(socket);
    }
    if (result < 0) {
        attempts.add(-result, address);
        co_return Socket();
    }
    co_return std::move(socket);
}

Task<Connection> connect(std::string host, std::uint16_t port, ConnectionOptions options) {
    const std::vector<SocketAddress> addresses = co_await resolve(host, port);
    Attempts attempts;
    for (const SocketAddress& address : addresses) {
        Socket socket = co_await try_connect(address, attempts);
        if (socket) {
            socket.set_no_delay();
            const IntrusivePtr<detail::StreamState> state(new detail::StreamState(
                get_running_loop(), std::move(socket), host_and_port(host, port), options.limit));
            co_return Connection(StreamReader(state), StreamWriter(state));
        }
    }
    attempts.fail();
}

}  // namespace

Task<Connection> open_connection(std::string host, long port, const ConnectionOptions& options) {
    if (host.empty()) {
        throw std::invalid_argument("open_connection: the host is empty; give a name or address");
    }
    if (options.limit == 0) {
        throw std::invalid_argument("open_connection: the limit is 0; a reader needs a buffer");
    }
    return connect(std::move(host), detail::checked_port("open_connection", port), options);
}

}  // namespace ringio
