// Servers: who is accepted, who is waited for, and what a handler may do.
#include "net.hpp"
#include "telling.hpp"

#include <algorithm>
#include <vector>

namespace ringio::conformance {
namespace {

/// Answers lines until there are no more.
Task<> echo(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const std::string line = co_await reader.readline();
        if (line.empty()) {
            break;
        }
        writer.write(line);
        co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
}

Task<Server> start(ServerOptions options = {}) {
    co_return co_await start_server(echo, "127.0.0.1", 0, options);
}

Task<std::string> asked(const Peer& peer, std::string line) {
    peer.send(line);
    const std::string answer = co_await got(peer.take(line.size()));
    co_return answer;
}

bool mentions(const std::exception& exception, std::string_view words) {
    return std::string_view(exception.what()).find(words) != std::string_view::npos;
}

CONFORMS("servers.coroutine_handler") {
    Server server = co_await start();
    for (int round = 0; round < 3; ++round) {
        const Peer peer = client(server);
        log(co_await asked(peer, "hello\n"));
        peer.end();
        log(co_await got(peer.take()));
    }
    server.close();
    co_await server.wait_closed();
}

CONFORMS("servers.plain_handler") {
    std::vector<Connection> kept;
    const auto handler = [&kept](StreamReader reader, StreamWriter writer) {
        kept.emplace_back(reader, writer);
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    const Peer peer = client(server);
    peer.send("hello\n");
    while (kept.empty()) {
        co_await sleep(0s);
    }
    Connection connection = kept.front();
    const std::string line = co_await connection.reader.readline();
    connection.writer.write(line);
    connection.writer.close();
    log(co_await got(peer.take()));
    server.close();
    co_await server.wait_closed();
}

CONFORMS("servers.start_server") {
    Server server = co_await start({.start_serving = false});
    log(server.is_serving(), server.sockets().size());
    auto serving = create_task(server.serve_forever());
    co_await sleep(0s);
    log(server.is_serving());
    const Peer peer = client(server);
    log(co_await asked(peer, "hello\n"));
    peer.end();
    log(co_await got(peer.take()));
    co_await arrival();
    serving.cancel();
    try {
        co_await serving;
    } catch (const CancelledError&) {
        log(error_of_current());
    }
    log(server.is_serving(), server.sockets().size());
    try {
        co_await server.serve_forever();
    } catch (const std::runtime_error& exception) {
        log(kind_of_current(), mentions(exception, "is closed"));
    }
}

CONFORMS("servers.start_serving_twice") {
    Server server = co_await start();
    server.start_serving();
    server.start_serving();
    log(server.is_serving());
    server.close();
    server.close();
    log(server.is_serving());
    co_await server.wait_closed();
}

CONFORMS("servers.serve_forever_twice") {
    Server server = co_await start();
    auto serving = create_task(server.serve_forever());
    co_await sleep(0s);
    try {
        co_await server.serve_forever();
    } catch (const std::runtime_error& exception) {
        log(kind_of_current(), mentions(exception, "already being awaited on serve_forever()"));
    }
    log(serving.done(), server.is_serving());
    serving.cancel();
    log(co_await got(serving));
}

CONFORMS("servers.serve_forever_closed") {
    Server server = co_await start();
    auto serving = create_task(server.serve_forever());
    const Peer peer = client(server);
    log(co_await asked(peer, "one\n"));
    server.close();
    co_await arrival();
    log(serving.done());
    log(co_await asked(peer, "two\n"));
    peer.end();
    log(co_await got(serving));
    log(co_await got(peer.take()));
}

CONFORMS("servers.wait_closed_basic") {
    Server server = co_await start();
    auto first = create_task(server.wait_closed());
    co_await sleep(0s);
    log(first.done());
    const Peer peer = client(server);
    log(co_await asked(peer, "hello\n"));
    auto second = create_task(server.wait_closed());
    co_await sleep(0s);
    log(first.done(), second.done());
    server.close();
    auto third = create_task(server.wait_closed());
    co_await arrival();
    log(first.done(), second.done(), third.done());
    peer.end();
    co_await first;
    co_await second;
    co_await third;
    co_await server.wait_closed();
    log("closed");
}

CONFORMS("servers.wait_closed_race") {
    Server server = co_await start();
    auto waiting = create_task(server.wait_closed());
    co_await sleep(0s);
    Connection connection = co_await connected(server);
    get_running_loop().call_soon([server]() mutable { server.close(); });
    get_running_loop().call_soon([writer = connection.writer]() mutable { writer.close(); });
    co_await server.wait_closed();
    log(co_await got(waiting));
}

CONFORMS("servers.wait_closed_cancelled") {
    Server server = co_await start();
    auto first = create_task(server.wait_closed());
    auto second = create_task(server.wait_closed());
    co_await sleep(0s);
    first.cancel();
    log(co_await got(first));
    log(second.done());
    server.close();
    co_await second;
    log("closed");
}

int connect_error(std::uint16_t port) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = RawSocket::loopback(port);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0
               ? 0
               : errno;
}

CONFORMS("servers.close_leaves_connections") {
    Server server = co_await start();
    const std::uint16_t port = port_of(server);
    const Peer peer = client(server);
    log(co_await asked(peer, "one\n"));
    server.close();
    co_await arrival();
    log(connect_error(port));
    log(co_await asked(peer, "two\n"));
    peer.end();
    log(co_await got(peer.take()));
    co_await server.wait_closed();
}

CONFORMS("servers.close_clients") {
    Server server = co_await start();
    const Peer peer = client(server);
    log(co_await asked(peer, "hello\n"));
    auto waiting = create_task(server.wait_closed());
    server.close();
    co_await arrival();
    log(waiting.done());
    server.close_clients();
    co_await waiting;
    log(co_await got(peer.take()));
}

CONFORMS("servers.close_clients_sends_all") {
    const auto handler = [](StreamReader reader, StreamWriter writer) -> Task<> {
        writer.write(std::string(6 << 20, 'x'));
        const std::string rest = co_await reader.read();
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    const Peer peer = client(server);
    co_await arrival();
    co_await arrival();
    server.close();
    server.close_clients();
    const std::string all = co_await peer.take();
    log(all.size());
    co_await server.wait_closed();
}

CONFORMS("servers.abort_clients") {
    std::vector<StreamWriter> writers;
    const auto handler = [&writers](StreamReader, StreamWriter writer) -> Task<> {
        writers.push_back(writer);
        writer.write(std::string(16 << 20, 'x'));
        co_await writer.wait_closed();
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    const Peer peer = client(server);
    while (writers.empty()) {
        co_await sleep(0s);
    }
    auto waiting = create_task(server.wait_closed());
    co_await arrival();
    log(waiting.done());
    server.close();
    server.abort_clients();
    co_await waiting;
    log(writers[0].get_write_buffer_size());
    const std::string some = co_await peer.take();
    log(some.size() < (16u << 20));
}

CONFORMS("servers.unhandled_exception") {
    log_reports();
    const auto handler = [](StreamReader reader, StreamWriter) -> Task<> {
        const std::string line = co_await reader.readline();
        throw std::invalid_argument("test");
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    for (int round = 0; round < 2; ++round) {
        const Peer peer = client(server);
        peer.send("hello\n");
        const std::string outcome = co_await got(peer.take());
        co_await arrival();
        log(outcome);
    }
    server.close();
    co_await server.wait_closed();
}

CONFORMS("servers.unhandled_cancel") {
    log_reports();
    const auto handler = [](StreamReader, StreamWriter writer) -> Task<> {
        writer.close();
        current_task().cancel();
        co_await sleep(0s);
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    const Peer peer = client(server);
    log(co_await got(peer.take()));
    server.close();
    co_await server.wait_closed();
}

CONFORMS("servers.cancelled_handler_closes") {
    log_reports();
    std::vector<AnyTask> tasks;
    const auto handler = [&tasks](StreamReader reader, StreamWriter) -> Task<> {
        tasks.push_back(current_task());
        const std::string rest = co_await reader.read();
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    const Peer peer = client(server);
    while (tasks.empty()) {
        co_await sleep(0s);
    }
    tasks[0].cancel();
    log(co_await got(peer.take()));
    log(tasks[0].cancelled() ? "cancelled" : "not cancelled");
    server.close();
    co_await server.wait_closed();
}

CONFORMS("servers.peer_that_is_gone_at_once") {
    std::vector<std::string> handled;
    const auto handler = [&handled](StreamReader reader, StreamWriter writer) -> Task<> {
        handled.push_back(co_await got(reader.read()));
        writer.close();
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    Peer peer = client(server);
    peer.close();
    while (handled.empty()) {
        co_await sleep(0s);
    }
    log(handled[0]);
    server.close();
    co_await server.wait_closed();
}

CONFORMS("servers.several_hosts") {
    Server server = co_await start_server(echo, {"127.0.0.1", "127.0.0.2"}, 0);
    std::vector<std::string> hosts;
    for (const Socket& socket : server.sockets()) {
        hosts.push_back(socket.getsockname().host());
    }
    std::ranges::sort(hosts);
    log(hosts.size(), text(hosts));
    server.close();
    co_await server.wait_closed();
}

CONFORMS("servers.given_socket") {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = RawSocket::loopback(0);
    static_cast<void>(
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
    Server server = co_await start_server(echo, {.sock = std::move(fd)});
    const Peer peer = client(server);
    log(co_await asked(peer, "hello\n"));
    peer.end();
    log(co_await got(peer.take()));
    server.close();
    co_await server.wait_closed();
}

CONFORMS("servers.given_socket_refused") {
    UniqueFd datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto refused = [](auto&& attempt) {
        try {
            attempt().close();
        } catch (...) {
            log(kind_of_current());
        }
    };
    refused([&] { return start_server(echo, {.sock = std::move(datagrams)}); });
    refused([&] { return start_server(echo, "127.0.0.1", 0, {.sock = std::move(datagrams)}); });
    refused([] { return start_server(echo, ServerOptions()); });
    co_return;
}

CONFORMS("servers.address_in_use") {
    Server server = co_await start();
    try {
        static_cast<void>(co_await start_server(echo, "127.0.0.1", port_of(server)));
    } catch (...) {
        log(error_of_current());
    }
    server.close();
    co_await server.wait_closed();
}

}  // namespace
}  // namespace ringio::conformance
