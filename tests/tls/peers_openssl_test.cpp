// TLS with OpenSSL's own programs: openssl s_server and openssl s_client.
#include <ringio/tls.hpp>
#include <support/ends.hpp>

#include <support/ends.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "certificates.hpp"
#include "peer_process.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// openssl s_server, and the port that it has chosen.
struct OpensslServer {
    OpensslServer(Peer program, long number) : peer(std::move(program)), port(number) {}

    Peer peer;
    long port;
};

Task<OpensslServer> start_s_server(Arguments options) {
    Arguments arguments{"s_server", "-accept", "127.0.0.1:0"};
    arguments.add("-cert", localhost().certificate, "-key", localhost().key);
    arguments.add(options);
    Peer peer = co_await Peer::start("openssl", arguments);
    const std::string ready = "ACCEPT 127.0.0.1:";
    co_await peer.says(ready);
    co_await peer.says("\n");
    const std::size_t at = peer.words().find(ready) + ready.size();
    co_await peer.says(peer.words().substr(0, at));
    const long port = std::stol(peer.words().substr(at));
    co_return OpensslServer(std::move(peer), port);
}

/// What s_server's -rev makes of a line.
Task<std::string> reversed_by(Connection connection, std::string line) {
    connection.writer.write(line + "\n");
    co_await connection.writer.drain();
    const std::string answer = co_await connection.reader.readline();
    co_return answer;
}

/// Closes, and waits for the peer's good-bye.
Task<> part(Connection connection) {
    connection.writer.close();
    co_await connection.writer.wait_closed();
}

/// A server of ours whose every connection is `handler`'s, and openssl s_client at it.
Task<Peer> start_s_client(const Server& server, Arguments options) {
    Arguments arguments{"s_client", "-connect",
                        "127.0.0.1:" + std::to_string(server.sockets()[0].getsockname().port())};
    arguments.add("-CAfile", test_ca_file(), "-verify_return_error", "-verify_hostname",
                  "localhost", "-servername", "localhost");
    arguments.add(options);
    co_return co_await Peer::start("openssl", arguments);
}

Task<> echo_lines(StreamReader reader, StreamWriter writer) {
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

Task<> meet_s_server(std::string version, std::string name) {
    OpensslServer server = co_await start_s_server({version, "-rev"});
    const TlsContext context = client_context();
    Connection connection = co_await open_connection("localhost", server.port, {.tls = context});
    CHECK_AWAIT(reversed_by(connection, "stressed"), "desserts\n");
    const std::optional<TlsInfo> info = connection.writer.tls_info();
    REQUIRE(info);
    CHECK(info->version == name);
    CHECK(info->server_hostname == "localhost");
    CHECK_FALSE(info->resumed);
    co_await part(connection);

    Connection second = co_await open_connection("localhost", server.port, {.tls = context});
    CHECK_AWAIT(reversed_by(second, "again"), "niaga\n");
    CHECK(second.writer.tls_info()->resumed);
    co_await part(second);

    const TlsContext other = client_context();
    Connection third = co_await open_connection("localhost", server.port, {.tls = other});
    CHECK_AWAIT(reversed_by(third, "new"), "wen\n");
    CHECK_FALSE(third.writer.tls_info()->resumed);
    co_await part(third);
}

Task<> meet_s_client(std::string version, std::string name) {
    std::vector<TlsInfo> seen;
    const auto handler = [&seen](StreamReader reader, StreamWriter writer) {
        seen.push_back(*writer.tls_info());
        return echo_lines(std::move(reader), std::move(writer));
    };
    const TlsContext context = server_context();
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.tls = context});
    const TempFolder folder;
    const std::string session = folder / std::string("session.pem");
    Peer first = co_await start_s_client(server, {version, "-sess_out", session});
    co_await first.hears("hello from outside\n");
    co_await first.says("\nhello from outside");
    co_await first.hears("Q\n");
    CHECK_AWAIT_HAS(first.ended(), "Verification: OK");

    Peer second = co_await start_s_client(server, {version, "-sess_in", session});
    co_await second.hears("and again\n");
    co_await second.says("\nand again");
    co_await second.hears("Q\n");
    CHECK_AWAIT_HAS(second.ended(), "Reused, " + name);

    REQUIRE(seen.size() == 2);
    CHECK(seen[0].version == name);
    CHECK(seen[0].server_hostname == "localhost");
    CHECK_FALSE(seen[0].resumed);
    CHECK(seen[1].resumed);
    server.close();
    co_await server.wait_closed();
}

}  // namespace

PEER_TEST_CASE("openssl", "openssl",
               "peers: openssl s_server speaks TLS 1.2 with us, and resumes our session") {
    co_await meet_s_server("-tls1_2", "TLSv1.2");
}

PEER_TEST_CASE("openssl", "openssl",
               "peers: openssl s_server speaks TLS 1.3 with us, and resumes our session") {
    co_await meet_s_server("-tls1_3", "TLSv1.3");
}

PEER_TEST_CASE("openssl", "openssl",
               "peers: openssl s_client speaks TLS 1.2 with us, and we resume its session") {
    co_await meet_s_client("-tls1_2", "TLSv1.2");
}

PEER_TEST_CASE("openssl", "openssl",
               "peers: openssl s_client speaks TLS 1.3 with us, and we resume its session") {
    co_await meet_s_client("-tls1_3", "TLSv1.3");
}

PEER_TEST_CASE("openssl", "openssl",
               "peers: openssl s_client reconnects five times, and each time we know it") {
    int resumed = 0;
    int all = 0;
    const auto handler = [&](StreamReader reader, StreamWriter writer) {
        ++all;
        resumed += writer.tls_info()->resumed ? 1 : 0;
        return echo_lines(std::move(reader), std::move(writer));
    };
    const TlsContext context = server_context();
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.tls = context});
    Peer client = co_await start_s_client(server, {"-tls1_2", "-reconnect"});
    co_await client.hears("still here\n");
    co_await client.says("\nstill here");
    co_await client.hears("Q\n");
    co_await client.ended();
    CHECK(all == 6);
    CHECK(resumed == 5);
    server.close();
    co_await server.wait_closed();
}

PEER_TEST_CASE("openssl", "openssl", "peers: openssl s_server asks for our certificate") {
    OpensslServer server = co_await start_s_server(
        {"-rev", "-Verify", "2", "-verify_return_error", "-CAfile", test_ca_file()});
    const Identity ours = test_authority().issue({.common_name = "the client"});
    const TlsContext context = TlsContext::client(
        {.ca_file = test_ca_file(), .certificate = ours.certificate, .key = ours.key});
    Connection connection = co_await open_connection("localhost", server.port, {.tls = context});
    CHECK_AWAIT(reversed_by(connection, "live"), "evil\n");
    co_await part(connection);

    const TlsContext bare = client_context();
    Connection refused = co_await open_connection("localhost", server.port, {.tls = bare});
    std::optional<TlsError> caught;
    try {
        co_await refused.reader.read();
    } catch (const TlsError& error) {
        caught = error;
    }
    REQUIRE(caught);
    CHECK(caught->code() == TlsErrc::peer_rejected_certificate);
    CHECK(caught->reason() == "tlsv13 alert certificate required");
    CHECK(caught->hint() == "the peer wants a certificate of ours: give .certificate and .key");
}

PEER_TEST_CASE("openssl", "openssl", "peers: we ask for the certificate of openssl s_client") {
    std::vector<std::string> subjects;
    const auto handler = [&subjects](StreamReader reader, StreamWriter writer) {
        subjects.push_back(writer.tls_info()->peer_certificate->subject);
        return echo_lines(std::move(reader), std::move(writer));
    };
    const TlsContext context = TlsContext::server({.certificate = localhost().certificate,
                                                   .key = localhost().key,
                                                   .client_ca = test_ca_file()});
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.tls = context});
    const Identity theirs = test_authority().issue({.common_name = "the client"});
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
        Peer known = co_await start_s_client(
            server, {version, "-cert", theirs.certificate, "-key", theirs.key});
        co_await known.hears("let me in\n");
        co_await known.says("\nlet me in");
        co_await known.hears("Q\n");
        co_await known.ended();
        Peer unknown = co_await start_s_client(server, {version});
        const std::string words = co_await unknown.ended();
        CHECK_THAT(words, Catch::Matchers::Contains("alert handshake failure") ||
                              Catch::Matchers::Contains("alert certificate required"));
    }
    CHECK(subjects == std::vector<std::string>{"CN = the client", "CN = the client"});
    server.close();
    co_await server.wait_closed();
}

PEER_TEST_CASE("openssl", "openssl", "peers: openssl and we agree on a protocol, or do not") {
    OpensslServer theirs = co_await start_s_server({"-rev", "-alpn", "http/1.1,echo"});
    const TlsContext context =
        TlsContext::client({.ca_file = test_ca_file(), .alpn = {"h2", "echo"}});
    Connection connection = co_await open_connection("localhost", theirs.port, {.tls = context});
    CHECK(connection.writer.tls_info()->alpn == "echo");
    co_await part(connection);

    const TlsContext serving = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .alpn = {"h2", "echo"}});
    Server ours = co_await start_server(echo_lines, "127.0.0.1", 0, {.tls = serving});
    Peer agrees = co_await start_s_client(ours, {"-alpn", "echo,h2"});
    co_await agrees.says("ALPN protocol: h2");
    co_await agrees.hears("Q\n");
    Peer differs = co_await start_s_client(ours, {"-alpn", "smtp"});
    CHECK_AWAIT_HAS(differs.ended(), "alert no application protocol");
    co_await agrees.ended();
    ours.close();
    co_await ours.wait_closed();
}

PEER_TEST_CASE("openssl", "openssl", "peers: openssl s_server changes keys while we send") {
    OpensslServer server = co_await start_s_server({"-tls1_3"});
    const TlsContext context = client_context();
    Connection connection = co_await open_connection("localhost", server.port, {.tls = context});
    for (int round = 0; round < 20; ++round) {
        connection.writer.write(std::string(20'000, 'x') + "\n");
        co_await connection.writer.drain();
        co_await server.peer.hears(round % 2 == 0 ? "K\n" : "k\n");
        connection.writer.write("round " + std::to_string(round) + "\n");
        co_await connection.writer.drain();
        co_await server.peer.says("round " + std::to_string(round) + "\n");
        co_await server.peer.hears("line " + std::to_string(round) + "\n");
        CHECK_AWAIT(connection.reader.readline(), "line " + std::to_string(round) + "\n");
    }
    CHECK(std::ranges::count(server.peer.words(), 'x') >= 400'000);
    co_await part(connection);
}

PEER_TEST_CASE("openssl", "openssl", "peers: openssl s_client changes keys while we echo") {
    const TlsContext context = server_context();
    Server server = co_await start_server(echo_lines, "127.0.0.1", 0, {.tls = context});
    Peer client = co_await start_s_client(server, {"-tls1_3"});
    for (int round = 0; round < 20; ++round) {
        co_await client.hears(round % 2 == 0 ? "K\n" : "k\n");
        co_await client.says("KEYUPDATE", round + 1);
        co_await client.hears("round " + std::to_string(round) + "\n");
        co_await client.says("round " + std::to_string(round) + "\n");
    }
    co_await client.hears("Q\n");
    co_await client.ended();
    server.close();
    co_await server.wait_closed();
}

PEER_TEST_CASE("openssl", "openssl", "peers: openssl s_server may not renegotiate") {
    OpensslServer server = co_await start_s_server({"-tls1_2"});
    const TlsContext context = client_context();
    Connection connection = co_await open_connection("localhost", server.port, {.tls = context});
    connection.writer.write("before\n");
    co_await server.peer.says("before\n");
    co_await server.peer.hears("r\n");
    co_await server.peer.says("no renegotiation");
    std::optional<TlsError> caught;
    try {
        co_await connection.reader.read();
    } catch (const TlsError& error) {
        caught = error;
    }
    REQUIRE(caught);
    CHECK(caught->reason() == "sslv3 alert handshake failure");
}

PEER_TEST_CASE("openssl", "openssl", "peers: openssl s_client may not renegotiate") {
    const TlsContext context = server_context();
    Server server = co_await start_server(echo_until_failure, "127.0.0.1", 0, {.tls = context});
    Peer client = co_await start_s_client(server, {"-tls1_2"});
    co_await client.hears("before\n");
    co_await client.says("\nbefore");
    co_await client.hears("R\n");
    CHECK_AWAIT_HAS(client.ended(), "no renegotiation");
    server.close();
    co_await server.wait_closed();
}
