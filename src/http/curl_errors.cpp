#include "curl_errors.hpp"

#include <ringio/http/errors.hpp>
#include <ringio/streams/resolve.hpp>

#include <curl/curl.h>
#include <fmt/core.h>

#include <netdb.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace ringio::http::detail {
namespace {

enum class Kind : unsigned char {
    connection,    // ClientConnectionError
    connector,     // no connection: ClientConnectorError, or that of a proxy or of a Unix socket
    dns,           // ClientConnectorDNSError
    tls,           // ClientSSLError
    certificate,   // ClientConnectorCertificateError
    exchange,      // bytes could not be sent or received: it depends on how far it was
    payload,       // ClientPayloadError
    timeout,       // ConnectionTimeoutError, SocketTimeoutError
    disconnected,  // ServerDisconnectedError
    response,      // what answers speaks no HTTP: ClientResponseError, 400
    redirects,     // TooManyRedirects
    url,           // InvalidURL
    memory,        // std::bad_alloc
};

struct Row {
    CURLcode code;
    const char* name;
    Kind kind;
};

#define ROW(code, kind) {code, #code, Kind::kind}

// The codes that HTTP can end with; all others are connection.
constexpr Row rows[] = {
    ROW(CURLE_UNSUPPORTED_PROTOCOL, response),
    ROW(CURLE_FAILED_INIT, connection),
    ROW(CURLE_URL_MALFORMAT, url),
    ROW(CURLE_NOT_BUILT_IN, connection),
    ROW(CURLE_COULDNT_RESOLVE_PROXY, dns),
    ROW(CURLE_COULDNT_RESOLVE_HOST, dns),
    ROW(CURLE_COULDNT_CONNECT, connector),
    ROW(CURLE_WEIRD_SERVER_REPLY, response),
    ROW(CURLE_REMOTE_ACCESS_DENIED, connection),
    ROW(CURLE_HTTP2, exchange),
    ROW(CURLE_PARTIAL_FILE, exchange),
    ROW(CURLE_HTTP_RETURNED_ERROR, response),
    ROW(CURLE_WRITE_ERROR, payload),
    ROW(CURLE_UPLOAD_FAILED, connection),
    ROW(CURLE_READ_ERROR, connection),
    ROW(CURLE_OUT_OF_MEMORY, memory),
    ROW(CURLE_OPERATION_TIMEDOUT, timeout),
    ROW(CURLE_RANGE_ERROR, payload),
    ROW(CURLE_HTTP_POST_ERROR, connection),
    ROW(CURLE_SSL_CONNECT_ERROR, tls),
    ROW(CURLE_ABORTED_BY_CALLBACK, disconnected),
    ROW(CURLE_BAD_FUNCTION_ARGUMENT, connection),
    ROW(CURLE_INTERFACE_FAILED, connector),
    ROW(CURLE_TOO_MANY_REDIRECTS, redirects),
    ROW(CURLE_GOT_NOTHING, disconnected),
    ROW(CURLE_SSL_ENGINE_NOTFOUND, tls),
    ROW(CURLE_SSL_ENGINE_SETFAILED, tls),
    ROW(CURLE_SEND_ERROR, exchange),
    ROW(CURLE_RECV_ERROR, exchange),
    ROW(CURLE_SSL_CERTPROBLEM, tls),
    ROW(CURLE_SSL_CIPHER, tls),
    ROW(CURLE_PEER_FAILED_VERIFICATION, certificate),
    ROW(CURLE_BAD_CONTENT_ENCODING, payload),
    ROW(CURLE_FILESIZE_EXCEEDED, payload),
    ROW(CURLE_USE_SSL_FAILED, tls),
    ROW(CURLE_SEND_FAIL_REWIND, disconnected),
    ROW(CURLE_SSL_ENGINE_INITFAILED, tls),
    ROW(CURLE_SSL_CACERT_BADFILE, tls),
    ROW(CURLE_SSL_SHUTDOWN_FAILED, tls),
    ROW(CURLE_AGAIN, exchange),
    ROW(CURLE_SSL_CRL_BADFILE, tls),
    ROW(CURLE_SSL_ISSUER_ERROR, certificate),
    ROW(CURLE_NO_CONNECTION_AVAILABLE, connection),
    ROW(CURLE_SSL_PINNEDPUBKEYNOTMATCH, certificate),
    ROW(CURLE_SSL_INVALIDCERTSTATUS, certificate),
    ROW(CURLE_HTTP2_STREAM, exchange),
    ROW(CURLE_RECURSIVE_API_CALL, connection),
    ROW(CURLE_AUTH_ERROR, connection),
    ROW(CURLE_HTTP3, exchange),
    ROW(CURLE_QUIC_CONNECT_ERROR, connector),
    ROW(CURLE_PROXY, connector),
    ROW(CURLE_SSL_CLIENTCERT, tls),
};

#undef ROW

const Row* row_of(int code) noexcept {
    for (const Row& row : rows) {
        if (static_cast<int>(row.code) == code) {
            return &row;
        }
    }
    return nullptr;
}

// What OpenSSL said is better than what libcurl made of it.
std::string words_of(const CurlFailure& failure) {
    if (failure.tls) {
        try {
            std::rethrow_exception(failure.tls);
        } catch (const std::exception& error) {
            return error.what();
        }
    }
    return failure.text.empty() ? curl_easy_strerror(static_cast<CURLcode>(failure.code))
                                : failure.text;
}

// What a handshake that failed without a word of OpenSSL's comes from.
const char* hint_for(std::string_view words) noexcept {
    return words.find("SSL_ERROR_SYSCALL") != std::string_view::npos
               ? "the peer hung up in the middle of the handshake"
               : "";
}

std::error_code system_code(const CurlFailure& failure, int otherwise) {
    return {failure.system_error != 0 ? failure.system_error : otherwise, std::system_category()};
}

std::string connector_text(const CurlFailure& failure, const std::string& text) {
    return fmt::format("Cannot connect to {} {}:{}{} [{}]", failure.by_proxy ? "proxy" : "host",
                       failure.host, failure.port,
                       failure.by_environment ? " of the environment" : "", text);
}

template <class Error>
std::exception_ptr connector_error(const CurlFailure& failure, std::error_code code,
                                   const std::string& text) {
    return std::make_exception_ptr(
        Error(failure.host, failure.port, code, connector_text(failure, text)));
}

// libcurl's words are of a host and a port, but where the path is too long.
std::exception_ptr unix_error(const CurlFailure& failure) {
    const bool is_too_long = failure.code == CURLE_COULDNT_RESOLVE_HOST;
    const std::error_code code = is_too_long ? std::error_code(ENAMETOOLONG, std::system_category())
                                             : system_code(failure, ECONNREFUSED);
    return std::make_exception_ptr(
        UnixClientConnectorError(failure.unix_socket, failure.host, failure.port, code,
                                 fmt::format("Cannot connect to unix socket {} [{}]",
                                             failure.unix_socket, curl_code_name(failure.code))));
}

template <class Error, class Cause>
std::exception_ptr tls_error(const CurlFailure& failure, const Cause& cause,
                             const std::string& text) {
    return std::make_exception_ptr(
        Error(failure.host, failure.port, cause, connector_text(failure, text)));
}

std::exception_ptr openssl_error(const CurlFailure& failure, const std::string& text) {
    try {
        std::rethrow_exception(failure.tls);
    } catch (const CertificateError& error) {
        return tls_error<ClientConnectorCertificateError>(failure, error, text);
    } catch (const TlsError& error) {
        return tls_error<ClientSSLError>(failure, error, text);
    }
}

std::exception_ptr exchange_error(const CurlFailure& failure, const std::string& text) {
    if (failure.has_head) {
        return std::make_exception_ptr(
            ClientPayloadError(fmt::format("Response payload is not completed [{}]", text)));
    }
    if (failure.proxy_status != 0 && failure.proxy_status / 100 != 2) {
        return std::make_exception_ptr(ClientHttpProxyError(
            static_cast<int>(failure.proxy_status),
            fmt::format("the proxy refused the connection [{}]", text), failure.url));
    }
    // libcurl keeps the errno of an earlier failure: it is of this one if the text says it, too.
    const std::error_code code = system_code(failure, 0);
    if (code && text.find(code.message()) != std::string::npos) {
        return std::make_exception_ptr(ClientOSError(code, text));
    }
    return std::make_exception_ptr(
        ServerDisconnectedError(fmt::format("Server disconnected [{}]", text)));
}

std::exception_ptr timeout_error(const CurlFailure& failure, const std::string& text) {
    if (failure.connected) {
        return std::make_exception_ptr(
            SocketTimeoutError(fmt::format("Timeout on reading data from socket [{}]", text)));
    }
    return std::make_exception_ptr(ConnectionTimeoutError(
        fmt::format("Connection timeout to host {} [{}]", failure.url, text)));
}

}  // namespace

std::string curl_code_name(int code) {
    const Row* const row = row_of(code);
    return row != nullptr ? row->name : fmt::format("CURLcode {}", code);
}

std::exception_ptr error_of(const CurlFailure& failure) {
    const Row* const row = row_of(failure.code);
    const std::string words = words_of(failure);
    const std::string text = fmt::format("{}: {}", curl_code_name(failure.code), words);
    if (failure.tls && !failure.has_head) {
        return openssl_error(failure, text);
    }
    const Kind kind = row != nullptr ? row->kind : Kind::connection;
    if (!failure.unix_socket.empty() && (kind == Kind::connector || kind == Kind::dns)) {
        return unix_error(failure);
    }
    switch (kind) {
        case Kind::connector:
            return failure.by_proxy ? connector_error<ClientProxyConnectionError>(
                                          failure, system_code(failure, ECONNREFUSED), text)
                                    : connector_error<ClientConnectorError>(
                                          failure, system_code(failure, ECONNREFUSED), text);
        case Kind::dns:
            return connector_error<ClientConnectorDNSError>(
                failure, std::error_code(EAI_NONAME, resolver_category()), text);
        case Kind::tls: {
            const TlsError cause(TlsErrc::protocol_error, text, words, hint_for(words));
            return tls_error<ClientSSLError>(failure, cause, cause.what());
        }
        case Kind::certificate:
            return tls_error<ClientConnectorCertificateError>(
                failure, CertificateError(words, words, {}, CertificateFailure()), text);
        case Kind::exchange:
            return exchange_error(failure, text);
        case Kind::payload:
            return std::make_exception_ptr(
                ClientPayloadError(fmt::format("Response payload is not completed [{}]", text)));
        case Kind::timeout:
            return timeout_error(failure, text);
        case Kind::disconnected:
            return std::make_exception_ptr(
                ServerDisconnectedError(fmt::format("Server disconnected [{}]", text)));
        case Kind::response:
            return std::make_exception_ptr(ClientResponseError(400, text, failure.url));
        case Kind::redirects:
            return std::make_exception_ptr(TooManyRedirects(0, text, failure.url));
        case Kind::url:
            return std::make_exception_ptr(InvalidURL(fmt::format("{} [{}]", failure.url, text)));
        case Kind::memory:
            if (failure.connected && !failure.has_head) {
                return std::make_exception_ptr(ClientResponseError(
                    400, fmt::format("a line of the head is longer than 100 KiB [{}]", text),
                    failure.url));
            }
            return std::make_exception_ptr(std::bad_alloc());
        case Kind::connection:
            break;
    }
    return std::make_exception_ptr(make_error<ClientConnectionError>(text));
}

}  // namespace ringio::http::detail
