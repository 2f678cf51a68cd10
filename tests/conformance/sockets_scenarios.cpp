// Sockets below the streams: connect, accept, send and receive.
#include "net.hpp"

#include <sys/un.h>
#include <cstring>

namespace ringio::conformance {
namespace {

std::string pattern() {
    std::string all;
    for (int round = 0; round < 100'000; ++round) {
        all += "0123456789";
    }
    return all;
}

SocketAddress loopback(std::uint16_t port) {
    return *SocketAddress::from_literal("127.0.0.1", port);
}

Task<> connect_to(const Socket& socket, SocketAddress address) { co_await socket.connect(address); }

/// Sends all of it.
Task<> send_all(const Socket& socket, std::string data) {
    std::string_view rest = data;
    while (!rest.empty()) {
        const int sent = co_await socket.send(rest);
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

/// Receives once.
Task<std::string> receive(const Socket& socket, std::size_t size = 1024) {
    std::string data(size, '\0');
    const int count = co_await socket.recv(data);
    data.resize(static_cast<std::size_t>(count));
    co_return data;
}

/// A socket and its peer.
struct Pair {
    Pair(Socket own, RawSocket other) : socket(std::move(own)), peer(std::move(other)) {}

    Socket socket;
    Peer peer;
};

Task<Pair> pair() {
    const RawSocket listener = RawSocket::listening();
    Socket socket = Socket::stream(AF_INET);
    co_await connect_to(socket, loopback(listener.port()));
    co_return Pair(std::move(socket), listener.accept());
}

/// Sends back what comes, to the end.
Task<> echo_all(const Peer& peer) {
    const std::string data = co_await peer.take(1'000'000);
    std::string_view rest = data;
    while (!rest.empty()) {
        const ssize_t sent = ::send(peer.socket().fd(), rest.data(), rest.size(), MSG_DONTWAIT);
        rest.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
        co_await sleep(0s);
    }
    peer.end();
}

CONFORMS("sockets.client_ops") {
    Pair ends = co_await pair();
    co_await send_all(ends.socket, "question");
    log(co_await got(ends.peer.take(8)));
    ends.peer.send("answer");
    log(co_await got(receive(ends.socket)));
    ends.peer.end();
    log(co_await got(receive(ends.socket)));
}

CONFORMS("sockets.recv_into") {
    Pair ends = co_await pair();
    ends.peer.send("answer");
    std::string data(4, '\0');
    for (int round = 0; round < 2; ++round) {
        const int size = co_await ends.socket.recv(data);
        log(size, data);
    }
}

CONFORMS("sockets.recv_racing") {
    Pair ends = co_await pair();
    auto task = create_task(receive(ends.socket));
    co_await turns(2);
    task.cancel();
    log(co_await got(task));
    ends.peer.send("answer");
    log(co_await got(receive(ends.socket)));
}

CONFORMS("sockets.send_racing") {
    Pair ends = co_await pair();
    const std::string blanks(4096, ' ');
    while (::send(ends.socket.fd(), blanks.data(), blanks.size(), MSG_DONTWAIT) > 0) {
    }
    auto task = create_task(send_all(ends.socket, " "));
    co_await turns(2);
    task.cancel();
    static_cast<void>(co_await ended(task));
    auto taking = create_task(ends.peer.take());
    co_await send_all(ends.socket, "world");
    ends.socket.shutdown(SHUT_WR);
    const std::string all = co_await taking;
    log(all.substr(all.find_first_not_of(' ')));
}

CONFORMS("sockets.connect_racing") {
    const RawSocket listener = RawSocket::bound();
    const Socket socket = Socket::stream(AF_INET);
    auto task = create_task(connect_to(socket, loopback(listener.port())));
    co_await turns(1);
    task.cancel();
    static_cast<void>(co_await ended(task));
    static_cast<void>(::listen(listener.fd(), 1));
    std::string outcome;
    for (int round = 0; round < 3 && outcome != "None"; ++round) {
        outcome = co_await ended(connect_to(socket, loopback(listener.port())));
    }
    log(outcome);
}

CONFORMS("sockets.huge_content") {
    Pair ends = co_await pair();
    auto echoing = create_task(echo_all(ends.peer));
    auto sending = create_task(send_all(ends.socket, pattern()));
    std::string data;
    for (;;) {
        const std::string part = co_await receive(ends.socket, 65536);
        if (part.empty()) {
            break;
        }
        data += part;
    }
    log(data.size(), data == pattern());
    co_await sending;
    co_await echoing;
}

CONFORMS("sockets.huge_content_recvinto") {
    Pair ends = co_await pair();
    auto echoing = create_task(echo_all(ends.peer));
    auto sending = create_task(send_all(ends.socket, pattern()));
    std::string data(1'000'000, '\0');
    std::size_t size = 0;
    while (size < data.size()) {
        const int count = co_await ends.socket.recv(std::span<char>(data).subspan(size));
        if (count == 0) {
            break;
        }
        size += static_cast<std::size_t>(count);
    }
    log(size, data == pattern());
    co_await sending;
    co_await echoing;
}

CONFORMS("sockets.client_fail") {
    const RawSocket bound = RawSocket::bound();
    const Socket socket = Socket::stream(AF_INET);
    log(co_await ended(connect_to(socket, loopback(bound.port()))));
}

Task<UniqueFd> accept_one(const Socket& listener) { co_return co_await listener.accept(); }

CONFORMS("sockets.accept") {
    const Socket listener = Socket::listening(loopback(0), 100, false);
    auto accepting = create_task(accept_one(listener));
    co_await turns(2);
    log(accepting.done());
    const Peer peer(RawSocket::connected(listener.getsockname().port()));
    const Socket socket(co_await std::move(accepting));
    peer.send("hello");
    log(co_await got(receive(socket)));
}

CONFORMS("sockets.cancel_accept") {
    const Socket listener = Socket::listening(loopback(0), 100, false);
    auto accepting = create_task(accept_one(listener));
    co_await turns(2);
    accepting.cancel();
    std::string outcome;
    try {
        static_cast<void>(co_await std::move(accepting));
    } catch (...) {
        outcome = "[" + error_of_current() + "]";
    }
    log(outcome);
    const Peer peer(RawSocket::connected(listener.getsockname().port()));
    const Socket socket(co_await accept_one(listener));
    peer.send("hello");
    log(co_await got(receive(socket)));
}

CONFORMS("sockets.unix_client_ops") {
    const std::string name = "ringio-conformance-cpp-" + std::to_string(::getpid());
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, sizeof(address.sun_path) - 1);  // an abstract one
    const SocketAddress target(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    const RawSocket listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    static_cast<void>(::bind(listener.fd(), target.data(), target.size()));
    static_cast<void>(::listen(listener.fd(), 10));
    const Socket socket = Socket::stream(AF_UNIX);
    co_await connect_to(socket, target);
    Peer peer(listener.accept());
    co_await send_all(socket, "question");
    log(co_await got(peer.take(8)));
    peer.send("answer");
    log(co_await got(receive(socket)));
    peer.close();
    log(co_await got(receive(socket)));
}

CONFORMS("sockets.create_connection_sock") {
    const RawSocket listener = RawSocket::listening();
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress target = loopback(listener.port());
    static_cast<void>(::connect(fd.get(), target.data(), target.size()));
    const Peer peer(listener.accept());
    auto [reader, writer] = co_await open_connection({.sock = std::move(fd)});
    writer.write("question");
    log(co_await got(peer.take(8)));
    peer.send("answer");
    peer.end();
    log(co_await got(reader.read()));
    writer.close();
    co_await writer.wait_closed();
}

CONFORMS("sockets.reset") {
    Pair ends = co_await pair();
    auto receiving = create_task(receive(ends.socket));
    co_await turns(2);
    ends.peer.reset();
    log(co_await got(receiving));
}

}  // namespace
}  // namespace ringio::conformance
