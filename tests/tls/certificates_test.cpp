// Certificates that are not good: each is refused, and the error says which, where and why.
#include <ringio/tls.hpp>

#include <ringio/streams.hpp>
#include <ringio/testing.hpp>
#include <support/printed.hpp>

#include <openssl/x509_vfy.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "certificates.hpp"
#include "foreign_client.hpp"
#include "raw_peer.hpp"
#include "tls_peers.hpp"

using namespace ringio;
using namespace ringio::test_support;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using ringio::testing::memory_stream_pair;

namespace {

constexpr long day = 24 * 3600;

/// What is to be said of a certificate.
struct Verdict {
    long verify_result;
    int depth = 0;
    std::string subject = "CN = test";
    std::string issuer = "CN = ringio test CA";
    std::string hint = {};
};

void check_verdict(const TlsEnd& end, const Verdict& expected) {
    const auto& error = end.as<CertificateError>();
    INFO(error.what());
    const std::string reason = X509_verify_cert_error_string(expected.verify_result);
    CHECK(error.code() == TlsErrc::certificate_verify_failed);
    CHECK(error.verify_result() == expected.verify_result);
    CHECK(error.reason() == reason);
    CHECK(error.depth() == expected.depth);
    CHECK(error.subject() == expected.subject);
    CHECK(error.issuer() == expected.issuer);
    CHECK_THAT(error.hint(), Contains(expected.hint));
    CHECK(error.hint().empty() == expected.hint.empty());
    CHECK_THAT(error.what(), Contains(" failed: certificate verify failed: " + reason + " (depth " +
                                      std::to_string(expected.depth) + ", subject " +
                                      expected.subject + ", issuer " + expected.issuer + ")"));
}

TlsClientOptions client_of(TlsVersion version, std::string_view ca_file = test_ca_file()) {
    return {.ca_file = ca_file, .max_version = version};
}

/// A server shows `shown`, and the client, who trusts `ca_file`, refuses it in either version of
/// TLS; the server is told so. Without verification it is taken. The same holds for a client of
/// another library.
void check_refused(Identity shown, Verdict expected, std::string host = "localhost",
                   std::string ca_file = test_ca_file(), std::string crl_file = {}) {
    const TlsContext server =
        TlsContext::server({.certificate = shown.certificate, .key = shown.key});
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        TlsClientOptions options = client_of(version, ca_file);
        options.crl_file = crl_file;
        const TlsEnds ends = meet_alone(TlsContext::client(options), server, host);
        check_verdict(ends.client, expected);
        check_verdict(meet_foreign(TlsContext::client(options), shown, host), expected);
        INFO(ends.server.what());
        CHECK(ends.server.as<TlsError>().code() == TlsErrc::peer_rejected_certificate);
        CHECK_THAT(ends.server.what(), Contains("the peer rejected our certificate"));

        options.verify = tls::insecure_no_verify();
        const TlsEnds blind = meet_alone(TlsContext::client(options), server, host);
        INFO(blind.client.what() << " " << blind.server.what());
        CHECK(have_met(blind));
        CHECK(meet_foreign(TlsContext::client(options), shown, host).text == "met");
    }
}

void check_taken(Identity shown, std::string host = "localhost",
                 std::string ca_file = test_ca_file()) {
    const TlsContext server =
        TlsContext::server({.certificate = shown.certificate, .key = shown.key});
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        const TlsContext client = TlsContext::client(client_of(version, ca_file));
        const TlsEnds ends = meet_alone(client, server, host);
        INFO(ends.client.what() << " " << ends.server.what());
        CHECK(have_met(ends));
        CHECK(meet_foreign(client, shown, host).text == "met");
    }
}

Task<TlsEnd> meet_raw_server(TlsContext client_side, Identity shown) {
    auto [one, other] = memory_stream_pair();
    RawPeer server(std::move(other), true, &shown);
    auto serving = create_task([](RawPeer& peer) -> Task<> {
        const int error = co_await peer.shake_hands();
        if (error == SSL_ERROR_NONE) {
            co_await peer.write("from server\n");
            co_await peer.read();
        }
    }(server));
    TlsEnd end = co_await speak(std::move(one), client_side, "localhost", "from client\n");
    co_await serving;
    co_return end;
}

/// A client takes the session of one name to another one, whose certificate it could not show.
Task<> resume_under_another_name(TlsContext server_side, int version) {
    SSL_SESSION* session = nullptr;
    for (const char* const name : {"localhost", "strict"}) {
        auto [one, other] = memory_stream_pair();
        auto serving = create_task(speak(std::move(other), server_side, "", "from server\n"));
        RawPeer client(std::move(one), false);
        SSL_set_max_proto_version(client.ssl(), version);
        SSL_set_tlsext_host_name(client.ssl(), name);
        if (session != nullptr) {
            SSL_set_session(client.ssl(), session);
        }
        int error = co_await client.shake_hands();
        if (error == SSL_ERROR_NONE) {
            error = co_await client.write("from client\n");
        }
        const std::string answer = co_await client.read();
        if (session == nullptr) {
            CHECK(answer == "from server\n");
            session = SSL_get1_session(client.ssl());
            SSL_shutdown(client.ssl());
            co_await client.flush();
        } else {
            CHECK(answer.empty());
            CHECK(SSL_session_reused(client.ssl()) == 0);
        }
        client.connection().writer.close();
        const TlsEnd end = co_await serving;
        INFO(end.what());
        CHECK(end.is_good() == (name == std::string_view("localhost")));
    }
    SSL_SESSION_free(session);
}

/// The same of a server that has no security level, with a certificate too weak for ours.
void check_weak_refused(Identity shown, Verdict expected) {
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        TlsClientOptions options = client_of(version);
        for (const bool is_blind : {false, true}) {
            if (is_blind) {
                options.verify = tls::insecure_no_verify();
            }
            const TlsEnd end =
                testing::run_virtual(meet_raw_server(TlsContext::client(options), shown));
            if (is_blind) {
                CHECK(end.text == "from server\n");
            } else {
                check_verdict(end, expected);
            }
        }
    }
}

Identity issue_for(const std::string& alt_names) {
    return test_authority().issue({.alt_names = alt_names});
}

Verdict wrong_host(const std::string& host, const std::string& names) {
    return {.verify_result = X509_V_ERR_HOSTNAME_MISMATCH,
            .hint = host + " was expected, and the certificate is for " + names};
}

Verdict wrong_address(const std::string& host, const std::string& names) {
    return {.verify_result = X509_V_ERR_IP_ADDRESS_MISMATCH,
            .hint = "the address " + host + " was expected, and the certificate is for " + names};
}

/// Puts names into a certificate as they are, whatever bytes they have.
void add_names(X509& certificate, const std::vector<std::string>& names) {
    GENERAL_NAMES* const all = sk_GENERAL_NAME_new_null();
    for (const std::string& name : names) {
        GENERAL_NAME* const added = GENERAL_NAME_new();
        ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
        GENERAL_NAME_set0_value(added, GEN_DNS, text);
        sk_GENERAL_NAME_push(all, added);
    }
    REQUIRE(X509_add1_ext_i2d(&certificate, NID_subject_alt_name, all, 0, X509V3_ADD_APPEND) == 1);
    GENERAL_NAMES_free(all);
}

Identity issue_for_bytes(const std::vector<std::string>& names) {
    return test_authority().issue(
        {.alt_names = "", .before_signing = [&](X509& made) { add_names(made, names); }});
}

void make_version_1(X509& certificate) {
    X509_set_version(&certificate, X509_VERSION_1);
    while (X509_get_ext_count(&certificate) > 0) {
        X509_EXTENSION_free(X509_delete_ext(&certificate, 0));
    }
}

void add_extension(X509& certificate, int what, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
    REQUIRE(extension != nullptr);
    X509_add_ext(&certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/// `count` authorities below the one of the tests, and what the last of them issues, with them all.
Identity chain_of(int count) {
    std::vector<CertificateMaker> authorities;
    std::string texts;
    for (int i = 0; i < count; ++i) {
        const CertificateMaker& above = authorities.empty() ? test_authority() : authorities.back();
        authorities.push_back(above.intermediate({.common_name = "CA " + std::to_string(i)}));
        texts.insert(0, authorities.back().text());
    }
    return authorities.back().issue({}, texts);
}

const CertificateMaker& stranger() {
    static const CertificateMaker made(
        {.common_name = "stranger", .alt_names = "", .is_authority = true});
    return made;
}

}  // namespace

TEST_CASE("certificates: one that has expired, or is not valid yet") {
    const Identity expired = test_authority().issue({.begins_in = -10 * day, .ends_in = -day});
    check_refused(expired, {.verify_result = X509_V_ERR_CERT_HAS_EXPIRED,
                            .hint = " UTC, and our clock says 20"});
    const Identity early = test_authority().issue({.begins_in = day, .ends_in = 10 * day});
    check_refused(early, {.verify_result = X509_V_ERR_CERT_NOT_YET_VALID,
                          .hint = " UTC, and our clock says 20"});
}

TEST_CASE("certificates: one that vouches for itself") {
    const Identity own = test_authority().issue({.signs_itself = true});
    check_refused(own, {.verify_result = X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
                        .issuer = "CN = test",
                        .hint = "it vouches for itself"});
    // It is good where it is trusted.
    check_taken(own, "localhost", own.certificate);
}

TEST_CASE("certificates: a chain that ends at an authority which nobody trusts") {
    const Identity shown = stranger().issue({}, stranger().text());
    check_refused(shown, {.verify_result = X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                          .depth = 1,
                          .subject = "CN = stranger",
                          .issuer = "CN = stranger",
                          .hint = "it vouches for itself"});
}

TEST_CASE("certificates: an issuer that is unknown") {
    check_refused(stranger().issue(),
                  {.verify_result = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                   .issuer = "CN = stranger",
                   .hint = "the issuer is not in "});
}

TEST_CASE("certificates: an authority in between is to be sent") {
    const CertificateMaker between = test_authority().intermediate({.common_name = "between"});
    check_refused(between.issue(), {.verify_result = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                                    .issuer = "CN = between",
                                    .hint = "the peer has to send the certificates in between"});
    check_taken(between.issue({}, between.text()));
    // Whoever trusts the one in between trusts what it issues.
    check_taken(between.issue(), "localhost", between.file());
}

TEST_CASE("certificates: an authority in between that is not good itself") {
    const CertificateMaker old = test_authority().intermediate(
        {.common_name = "between", .begins_in = -10 * day, .ends_in = -day});
    check_refused(old.issue({}, old.text()), {.verify_result = X509_V_ERR_CERT_HAS_EXPIRED,
                                              .depth = 1,
                                              .subject = "CN = between",
                                              .hint = "it ended on "});
    const CertificateMaker false_one = test_authority().pretender({.common_name = "no authority"});
    check_refused(false_one.issue({}, false_one.text()),
                  {.verify_result = X509_V_ERR_INVALID_CA,
                   .depth = 1,
                   .subject = "CN = no authority",
                   .hint = "it is not meant to issue certificates"});
}

TEST_CASE("certificates: another host's, with the names that it is for") {
    check_refused(localhost(), wrong_host("example.org", "DNS:localhost, IP:127.0.0.1"),
                  "example.org");
    check_refused(localhost(), wrong_host("localhost.evil.org", "DNS:localhost"),
                  "localhost.evil.org");
    check_taken(localhost(), "LocalHost");
    check_taken(localhost(), "localhost.");
}

TEST_CASE("certificates: an address is not a name, and a name is not an address") {
    check_refused(issue_for("DNS:127.0.0.1"), wrong_address("127.0.0.1", "DNS:127.0.0.1"),
                  "127.0.0.1");
    check_refused(issue_for("IP:127.0.0.1"), wrong_host("localhost", "IP:127.0.0.1"));
    check_refused(localhost(), wrong_address("127.0.0.2", "DNS:localhost, IP:127.0.0.1"),
                  "127.0.0.2");
    check_taken(localhost(), "127.0.0.1");
    const Identity version_6 = issue_for("IP:::1,IP:fe80::1");
    check_taken(version_6, "::1");
    check_taken(version_6, "0:0:0:0:0:0:0:1");
    check_taken(version_6, "fe80::1%lo");
    check_refused(version_6, wrong_address("::2", "IP:::1, IP:fe80::1"), "::2");
}

TEST_CASE("certificates: a name in the subject only is no name") {
    const Identity by_subject =
        test_authority().issue({.common_name = "localhost", .alt_names = ""});
    Verdict expected = wrong_host("localhost", "no name at all");
    expected.subject = "CN = localhost";
    check_refused(by_subject, expected);
    const Identity other = test_authority().issue({.alt_names = "email:a@localhost"});
    check_refused(other, wrong_host("localhost", "email:a@localhost"));
}

TEST_CASE("certificates: a star stands for one whole label, and not the last but one") {
    const Identity all = issue_for("DNS:*.example.com");
    check_taken(all, "a.example.com");
    for (const char* const host : {"a.b.example.com", "example.com", "aexample.com"}) {
        check_refused(all, wrong_host(host, "DNS:*.example.com"), host);
    }
    check_refused(issue_for("DNS:w*.example.com"),
                  wrong_host("www.example.com", "DNS:w*.example.com"), "www.example.com");
    check_refused(issue_for("DNS:*.com"), wrong_host("example.com", "DNS:*.com"), "example.com");
    check_refused(issue_for("DNS:*"), wrong_host("localhost", "DNS:*"));
    check_refused(issue_for("DNS:a.*.com"), wrong_host("a.b.com", "DNS:a.*.com"), "a.b.com");
}

TEST_CASE("certificates: bytes in a name that are no text do not end it, and are shown") {
    check_refused(issue_for_bytes({std::string("localhost\0.evil.org", 19)}),
                  wrong_host("localhost", R"(DNS:localhost\x00.evil.org)"));
    check_refused(issue_for_bytes({"evil.org\r\n\x1b[2Jlocalhost", "\xff"}),
                  wrong_host("localhost", R"(DNS:evil.org\x0d\x0a\x1b[2Jlocalhost, DNS:\xff)"));
}

TEST_CASE("certificates: thousands of names make no endless hint") {
    std::vector<std::string> names(2000, "a.example.org");
    const TlsContext server_side = [&] {
        const Identity shown = issue_for_bytes(names);
        return TlsContext::server({.certificate = shown.certificate, .key = shown.key});
    }();
    const TlsEnds ends = meet_alone(client_context(), server_side);
    const auto& error = ends.client.as<CertificateError>();
    CHECK_THAT(error.hint(), Contains(", DNS:a.example.org and 1980 more"));
    CHECK(error.hint().size() < 1000);
}

TEST_CASE("certificates: a key or a digest that is too weak") {
    const std::string hint = "its key or digest is too weak for OpenSSL's security level 2";
    const Identity short_key = test_authority().issue({.key_type = "RSA", .rsa_bits = 1024});
    check_weak_refused(short_key, {.verify_result = X509_V_ERR_EE_KEY_TOO_SMALL, .hint = hint});
    const Identity sha1 = test_authority().issue({.digest = "SHA1"});
    check_weak_refused(sha1, {.verify_result = X509_V_ERR_CA_MD_TOO_WEAK, .hint = hint});
    const CertificateMaker between = test_authority().intermediate(
        {.common_name = "between", .key_type = "RSA", .rsa_bits = 1024});
    check_weak_refused(between.issue({}, between.text()),
                       {.verify_result = X509_V_ERR_CA_KEY_TOO_SMALL,
                        .depth = 1,
                        .subject = "CN = between",
                        .hint = hint});
}

TEST_CASE("certificates: one that was taken back, and a list that says nothing of it") {
    const Identity revoked = test_authority().issue();
    const std::string list = test_authority().revoke({revoked.certificate});
    check_refused(
        revoked, {.verify_result = X509_V_ERR_CERT_REVOKED, .hint = "its issuer has taken it back"},
        "localhost", test_ca_file(), list);

    const TlsContext client = TlsContext::client({.ca_file = test_ca_file(), .crl_file = list});
    const TlsEnds other = meet_alone(client, server_context());
    CHECK(have_met(other));

    check_refused(localhost(),
                  {.verify_result = X509_V_ERR_UNABLE_TO_GET_CRL,
                   .hint = "no list of its issuer is in .crl_file"},
                  "localhost", test_ca_file(), stranger().revoke({}));
    check_refused(localhost(),
                  {.verify_result = X509_V_ERR_CRL_HAS_EXPIRED,
                   .hint = "the list of its issuer in .crl_file is out of date"},
                  "localhost", test_ca_file(), test_authority().revoke({}, -1));
}

TEST_CASE("certificates: one that is meant for clients does not serve") {
    check_refused(test_authority().issue({.usage = "clientAuth"}),
                  {.verify_result = X509_V_ERR_INVALID_PURPOSE,
                   .hint = "it is not meant for this side of a connection"});
    check_taken(test_authority().issue({.usage = "serverAuth"}));
    check_taken(test_authority().issue({.usage = ""}));
}

TEST_CASE("certificates: an authority that may vouch for some names only") {
    const auto limit = [](X509& made) {
        add_extension(made, NID_name_constraints, "critical,permitted;DNS:example.com");
    };
    const CertificateMaker limited =
        test_authority().intermediate({.common_name = "limited", .before_signing = limit});
    check_taken(limited.issue({.alt_names = "DNS:a.example.com"}, limited.text()), "a.example.com");
    check_refused(limited.issue({.alt_names = "DNS:localhost"}, limited.text()),
                  {.verify_result = X509_V_ERR_PERMITTED_VIOLATION,
                   .issuer = "CN = limited",
                   .hint = "an authority above it may not vouch for its names"});
}

TEST_CASE("certificates: of version 1 there are no names, and no authorities") {
    const Identity leaf = test_authority().issue({.before_signing = &make_version_1});
    check_refused(leaf, wrong_host("localhost", "no name at all"));

    const CertificateMaker between = test_authority().intermediate(
        {.common_name = "between", .before_signing = &make_version_1});
    check_refused(between.issue({}, between.text()),
                  {.verify_result = X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER,
                   .issuer = "CN = between",
                   .hint = "it is not made as RFC 5280 demands"});
}

TEST_CASE("certificates: a chain of twenty is taken, and one without end is not") {
    check_taken(chain_of(20));
    const Identity endless = chain_of(110);
    const TlsContext server =
        TlsContext::server({.certificate = endless.certificate, .key = endless.key});
    const TlsEnds ends = meet_alone(client_context(), server);
    const auto& error = ends.client.as<CertificateError>();
    CHECK(error.verify_result() == X509_V_ERR_CERT_CHAIN_TOO_LONG);
    CHECK(ends.server.code() == TlsErrc::peer_rejected_certificate);
}

TEST_CASE("certificates: 64 KiB of them are taken, 100 are too many") {
    const std::string name(60, 'a');
    const auto with_names = [&](std::size_t count) {
        std::vector<std::string> names(count, name);
        names.emplace_back("localhost");
        return issue_for_bytes(names);
    };
    check_taken(with_names(64 * 1024 / 62));
    const Identity huge = with_names(110 * 1024 / 62);
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        const TlsContext server =
            TlsContext::server({.certificate = huge.certificate, .key = huge.key});
        const TlsEnds ends = meet_alone(TlsContext::client(client_of(version)), server);
        CHECK(ends.client.as<TlsError>().code() == TlsErrc::protocol_error);
        CHECK(ends.client.as<TlsError>().reason() == "excessive message size");
        CHECK_FALSE(ends.server.is_good());
    }
}

TEST_CASE("certificates: a subject is shown without what would be no text") {
    const Identity shown = stranger().issue({.common_name = "evil\r\n\x1b[2J\tname"});
    const TlsContext server =
        TlsContext::server({.certificate = shown.certificate, .key = shown.key});
    const TlsEnds ends = meet_alone(client_context(), server);
    const auto& error = ends.client.as<CertificateError>();
    CHECK(error.subject() == R"(CN = evil\0D\0A\1B[2J\09name)");
}

namespace {

/// A client shows `shown`, or nothing, to a server that asks for certificates of the authority.
TlsEnds show_to_server(const Identity* shown, TlsVersion version,
                       const std::string& crl_file = {}) {
    TlsClientOptions options = client_of(version);
    if (shown != nullptr) {
        options.certificate = shown->certificate;
        options.key = shown->key;
    }
    return meet_alone(TlsContext::client(options),
                      TlsContext::server({.certificate = localhost().certificate,
                                          .key = localhost().key,
                                          .client_ca = test_ca_file(),
                                          .crl_file = crl_file}));
}

void check_client_refused(const Identity& shown, const Verdict& expected,
                          const std::string& crl_file = {}) {
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        const TlsEnds ends = show_to_server(&shown, version, crl_file);
        check_verdict(ends.server, expected);
        INFO(ends.client.what());
        CHECK(ends.client.as<TlsError>().code() == TlsErrc::peer_rejected_certificate);
        CHECK_THAT(ends.client.what(), Contains("the peer rejected our certificate"));
        CHECK(ends.client.text.empty());
    }
}

}  // namespace

TEST_CASE("certificates: a client that shows a good one is let in, and the server knows it") {
    const Identity good = test_authority().issue({.common_name = "alice", .usage = "clientAuth"});
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        const TlsEnds ends = show_to_server(&good, version);
        CHECK(have_met(ends));
        REQUIRE(ends.server.info.peer_certificate);
        CHECK(ends.server.info.peer_certificate->subject == "CN = alice");
    }
}

TEST_CASE("certificates: a client that shows none is refused, and told that one is wanted") {
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        const TlsEnds ends = show_to_server(nullptr, version);
        const auto& error = ends.server.as<CertificateError>();
        CHECK(error.code() == TlsErrc::certificate_verify_failed);
        CHECK(error.verify_result() == X509_V_OK);
        CHECK(error.reason() == "peer did not return a certificate");
        CHECK(error.subject().empty());
        CHECK_THAT(error.hint(), Contains("the client showed no certificate"));

        const auto& refused = ends.client.as<TlsError>();
        INFO(refused.what());
        CHECK(refused.code() == TlsErrc::peer_rejected_certificate);
        CHECK_THAT(refused.hint(), Contains("give .certificate and .key"));
    }
}

TEST_CASE("certificates: a client's that is not good is refused, and both know why") {
    check_client_refused(stranger().issue(),
                         {.verify_result = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                          .issuer = "CN = stranger",
                          .hint = "the issuer is not in .client_ca"});
    check_client_refused(test_authority().issue({.begins_in = -10 * day, .ends_in = -day}),
                         {.verify_result = X509_V_ERR_CERT_HAS_EXPIRED, .hint = "it ended on "});
    check_client_refused(test_authority().issue({.signs_itself = true}),
                         {.verify_result = X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
                          .issuer = "CN = test",
                          .hint = "it vouches for itself: to trust it add it to .client_ca"});
    check_client_refused(test_authority().issue({.usage = "serverAuth"}),
                         {.verify_result = X509_V_ERR_INVALID_PURPOSE,
                          .hint = "it is not meant for this side of a connection"});
    const Identity revoked = test_authority().issue();
    check_client_refused(
        revoked, {.verify_result = X509_V_ERR_CERT_REVOKED, .hint = "its issuer has taken it back"},
        test_authority().revoke({revoked.certificate}));
}

TEST_CASE("certificates: a context that SNI chose checks clients by its own rules") {
    const Identity revoked = test_authority().issue();
    const std::string list = test_authority().revoke({revoked.certificate});
    const TlsContext strict = TlsContext::server({.certificate = localhost().certificate,
                                                  .key = localhost().key,
                                                  .client_ca = test_ca_file(),
                                                  .crl_file = list});
    const auto choose = [&](std::string_view) { return std::optional(strict); };
    const TlsContext first = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .sni = choose});
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        TlsClientOptions options = client_of(version);
        const TlsEnds none = meet_alone(TlsContext::client(options), first);
        CHECK(none.server.as<CertificateError>().verify_result() == X509_V_OK);
        options.certificate = revoked.certificate;
        options.key = revoked.key;
        const TlsEnds taken_back = meet_alone(TlsContext::client(options), first);
        check_verdict(taken_back.server, {.verify_result = X509_V_ERR_CERT_REVOKED,
                                          .hint = "its issuer has taken it back"});
    }
}

TEST_CASE("certificates: who is let in by a name is not let in by another that asks for more") {
    const TlsContext strict = TlsContext::server({.certificate = localhost().certificate,
                                                  .key = localhost().key,
                                                  .client_ca = test_ca_file()});
    const auto choose = [&](std::string_view name) {
        return name == "localhost" ? std::optional<TlsContext>() : std::optional(strict);
    };
    const TlsContext server = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .sni = choose});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const testing::Balance balance;
        testing::run_virtual(resume_under_another_name(server, version));
        CHECK(balance.difference() == "");
    }
}

TEST_CASE("certificates: a context that SNI chose speaks its own versions, and resumes sessions") {
    const TlsContext newer = TlsContext::server({.certificate = localhost().certificate,
                                                 .key = localhost().key,
                                                 .min_version = TlsVersion::tls1_3});
    std::vector<std::string> asked;
    const auto choose = [&](std::string_view name) {
        asked.emplace_back(name);
        return std::optional(newer);
    };
    const TlsContext server = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .sni = choose});
    const TlsEnds older = meet_alone(TlsContext::client(client_of(TlsVersion::tls1_2)), server);
    CHECK(older.server.code() == TlsErrc::no_common_version);
    CHECK(older.client.code() == TlsErrc::no_common_version);

    const TlsContext client = client_context();
    const TlsEnds first = meet_alone(client, server);
    CHECK(have_met(first));
    CHECK_FALSE(first.server.info.resumed);
    CHECK(first.server.info.server_hostname == "localhost");
    const TlsEnds second = meet_alone(client, server);
    CHECK(have_met(second));
    CHECK(second.server.info.resumed);
    const TlsEnds by_address = meet_alone(client, server, "127.0.0.1");
    CHECK(have_met(by_address));
    CHECK(asked == std::vector<std::string>{"localhost", "localhost", "localhost", ""});
}

TEST_CASE("certificates: a function that chooses by name may throw, and ends the handshake") {
    const auto choose = [](std::string_view) -> std::optional<TlsContext> {
        throw std::runtime_error("no such name");
    };
    const TlsContext server = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .sni = choose});
    TlsEnds ends;
    const std::string told = printed([&] { ends = meet_alone(client_context(), server); });
    CHECK_THAT(told, Contains("Exception in the function of .sni"));
    CHECK_THAT(told, Contains("std::runtime_error: no such name"));
    CHECK(ends.server.code() == TlsErrc::protocol_error);
    CHECK(ends.client.code() == TlsErrc::protocol_error);
    CHECK_THAT(ends.client.what(), Contains("internal error"));
}
