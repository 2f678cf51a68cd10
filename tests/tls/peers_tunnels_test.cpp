// TLS with programs that carry a stream in the clear through it: socat and stunnel.
#include <ringio/tls.hpp>

#include <string>
#include <vector>

#include "certificates.hpp"
#include "peer_process.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// stunnel with one service.
Task<Peer> start_stunnel(const TempFolder& folder, std::string port, std::string service) {
    const std::string config = folder.file(
        "stunnel.conf",
        "foreground = yes\npid =\nsyslog = no\n[one]\naccept = 127.0.0.1:" + port + "\n" + service);
    Arguments arguments{config};
    Peer stunnel = co_await Peer::start("stunnel4", arguments);
    co_await stunnel.says("Configuration successful");
    co_return stunnel;
}

}  // namespace

PEER_TEST_CASE("socat", "socat", "peers: socat sends back under TLS what it gets from us") {
    const std::string port = free_port();
    Arguments arguments{"OPENSSL-LISTEN:" + port + ",bind=127.0.0.1,reuseaddr,fork,verify=0,cert=" +
                            localhost().certificate + ",key=" + localhost().key,
                        "EXEC:/bin/cat"};
    Peer socat = co_await Peer::start("socat", arguments);
    co_await socat.answers_at(port);
    const TlsContext context = client_context();
    Connection connection =
        co_await open_connection("localhost", std::stol(port), {.tls = context});
    co_await check_echo(std::move(connection), 2'000'000);
}

PEER_TEST_CASE("socat", "socat", "peers: we send back under TLS what we get from socat") {
    const TlsContext context = server_context();
    Server server = co_await start_server(echo_all, "127.0.0.1", 0, {.tls = context});
    Arguments arguments{"-", "OPENSSL:127.0.0.1:" + port_of(server) +
                                 ",commonname=localhost,cafile=" + test_ca_file()};
    Peer socat = co_await Peer::start("socat", arguments);
    const std::string sent = varied_bytes(200'000);
    co_await socat.hears(sent);
    co_await socat.says(sent);
    socat.hears_no_more();
    const std::string words = co_await socat.ended();
    CHECK((words == sent));
    server.close();
    co_await server.wait_closed();
}

PEER_TEST_CASE("stunnel4", "stunnel4", "peers: stunnel takes TLS from what we say") {
    Server server = co_await start_server(echo_all, "127.0.0.1", 0);
    const TempFolder folder;
    const std::string port = free_port();
    Peer stunnel = co_await start_stunnel(folder, port,
                                          "connect = 127.0.0.1:" + port_of(server) +
                                              "\ncert = " + localhost().certificate +
                                              "\nkey = " + localhost().key + "\n");
    const TlsContext context = client_context();
    Connection connection =
        co_await open_connection("localhost", std::stol(port), {.tls = context});
    co_await check_echo(std::move(connection), 2'000'000);
    server.close();
    co_await server.wait_closed();
}

PEER_TEST_CASE("stunnel4", "stunnel4", "peers: stunnel puts under TLS what we are told") {
    const TlsContext context = server_context();
    Server server = co_await start_server(echo_all, "127.0.0.1", 0, {.tls = context});
    const TempFolder folder;
    const std::string port = free_port();
    Peer stunnel = co_await start_stunnel(
        folder, port,
        "client = yes\nverifyChain = yes\ncheckHost = localhost\nconnect = 127.0.0.1:" +
            port_of(server) + "\nCAfile = " + test_ca_file() + "\n");
    Connection connection = co_await open_connection("127.0.0.1", std::stol(port));
    co_await check_echo(std::move(connection), 2'000'000);
    server.close();
    co_await server.wait_closed();
}
