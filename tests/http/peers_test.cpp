// nginx and Python's http.server as servers: TLS and its certificates, HTTP/2, what is kept alive.
#include "peers.hpp"

#include <ringio/http.hpp>

#include <support/ends.hpp>

#include <set>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using http::ClientSession;

namespace {

Task<std::string> page(const ClientSession& session, std::string url) {
    auto response = co_await session.get(url);
    response.raise_for_status();
    co_return co_await response.text();
}

std::string first_word(const std::string& text) { return text.substr(0, text.find(' ')); }

Task<> check_versions(Site& site) {
    co_await site.start("ssl_protocols TLSv1.2 TLSv1.3;");
    const std::string ca = site.certificates.file("ca.pem");
    ClientSession session({.tls = TlsContext::client({.ca_file = ca})});
    const std::string by_http2 = co_await page(session, site.url("/who"));
    CHECK(by_http2.ends_with(" HTTP/2.0 TLSv1.3"));
    co_await session.close();
    ClientSession old({.http2 = false, .tls = TlsContext::client({.ca_file = ca})});
    auto response = co_await old.get(site.url("/who"));
    CHECK(response.version() == "1.1");
    const std::string by_http1 = co_await response.text();
    CHECK(by_http1.ends_with(" HTTP/1.1 TLSv1.3"));
    co_await old.close();
    co_await site.nginx.stop();
}

Task<> check_tls12(Site& site) {
    co_await site.start("ssl_protocols TLSv1.2;");
    const std::string ca = site.certificates.file("ca.pem");
    ClientSession session({.tls = TlsContext::client({.ca_file = ca})});
    const std::string who = co_await page(session, site.url("/who"));
    CHECK(who.ends_with(" TLSv1.2"));
    co_await session.close();
    co_await site.nginx.stop();
}

Task<> check_certificates(Site& site) {
    co_await site.start("");
    const std::string ca = site.certificates.file("ca.pem");
    ClientSession suspicious;
    std::string error =
        co_await text_of<http::ClientConnectorCertificateError>(suspicious.get(site.url("/who")));
    CHECK(error.starts_with(fmt::format(
        "Cannot connect to host 127.0.0.1:{0} [CURLE_PEER_FAILED_VERIFICATION: TLS handshake with "
        "127.0.0.1:{0} failed: certificate verify failed: unable to get local issuer certificate "
        "(depth 0, subject CN = server, issuer CN = Test CA); hint: the issuer is not in ",
        site.tls_port)));
    co_await suspicious.close();
    ClientSession trusting(
        {.tls = TlsContext::client({.verify = ringio::tls::insecure_no_verify()})});
    auto response = co_await trusting.get(site.url("/who"));
    CHECK(response.status() == 200);
    co_await trusting.close();
    ClientSession session({.tls = TlsContext::client({.ca_file = ca})});
    const std::string plain = co_await text_of<http::ClientSSLError>(
        session.get(fmt::format("https://127.0.0.1:{}/", site.port)));
    CHECK(plain.find("wrong version number; hint: the peer does not speak TLS on this port") !=
          std::string::npos);
    co_await session.close();
    co_await site.nginx.stop();
}

Task<> check_wrong_host(Site& site) {
    co_await site.start("", "", "other");
    const std::string ca = site.certificates.file("ca.pem");
    ClientSession session({.tls = TlsContext::client({.ca_file = ca})});
    const std::string error =
        co_await text_of<http::ClientConnectorCertificateError>(session.get(site.url("/who")));
    INFO(error);
    CHECK(error.find("hint: the address 127.0.0.1 was expected, and the certificate is for DNS:"
                     "other.test") != std::string::npos);
    co_await session.close();
    co_await site.nginx.stop();
}

Task<> check_expired(Site& site) {
    co_await site.start("", "", "expired");
    const std::string ca = site.certificates.file("ca.pem");
    ClientSession session({.tls = TlsContext::client({.ca_file = ca})});
    const std::string error =
        co_await text_of<http::ClientConnectorCertificateError>(session.get(site.url("/who")));
    CHECK(error.find("certificate has expired") != std::string::npos);
    co_await session.close();
    co_await site.nginx.stop();
}

Task<> check_client_certificate(Site& site) {
    const std::string ca = site.certificates.file("ca.pem");
    co_await site.start(
        fmt::format("ssl_client_certificate {}; ssl_verify_client optional;\n"
                    "location = /me {{ return 200 \"$ssl_client_verify\"; }}",
                    ca));
    const std::string certificate = site.certificates.file("client.pem");
    const std::string key = site.certificates.file("client.key");
    ClientSession known(
        {.tls = TlsContext::client({.ca_file = ca, .certificate = certificate, .key = key})});
    const std::string verified = co_await page(known, site.url("/me"));
    CHECK(verified == "SUCCESS");
    co_await known.close();
    ClientSession unknown({.tls = TlsContext::client({.ca_file = ca})});
    const std::string none = co_await page(unknown, site.url("/me"));
    CHECK(none == "NONE");
    co_await unknown.close();
    co_await site.nginx.stop();
}

Task<> check_multiplexing(Site& site) {
    co_await site.start("");
    const std::string ca = site.certificates.file("ca.pem");
    ClientSession session({.tls = TlsContext::client({.ca_file = ca})});
    const std::string first = co_await page(session, site.url("/who"));
    std::vector<TaskHandle<std::string>> tasks;
    for (int i = 0; i < 10; ++i) {
        tasks.push_back(create_task(page(session, site.url("/who"))));
    }
    const std::vector<std::string> all = co_await gather(tasks);
    std::set<std::string> connections = {first_word(first)};
    for (const std::string& each : all) {
        connections.insert(first_word(each));
    }
    CHECK(connections.size() == 1);
    co_await session.close();
    co_await site.nginx.stop();
}

Task<> check_keepalive(Site& site) {
    co_await site.start("keepalive_requests 3;", "keepalive_requests 3;");
    const std::string ca = site.certificates.file("ca.pem");
    ClientSession session({.tls = TlsContext::client({.ca_file = ca})});
    for (const std::string& url : {site.url("/who"), site.plain_url("/who")}) {
        std::set<std::string> connections;
        for (int i = 0; i < 20; ++i) {
            const std::string who = co_await page(session, url);
            connections.insert(first_word(who));
        }
        CHECK(connections.size() >= 7);
        std::vector<TaskHandle<std::string>> tasks;
        for (int i = 0; i < 20; ++i) {
            tasks.push_back(create_task(page(session, url)));
        }
        const std::vector<std::string> all = co_await gather(tasks);
        CHECK(all.size() == 20);
    }
    co_await session.close();
    co_await site.nginx.stop();
}

Task<> check_paused_stream(Site& site) {
    const std::string bytes = varied_bytes(std::size_t{8} << 20);
    site.certificates.folder().file("large", bytes);
    co_await site.start("");
    const std::string ca = site.certificates.file("ca.pem");
    ClientSession session({.tls = TlsContext::client({.ca_file = ca})});
    const std::string first = co_await page(session, site.url("/who"));
    auto slow = co_await session.get(site.url("/large"));
    for (int i = 0; i < 5; ++i) {
        const std::string who = co_await page(session, site.url("/who"));
        CHECK(first_word(who) == first_word(first));  // beside the one that stands still
    }
    std::string all;
    while (auto piece = co_await slow.content().next()) {
        all += *piece;
    }
    CHECK((all == bytes));
    co_await session.close();
    co_await site.nginx.stop();
}

// What libcurl keeps for them goes with them: LeakSanitizer tells.
Task<> check_unread_streams(Site& site) {
    site.certificates.folder().file("large", varied_bytes(std::size_t{8} << 20));
    co_await site.start("");
    const std::string ca = site.certificates.file("ca.pem");
    for (const bool closes_first : {false, true}) {
        ClientSession session({.tls = TlsContext::client({.ca_file = ca})});
        {
            auto one = co_await session.get(site.url("/large"));
            auto other = co_await session.get(site.url("/large"));
            for (int i = 0; i < 3; ++i) {
                static_cast<void>(co_await page(session, site.url("/who")));
            }
            const auto piece = co_await one.content().next();  // goes on, and is given up at once
            CHECK(piece.has_value());
            if (closes_first) {
                co_await session.close();
            }
        }
        co_await session.close();
    }
    co_await site.nginx.stop();
}

Task<> check_python(const TempFolder& folder, std::string port) {
    const Arguments arguments{"-m",          "http.server", "--bind", "127.0.0.1",
                              "--directory", folder.path(), port};
    Peer python = co_await Peer::start("python3", arguments);
    co_await python.answers_at(port);
    ClientSession session;
    const std::string base = fmt::format("http://127.0.0.1:{}", port);
    auto response = co_await session.get(base + "/hello.txt");
    CHECK(response.status() == 200);
    CHECK(response.content_type() == "text/plain");
    const std::string text = co_await response.text();
    CHECK(text == "hello");
    auto head = co_await session.head(base + "/hello.txt");
    CHECK(head.headers()["Content-Length"] == "5");
    auto missing = co_await session.get(base + "/nothing");
    CHECK(missing.status() == 404);
    auto redirected = co_await session.get(base + "/folder");
    CHECK(redirected.url().path() == "/folder/");
    CHECK(redirected.history().size() == 1);
    co_await session.close();
    python.process().kill();
    static_cast<void>(co_await python.ended());
}

}  // namespace

TEST_CASE("peers: nginx by TLS 1.3, with HTTP/2 and 1.1") { run_with_site(&check_versions); }
TEST_CASE("peers: nginx by TLS 1.2") { run_with_site(&check_tls12); }
TEST_CASE("peers: certificates: unknown issuer, no check, no TLS at all") {
    run_with_site(&check_certificates);
}
TEST_CASE("peers: a certificate of another host is refused") { run_with_site(&check_wrong_host); }
TEST_CASE("peers: a certificate that has expired is refused") { run_with_site(&check_expired); }
TEST_CASE("peers: a certificate of the client's own") { run_with_site(&check_client_certificate); }
TEST_CASE("C14: requests to who spoke HTTP/2 before share one connection") {
    run_with_site(&check_multiplexing);
}
TEST_CASE("C15: a server that ends each connection after three requests answers all") {
    run_with_site(&check_keepalive);
}
TEST_CASE("peers: a stream of HTTP/2 that nobody reads does not hold up the others") {
    run_with_site(&check_paused_stream);
}
TEST_CASE("peers: streams of HTTP/2 that are given up unread leave nothing") {
    run_with_site(&check_unread_streams);
}
TEST_CASE("peers: Python's http.server") {
    if (!is_missing("python3", "python3")) {
        const TempFolder folder;
        folder.file("hello.txt", "hello");
        std::filesystem::create_directory(folder / "folder");
        const testing::Balance balance;
        ringio::run(check_python(folder, free_port()));
        CHECK(balance.difference() == "");
    }
}
