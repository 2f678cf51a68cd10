// Connections and servers at the path of a Unix socket.
#include "directory.hpp"
#include "net.hpp"
#include "telling.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace ringio::conformance {
namespace {

/// Answers lines until there are no more.
Task<> answer_lines(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const std::string line = co_await reader.readline();
        if (line.empty()) {
            break;
        }
        writer.write(line);
        co_await writer.drain();
    }
    writer.close();
}

UniqueFd unix_socket(int type = SOCK_STREAM) {
    return UniqueFd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
}

/// A socket that is bound to a path.
UniqueFd left_at(const std::string& path, int type = SOCK_STREAM) {
    UniqueFd fd = unix_socket(type);
    const SocketAddress address = SocketAddress::unix_path(path);
    if (::bind(fd.get(), address.data(), address.size()) != 0) {
        throw std::runtime_error("bind");
    }
    return fd;
}

bool exists(const std::string& path) { return std::filesystem::exists(path); }

Task<std::string> asked_at(std::string path) {
    auto [reader, writer] = co_await open_unix_connection(std::move(path));
    writer.write("hello\n");
    writer.write_eof();
    std::string answer = co_await reader.read();
    writer.close();
    co_await writer.wait_closed();
    co_return answer;
}

Task<> stop(Server server) {
    server.close();
    co_await server.wait_closed();
}

CONFORMS("unix.echo") {
    const Directory directory;
    Server server = co_await start_unix_server(answer_lines, directory / "socket");
    auto [reader, writer] = co_await open_unix_connection(directory / "socket");
    for (const char* line : {"one\n", "two\n"}) {
        writer.write(line);
        co_await writer.drain();
        log(co_await reader.readline());
    }
    writer.write("three");
    writer.write_eof();
    const std::string rest = co_await reader.read();
    log(rest, reader.at_eof());
    writer.close();
    log(co_await ended(writer.wait_closed()));
    co_await stop(server);
}

CONFORMS("unix.path_objects") {
    const Directory directory;
    const std::filesystem::path path = directory / "socket";
    Server server = co_await start_unix_server(answer_lines, path);
    log(co_await asked_at(path));
    co_await stop(server);
}

CONFORMS("unix.connect_errors") {
    const Directory directory;
    log(co_await failure(open_unix_connection(directory / "none")));
    left_at(directory / "left").reset();
    log(co_await failure(open_unix_connection(directory / "left")));
    std::ofstream(directory / "file") << "content";
    log(co_await failure(open_unix_connection(directory / "file")));
}

CONFORMS("unix.stale_socket") {
    const Directory directory;
    left_at(directory / "socket").reset();
    Server server = co_await start_unix_server(answer_lines, directory / "socket");
    log(co_await asked_at(directory / "socket"));
    co_await stop(server);
}

CONFORMS("unix.file_at_the_path") {
    const Directory directory;
    std::ofstream(directory / "file") << "content";
    log(co_await failure(start_unix_server(answer_lines, directory / "file")));
    std::ifstream file(directory / "file");
    log(std::string(std::istreambuf_iterator<char>(file), {}));
}

CONFORMS("unix.bind_errors") {
    const Directory directory;
    log(co_await failure(start_unix_server(answer_lines, directory / "none/socket")));
    log(co_await failure(start_unix_server(answer_lines, directory.path())));
}

CONFORMS("unix.contradictions") {
    int ends[2] = {-1, -1};
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
    UniqueFd near(ends[0]);
    UniqueFd far(ends[1]);
    log(co_await refusal_by(
        [&] { return open_unix_connection("/tmp/x", {.sock = std::move(near)}); }));
    log(co_await refusal_by(
        [&] { return start_unix_server(answer_lines, "/tmp/x", {.sock = std::move(far)}); }));
    log(co_await refusal_by([] { return open_unix_connection(UnixConnectionOptions{}); }));
    log(co_await refusal_by([] { return start_unix_server(answer_lines, UnixServerOptions{}); }));
    log(near.get() >= 0, far.get() >= 0);
}

CONFORMS("unix.other_sockets") {
    const Directory directory;
    std::vector<UniqueFd> sockets;
    sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockets.push_back(left_at(directory / "datagrams", SOCK_DGRAM));
    for (UniqueFd& fd : sockets) {
        log(co_await refusal_by(
            [&] { return start_unix_server(answer_lines, {.sock = std::move(fd)}); }));
        log(co_await refusal_by([&] { return open_unix_connection({.sock = std::move(fd)}); }));
        log(fd.get() >= 0);
    }
}

CONFORMS("unix.given_sockets") {
    const Directory directory;
    UniqueFd fd = left_at(directory / "socket", SOCK_STREAM | SOCK_NONBLOCK);
    Server server = co_await start_unix_server(answer_lines, {.sock = std::move(fd)});
    UniqueFd near = unix_socket();
    const SocketAddress address = SocketAddress::unix_path(directory / "socket");
    ::connect(near.get(), address.data(), address.size());
    auto [reader, writer] = co_await open_unix_connection({.sock = std::move(near)});
    writer.write("hello\n");
    log(co_await reader.readline());
    writer.close();
    co_await writer.wait_closed();
    co_await stop(server);
}

CONFORMS("unix.abstract") {
    const std::string name =
        std::string(1, '\0') + "ringio-conformance-" + std::to_string(::getpid());
    Server server = co_await start_unix_server(answer_lines, name);
    log(co_await asked_at(name));
    log(co_await failure(start_unix_server(answer_lines, name)));
    co_await stop(server);
    log(co_await failure(open_unix_connection(name)));
}

CONFORMS("unix.addresses") {
    const Directory directory;
    const std::string path = directory / "socket";
    std::vector<bool> seen;
    const auto look = [&](StreamReader, StreamWriter writer) {
        seen.push_back(writer.getpeername().path().empty());
        seen.push_back(writer.getsockname().path() == path);
        writer.close();
    };
    Server server = co_await start_unix_server(look, path);
    log(server.sockets()[0].getsockname().path() == path);
    auto [reader, writer] = co_await open_unix_connection(path);
    const std::string all = co_await reader.read();
    log(all.empty(), std::vector<bool>(seen));
    log(writer.getpeername().path() == path, writer.getsockname().path().empty());
    writer.close();
    co_await stop(server);
}

Task<> send_lines(StreamWriter writer, std::string line) {
    for (int round = 0; round < 2000; ++round) {
        writer.write(line);
        co_await writer.drain();
    }
    writer.write_eof();
}

CONFORMS("unix.much") {
    const Directory directory;
    Server server = co_await start_unix_server(answer_lines, directory / "socket");
    auto [reader, writer] = co_await open_unix_connection(directory / "socket");
    const std::string line = std::string(999, 'x') + "\n";
    auto sending = create_task(send_lines(writer, line));
    int count = 0;
    for (;;) {
        const std::string answer = co_await reader.readline();
        if (answer != line) {
            break;
        }
        ++count;
    }
    log(count, co_await ended(sending));
    writer.close();
    co_await stop(server);
}

CONFORMS("unix.start_serving") {
    const Directory directory;
    const std::string path = directory / "socket";
    Server server = co_await start_unix_server(answer_lines, path, {.start_serving = false});
    log(server.is_serving());
    server.start_serving();
    const bool serving = server.is_serving();
    log(serving, co_await asked_at(path));
    co_await stop(server);
    log(server.is_serving(), server.sockets().size());
}

CONFORMS("unix.peer_goes") {
    const Directory directory;
    const auto leave = [](StreamReader, StreamWriter writer) {
        writer.write("bye");
        writer.close();
    };
    Server server = co_await start_unix_server(leave, directory / "socket");
    auto [reader, writer] = co_await open_unix_connection(directory / "socket");
    log(co_await reader.read());
    for (int round = 0; round < 2; ++round) {
        writer.write("x");
        co_await turns(10);
    }
    log(co_await refusal_by([&] { return static_cast<Task<>>(writer.drain()); }));
    writer.close();
    co_await stop(server);
}

CONFORMS("unix.zero_in_the_path") {
    const std::string path("/tmp/a\0b", 8);
    log(co_await refusal_by([&] { return start_unix_server(answer_lines, path); }));
}

CONFORMS("unix.cleanup") {
    const Directory directory;
    const std::string path = directory / "socket";
    for (int round = 0; round < 2; ++round) {
        Server server = co_await start_unix_server(answer_lines, path);
        const bool there = exists(path);
        log(there, co_await asked_at(path));
        server.close();
        log(exists(path));
        co_await server.wait_closed();
    }
}

CONFORMS("unix.cleanup_of_a_given_socket") {
    const Directory directory;
    const std::string path = directory / "socket";
    UniqueFd fd = left_at(path);
    Server server = co_await start_unix_server(answer_lines, {.sock = std::move(fd)});
    log(exists(path));
    server.close();
    log(exists(path));
    co_await server.wait_closed();
}

CONFORMS("unix.cleanup_gone") {
    const Directory directory;
    Server server = co_await start_unix_server(answer_lines, directory / "socket");
    ::unlink((directory / "socket").c_str());
    const std::string closed = call([&] { server.close(); });
    log(closed, exists(directory / "socket"));
    co_await server.wait_closed();
}

CONFORMS("unix.cleanup_replaced") {
    const Directory directory;
    const std::string path = directory / "socket";
    Server first = co_await start_unix_server(answer_lines, path);
    Server second = co_await start_unix_server(answer_lines, path);
    co_await stop(first);
    const bool there = exists(path);
    log(there, co_await asked_at(path));
    co_await stop(second);
    log(exists(path));
}

CONFORMS("unix.cleanup_prevented") {
    const Directory directory;
    const std::string path = directory / "socket";
    Server server = co_await start_unix_server(answer_lines, path, {.cleanup_socket = false});
    co_await stop(server);
    log(exists(path));
}

}  // namespace
}  // namespace ringio::conformance
