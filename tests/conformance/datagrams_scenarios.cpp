// Datagrams: create_datagram_endpoint(), Socket::sendto() and its like; names.
#include <ringio/streams/datagram_endpoint.hpp>
#include <ringio/streams/names.hpp>
#include <ringio/streams/resolve.hpp>
#include <ringio/tasks.hpp>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "net.hpp"

namespace ringio::conformance {
namespace {

SocketAddress at(const char* host, std::uint16_t port) {
    return *SocketAddress::from_literal(host, port);
}
SocketAddress anywhere() { return at("127.0.0.1", 0); }

/// A plain socket for datagrams.
class Bound {
public:
    explicit Bound(const SocketAddress& address = anywhere())
        : socket_(Socket::datagram(address.family())) {
        socket_.bind(address);
        const timeval patience = {.tv_sec = 5, .tv_usec = 0};
        socket_.setsockopt(SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    }

    const Socket& socket() const { return socket_; }
    SocketAddress address() const { return socket_.getsockname(); }
    void sendto(std::string_view data, const SocketAddress& to) const {
        static_cast<void>(
            ::sendto(socket_.fd(), data.data(), data.size(), 0, to.data(), to.size()));
    }
    std::string receive() const { return receive_from(socket_.fd()); }
    static std::string receive_from(int fd) {
        char buffer[64];
        const ssize_t size = ::recv(fd, buffer, sizeof(buffer), 0);
        return {buffer, size > 0 ? static_cast<std::size_t>(size) : 0};
    }
    UniqueFd take() { return UniqueFd(::dup(socket_.fd())); }

private:
    Socket socket_;
};

SocketAddress silent_address() { return Bound().address(); }

Task<DatagramEndpoint> endpoint(DatagramEndpointOptions options) {
    co_return co_await create_datagram_endpoint(options);
}

Task<Datagram> next_of(DatagramEndpoint receiver) { co_return co_await receiver.recv(); }

std::string name_of(int error) { return ::strerrorname_np(error); }

Task<std::string> heard(DatagramEndpoint receiver) {
    try {
        const Datagram datagram = co_await wait_for(next_of(receiver), 1s);
        co_return "[" + datagram.data + "]";
    } catch (const TimeoutError&) {
        co_return "nothing";
    } catch (const std::system_error& error) {
        co_return name_of(error.code().value());
    }
}

std::string before(const std::string& text, const char* end) {
    return text.substr(0, text.find(end));
}

Task<std::string> refused_with(DatagramEndpointOptions options) {
    try {
        const DatagramEndpoint made = co_await create_datagram_endpoint(options);
    } catch (const std::invalid_argument& error) {
        co_return "ValueError " + before(error.what(), " (");
    } catch (const std::system_error& error) {
        co_return name_of(error.code().value());
    }
    co_return "nothing";
}

void log_refusal_to_send(DatagramEndpoint& sender, const SocketAddress& to) {
    try {
        sender.sendto("to another", to);
    } catch (const std::invalid_argument& error) {
        log(before(error.what(), " or "));
    }
}

struct FullPair {
    DatagramEndpoint client;
    UniqueFd peer;
    int count = 0;
};

/// Two sockets, the first connected to the second.
std::pair<UniqueFd, UniqueFd> unix_pair() {
    int fds[2] = {-1, -1};
    static_cast<void>(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds));
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Task<FullPair> full_pair() {
    auto [near, far] = unix_pair();
    DatagramEndpoint client = co_await create_datagram_endpoint({.sock = std::move(near)});
    int count = 0;
    while (client.get_write_buffer_size() == 0) {
        client.send(std::to_string(count++));
        if (client.get_write_buffer_size() != 0) {
            co_await turns(3);  // it may have been the budget of the turn
        }
    }
    FullPair pair{std::move(client), std::move(far), count};
    co_return pair;
}

Task<> ended_of(DatagramEndpoint sender) { co_await sender.wait_closed(); }

Task<std::string> take_all(const FullPair& pair) {
    const TaskHandle<> ended = create_task(ended_of(pair.client));
    int count = 0;
    for (;;) {
        char buffer[64];
        const ssize_t size = ::recv(pair.peer.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
        if (size >= 0) {
            if (std::string(buffer, static_cast<std::size_t>(size)) != std::to_string(count)) {
                co_return "out of order";
            }
            ++count;
        } else if (errno == EAGAIN) {
            if (ended.done()) {
                co_return std::to_string(count);
            }
            co_await sleep(0s);
        }
    }
}

Task<std::string> gaierror(Task<std::vector<AddressInfo>> looking) {
    try {
        static_cast<void>(co_await std::move(looking));
    } catch (const std::system_error& error) {
        co_return std::to_string(error.code().value());
    }
    co_return "none";
}

}  // namespace

CONFORMS("datagrams.echo") {
    DatagramEndpoint server = co_await endpoint({.local = anywhere()});
    DatagramEndpoint client = co_await endpoint({.remote = server.getsockname()});
    client.send("question");
    const Datagram question = co_await server.recv();
    log(question.data, question.from == client.getsockname());
    server.sendto("answer", question.from);
    const Datagram answer = co_await client.recv();
    log(answer.data, answer.from == server.getsockname());
}

CONFORMS("datagrams.ipv6") {
    const DatagramEndpoint server = co_await endpoint({.local = at("::1", 0)});
    DatagramEndpoint client = co_await endpoint({.remote = server.getsockname()});
    client.send("question");
    const Datagram question = co_await server.recv();
    log(question.data, question.from.host());
}

CONFORMS("datagrams.empty") {
    const DatagramEndpoint server = co_await endpoint({.local = anywhere()});
    const Bound peer;
    peer.sendto("", server.getsockname());
    peer.sendto("x", server.getsockname());
    const std::string first = co_await heard(server);
    const std::string second = co_await heard(server);
    log(first, second);
}

CONFORMS("datagrams.local_and_remote") {
    const Bound peer;
    DatagramEndpoint both = co_await endpoint({.local = anywhere(), .remote = peer.address()});
    both.send("once");
    log(peer.receive());
    const Bound stranger;
    stranger.sendto("a stranger's", both.getsockname());
    peer.sendto("mine", both.getsockname());
    const std::string first = co_await heard(both);
    const std::string second = co_await heard(both);
    log(first, second);
}

CONFORMS("datagrams.other_address") {
    const Bound peer;
    const Bound stranger;
    DatagramEndpoint client = co_await endpoint({.remote = peer.address()});
    client.sendto("to the one", peer.address());
    log(peer.receive());
    log_refusal_to_send(client, stranger.address());
}

CONFORMS("datagrams.refused") {
    const SocketAddress remote = silent_address();
    DatagramEndpoint client = co_await endpoint({.remote = remote});
    client.send("anybody?");
    const std::string first = co_await heard(client);
    const std::string second = co_await heard(client);
    log(first, second);
    const Bound peer(remote);
    peer.sendto("here", client.getsockname());
    const std::string third = co_await heard(client);
    log(third);
}

CONFORMS("datagrams.non_listening") {
    DatagramEndpoint client = co_await endpoint({.local = anywhere()});
    client.sendto("anybody?", silent_address());
    const std::string first = co_await heard(client);
    log(first);
}

CONFORMS("datagrams.too_long") {
    const Bound peer;
    DatagramEndpoint client = co_await endpoint({.remote = peer.address()});
    client.send(std::string(65508, 'x'));
    const std::string first = co_await heard(client);
    log(first);
    client.send("short");
    log(peer.receive());
}

CONFORMS("datagrams.allow_broadcast") {
    const Bound peer;
    const Bound stranger;
    DatagramEndpoint client =
        co_await endpoint({.local = anywhere(), .remote = peer.address(), .allow_broadcast = true});
    client.send("x");
    log(peer.receive());
    stranger.sendto("from anybody", client.getsockname());
    const std::string first = co_await heard(client);
    log(first);
    log_refusal_to_send(client, stranger.address());
}

CONFORMS("datagrams.close_flushes") {
    FullPair pair = co_await full_pair();
    pair.client.close();
    const std::string taken = co_await take_all(pair);
    log(taken == std::to_string(pair.count));
}

CONFORMS("datagrams.abort_drops") {
    FullPair pair = co_await full_pair();
    pair.client.abort();
    co_await pair.client.wait_closed();
    const std::string taken = co_await take_all(pair);
    log(taken == std::to_string(pair.count - 1));
}

CONFORMS("datagrams.send_after_close") {
    const Bound peer;
    DatagramEndpoint client = co_await endpoint({.remote = peer.address()});
    client.close();
    co_await client.wait_closed();
    log(client.is_closing());
    client.close();
}

CONFORMS("datagrams.no_address") {
    const std::string nothing = co_await refused_with({});
    log(nothing);
    const std::string both = co_await refused_with({.local = anywhere(), .remote = at("::1", 1)});
    log(both);
    const std::string family = co_await refused_with({.family = AF_INET});
    log(family);
}

CONFORMS("datagrams.cannot_bind") {
    const Bound socket;
    const std::string used = co_await refused_with({.local = socket.address()});
    log(used);
    const std::string foreign = co_await refused_with({.local = at("192.0.2.1", 0)});
    log(foreign);
}

CONFORMS("datagrams.cannot_connect") {
    const std::string refused = co_await refused_with({.remote = at("255.255.255.255", 9)});
    log(refused);
}

CONFORMS("datagrams.reuse_port") {
    const DatagramEndpoint first = co_await endpoint({.local = anywhere(), .reuse_port = true});
    const DatagramEndpoint second =
        co_await endpoint({.local = first.getsockname(), .reuse_port = true});
    log(first.getsockname() == second.getsockname());
}

CONFORMS("datagrams.sock") {
    auto [near, far] = unix_pair();
    DatagramEndpoint paired = co_await create_datagram_endpoint({.sock = std::move(near)});
    paired.send("x");
    log(Bound::receive_from(far.get()));
    Bound socket;
    UniqueFd fd = socket.take();
    const DatagramEndpoint client = co_await create_datagram_endpoint({.sock = std::move(fd)});
    log(client.getsockname() == socket.address());
}

CONFORMS("datagrams.sock_options") {
    Bound socket;
    UniqueFd fd = socket.take();
    const std::string local = co_await refused_with({.local = anywhere(), .sock = std::move(fd)});
    log(local);
    const std::string family = co_await refused_with({.family = AF_INET, .sock = std::move(fd)});
    log(family);
    const std::string port = co_await refused_with({.reuse_port = true, .sock = std::move(fd)});
    log(port);
    const std::string broadcast =
        co_await refused_with({.allow_broadcast = true, .sock = std::move(fd)});
    log(broadcast);
    UniqueFd stream(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const std::string refused = co_await refused_with({.sock = std::move(stream)});
    log(before(refused, " "));
}

CONFORMS("datagrams.unix") {
    char folder[] = "/tmp/ringio_conforms_XXXXXX";
    static_cast<void>(::mkdtemp(folder));
    const std::string path = std::string(folder) + "/socket";
    const SocketAddress address = SocketAddress::unix_path(path);
    {
        const Bound left(address);
    }
    {
        const DatagramEndpoint server = co_await endpoint({.local = address});
        DatagramEndpoint client = co_await endpoint({.remote = address});
        client.send("x");
        const std::string first = co_await heard(server);
        log(first);
    }
    if (std::FILE* const file = std::fopen(path.c_str(), "w")) {
        std::fclose(file);
    }
    const std::string refused = co_await refused_with({.local = address});
    log(refused);
    ::unlink(path.c_str());
    ::rmdir(folder);
}

CONFORMS("datagrams.sock_recvfrom") {
    const Bound first;
    const Bound second;
    char buffer[64];
    TaskHandle<ReceivedFrom> receiving = create_task(first.socket().recvfrom(buffer));
    co_await turns(3);
    const std::size_t sent = co_await second.socket().sendto("hello", first.address());
    log(sent);
    const ReceivedFrom hello = co_await receiving;
    log(std::string(buffer, hello.size), hello.from == second.address());
    static_cast<void>(co_await second.socket().sendto("world", first.address()));
    const ReceivedFrom world = co_await first.socket().recvfrom(buffer);
    log(std::string(buffer, world.size), world.from == second.address());
}

CONFORMS("datagrams.sock_non_listening") {
    const Bound bound;
    const std::size_t sent = co_await bound.socket().sendto("x", silent_address());
    log(sent);
    char buffer[64];
    try {
        static_cast<void>(co_await wait_for(bound.socket().recvfrom(buffer), 1s));
    } catch (const TimeoutError&) {
        log("nothing");
    }
}

CONFORMS("datagrams.getaddrinfo") {
    EventLoop& loop = get_running_loop();
    for (const char* host : {"127.0.0.1", "::1", ""}) {
        for (const int type : {0, int{SOCK_STREAM}, int{SOCK_DGRAM}}) {
            const AddressHints hints = {.type = type, .flags = AI_PASSIVE};
            const std::vector<AddressInfo> found = co_await loop.getaddrinfo(host, 80, hints);
            for (const AddressInfo& each : found) {
                log(*host != '\0' ? host : "None", each.family, each.type, each.protocol,
                    "[" + each.canonname + "]", each.address.host(), int{each.address.port()});
            }
        }
    }
    const AddressHints named = {.type = SOCK_STREAM, .flags = AI_CANONNAME};
    const std::vector<AddressInfo> found = co_await loop.getaddrinfo("127.0.0.1", "80", named);
    log(found.at(0).canonname, int{found.at(0).address.port()});
}

CONFORMS("datagrams.getaddrinfo_errors") {
    EventLoop& loop = get_running_loop();
    const std::string service = co_await gaierror(loop.getaddrinfo("127.0.0.1", "no such service"));
    log(service);
    const std::string family =
        co_await gaierror(loop.getaddrinfo("127.0.0.1", 80, {.family = AF_INET6}));
    log(family);
    const std::string type = co_await gaierror(loop.getaddrinfo("127.0.0.1", 80, {.type = 77}));
    log(type);
    const std::string nothing = co_await gaierror(loop.getaddrinfo("", ""));
    log(nothing);
    const std::string host =
        co_await gaierror(loop.getaddrinfo("a host", 80, {.flags = AI_NUMERICHOST}));
    log(host);
}

CONFORMS("datagrams.getnameinfo") {
    EventLoop& loop = get_running_loop();
    constexpr int numeric = NI_NUMERICHOST | NI_NUMERICSERV;
    for (const SocketAddress& address : {at("127.0.0.1", 80), at("::1", 8080)}) {
        const auto [host, service] = co_await loop.getnameinfo(address, numeric);
        log(host, service);
    }
    try {
        static_cast<void>(co_await loop.getnameinfo(at("192.0.2.1", 80), numeric | NI_NAMEREQD));
    } catch (const std::system_error& error) {
        log(error.code().value());
    }
}

}  // namespace ringio::conformance
