// TLS with Python: its asyncio, and its blocking sockets. Twenty megabytes each way, fifty
// connections at a time, and half of them cut in the middle.
#include <ringio/tls.hpp>
#include <support/ends.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include "certificates.hpp"
#include "peer_process.hpp"
#include "tls_pair.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t twenty_megabytes = 20'000'000;

Task<Peer> start_python(Arguments arguments) {
    const std::filesystem::path here = std::filesystem::path(__FILE__).parent_path();
    Arguments command((here / "peer.py").string());
    command.add(arguments);
    co_return co_await Peer::start("python3", command);
}

Task<long> port_said_by(Peer peer) {
    co_await peer.says(".");
    co_return std::stol(peer.words().substr(peer.words().find(' ')));
}

Task<> exchange_or_cut(long port, TlsContext context, bool is_cut) {
    Connection connection = co_await open_connection("localhost", port, {.tls = context});
    if (!is_cut) {
        co_await check_echo(std::move(connection), 300'000);
        co_return;
    }
    connection.writer.write(varied_bytes(300'000));
    co_await connection.reader.readexactly(100'000);
    connection.writer.abort();
}

/// Goes on under TLS as often as it is asked to.
Task<> upgrade_when_asked(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const std::string line = co_await reader.readline();
        if (line.empty()) {
            break;
        }
        if (line == "STARTTLS\n") {
            writer.write("go ahead\n");
            co_await as_server(writer);
        } else {
            writer.write(line);
        }
    }
}

Task<> serve_python(std::string role, Arguments options, std::string last_words) {
    const TlsContext context = server_context();
    Server server = co_await start_server(echo_all, "127.0.0.1", 0, {.tls = context});
    Arguments arguments{role, port_of(server), test_ca_file()};
    arguments.add(options);
    Peer python = co_await start_python(arguments);
    CHECK_AWAIT_HAS(python.ended(), last_words);
    CHECK(python.process().returncode() == 0);
    server.close();
    co_await server.wait_closed();
}

}  // namespace

PEER_TEST_CASE("python3", "python3", "peers: Python's asyncio sends back twenty megabytes") {
    Peer python = co_await start_python({"server", localhost().certificate, localhost().key});
    const long port = co_await port_said_by(python);
    const TlsContext context = client_context();
    Connection connection = co_await open_connection("localhost", port, {.tls = context});
    co_await check_echo(std::move(connection), twenty_megabytes);
}

PEER_TEST_CASE("python3", "python3",
               "peers: Python's asyncio serves fifty of us, half of which hang up in the middle") {
    Peer python = co_await start_python({"server", localhost().certificate, localhost().key});
    const long port = co_await port_said_by(python);
    const TlsContext context = client_context();
    std::vector<TaskHandle<>> tasks;
    for (int number = 0; number < 50; ++number) {
        tasks.push_back(create_task(exchange_or_cut(port, context, number % 2 == 1)));
    }
    co_await gather(tasks);
    Connection connection = co_await open_connection("localhost", port, {.tls = context});
    co_await check_echo(std::move(connection), 1000);
}

PEER_TEST_CASE("python3", "python3",
               "peers: Python's blocking sockets send back, and get the good-bye they wait for") {
    Peer python =
        co_await start_python({"blocking-server", localhost().certificate, localhost().key});
    const long port = co_await port_said_by(python);
    const TlsContext context = client_context();
    Connection connection = co_await open_connection("localhost", port, {.tls = context});
    co_await check_echo(std::move(connection), 3'000'000);
    co_await python.says("unwrapped");
}

PEER_TEST_CASE("python3", "python3", "peers: we send twenty megabytes back to Python's asyncio") {
    co_await serve_python("client", {"20000000", "1"}, "same\ndone");
}

PEER_TEST_CASE("python3", "python3",
               "peers: we serve fifty of Python's asyncio, half of which hang up in the middle") {
    const TlsContext context = server_context();
    int ended = 0;
    int cut = 0;
    const auto handler = [&](StreamReader reader, StreamWriter writer) -> Task<> {
        try {
            co_await echo_all(std::move(reader), std::move(writer));
            ++ended;
        } catch (const std::system_error&) {
            ++cut;
        }
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.tls = context});
    Peer python =
        co_await start_python({"cutting-client", port_of(server), test_ca_file(), "1000000", "50"});
    CHECK_AWAIT_HAS(python.ended(), "done");
    co_await python.says("same", 25);
    server.close();
    co_await server.wait_closed();
    while (ended + cut < 50) {
        co_await sleep(1ms);  // a handler whose connection has failed has a step to go
    }
    CHECK(ended == 25);
    CHECK(cut == 25);
}

PEER_TEST_CASE("python3", "python3",
               "peers: we send back to Python's blocking sockets, and say good-bye") {
    co_await serve_python("blocking-client", {"3000000"}, "same, unwrapped");
}

PEER_TEST_CASE("python3", "python3",
               "peers: Python's asyncio starts TLS on a connection in the clear, and TLS in that") {
    Server server = co_await start_server(upgrade_when_asked, "127.0.0.1", 0);
    Peer python = co_await start_python({"starttls-client", port_of(server), test_ca_file()});
    CHECK_AWAIT(python.ended(), "TLS\nTLS in TLS\nclosed\n");
    server.close();
    co_await server.wait_closed();
}
