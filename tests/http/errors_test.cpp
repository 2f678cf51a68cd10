#include <ringio/http/errors.hpp>

#include <support/catch.hpp>

#include <cerrno>
#include <exception>
#include <string>
#include <type_traits>

using namespace ringio::http;
using ringio::TimeoutError;

namespace {

const std::error_code refused(ECONNREFUSED, std::system_category());
const ringio::TlsError not_tls(ringio::TlsErrc::not_tls, "no TLS", "wrong version number");
const ringio::CertificateError expired("too old", "certificate has expired", "renew it",
                                       {.verify_result = 10, .depth = 1});

/// Which of these handlers take an error: the letters of those that do.
template <class E>
std::string taken_by(const E& error) {
    std::string handlers;
    const std::exception_ptr thrown = std::make_exception_ptr(error);
    const auto try_handler = [&]<class Handler>(char letter, std::type_identity<Handler>) {
        try {
            std::rethrow_exception(thrown);
        } catch (const Handler& caught) {
            handlers += letter;
            CHECK(std::string(caught.what()) == error.what());
        } catch (...) {
        }
    };
    try_handler('E', std::type_identity<std::exception>());
    try_handler('c', std::type_identity<ClientError>());
    try_handler('n', std::type_identity<ClientConnectionError>());
    try_handler('o', std::type_identity<ClientOSError>());
    try_handler('S', std::type_identity<std::system_error>());
    try_handler('s', std::type_identity<ServerConnectionError>());
    try_handler('T', std::type_identity<TimeoutError>());
    try_handler('r', std::type_identity<ClientResponseError>());
    try_handler('I', std::type_identity<std::invalid_argument>());
    try_handler('R', std::type_identity<std::runtime_error>());
    return handlers;
}

}  // namespace

// The tree of aiohttp; capitals are what is no aiohttp's.
TEST_CASE("errors: each is taken by the handlers of all that it is") {
    CHECK(taken_by(make_error<ClientError>("x")) == "EcR");
    CHECK(taken_by(make_error<ClientConnectionError>("x")) == "EcnR");
    CHECK(taken_by(make_error<ServerConnectionError>("x")) == "EcnsR");
    CHECK(taken_by(ClientOSError(refused, "x")) == "EcnoSR");
    CHECK(taken_by(ClientConnectorError("h", 1, refused, "x")) == "EcnoSR");
    CHECK(taken_by(UnixClientConnectorError("/p", "h", 1, refused, "x")) == "EcnoSR");
    CHECK(taken_by(ClientConnectorDNSError("h", 1, refused, "x")) == "EcnoSR");
    CHECK(taken_by(ClientProxyConnectionError("h", 1, refused, "x")) == "EcnoSR");
    CHECK(taken_by(ClientSSLError("h", 1, not_tls, "x")) == "EcnoSR");
    CHECK(taken_by(ClientConnectorCertificateError("h", 1, expired, "x")) == "EcnoSR");
    CHECK(taken_by(ServerDisconnectedError()) == "EcnsR");
    CHECK(taken_by(ServerTimeoutError("x")) == "EcnsTR");
    CHECK(taken_by(ConnectionTimeoutError("x")) == "EcnsTR");
    CHECK(taken_by(SocketTimeoutError("x")) == "EcnsTR");
    CHECK(taken_by(ClientResponseError(404, "Not Found", "u")) == "EcrR");
    CHECK(taken_by(ContentTypeError(200, "x", "u")) == "EcrR");
    CHECK(taken_by(TooManyRedirects(302, "x", "u")) == "EcrR");
    CHECK(taken_by(ClientHttpProxyError(407, "x", "u")) == "EcrR");
    CHECK(taken_by(ClientPayloadError("x")) == "EcR");
    CHECK(taken_by(JSONDecodeError("x")) == "EcI");
    CHECK(taken_by(InvalidURL("x")) == "EcI");
    CHECK(taken_by(InvalidUrlRedirectClientError("x")) == "EcI");
}

TEST_CASE("errors: what they know") {
    const ClientConnectorError connector("host", 80, refused, "Cannot connect");
    CHECK(connector.host() == "host");
    CHECK(connector.port() == 80);
    CHECK(connector.code() == refused);
    CHECK(std::string(connector.what()) == "Cannot connect: Connection refused");
    const ClientSSLError plain("host", 443, not_tls, "Cannot connect");
    CHECK(plain.code() == ringio::TlsErrc::not_tls);
    CHECK(plain.tls_error().reason() == "wrong version number");
    const ClientConnectorCertificateError untrusted("host", 443, expired, "Cannot connect");
    CHECK(untrusted.code() == ringio::TlsErrc::certificate_verify_failed);
    CHECK(untrusted.tls_error().hint() == "renew it");
    CHECK(untrusted.certificate_error().depth() == 1);
    CHECK(std::string(untrusted.what()) == "Cannot connect: certificate verify failed");
    const ClientResponseError response(404, "Not Found", "http://h/");
    CHECK(response.status() == 404);
    CHECK(response.message() == "Not Found");
    CHECK(response.url() == "http://h/");
    CHECK(std::string(response.what()) == "404, message='Not Found', url='http://h/'");
    CHECK(std::string(ServerDisconnectedError().what()) == "Server disconnected");
}
