// TLS with what speaks HTTP: nginx, whom we ask by hand, curl, which asks us, and haproxy in
// between, which says by the PROXY protocol whom it brings.
#include <ringio/tls.hpp>
#include <support/ends.hpp>

#include <optional>
#include <string>
#include <vector>

#include "certificates.hpp"
#include "peer_process.hpp"
#include "tls_pair.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t file_size = 20'000'000;

/// nginx in one process, which serves what is in the folder under TLS.
Task<Peer> start_nginx(const TempFolder& folder, std::string port, std::string rules) {
    std::string text = ::geteuid() == 0 ? "user root root;\n" : "";
    text += "daemon off; master_process off; pid nginx.pid; error_log stderr;\n";
    text += "events { worker_connections 256; }\nhttp { access_log off;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
        text.append(kind).append("_temp_path temp_").append(kind).append(";\n");
    }
    text += "server { listen 127.0.0.1:" + port + " ssl; root .;\nssl_certificate " +
            localhost().certificate + "; ssl_certificate_key " + localhost().key + ";\n" + rules +
            "\n} }\n";
    folder.file("nginx.conf", text);
    Arguments arguments{"-p", folder.path(), "-e", "stderr", "-c", "nginx.conf"};
    Peer nginx = co_await Peer::start("nginx", arguments);
    co_await nginx.answers_at(port);
    co_return nginx;
}

/// All that comes for a GET of the file, which is to be the last one of the connection.
Task<std::string> answer_of(Connection connection, std::string path) {
    connection.writer.write("GET " + path +
                            " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + "\r\n");
    co_await connection.writer.drain();
    const std::string answer = co_await connection.reader.read();
    connection.writer.close();
    co_await connection.writer.wait_closed();
    co_return answer;
}

Task<> download_from_nginx(std::string protocol, std::string version) {
    const TempFolder folder;
    const std::string content = varied_bytes(file_size);
    folder.file("file", content);
    const std::string port = free_port();
    Peer nginx = co_await start_nginx(
        folder, port, "ssl_protocols " + protocol + "; ssl_session_cache shared:one:1m;");
    const TlsContext context = client_context();
    for (const bool resumed : {false, true}) {
        Connection connection =
            co_await open_connection("localhost", std::stol(port), {.tls = context});
        CHECK(connection.writer.tls_info()->version == version);
        CHECK(connection.writer.tls_info()->resumed == resumed);
        const std::string answer = co_await answer_of(connection, "/file");
        CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK((answer.size() > file_size && answer.ends_with(content)));
    }
}

/// Answers one request with `size` bytes.
Task<> answer_request(StreamReader reader, StreamWriter writer, std::size_t size) {
    co_await reader.readuntil("\r\n\r\n");
    writer.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(size) +
                 "\r\n\r\n");
    writer.write(varied_bytes(size));
    co_await writer.drain();
    writer.close();
    co_await writer.wait_closed();
}

/// Asks by curl; gives what curl says when it has ended.
Task<std::string> curl(std::string port, Arguments options) {
    Arguments arguments{"-sS", "--cacert", test_ca_file(), "--resolve",
                        "localhost:" + port + ":127.0.0.1"};
    arguments.add(options);
    arguments.add("https://localhost:" + port + "/");
    Peer peer = co_await Peer::start("curl", arguments);
    co_return co_await peer.ended();
}

}  // namespace

PEER_TEST_CASE("nginx", "nginx-light", "peers: nginx gives us twenty megabytes under TLS 1.2") {
    co_await download_from_nginx("TLSv1.2", "TLSv1.2");
}

PEER_TEST_CASE("nginx", "nginx-light", "peers: nginx gives us twenty megabytes under TLS 1.3") {
    co_await download_from_nginx("TLSv1.3", "TLSv1.3");
}

PEER_TEST_CASE("nginx", "nginx-light", "peers: nginx asks for our certificate") {
    const TempFolder folder;
    folder.file("file", "for those who are known");
    const std::string port = free_port();
    Peer nginx = co_await start_nginx(
        folder, port, "ssl_verify_client on; ssl_client_certificate " + test_ca_file() + ";");
    const Identity ours = test_authority().issue({.common_name = "the client"});
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        const TlsContext known = TlsContext::client({.ca_file = test_ca_file(),
                                                     .certificate = ours.certificate,
                                                     .key = ours.key,
                                                     .max_version = version});
        Connection connection =
            co_await open_connection("localhost", std::stol(port), {.tls = known});
        const std::string answer = co_await answer_of(connection, "/file");
        CHECK(answer.ends_with("\r\n\r\nfor those who are known"));

        const TlsContext unknown =
            TlsContext::client({.ca_file = test_ca_file(), .max_version = version});
        Connection stranger =
            co_await open_connection("localhost", std::stol(port), {.tls = unknown});
        const std::string refusal = co_await answer_of(stranger, "/file");
        CHECK(refusal.starts_with("HTTP/1.1 400 Bad Request"));
    }
}

PEER_TEST_CASE("curl", "curl", "peers: curl downloads twenty megabytes from us") {
    const auto handler = [](StreamReader reader, StreamWriter writer) {
        return answer_request(std::move(reader), std::move(writer), file_size);
    };
    const TlsContext context = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .alpn = {"http/1.1"}});
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.tls = context});
    const std::string port = port_of(server);
    const std::string content = varied_bytes(file_size);
    for (const char* version : {"1.2", "1.3"}) {
        const std::string answer =
            co_await curl(port, {"--tls-max", version, "--tlsv1.2", "--output", "-"});
        CHECK((answer == content));
    }
    server.close();
    co_await server.wait_closed();
}

PEER_TEST_CASE("curl", "curl", "peers: we ask for the certificate of curl") {
    const auto handler = [](StreamReader reader, StreamWriter writer) {
        return answer_request(std::move(reader), std::move(writer), 100);
    };
    const TlsContext context = TlsContext::server({.certificate = localhost().certificate,
                                                   .key = localhost().key,
                                                   .client_ca = test_ca_file()});
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.tls = context});
    const std::string port = port_of(server);
    const Identity theirs = test_authority().issue();
    const std::string known =
        co_await curl(port, {"--cert", theirs.certificate, "--key", theirs.key, "--output", "-"});
    CHECK((known == varied_bytes(100)));
    CHECK_AWAIT_HAS(curl(port, {}), "alert certificate required");
    CHECK_AWAIT_HAS(curl(port, {"--tls-max", "1.2"}), "alert handshake failure");
    server.close();
    co_await server.wait_closed();
}

PEER_TEST_CASE("haproxy", "haproxy",
               "peers: haproxy names a client in the clear, and TLS begins behind that") {
    if (is_missing("curl", "curl")) {
        co_return;
    }
    std::vector<std::string> lines;
    const auto handler = [&lines](StreamReader reader, StreamWriter writer) -> Task<> {
        lines.push_back(co_await reader.readuntil("\r\n"));
        co_await as_server(writer);
        co_await answer_request(std::move(reader), std::move(writer), 1'000'000);
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    const TempFolder folder;
    const std::string port = free_port();
    const std::string config = folder.file(
        "haproxy.cfg",
        "defaults\n mode tcp\n timeout connect 20s\n timeout client 20s\n timeout server 20s\n"
        "listen between\n bind 127.0.0.1:" +
            port + "\n server ours 127.0.0.1:" + port_of(server) + " send-proxy\n");
    Arguments arguments{"-db", "-f", config};
    Peer haproxy = co_await Peer::start("haproxy", arguments);
    bool is_up = false;
    for (int attempt = 0; attempt < 200 && !is_up; ++attempt) {
        const std::string answer = co_await curl(port, {"--output", "-"});
        is_up = answer == varied_bytes(1'000'000);
        if (!is_up) {
            CHECK_THAT(answer, Catch::Matchers::Contains("Failed to connect"));
            co_await sleep(10ms);
        }
    }
    CHECK(is_up);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "));
    CHECK(lines[0].ends_with(" " + port + "\r\n"));
    server.close();
    co_await server.wait_closed();
}
