#include <ringio/streams/open_connection.hpp>

#include <ringio/base/system_calls.hpp>
#include <ringio/ring/control_requests.hpp>
#include <ringio/streams/resolve.hpp>
#include <ringio/tasks/staggered_race.hpp>

#include "sockets.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace ringio {
namespace {

using Addresses = std::vector<SocketAddress>;

// Kernel: a connect that was interrupted goes on by itself, and must not be asked for again;
// SO_ERROR has its result once the socket is writable. connect(2).
Task<int> finish_interrupted_connect(const Socket& socket) {
    const int polled = co_await Op<PollRequest>({.fd = socket.fd(), .mask = POLLOUT}).as_code();
    int error = 0;
    socklen_t length = sizeof(error);
    if (polled >= 0) {
        detail::system_calls->getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
    }
    co_return polled < 0 ? polled : -error;
}

// Binds to the first of `local` that goes; none: the kernel chooses.
void bind_to_one_of(const Addresses& local, const Socket& socket, int family) {
    std::exception_ptr refused;
    for (const SocketAddress& address : local) {
        if (address.family() != family) {
            continue;
        }
        try {
            return socket.bind(address);
        } catch (const std::system_error&) {
            refused = std::current_exception();
        }
    }
    if (refused) {
        std::rethrow_exception(refused);
    }
    if (!local.empty()) {
        throw std::system_error(EADDRNOTAVAIL, std::system_category(),
                                "no local address is of the family of the peer's");
    }
}

Socket make_socket(const SocketAddress& address, const std::string& what) {
    try {
        return Socket::stream(address.family());
    } catch (const std::system_error& error) {
        throw std::system_error(error.code(), what);
    }
}

// Tries one address. *Errors*: std::system_error that names it.
Task<Socket> connect_to(const SocketAddress& address, const Addresses& local) {
    const std::string what = "connect to " + address.to_string();
    Socket socket = make_socket(address, what);
    bind_to_one_of(local, socket, address.family());
    int result = co_await socket.connect(address).as_code();
    if (result == -EINTR) {
        result = co_await finish_interrupted_connect(socket);
    }
    if (result < 0) {
        throw std::system_error(-result, std::system_category(),
                                detail::describe_failure(-result, what));
    }
    co_return std::move(socket);
}

// Throws the one error, or, when they differ, one whose text has them all.
[[noreturn]] void throw_all(const std::vector<std::exception_ptr>& errors) {
    std::string text = "Multiple exceptions:";
    std::optional<std::error_code> code;
    bool all_same = true;
    for (const std::exception_ptr& each : errors) {
        try {
            std::rethrow_exception(each);
        } catch (const std::system_error& error) {
            all_same = all_same && (!code || *code == error.code());
            code = code.value_or(error.code());
            text.append(&each == &errors.front() ? " [" : ", [").append(error.what()).append("]");
        }
    }
    if (all_same) {
        std::rethrow_exception(errors.front());
    }
    throw std::system_error(*code, text);
}

// What one racer does.
struct Attempt {
    const SocketAddress* address;
    const Addresses* local;

    Task<Socket> operator()() const { return connect_to(*address, *local); }
};

Task<Socket> connect_to_one_of(const Addresses& addresses, const Addresses& local,
                               std::optional<Delay> stagger) {
    if (addresses.size() == 1) {
        co_return co_await connect_to(addresses.front(), local);
    }
    std::vector<Attempt> attempts;
    for (const SocketAddress& address : addresses) {
        attempts.push_back({&address, &local});
    }
    StaggeredRaceResult<Socket> race = co_await staggered_race(attempts, stagger);
    if (!race.value) {
        throw_all(race.exceptions);
    }
    co_return std::move(*race.value);
}

// The arguments of open_connection(), checked, and owned.
struct Target {
    std::string host;
    std::uint16_t port;
    std::string local_host;
    std::uint16_t local_port;
    int family;
    std::optional<Delay> stagger;
    std::size_t limit;
    detail::OwnedTls tls;
};

Task<Connection> connect(Target target) {
    Addresses local;
    if (!target.local_host.empty() || target.local_port != 0) {
        local = co_await resolve(target.local_host, target.local_port, true, target.family);
    }
    Addresses addresses = co_await resolve(target.host, target.port, false, target.family);
    if (target.stagger) {
        addresses = detail::interleaved(addresses);
    }
    Socket socket = co_await connect_to_one_of(addresses, local, target.stagger);
    socket.set_no_delay();
    co_return co_await detail::connection_over(std::move(socket),
                                               host_and_port(target.host, target.port),
                                               target.limit, std::move(target.tls));
}

void require_limit(const ConnectionOptions& options) {
    if (options.limit == 0) {
        throw std::invalid_argument("open_connection: the limit is 0; a reader needs a buffer");
    }
}

}  // namespace

Task<Connection> detail::connection_over(Socket socket, std::string peer, std::size_t limit,
                                         OwnedTls tls) {
    const IntrusivePtr<StreamState> state(
        new StreamState(get_running_loop(), std::move(socket), std::move(peer), limit));
    Connection connection{StreamReader(state), StreamWriter(state)};
    if (tls) {
        co_await secure(state, std::move(tls));
    }
    co_return std::move(connection);
}

Task<Connection> detail::take_over(UniqueFd fd, std::size_t limit, OwnedTls tls) {
    Socket socket = Socket::adopted(std::move(fd));
    socket.set_no_delay();
    std::string peer = peer_text(socket);
    co_return co_await connection_over(std::move(socket), std::move(peer), limit, std::move(tls));
}

Task<Connection> open_connection(std::string host, long port, const ConnectionOptions& options) {
    if (host.empty()) {
        throw std::invalid_argument("open_connection: the host is empty; give a name or address");
    }
    if (options.sock) {
        throw std::invalid_argument(
            "open_connection: host and port, and a socket as well; give one of them");
    }
    require_limit(options);
    const std::uint16_t checked = detail::checked_port("open_connection", port);
    detail::OwnedTls tls = detail::tls_of_client(options.tls, detail::start_tls_options(options),
                                                 host, host_and_port(host, checked));
    return connect({.host = std::move(host),
                    .port = checked,
                    .local_host = std::string(options.local_addr.host),
                    .local_port = detail::checked_port("open_connection", options.local_addr.port),
                    .family = options.family,
                    .stagger = options.happy_eyeballs_delay,
                    .limit = options.limit,
                    .tls = std::move(tls)});
}

Task<Connection> open_connection(const ConnectionOptions& options) {
    if (!options.sock) {
        throw std::invalid_argument("open_connection: neither host and port nor a socket");
    }
    require_limit(options);
    detail::require_stream_socket("open_connection", options.sock);
    detail::OwnedTls tls =
        detail::tls_of_client(options.tls, detail::start_tls_options(options), {}, {});
    return detail::take_over(options.sock.take(), options.limit, std::move(tls));
}

}  // namespace ringio
