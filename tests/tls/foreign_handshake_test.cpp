// What a certificate is refused for is in certificates_test.cpp, of this, too.
#include "../../src/tls/foreign_handshake.hpp"

#include <ringio/tls.hpp>

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "certificates.hpp"
#include "foreign_client.hpp"
#include "tls_peers.hpp"

using namespace ringio;
using namespace ringio::test_support;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using ringio::detail::ForeignHandshake;

namespace {

TlsClientOptions trusting() { return {.ca_file = test_ca_file()}; }

void ask_for_certificate(SSL_CTX& server) {
    SSL_CTX_set_verify(&server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    REQUIRE(SSL_CTX_load_verify_file(&server, test_ca_file().c_str()) == 1);
}

std::string names_of_ciphers(SSL* ssl) {
    std::string names;
    const STACK_OF(SSL_CIPHER)* const ciphers = SSL_get_ciphers(ssl);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
        names += SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)) + std::string(" ");
    }
    return names;
}

std::string default_ciphers_of(const TlsClientOptions& options) {
    const ForeignClient pair(TlsContext::client(options), localhost(), "localhost");
    return names_of_ciphers(pair.client());
}

}  // namespace

TEST_CASE("foreign handshake: whom the context trusts is trusted, and nobody else") {
    const TlsEnd good = meet_foreign(client_context(), localhost());
    CHECK(good.is_good());
    CHECK(good.text == "met");
    const CertificateMaker stranger;
    const TlsEnd bad = meet_foreign(client_context(), stranger.issue());
    CHECK(bad.text.empty());
    CHECK_THAT(bad.as<CertificateError>().what(),
               StartsWith("TLS handshake with peer:443 failed: certificate verify failed: "));
}

TEST_CASE("foreign handshake: without a host the name is not checked, all else is") {
    const Identity other = test_authority().issue({.alt_names = "DNS:other"});
    CHECK(meet_foreign(client_context(), other, "").text == "met");
    CHECK(meet_foreign(client_context(), other, "localhost").text.empty());
    CHECK(meet_foreign(client_context(), CertificateMaker().issue(), "").text.empty());
}

TEST_CASE("foreign handshake: nothing is checked where the context says so, and only there") {
    const TlsContext blind = TlsContext::client({.verify = tls::insecure_no_verify()});
    CHECK(meet_foreign(blind, CertificateMaker().issue(), "nowhere").text == "met");
}

TEST_CASE("foreign handshake: the context's certificate is shown, with its chain") {
    const CertificateMaker between = test_authority().intermediate({.common_name = "between"});
    const Identity own = between.issue({.common_name = "me"}, between.text());
    TlsClientOptions options = trusting();
    options.certificate = own.certificate;
    options.key = own.key;
    ForeignClient pair(TlsContext::client(options), localhost(), "localhost", ask_for_certificate);
    CHECK(pair.meet());
    CHECK(pair.failure() == nullptr);
    CHECK(sk_X509_num(SSL_get_peer_cert_chain(pair.server())) == 1);  // but the peer's own
}

// In 1.3 a client has shaken hands before it hears of it.
TEST_CASE("foreign handshake: a server that wants a certificate, and gets none") {
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        TlsClientOptions options = trusting();
        options.max_version = version;
        const TlsEnd end = meet_foreign(TlsContext::client(options), localhost(), "localhost",
                                        ask_for_certificate);
        const auto& error = end.as<TlsError>();
        CHECK(error.code() == TlsErrc::peer_rejected_certificate);
        CHECK_THAT(error.what(), Contains("hint: the peer wants a certificate of ours"));
        CHECK_THAT(error.what(), StartsWith(version == TlsVersion::tls1_3
                                                ? "TLS with peer:443 failed: "
                                                : "TLS handshake with peer:443 failed: "));
    }
}

TEST_CASE("foreign handshake: versions are the context's") {
    TlsClientOptions options = trusting();
    options.max_version = TlsVersion::tls1_2;
    ForeignClient old(TlsContext::client(options), localhost(), "localhost");
    CHECK(old.meet());
    CHECK(std::string(SSL_get_version(old.client())) == "TLSv1.2");
    options.max_version = TlsVersion::tls1_3;
    options.min_version = TlsVersion::tls1_3;
    const TlsEnd none = meet_foreign(
        TlsContext::client(options), localhost(), "localhost",
        [](SSL_CTX& server) { SSL_CTX_set_max_proto_version(&server, TLS1_2_VERSION); });
    CHECK(none.as<TlsError>().code() == TlsErrc::no_common_version);
    CHECK_THAT(none.what(), Contains("we speak TLSv1.3 to TLSv1.3"));
}

TEST_CASE("foreign handshake: ciphers and the security level are the context's") {
    TlsClientOptions options = trusting();
    CHECK_THAT(default_ciphers_of(options), Contains("ECDHE-ECDSA-AES256-GCM-SHA384 "));
    CHECK_THAT(default_ciphers_of(options), !Contains("ECDHE-ECDSA-AES256-SHA "));
    options.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256";
    CHECK_THAT(default_ciphers_of(options),
               Contains("ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-AES128-GCM-SHA256 "));
    CHECK_THAT(default_ciphers_of(options), !Contains("AES256-GCM-SHA384 ECDHE"));
    const ForeignClient pair(client_context(), localhost(), "localhost");
    CHECK(SSL_get_security_level(pair.client()) == 2);
}

TEST_CASE("foreign handshake: secrets are logged where the context logs them") {
    const std::string file = pem_folder() / "foreign-keys.log";
    TlsClientOptions options = trusting();
    options.keylog_file = file;
    CHECK(meet_foreign(TlsContext::client(options), localhost()).text == "met");
    CHECK_THAT(pem_folder().content("foreign-keys.log"), Contains("CLIENT_TRAFFIC_SECRET_0 "));
    CHECK(meet_foreign(client_context(), localhost()).text == "met");
}

TEST_CASE("foreign handshake: it says whether sessions are to be resumed") {
    TlsClientOptions options = trusting();
    CHECK(ForeignHandshake::resumes(*TlsOption(TlsContext::client(options)).security()));
    options.resume_sessions = false;
    CHECK(!ForeignHandshake::resumes(*TlsOption(TlsContext::client(options)).security()));
}

TEST_CASE("foreign handshake: it lives as long as the context that it was put under") {
    std::weak_ptr<ForeignHandshake> watched;
    {
        const detail::SslContextPtr theirs(SSL_CTX_new(TLS_client_method()));
        {
            const TlsContext rules = client_context();
            watched = ForeignHandshake::put_under(*TlsOption(rules).security(), *theirs, "a", "a");
        }
        CHECK(!watched.expired());
    }
    CHECK(watched.expired());
}

TEST_CASE("foreign handshake: a peer that speaks no TLS is told from one that is not trusted") {
    ForeignClient pair(client_context(), localhost(), "localhost");
    SSL_do_handshake(pair.client());
    const std::string answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    BIO_write(SSL_get_wbio(pair.server()), answer.data(), static_cast<int>(answer.size()));
    ERR_clear_error();
    CHECK(SSL_do_handshake(pair.client()) != 1);
    TlsEnd end;
    end.failure = pair.failure();
    CHECK(end.as<TlsError>().code() == TlsErrc::not_tls);
}
