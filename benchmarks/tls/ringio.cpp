// The same on ringio's streams, as a user writes it: see limit.c. And how much memory connections
// take that nothing happens on:
//
//   tls_ringio CERTIFICATE KEY idle N     prints the bytes of a connection, both of its ends
#include "../harness/job.h"

#include <ringio.hpp>
#include <ringio/main.hpp>
#include <ringio/tls.hpp>

#include <malloc.h>

#include <string>
#include <string_view>
#include <vector>

using namespace ringio;

namespace {

struct Ends {
    TlsContext client;
    TlsContext server;
};

Task<> give_a_byte(StreamReader, StreamWriter writer) {
    writer.write("x");
    co_await writer.drain();
    writer.close();
    co_await writer.wait_closed();
}

Task<> say_nothing(StreamReader, StreamWriter writer) {
    writer.abort();
    co_return;
}

Task<> take_all(StreamReader reader, StreamWriter writer) {
    std::vector<char> memory(256 * 1024);
    for (std::size_t size = 1; size > 0;) {
        size = co_await reader.read(std::span<char>(memory));
    }
    writer.close();
    co_await writer.wait_closed();
}

Task<> wait_for_the_end(StreamReader reader, StreamWriter) {
    static_cast<void>(co_await reader.read());
}

Task<> shake_hands(long port, const TlsContext& context, bool resumed) {
    auto [reader, writer] = co_await open_connection(
        "127.0.0.1", port, {.tls = context, .server_hostname = "localhost"});
    if (resumed) {
        static_cast<void>(co_await reader.read(1));
    }
    writer.abort();
}

Task<> handshakes(const Ends& ends, std::uint64_t count, bool resumed) {
    const auto handler = resumed ? &give_a_byte : &say_nothing;
    auto server = co_await start_server(handler, "127.0.0.1", 0, {.tls = ends.server});
    const long port = server.sockets()[0].getsockname().port();
    co_await shake_hands(port, ends.client, resumed);
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < count; ++i) {
        co_await shake_hands(port, ends.client, resumed);
    }
    print_job(clocks, count, -1);
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
}

Task<> bulk(const Ends& ends, std::uint64_t mebibytes, std::size_t size) {
    auto server = co_await start_server(take_all, "127.0.0.1", 0, {.tls = ends.server});
    const long port = server.sockets()[0].getsockname().port();
    auto [reader, writer] = co_await open_connection(
        "127.0.0.1", port, {.tls = ends.client, .server_hostname = "localhost"});
    const std::string piece(size, 'x');
    const std::uint64_t total = mebibytes << 20U;
    const job_clocks clocks = start_clocks();
    for (std::uint64_t sent = 0; sent < total; sent += size) {
        writer.write(piece);
        co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();  // the other end has read all, and says good-bye
    print_job(clocks, mebibytes, -1);
    server.close();
    co_await server.wait_closed();
}

Task<> idle(const Ends& ends, std::uint64_t count) {
    auto server = co_await start_server(wait_for_the_end, "127.0.0.1", 0, {.tls = ends.server});
    const long port = server.sockets()[0].getsockname().port();
    std::vector<Connection> open;
    open.reserve(count);
    const std::size_t before = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
    for (std::uint64_t i = 0; i < count; ++i) {
        auto connection = co_await open_connection(
            "127.0.0.1", port, {.tls = ends.client, .server_hostname = "localhost"});
        open.push_back(std::move(connection));
    }
    co_await sleep(std::chrono::milliseconds(10));
    const std::size_t after = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
    std::printf("{\"connections\": %llu, \"bytes_of_an_end\": %.0f}\n",
                static_cast<unsigned long long>(count),
                static_cast<double>(after - before) / static_cast<double>(2 * count));
    open.clear();
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
}

}  // namespace

Task<int> co_main(int argc, char** argv) {
    const std::uint64_t count = number_argument(argc, argv, 4);
    const std::string_view job = argv[3];
    const Ends ends{TlsContext::client({.ca_file = argv[1], .resume_sessions = job == "resumed"}),
                    TlsContext::server({.certificate = argv[1], .key = argv[2]})};
    if (job == "bulk") {
        co_await bulk(ends, count, number_argument(argc, argv, 5));
    } else if (job == "idle") {
        co_await idle(ends, count);
    } else {
        co_await handshakes(ends, count, job == "resumed");
    }
    co_return 0;
}
