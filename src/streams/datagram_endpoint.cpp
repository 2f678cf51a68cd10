#include <ringio/streams/datagram_endpoint.hpp>

#include <ringio/base/system_calls.hpp>
#include <ringio/core/op.hpp>

#include "water_marks.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include <netinet/in.h>
#include <sys/socket.h>

namespace ringio {
namespace {

using detail::DatagramState;

// The options that a given socket leaves nothing to say for, as asyncio names them.
std::string options_beside_socket(const DatagramEndpointOptions& options) {
    std::string text;
    const auto add = [&text](const char* name, const std::string& value) {
        text.append(text.empty() ? "" : ", ").append(name).append("=").append(value);
    };
    if (options.local.family() != AF_UNSPEC) {
        add("local", options.local.to_string());
    }
    if (options.remote.family() != AF_UNSPEC) {
        add("remote", options.remote.to_string());
    }
    if (options.family != 0) {
        add("family", std::to_string(options.family));
    }
    if (options.proto != 0) {
        add("proto", std::to_string(options.proto));
    }
    if (options.reuse_port) {
        add("reuse_port", "true");
    }
    if (options.allow_broadcast) {
        add("allow_broadcast", "true");
    }
    return text;
}

void require_datagram_socket(const GivenSocket& given) {
    const std::string which = " (file descriptor " + std::to_string(given.fd()) + ")";
    if (given.fd() < 0) {
        throw std::invalid_argument(
            "create_datagram_endpoint: the socket is empty; its descriptor was moved");
    }
    int type = 0;
    socklen_t length = sizeof(type);
    if (detail::system_calls->getsockopt(given.fd(), SOL_SOCKET, SO_TYPE, &type, &length) != 0) {
        throw std::system_error(errno, std::system_category(),
                                "create_datagram_endpoint: not a socket" + which);
    }
    if (type != SOCK_DGRAM && type != SOCK_RAW) {
        throw std::invalid_argument("A datagram socket was expected, got a stream" + which);
    }
}

// The family of the addresses, or that of the option.
int family_of(const DatagramEndpointOptions& options) {
    int family = options.family;
    for (const int each : {options.local.family(), options.remote.family()}) {
        if (each != AF_UNSPEC && family != AF_UNSPEC && each != family) {
            throw std::invalid_argument("can not get address information");
        }
        family = family != AF_UNSPEC ? family : each;
    }
    if (family == AF_UNSPEC) {
        throw std::invalid_argument("unexpected address family");
    }
    return family;
}

DatagramEndpoint endpoint_over(DatagramState::Setup setup) {
    return DatagramEndpoint(
        IntrusivePtr<DatagramState>(new DatagramState(get_running_loop(), std::move(setup))));
}

Task<DatagramEndpoint> make_endpoint(DatagramEndpointOptions options, int family) {
    DatagramState::Setup setup;
    setup.socket = Socket::datagram(family, options.proto);
    setup.remote = options.remote;
    setup.ignore_refused = options.ignore_refused;
    setup.limit = options.limit;
    if (options.reuse_port) {
        setup.socket.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1);
    }
    if (options.allow_broadcast) {
        setup.socket.setsockopt(SOL_SOCKET, SO_BROADCAST, 1);
    }
    if (options.local.family() != AF_UNSPEC) {
        setup.path = detail::BoundPath::bind(setup.socket, options.local);
        if (!options.cleanup_socket) {
            setup.path.release();
        }
    }
    if (options.remote.family() != AF_UNSPEC && !options.allow_broadcast) {
        const int result = co_await setup.socket.connect(options.remote).as_code();
        if (result < 0) {
            const std::string what = "connect to " + options.remote.to_string();
            throw std::system_error(-result, std::system_category(),
                                    detail::describe_failure(-result, what));
        }
        setup.is_connected = true;
    }
    co_return endpoint_over(std::move(setup));
}

Task<DatagramEndpoint> take_over(UniqueFd fd, DatagramEndpointOptions options) {
    DatagramState::Setup setup;
    setup.socket = Socket::adopted(std::move(fd));
    setup.ignore_refused = options.ignore_refused;
    setup.limit = options.limit;
    try {
        setup.remote = setup.socket.getpeername();
        setup.is_connected = true;
    } catch (const std::system_error&) {  // each datagram says where it goes
    }
    co_return endpoint_over(std::move(setup));
}

// Both levels of options have their own numbers for the same.
struct MulticastOptions {
    int level;
    int loop;
    int hops;
};

MulticastOptions multicast_options(const SocketAddress& own) {
    return own.family() == AF_INET6
               ? MulticastOptions{IPPROTO_IPV6, IPV6_MULTICAST_LOOP, IPV6_MULTICAST_HOPS}
               : MulticastOptions{IPPROTO_IP, IP_MULTICAST_LOOP, IP_MULTICAST_TTL};
}

void change_group(const Socket& socket, int option, const SocketAddress& group,
                  unsigned interface) {
    group_req request = {};
    request.gr_interface = interface;
    std::memcpy(&request.gr_group, group.data(), group.size());
    const int level = group.family() == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
    try {
        socket.setsockopt(level, option, &request, sizeof(request));
    } catch (const std::system_error& error) {
        const char* const what = option == MCAST_JOIN_GROUP ? "join" : "leave";
        throw std::system_error(error.code(),
                                std::string(what) + " multicast group " + group.to_string());
    }
}

}  // namespace

Task<DatagramEndpoint> create_datagram_endpoint(const DatagramEndpointOptions& options) {
    if (options.limit == 0) {
        throw std::invalid_argument(
            "create_datagram_endpoint: the limit is 0; a datagram needs room");
    }
    if (!options.sock) {
        return make_endpoint(options, family_of(options));
    }
    require_datagram_socket(options.sock);
    const std::string problems = options_beside_socket(options);
    if (!problems.empty()) {
        throw std::invalid_argument(
            "socket modifier keyword arguments can not be used when sock is specified. (" +
            problems + ")");
    }
    return take_over(options.sock.take(), options);
}

void DatagramEndpoint::set_write_buffer_limits(std::optional<std::size_t> high,
                                               std::optional<std::size_t> low) {
    const detail::WaterMarks marks = detail::water_marks_of(high, low);
    state_->set_water_marks(marks.high, marks.low);
}

void DatagramEndpoint::join_multicast(const SocketAddress& group, unsigned interface) {
    change_group(socket(), MCAST_JOIN_GROUP, group, interface);
}

void DatagramEndpoint::leave_multicast(const SocketAddress& group, unsigned interface) {
    change_group(socket(), MCAST_LEAVE_GROUP, group, interface);
}

void DatagramEndpoint::set_multicast_loop(bool on) {
    const MulticastOptions options = multicast_options(getsockname());
    socket().setsockopt(options.level, options.loop, on ? 1 : 0);
}

void DatagramEndpoint::set_multicast_ttl(int hops) {
    const MulticastOptions options = multicast_options(getsockname());
    socket().setsockopt(options.level, options.hops, hops);
}

void DatagramEndpoint::set_multicast_interface(unsigned interface) {
    if (getsockname().family() == AF_INET6) {
        socket().setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(interface));
        return;
    }
    ip_mreqn request = {};
    request.imr_ifindex = static_cast<int>(interface);
    socket().setsockopt(IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request));
}

void DatagramEndpoint::set_broadcast(bool on) {
    socket().setsockopt(SOL_SOCKET, SO_BROADCAST, on ? 1 : 0);
}

}  // namespace ringio
