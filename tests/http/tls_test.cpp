// HTTP over TLS, with a server on the loop of the test: contexts, and what is said of certificates.
#include <ringio/http.hpp>
#include <ringio/requests.hpp>
#include <ringio/tls.hpp>

#include <openssl/x509_vfy.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "../tls/certificates.hpp"
#include "http_server.hpp"

using namespace ringio;
using namespace ringio::test_support;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using http::ClientConnectorCertificateError;
using http::ClientSession;
using http::ClientSSLError;

namespace {

constexpr long day = 24 * 3600;

std::string say_hello(const Heard&) { return answer("200 OK", "hello"); }

TlsContext showing(const Identity& identity) {
    return TlsContext::server({.certificate = identity.certificate, .key = identity.key});
}

/// What is to be said of a certificate, on the way from the server to who asked.
struct Refusal {
    Identity shown;
    long verify_result;
    std::string hint;
};

Task<> check_refusal(Refusal expected) {
    HttpServer server;
    server.tls = showing(expected.shown);
    co_await server.start(say_hello);
    ClientSession session({.tls = client_context()});
    const std::string url = server.url("/");
    std::string said;
    try {
        auto response = co_await session.get(url);
    } catch (const ClientConnectorCertificateError& error) {
        said = error.what();
        CHECK(error.host() == "127.0.0.1");
        CHECK(error.port() == server.port());
        CHECK(error.code() == TlsErrc::certificate_verify_failed);
        CHECK(error.certificate_error().verify_result() == expected.verify_result);
        CHECK_THAT(error.certificate_error().hint(), Contains(expected.hint));
    }
    const std::string peer = fmt::format("127.0.0.1:{}", server.port());
    CHECK_THAT(said, StartsWith("Cannot connect to host " + peer +
                                " [CURLE_PEER_FAILED_VERIFICATION: TLS handshake with " + peer +
                                " failed: certificate verify failed: "));
    CHECK_THAT(said, Contains(X509_verify_cert_error_string(expected.verify_result)));
    CHECK_THAT(said, Contains("; hint: "));
    CHECK(server.heard.empty());
    co_await end(session, server);
}

}  // namespace

ASYNC_TEST_CASE("http tls: a context says whom to trust, for all requests of a session") {
    HttpServer server;
    server.tls = server_context();
    co_await server.start(say_hello);
    ClientSession session({.tls = client_context()});
    for (int i = 0; i < 3; ++i) {
        auto response = co_await session.get(server.url("/"));
        const std::string text = co_await response.text();
        CHECK(text == "hello");
    }
    CHECK(server.connections == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("http tls: a refused certificate is told with all that is known of it") {
    const std::vector<Refusal> refusals{
        {test_authority().issue({.begins_in = -10 * day, .ends_in = -day}),
         X509_V_ERR_CERT_HAS_EXPIRED, "it ended on "},
        {test_authority().issue({.begins_in = day, .ends_in = 9 * day}),
         X509_V_ERR_CERT_NOT_YET_VALID, "it begins on "},
        {test_authority().issue({.alt_names = "DNS:other.test"}), X509_V_ERR_IP_ADDRESS_MISMATCH,
         "is for DNS:other.test"},
        {CertificateMaker().issue(), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
         "the issuer is not in "},
        {test_authority().issue({.signs_itself = true}), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
         "it vouches for itself"},
        {test_authority().issue({.usage = "clientAuth"}), X509_V_ERR_INVALID_PURPOSE,
         "it is not meant for this side"}};
    for (const Refusal& refusal : refusals) {
        co_await check_refusal(refusal);
    }
}

ASYNC_TEST_CASE("http tls: what is not checked is taken") {
    HttpServer server;
    server.tls = showing(CertificateMaker().issue({.alt_names = "DNS:other.test"}));
    co_await server.start(say_hello);
    const TlsContext blind = TlsContext::client({.verify = tls::insecure_no_verify()});
    ClientSession session({.tls = blind});
    auto response = co_await session.get(server.url("/"));
    CHECK(response.status() == 200);
    co_await end(session, server);
}

ASYNC_TEST_CASE("http tls: a session that names nobody trusts whom the system trusts") {
    HttpServer server;
    server.tls = server_context();
    co_await server.start(say_hello);
    ClientSession session;
    std::string said;
    try {
        auto response = co_await session.get(server.url("/"));
    } catch (const ClientSSLError& error) {
        said = error.what();
    }
    // Or there is nobody, as on a machine without ca-certificates.
    const bool is_told = said.find("the issuer is not in") != std::string::npos ||
                         said.find("no CA certificates in") != std::string::npos;
    INFO(said);
    CHECK(is_told);
    co_await end(session, server);
}

ASYNC_TEST_CASE("http tls: the certificate of the context is shown to who asks for one") {
    HttpServer server;
    server.tls = TlsContext::server({.certificate = localhost().certificate,
                                     .key = localhost().key,
                                     .client_ca = test_ca_file(),
                                     .max_version = TlsVersion::tls1_2});
    co_await server.start(say_hello);
    const Identity own = test_authority().issue({.common_name = "me"});
    const TlsContext known = TlsContext::client(
        {.ca_file = test_ca_file(), .certificate = own.certificate, .key = own.key});
    ClientSession session({.tls = known});
    auto response = co_await session.get(server.url("/"));
    CHECK(response.status() == 200);
    co_await session.close();
    ClientSession unknown({.tls = client_context()});
    TlsErrc reason = TlsErrc::not_tls;
    try {
        auto refused = co_await unknown.get(server.url("/"));
    } catch (const ClientSSLError& error) {
        reason = static_cast<TlsErrc>(error.tls_error().code().value());
        CHECK_THAT(error.what(), Contains("hint: the peer wants a certificate of ours"));
    }
    CHECK(reason == TlsErrc::peer_rejected_certificate);
    co_await end(unknown, server);
}

ASYNC_TEST_CASE("http tls: a redirect from one host to another checks the other's name") {
    HttpServer server;
    server.tls = showing(test_authority().issue({.alt_names = "IP:127.0.0.1"}));
    co_await server.start([&server](const Heard&) {
        return answer("302 Found", "",
                      fmt::format("Location: https://localhost:{}/\r\n", server.port()));
    });
    ClientSession session({.tls = client_context()});
    std::string said;
    try {
        auto response = co_await session.get(server.url("/"));
    } catch (const ClientConnectorCertificateError& error) {
        said = error.what();
        CHECK(error.host() == "localhost");
    }
    CHECK_THAT(said, Contains("localhost was expected, and the certificate is for IP:127.0.0.1"));
    co_await end(session, server);
}

TEST_CASE("http tls: the context of a server makes no session") {
    testing::run_virtual([]() -> Task<> {
        const TlsContext context = server_context();
        CHECK_THROWS_AS(ClientSession({.tls = context}), std::invalid_argument);
        co_return;
    }());
    const TlsContext context = server_context();
    CHECK_THROWS_AS(requests::Session({.tls = context}), std::invalid_argument);
}

ASYNC_TEST_CASE("http tls: requests has the same contexts and the same errors", "[threads]") {
    HttpServer server;
    server.tls = server_context();
    co_await server.start(say_hello);
    const std::string url = server.url("/");
    const TlsContext trusting = client_context();
    const std::string text =
        co_await to_thread([&] { return requests::Session({.tls = trusting}).get(url).text(); });
    CHECK(text == "hello");
    const CertificateMaker nobody;
    const TlsContext other = TlsContext::client({.ca_file = nobody.file()});
    const std::string said = co_await to_thread([&]() -> std::string {
        try {
            return requests::Session({.tls = other}).get(url).text();
        } catch (const ClientConnectorCertificateError& error) {
            return error.certificate_error().hint();
        }
    });
    CHECK_THAT(said, StartsWith("the issuer is not in .ca_file, "));
    co_await server.stop();
}
