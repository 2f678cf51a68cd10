// TlsError and CertificateError: what they say, to a program and to a person.
#include <ringio/tls.hpp>

#include <support/catch.hpp>

#include <exception>
#include <string>
#include <system_error>
#include <type_traits>

#include <openssl/x509_vfy.h>

using namespace ringio;
using Catch::Matchers::Contains;

TEST_CASE("tls error: it has a code of a category of its own, and a text with all there is") {
    const TlsError error(TlsErrc::not_tls,
                         "TLS handshake with a.org:80 failed: wrong version number",
                         "wrong version number", "the peer does not speak TLS");
    CHECK(error.code() == TlsErrc::not_tls);
    CHECK(error.code() != TlsErrc::unexpected_eof);
    CHECK(error.code().category() == tls_category());
    CHECK(std::string(tls_category().name()) == "tls");
    CHECK(error.reason() == "wrong version number");
    CHECK(error.hint() == "the peer does not speak TLS");
    CHECK(error.what() ==
          std::string("TLS handshake with a.org:80 failed: wrong version number; hint: the peer "
                      "does not speak TLS"));
}

TEST_CASE("tls error: without a hint there is none in the text") {
    const TlsError error(TlsErrc::protocol_error, "TLS with a.org:443 failed: bad record mac",
                         "bad record mac");
    CHECK(error.hint().empty());
    CHECK(error.what() == std::string("TLS with a.org:443 failed: bad record mac"));
}

TEST_CASE("tls error: each code says something else") {
    std::string all;
    for (int code = 1; code <= static_cast<int>(TlsErrc::bad_context); ++code) {
        const std::string message = tls_category().message(code);
        CHECK_FALSE(message.empty());
        CHECK_THAT(all, !Contains(message + "\n"));
        all.append(message).append("\n");
    }
    CHECK(tls_category().message(99) == "unknown error 99");
    CHECK(std::error_code(TlsErrc::bad_context).message() == "the context cannot be made");
}

TEST_CASE("tls error: of a certificate it says which, where and why") {
    const CertificateError error(
        "TLS handshake with a.org:443 failed: certificate verify failed: certificate has expired "
        "(depth 1, subject CN = b, issuer CN = c)",
        "certificate has expired", "ask them",
        {.verify_result = X509_V_ERR_CERT_HAS_EXPIRED,
         .depth = 1,
         .subject = "CN = b",
         .issuer = "CN = c"});
    CHECK(error.code() == TlsErrc::certificate_verify_failed);
    CHECK(error.verify_result() == X509_V_ERR_CERT_HAS_EXPIRED);
    CHECK(error.depth() == 1);
    CHECK(error.subject() == "CN = b");
    CHECK(error.issuer() == "CN = c");
    CHECK_THAT(error.what(), Contains("issuer CN = c); hint: ask them"));
}

TEST_CASE("tls error: it is caught as what is more general, too") {
    const auto thrown = [] { throw CertificateError("text", "reason", "hint", {}); };
    CHECK_THROWS_AS(thrown(), CertificateError);
    CHECK_THROWS_AS(thrown(), TlsError);
    CHECK_THROWS_AS(thrown(), std::system_error);
    try {
        thrown();
    } catch (const std::exception& error) {
        CHECK(error.what() == std::string("text; hint: hint"));
    }
}

// std::system_error's own copy is promised not to throw; that of a std::string is not.
TEST_CASE("tls error: a copy says the same, and does not throw") {
    STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<TlsError>);
    STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<CertificateError>);
    STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<TlsError>);
    STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<CertificateError>);
    CertificateError copy("other", "", "", {});
    {
        const CertificateError error("text", "reason", "hint", {.subject = "CN = b"});
        copy = error;
        const TlsError sliced = error;
        CHECK(sliced.what() == std::string("text; hint: hint"));
    }
    CHECK(copy.what() == std::string("text; hint: hint"));
    CHECK(copy.reason() == "reason");
    CHECK(copy.subject() == "CN = b");
    const CertificateError moved = std::move(copy);
    CHECK(moved.subject() == "CN = b");
}
