#include "../../src/http/curl_errors.hpp"

#include <ringio/http/errors.hpp>

#include <support/catch.hpp>

#include <cerrno>
#include <exception>
#include <new>
#include <string>
#include <typeinfo>
#include <vector>

using namespace ringio::http;
using ringio::http::detail::curl_code_name;
using ringio::http::detail::CurlFailure;
using ringio::http::detail::error_of;

namespace {

struct Named {
    const std::type_info* type;
    std::string text;
};

Named thrown_for(const CurlFailure& failure) {
    try {
        std::rethrow_exception(error_of(failure));
    } catch (const std::exception& error) {
        return {&typeid(error), error.what()};
    }
}

template <class E>
bool becomes(CurlFailure failure) {
    failure.url = "http://host:80/";
    failure.host = "host";
    failure.port = 80;
    failure.text = "curl's words";
    const Named error = thrown_for(failure);
    INFO(failure.code << " " << error.type->name() << ": " << error.text);
    CHECK((failure.code == 27 ||
           error.text.find(curl_code_name(failure.code) + ": curl's words") != std::string::npos));
    return *error.type == typeid(E);
}

}  // namespace

TEST_CASE("curl errors: each code becomes one class, and its name is in the text") {
    using Lost = ringio::http::detail::Thrown<ClientConnectionError>;
    for (const int code : {7, 45, 96, 97}) {
        CHECK(becomes<ClientConnectorError>({.code = code}));
        CHECK(becomes<ClientProxyConnectionError>({.code = code, .by_proxy = true}));
    }
    for (const int code : {5, 6}) {
        CHECK(becomes<ClientConnectorDNSError>({.code = code}));
    }
    for (const int code : {35, 53, 54, 58, 59, 64, 66, 77, 80, 82, 98}) {
        CHECK(becomes<ClientSSLError>({.code = code}));
    }
    for (const int code : {60, 83, 90, 91}) {
        CHECK(becomes<ClientConnectorCertificateError>({.code = code}));
    }
    for (const int code : {18, 23, 33, 61, 63}) {
        CHECK(becomes<ClientPayloadError>({.code = code, .has_head = true}));
    }
    for (const int code : {42, 52, 65}) {
        CHECK(becomes<ServerDisconnectedError>({.code = code}));
    }
    for (const int code : {1, 8, 22}) {
        CHECK(becomes<ClientResponseError>({.code = code}));
    }
    CHECK(becomes<TooManyRedirects>({.code = 47}));
    CHECK(becomes<InvalidURL>({.code = 3}));
    CHECK(becomes<std::bad_alloc>({.code = 27}));
    CHECK(becomes<ClientResponseError>({.code = 27, .connected = true}));  // a line of the head
    for (const int code : {2, 4, 9, 25, 26, 34, 43, 89, 93, 94}) {
        CHECK(becomes<Lost>({.code = code}));
    }
}

TEST_CASE("curl errors: bytes that could not be moved are told by how far it was") {
    for (const int code : {16, 18, 55, 56, 81, 92, 95}) {
        CHECK(becomes<ServerDisconnectedError>({.code = code}));
        const CurlFailure reset{.code = code,
                                .text = "Recv failure: Connection reset by peer",
                                .system_error = ECONNRESET};
        CHECK(*thrown_for(reset).type == typeid(ClientOSError));
        CHECK(becomes<ClientPayloadError>(
            {.code = code, .system_error = ECONNRESET, .has_head = true}));
        CHECK(becomes<ClientHttpProxyError>({.code = code, .proxy_status = 407}));
        CHECK(becomes<ServerDisconnectedError>({.code = code, .proxy_status = 200}));
    }
    // libcurl has the errno of what went before; its words are of this failure.
    CHECK(becomes<ServerDisconnectedError>({.code = 56, .system_error = ECONNREFUSED}));
    CHECK(becomes<ConnectionTimeoutError>({.code = 28}));
    CHECK(becomes<SocketTimeoutError>({.code = 28, .connected = true}));
}

TEST_CASE("curl errors: what OpenSSL said is said, and makes the class") {
    const std::exception_ptr untrusted = std::make_exception_ptr(ringio::CertificateError(
        "TLS handshake with h:443 failed", "expired", "renew it", {.verify_result = 10}));
    const std::exception_ptr rejected = std::make_exception_ptr(ringio::TlsError(
        ringio::TlsErrc::peer_rejected_certificate, "TLS with h:443 failed", "unknown ca", ""));
    for (const int code : {35, 55, 56, 60}) {
        const CurlFailure failure{.code = code, .text = "x", .host = "h", .port = 443};
        CurlFailure of_certificate = failure;
        of_certificate.tls = untrusted;
        const Named error = thrown_for(of_certificate);
        CHECK(*error.type == typeid(ClientConnectorCertificateError));
        CHECK(error.text ==
              "Cannot connect to host h:443 [" + curl_code_name(code) +
                  ": TLS handshake with h:443 failed; hint: renew it]: certificate verify failed");
        CurlFailure of_alert = failure;
        of_alert.tls = rejected;
        CHECK(*thrown_for(of_alert).type == typeid(ClientSSLError));
    }
    CHECK(*thrown_for({.code = 56, .has_head = true, .tls = rejected}).type ==
          typeid(ClientPayloadError));
}

TEST_CASE("curl errors: a code that is not known is a ClientConnectionError with its number") {
    using Lost = ringio::http::detail::Thrown<ClientConnectionError>;
    for (int code = 1; code < 120; ++code) {
        CHECK(!thrown_for({.code = code}).text.empty());
        if (curl_code_name(code).starts_with("CURLcode")) {
            CHECK(becomes<Lost>({.code = code}));
        }
    }
    CHECK(curl_code_name(7) == "CURLE_COULDNT_CONNECT");
    CHECK(curl_code_name(119) == "CURLcode 119");
}

TEST_CASE("curl errors: a connection that failed names host, port and the system's error") {
    const CurlFailure failure{
        .code = 7, .text = "refused", .host = "h", .port = 81, .system_error = ENETUNREACH};
    try {
        std::rethrow_exception(error_of(failure));
    } catch (const ClientConnectorError& error) {
        CHECK(error.host() == "h");
        CHECK(error.port() == 81);
        CHECK(error.code().value() == ENETUNREACH);
        CHECK(std::string(error.what()) ==
              "Cannot connect to host h:81 [CURLE_COULDNT_CONNECT: refused]: Network is "
              "unreachable");
    }
}

TEST_CASE("curl errors: who hangs up in a handshake is told from who hangs up behind it") {
    CurlFailure failure{.code = 35, .text = "OpenSSL SSL_connect: SSL_ERROR_SYSCALL", .host = "h"};
    try {
        std::rethrow_exception(error_of(failure));
    } catch (const ClientSSLError& error) {
        CHECK(error.tls_error().hint() == "the peer hung up in the middle of the handshake");
    }
    failure.code = 56;
    failure.text = "OpenSSL SSL_read: SSL_ERROR_SYSCALL, errno 0";
    const Named behind = thrown_for(failure);
    CHECK(*behind.type == typeid(ServerDisconnectedError));
    CHECK(behind.text == "Server disconnected [CURLE_RECV_ERROR: " + failure.text + "]");
}

TEST_CASE("curl errors: a Unix socket is named by its path, and not by a port") {
    for (const int code : {6, 7}) {
        const CurlFailure failure{.code = code,
                                  .text = "of localhost port 80",
                                  .host = "localhost",
                                  .port = 80,
                                  .unix_socket = "/run/x",
                                  .system_error = ENOENT};
        const Named error = thrown_for(failure);
        CHECK(*error.type == typeid(UnixClientConnectorError));
        CHECK(error.text ==
              "Cannot connect to unix socket /run/x [" + curl_code_name(code) +
                  (code == 6 ? "]: File name too long" : "]: No such file or directory"));
    }
}
