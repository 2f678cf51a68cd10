// TLS with GnuTLS: gnutls-serv and gnutls-cli.
#include <ringio/tls.hpp>
#include <support/ends.hpp>

#include <support/ends.hpp>

#include <string>
#include <vector>

#include "certificates.hpp"
#include "peer_process.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

const std::string only_tls_1_2 = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
const std::string only_tls_1_3 = "NORMAL:-VERS-ALL:+VERS-TLS1.3";

Task<Peer> start_gnutls_server(std::string port, Arguments options) {
    Arguments arguments{"--echo", "--port", port, "--quiet"};
    arguments.add("--x509certfile", localhost().certificate, "--x509keyfile", localhost().key);
    arguments.add(options);
    Peer peer = co_await Peer::start("gnutls-serv", arguments);
    co_await peer.answers_at(port);
    co_return peer;
}

Task<Peer> start_gnutls_client(const Server& server, Arguments options) {
    Arguments arguments{"--port", port_of(server), "--x509cafile", test_ca_file()};
    arguments.add(options);
    arguments.add("localhost");
    co_return co_await Peer::start("gnutls-cli", arguments);
}

/// gnutls-serv sends back whole lines, each of at most a record.
Task<> check_lines(Connection connection) {
    for (std::size_t size = 1; size < 16'000; size += 500) {
        const std::string line = std::string(size, 'x') + "\n";
        connection.writer.write(line);
        CHECK_AWAIT(connection.reader.readline(), line);
    }
    connection.writer.close();
    co_await connection.writer.wait_closed();
}

Task<> meet_gnutls_server(std::string priority, std::string version) {
    const std::string port = free_port();
    Peer gnutls = co_await start_gnutls_server(port, {"--priority", priority, "--alpn", "echo"});
    const TlsContext context =
        TlsContext::client({.ca_file = test_ca_file(), .alpn = {"other", "echo"}});
    for (const bool resumed : {false, true}) {
        Connection connection =
            co_await open_connection("localhost", std::stol(port), {.tls = context});
        const std::optional<TlsInfo> info = connection.writer.tls_info();
        REQUIRE(info);
        CHECK(info->version == version);
        CHECK(info->alpn == "echo");
        CHECK(info->resumed == resumed);
        co_await check_lines(std::move(connection));
    }
}

}  // namespace

PEER_TEST_CASE("gnutls-serv", "gnutls-bin",
               "peers: gnutls-serv speaks TLS 1.2 with us, and resumes our session") {
    co_await meet_gnutls_server(only_tls_1_2, "TLSv1.2");
}

PEER_TEST_CASE("gnutls-serv", "gnutls-bin",
               "peers: gnutls-serv speaks TLS 1.3 with us, and resumes our session") {
    co_await meet_gnutls_server(only_tls_1_3, "TLSv1.3");
}

PEER_TEST_CASE("gnutls-serv", "gnutls-bin", "peers: gnutls-serv asks for our certificate") {
    const std::string port = free_port();
    Peer gnutls = co_await start_gnutls_server(
        port, {"--require-client-cert", "--verify-client-cert", "--x509cafile", test_ca_file()});
    const Identity ours = test_authority().issue({.common_name = "the client"});
    const TlsContext context = TlsContext::client(
        {.ca_file = test_ca_file(), .certificate = ours.certificate, .key = ours.key});
    Connection known = co_await open_connection("localhost", std::stol(port), {.tls = context});
    co_await check_lines(std::move(known));

    const TlsContext bare = client_context();
    Connection unknown = co_await open_connection("localhost", std::stol(port), {.tls = bare});
    std::optional<TlsError> caught;
    try {
        co_await unknown.reader.read();
    } catch (const TlsError& error) {
        caught = error;
    }
    REQUIRE(caught);
    CHECK(caught->code() == TlsErrc::peer_rejected_certificate);
}

PEER_TEST_CASE("gnutls-cli", "gnutls-bin",
               "peers: gnutls-cli speaks with us, changes keys, and resumes") {
    const TlsContext context = server_context();
    std::vector<bool> resumed;
    const auto handler = [&resumed](StreamReader reader, StreamWriter writer) {
        resumed.push_back(writer.tls_info()->resumed);
        return echo_all(std::move(reader), std::move(writer));
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.tls = context});
    for (const std::string* priority : {&only_tls_1_2, &only_tls_1_3}) {
        Peer gnutls =
            co_await start_gnutls_client(server, {"--priority", *priority, "--inline-commands"});
        co_await gnutls.says("Simple Client Mode");
        co_await gnutls.hears("first words\n");
        co_await gnutls.says("first words");
        if (priority == &only_tls_1_3) {
            co_await gnutls.hears("^rekey^\n");
            co_await gnutls.hears("under new keys\n");
            co_await gnutls.says("under new keys");
        }
        co_await gnutls.hears("^resume^\n");
        co_await gnutls.says("This is a resumed session");
        co_await gnutls.hears("second words\n");
        co_await gnutls.says("second words");
        gnutls.hears_no_more();
        CHECK_AWAIT_HAS(gnutls.ended(), "The certificate is trusted");
    }
    CHECK(resumed == std::vector<bool>{false, true, false, true});
    server.close();
    co_await server.wait_closed();
}

PEER_TEST_CASE("gnutls-cli", "gnutls-bin",
               "peers: gnutls-cli may not renegotiate, however often it asks") {
    const TlsContext context = server_context();
    Server server = co_await start_server(echo_until_failure, "127.0.0.1", 0, {.tls = context});
    Peer gnutls =
        co_await start_gnutls_client(server, {"--priority", only_tls_1_2, "--inline-commands"});
    co_await gnutls.says("Simple Client Mode");
    co_await gnutls.hears("^renegotiate^\n");
    CHECK_AWAIT_HAS(gnutls.ended(), "No renegotiation is allowed");
    server.close();
    co_await server.wait_closed();
}
