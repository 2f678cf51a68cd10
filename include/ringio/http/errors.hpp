// The errors of HTTP clients: aiohttp's tree. What is a ValueError, an OSError or a TimeoutError in
// Python is std::invalid_argument, std::system_error or ringio::TimeoutError here, too.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/core/exceptions.hpp>
#include <ringio/tls/tls_error.hpp>

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace ringio::http {

/// The root of all. Each that is thrown is a std::exception as well; this is not, for then those
/// that are a std::system_error, too, would be it twice, and no handler would take them.
class RINGIO_API ClientError {
public:
    virtual const char* what() const noexcept = 0;

protected:
    ClientError() = default;
    ClientError(const ClientError&) = default;
    ClientError& operator=(const ClientError&) = default;
    ~ClientError() = default;
};

/// The connection failed. Thrown as itself when the session is closed.
class RINGIO_API ClientConnectionError : public ClientError {
protected:
    ~ClientConnectionError() = default;
};

/// The server is to blame.
class RINGIO_API ServerConnectionError : public ClientConnectionError {
protected:
    ~ServerConnectionError() = default;
};

namespace detail {

/// What is thrown where `Kind` itself is meant.
template <class Kind>
class RINGIO_API Thrown final : public Kind, public std::runtime_error {
public:
    explicit Thrown(const std::string& text) : std::runtime_error(text) {}
    const char* what() const noexcept override { return std::runtime_error::what(); }
};

}  // namespace detail

/// Makes a ClientError, ClientConnectionError or ServerConnectionError that can be thrown.
template <class Kind>
detail::Thrown<Kind> make_error(const std::string& text) {
    return detail::Thrown<Kind>(text);
}

/// The system refused an operation on the connection.
class RINGIO_API ClientOSError : public ClientConnectionError, public std::system_error {
public:
    ClientOSError(std::error_code code, const std::string& text) : std::system_error(code, text) {}
    const char* what() const noexcept override { return std::system_error::what(); }
};

/// No connection could be made. The code is the system's, ECONNREFUSED where only that much is
/// known; of resolver_category() when the name was not found, of tls_category() when TLS failed.
class RINGIO_API ClientConnectorError : public ClientOSError {
public:
    ClientConnectorError(std::string host, unsigned port, std::error_code code,
                         const std::string& text)
        : ClientOSError(code, text), host_(std::move(host)), port_(port) {}

    const std::string& host() const noexcept { return host_; }
    unsigned port() const noexcept { return port_; }

private:
    std::string host_;
    unsigned port_;
};

/// No connection to a Unix socket could be made.
class RINGIO_API UnixClientConnectorError : public ClientConnectorError {
public:
    UnixClientConnectorError(std::string path, std::string host, unsigned port,
                             std::error_code code, const std::string& text)
        : ClientConnectorError(std::move(host), port, code, text), path_(std::move(path)) {}

    const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

/// The name of the host has no address.
class RINGIO_API ClientConnectorDNSError : public ClientConnectorError {
public:
    using ClientConnectorError::ClientConnectorError;
};

/// No connection to the proxy could be made.
class RINGIO_API ClientProxyConnectionError : public ClientConnectorError {
public:
    using ClientConnectorError::ClientConnectorError;
};

/// TLS could not be agreed on, or the server did not take our certificate.
class RINGIO_API ClientSSLError : public ClientConnectorError {
public:
    ClientSSLError(std::string host, unsigned port, const TlsError& error, const std::string& text)
        : ClientConnectorError(std::move(host), port, error.code(), text), tls_error_(error) {}

    /// Why: with OpenSSL's reason, and a hint.
    const TlsError& tls_error() const noexcept { return tls_error_; }

private:
    TlsError tls_error_;
};

/// The server's certificate is not to be trusted.
class RINGIO_API ClientConnectorCertificateError : public ClientSSLError {
public:
    ClientConnectorCertificateError(std::string host, unsigned port, const CertificateError& error,
                                    const std::string& text)
        : ClientSSLError(std::move(host), port, error, text), certificate_error_(error) {}

    /// Which certificate, and why.
    const CertificateError& certificate_error() const noexcept { return certificate_error_; }

private:
    CertificateError certificate_error_;
};

/// The server closed the connection before it answered.
class RINGIO_API ServerDisconnectedError : public ServerConnectionError, public std::runtime_error {
public:
    explicit ServerDisconnectedError(const std::string& text = "Server disconnected")
        : std::runtime_error(text) {}
    const char* what() const noexcept override { return std::runtime_error::what(); }
};

/// A time that was set passed. The one for all of a request is a TimeoutError only, as in aiohttp.
class RINGIO_API ServerTimeoutError : public ServerConnectionError, public TimeoutError {
public:
    explicit ServerTimeoutError(const std::string& text) : TimeoutError(text) {}
    const char* what() const noexcept override { return TimeoutError::what(); }
};

/// That for a connection: `connect`, `sock_connect`.
class RINGIO_API ConnectionTimeoutError : public ServerTimeoutError {
public:
    using ServerTimeoutError::ServerTimeoutError;
};

/// That between two pieces of the answer: `sock_read`.
class RINGIO_API SocketTimeoutError : public ServerTimeoutError {
public:
    using ServerTimeoutError::ServerTimeoutError;
};

/// The answer is not what was wanted: raise_for_status(), and those below.
class RINGIO_API ClientResponseError : public ClientError, public std::runtime_error {
public:
    /// The text is "404, message='Not Found', url='http://host/path'".
    ClientResponseError(int status, std::string message, std::string url);
    const char* what() const noexcept override { return std::runtime_error::what(); }

    int status() const noexcept { return status_; }
    const std::string& message() const noexcept { return message_; }
    const std::string& url() const noexcept { return url_; }

private:
    int status_;
    std::string message_;
    std::string url_;
};

/// The body is of another type than was expected.
class RINGIO_API ContentTypeError : public ClientResponseError {
public:
    using ClientResponseError::ClientResponseError;
};

/// It was redirected more often than max_redirects.
class RINGIO_API TooManyRedirects : public ClientResponseError {
public:
    using ClientResponseError::ClientResponseError;
};

/// The proxy refused. *Python*: ClientHttpProxyError.
class RINGIO_API ClientHttpProxyError : public ClientResponseError {
public:
    using ClientResponseError::ClientResponseError;
};

/// The body ended early, could not be decoded, or is longer than max_body.
class RINGIO_API ClientPayloadError : public ClientError, public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
    const char* what() const noexcept override { return std::runtime_error::what(); }
};

/// The body is no JSON, or not what was to be made of it. *Python*: json.JSONDecodeError, a
/// ValueError, which with aiohttp is no ClientError.
class RINGIO_API JSONDecodeError : public ClientError, public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
    const char* what() const noexcept override { return std::invalid_argument::what(); }
};

/// This is no URL that can be asked for.
class RINGIO_API InvalidURL : public ClientError, public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
    const char* what() const noexcept override { return std::invalid_argument::what(); }
};

/// A redirect leads to no such URL.
class RINGIO_API InvalidUrlRedirectClientError : public InvalidURL {
public:
    using InvalidURL::InvalidURL;
};

}  // namespace ringio::http
