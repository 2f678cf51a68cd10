// The memory of connections that wait: ringio_idle [connections]. A child connects and says
// nothing, or a little, or much; each handler is suspended in read() or readline(). Prints the
// growth of the resident memory per connection. What the kernel keeps for a socket is not in it.
#include <ringio.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using ringio::StreamReader;
using ringio::StreamWriter;
using ringio::Task;

struct Kind {
    const char* name;
    std::size_t bytes;  // that the client sends, and the handler takes
    bool lines;         // then it waits for the rest of a line
};

constexpr Kind kinds[] = {
    {"nothing was sent, in read()", 0, false},
    {"64 B were echoed, in read()", 64, false},
    {"64 B were echoed, in readline()", 64, true},
    {"64 KiB were taken, in read()", 65536, false},
};

std::size_t resident_bytes() {
    long pages = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%*s %ld", &pages) != 1) {
            pages = 0;
        }
        std::fclose(file);
    }
    return static_cast<std::size_t>(pages) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// The client, in a process of its own so that its memory and descriptors are not counted.
[[noreturn]] void connect_and_wait(int port_pipe, int done_pipe, int connections,
                                   const Kind& kind) {
    int port = 0;
    if (::read(port_pipe, &port, sizeof(port)) != sizeof(port)) {
        std::_Exit(1);
    }
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string message(kind.bytes, 'x');
    if (kind.lines) {
        message.back() = '\n';
    }
    for (int index = 0; index < connections; ++index) {
        const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
            std::perror("connect");
            std::_Exit(1);
        }
        std::size_t sent = 0;
        while (sent < message.size()) {
            const ssize_t n = ::send(fd, message.data() + sent, message.size() - sent, 0);
            if (n <= 0) {
                std::_Exit(1);
            }
            sent += static_cast<std::size_t>(n);
        }
    }
    char byte = 0;
    static_cast<void>(!::read(done_pipe, &byte, 1));
    std::_Exit(0);
}

struct Count {
    int waiting = 0;
};

Task<> handle(StreamReader reader, StreamWriter writer, const Kind& kind, Count& count) {
    std::size_t taken = 0;
    while (taken < kind.bytes) {
        std::string data;
        if (kind.lines) {
            data = co_await reader.readline();
        } else {
            data = co_await reader.read(16384);
        }
        taken += data.size();
        if (kind.bytes == 64) {
            writer.write(data);
            co_await writer.drain();
        }
    }
    ++count.waiting;
    if (kind.lines) {
        co_await reader.readline();
    } else {
        co_await reader.read(16384);
    }
}

Task<std::size_t> measure(int port_pipe, int connections, const Kind& kind) {
    Count count;
    const auto handler = [&](StreamReader reader, StreamWriter writer) {
        return handle(std::move(reader), std::move(writer), kind, count);
    };
    auto server = co_await ringio::start_server(handler, "127.0.0.1", 0, {.backlog = 4096});
    const std::size_t before = resident_bytes();
    const int port = server.sockets()[0].getsockname().port();
    static_cast<void>(!::write(port_pipe, &port, sizeof(port)));
    while (count.waiting < connections) {
        co_await ringio::sleep(10ms);
    }
    co_await ringio::sleep(100ms);
    const std::size_t after = resident_bytes();
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
    co_return (after - before) / static_cast<std::size_t>(connections);
}

void run_kind(int connections, const Kind& kind) {
    int port_pipe[2];
    int done_pipe[2];
    if (::pipe(port_pipe) != 0 || ::pipe(done_pipe) != 0) {
        std::perror("pipe");
        std::exit(1);
    }
    const pid_t server = ::fork();  // each kind in a fresh process
    if (server == 0) {
        const pid_t client = ::fork();
        if (client == 0) {
            connect_and_wait(port_pipe[0], done_pipe[0], connections, kind);
        }
        const std::size_t bytes = ringio::run(measure(port_pipe[1], connections, kind));
        std::printf("%-36s %6zu bytes a connection\n", kind.name, bytes);
        std::fflush(stdout);
        static_cast<void>(!::write(done_pipe[1], "x", 1));
        ::waitpid(client, nullptr, 0);
        std::_Exit(0);
    }
    ::waitpid(server, nullptr, 0);
}

}  // namespace

int main(int argc, char** argv) {
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const int connections = argc > 1 ? std::atoi(argv[1]) : 10'000;
    for (const Kind& kind : kinds) {
        run_kind(connections, kind);
    }
}
