// squid as a proxy: plain requests, tunnels, who may use it, and what it refuses.
#include "peers.hpp"

#include <support/ends.hpp>
#include <support/raw_socket.hpp>

#include <filesystem>
#include <optional>
#include <string>

using namespace ringio;
using namespace ringio::test_support;
using http::ClientSession;

namespace {

/// squid in one process, which keeps nothing. It knows one user, and goes nowhere near
/// forbidden.test. As root it becomes another user, who must be able to read the folder.
class Squid {
public:
    Task<> start() {
        std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
        const std::string check = folder_.file(
            "check.sh",
            "while read -r user password; do\n"
            "if [ \"$user $password\" = 'user pass' ]; then echo OK; else echo ERR; fi\ndone\n");
        const std::string config = folder_.file(
            "squid.conf",
            fmt::format("http_port 127.0.0.1:{}\n"
                        "visible_hostname test\npid_filename none\npinger_enable off\n"
                        "access_log none\ncache_log /dev/null\ncache_store_log none\n"
                        "netdb_filename none\ncache deny all\ncoredump_dir {}\n"
                        "shutdown_lifetime 0 seconds\n"
                        "auth_param basic program /bin/sh {}\nauth_param basic children 1\n"
                        "acl known proxy_auth REQUIRED\nacl forbidden dstdomain forbidden.test\n"
                        "http_access deny forbidden\nhttp_access allow known\n"
                        "http_access deny all\n",
                        port_, folder_.path(), check));
        const Arguments arguments{"-N", "-f", config};
        peer_ = co_await Peer::start("squid", arguments);
        co_await peer_->answers_at(port_);
    }

    Task<> stop() {
        peer_->process().kill();
        static_cast<void>(co_await peer_->ended());
    }

    std::string url(std::string_view user = "user:pass@") const {
        return fmt::format("http://{}127.0.0.1:{}", user, port_);
    }

private:
    TempFolder folder_;
    std::string port_ = free_port();
    std::optional<Peer> peer_;
};

std::string via(const http::ClientResponse& response) {
    return std::string(response.headers().get("Via", "nobody"));
}

Task<> through_squid(Site& site) {
    co_await site.start("");
    Squid squid;
    co_await squid.start();
    const std::string ca = site.certificates.file("ca.pem");
    const std::string proxy = squid.url();
    ClientSession session({.proxy = proxy, .tls = TlsContext::client({.ca_file = ca})});

    auto plain = co_await session.get(site.plain_url("/who"));
    CHECK(plain.status() == 200);
    CHECK_THAT(via(plain), Catch::Matchers::Contains("test (squid"));
    CHECK_AWAIT_HAS(plain.text(), "HTTP/1.1");

    auto tunnelled = co_await session.get(site.url("/who"));
    CHECK(tunnelled.status() == 200);
    CHECK(via(tunnelled) == "nobody");  // it sees none of it
    CHECK_AWAIT_HAS(tunnelled.text(), "HTTP/2.0 TLSv1.");

    const std::string large = varied_bytes(3'000'000);
    site.certificates.folder().file("large", large);
    for (const std::string& url : {site.plain_url("/large"), site.url("/large")}) {
        auto response = co_await session.get(url);
        const std::string body = co_await response.text();
        CHECK((body == large));
    }
    auto missing = co_await session.get(site.plain_url("/none"));
    CHECK(missing.status() == 404);
    co_await session.close();
    co_await squid.stop();
    co_await site.nginx.stop();
}

Task<> refused_by_squid(Site& site) {
    co_await site.start("");
    Squid squid;
    co_await squid.start();
    const std::string ca = site.certificates.file("ca.pem");
    ClientSession session({.tls = TlsContext::client({.ca_file = ca})});

    const std::string stranger = squid.url("");
    const std::string liar = squid.url("user:wrong@");
    for (const std::string& proxy : {stranger, liar}) {
        auto plain = co_await session.get(site.plain_url("/who"), {.proxy = proxy});
        CHECK(plain.status() == 407);
        CHECK(plain.headers()["Proxy-Authenticate"].starts_with("Basic realm="));
        CHECK_AWAIT_HAS(
            text_of<http::ClientHttpProxyError>(session.get(site.url("/who"), {.proxy = proxy})),
            "407, message='the proxy refused the connection");
    }
    const std::string known = squid.url();
    CHECK_AWAIT_HAS(text_of<http::ClientHttpProxyError>(
                        session.get("https://forbidden.test/", {.proxy = known})),
                    "403, message='the proxy refused the connection");
    auto forbidden = co_await session.get("http://forbidden.test/", {.proxy = known});
    CHECK(forbidden.status() == 403);
    const RawSocket closed = RawSocket::bound();
    const std::string nowhere = fmt::format("127.0.0.1:{}/", closed.port());
    auto unreachable = co_await session.get("http://" + nowhere, {.proxy = known});
    CHECK(unreachable.status() == 503);
    CHECK_AWAIT_HAS(
        text_of<http::ClientHttpProxyError>(session.get("https://" + nowhere, {.proxy = known})),
        "503, message='the proxy refused the connection");

    co_await squid.stop();
    for (const std::string& url : {site.plain_url("/who"), site.url("/who")}) {
        CHECK_AWAIT_HAS(
            text_of<http::ClientProxyConnectionError>(session.get(url, {.proxy = known})),
            "Cannot connect to proxy 127.0.0.1:");
    }
    co_await session.close();
    co_await site.nginx.stop();
}

Task<> wrong_certificate_behind_squid(Site& site) {
    co_await site.start("", "", "other");
    Squid squid;
    co_await squid.start();
    const std::string ca = site.certificates.file("ca.pem");
    const std::string proxy = squid.url();
    ClientSession session({.proxy = proxy, .tls = TlsContext::client({.ca_file = ca})});
    CHECK_AWAIT_HAS(text_of<http::ClientConnectorCertificateError>(session.get(site.url("/who"))),
                    "CURLE_PEER_FAILED_VERIFICATION");
    co_await session.close();
    co_await squid.stop();
    co_await site.nginx.stop();
}

void run_with_squid(Task<> (*body)(Site&)) {
    if (!is_missing("squid", "squid")) {
        run_with_site(body);
    }
}

}  // namespace

TEST_CASE("peers: squid hands plain requests on, and tunnels TLS, for who is known to it") {
    run_with_squid(&through_squid);
}

TEST_CASE("peers: squid refuses strangers, hosts, and what it cannot reach; then it is gone") {
    run_with_squid(&refused_by_squid);
}

TEST_CASE("peers: a tunnel of squid's does not vouch for who is at its other end") {
    run_with_squid(&wrong_certificate_behind_squid);
}
