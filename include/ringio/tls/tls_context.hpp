// TlsContext: certificates, keys and rules of TLS, loaded once and used for any number of
// connections.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/streams/tls_option.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace ringio {

namespace detail {
class TlsContextState;
}

enum class TlsVersion : unsigned char { tls1_2, tls1_3 };

/// The protocols of the application that one speaks, the best first: `.alpn = {"h2", "http/1.1"}`.
/// *Lifetime*: the names must live until the context is made. *Errors*: a ninth one does not
/// compile.
class AlpnProtocols {
public:
    constexpr AlpnProtocols() noexcept = default;
    template <class... Names>
        requires(sizeof...(Names) > 0 && sizeof...(Names) <= 8 &&
                 (std::is_convertible_v<const Names&, std::string_view> && ...))
    constexpr AlpnProtocols(const Names&... names) noexcept
        : names_{std::string_view(names)...}, size_(sizeof...(Names)) {}

    const std::string_view* begin() const noexcept { return names_.data(); }
    const std::string_view* end() const noexcept { return names_.data() + size_; }
    bool empty() const noexcept { return size_ == 0; }

private:
    std::array<std::string_view, 8> names_{};
    std::size_t size_ = 0;
};

class TlsVerification;

namespace tls {

/// Whoever answers is believed: for tests on loopback, and nothing else.
constexpr TlsVerification insecure_no_verify() noexcept;

}  // namespace tls

/// Whether the peer's certificate is checked. Not to is had by tls::insecure_no_verify() only.
class TlsVerification {
public:
    constexpr TlsVerification() noexcept = default;
    constexpr bool is_required() const noexcept { return required_; }

private:
    friend constexpr TlsVerification tls::insecure_no_verify() noexcept;
    bool required_ = true;
};

constexpr TlsVerification tls::insecure_no_verify() noexcept {
    TlsVerification none;
    none.required_ = false;
    return none;
}

/// Texts are names of files in PEM form, and must live until the context is made.
struct TlsClientOptions {
    std::string_view ca_file = {};      ///< whom to trust; nothing: whom the system trusts
    std::string_view ca_path = {};      ///< the same in a directory of `openssl rehash`
    std::string_view ca_data = {};      ///< the same, PEM itself
    std::string_view crl_file = {};     ///< certificates that were revoked
    std::string_view certificate = {};  ///< to be shown to the server, with its chain
    std::string_view key = {};          ///< its key; nothing: in the file of the certificate
    std::string_view password = {};     ///< of the key
    TlsVersion min_version = TlsVersion::tls1_2;
    TlsVersion max_version = TlsVersion::tls1_3;
    std::string_view ciphers = {};  ///< of TLS 1.2, as `openssl ciphers` takes them
    AlpnProtocols alpn = {};
    TlsVerification verify = {};
    bool resume_sessions = true;        ///< a second connection to the same server is cheaper
    bool ignore_truncation = false;     ///< an end without close_notify is an end: for HTTP
    std::string_view keylog_file = {};  ///< where secrets are written, for Wireshark: for tests
};

class TlsContext;

/// Chooses a context by the name that the client asks for; none: the server's own. *Lifetime*: it
/// is copied when the context is made. *Errors*: what it throws ends the handshake, and goes to the
/// loop's exception handler.
class SniCallback {
public:
    using Function = std::function<std::optional<TlsContext>(std::string_view name)>;

    constexpr SniCallback() noexcept = default;
    template <class Fn>
        requires(!std::is_same_v<Fn, SniCallback> &&
                 std::is_invocable_r_v<std::optional<TlsContext>, const Fn&, std::string_view>)
    SniCallback(const Fn& function) noexcept
        : function_(&function),
          copy_([](const void* callable) { return Function(*static_cast<const Fn*>(callable)); }) {}

    Function copy() const { return copy_ != nullptr ? copy_(function_) : Function(); }

private:
    const void* function_ = nullptr;
    Function (*copy_)(const void*) = nullptr;
};

struct TlsServerOptions {
    std::string_view certificate = {};  ///< with its chain
    std::string_view key = {};          ///< its key; nothing: in the file of the certificate
    std::string_view password = {};     ///< of the key
    std::string_view client_ca = {};    ///< clients must show a certificate of these
    std::string_view crl_file = {};     ///< certificates that were revoked
    TlsVersion min_version = TlsVersion::tls1_2;
    TlsVersion max_version = TlsVersion::tls1_3;
    std::string_view ciphers = {};  ///< of TLS 1.2, as `openssl ciphers` takes them
    AlpnProtocols alpn = {};
    SniCallback sni = {};
    bool ignore_truncation = false;     ///< an end without close_notify is an end
    std::string_view keylog_file = {};  ///< where secrets are written, for Wireshark: for tests
};

/// Makes TLS of connections: `open_connection("a.org", 443, {.tls = TlsContext::client()})`. A
/// handle: copies are the same context, which never changes; any thread may use it.
/// ssl.SSLContext in Python.
///
/// TLS 1.2 is the least, and OpenSSL's security level 2; a client checks the certificate and the
/// name of the server.
class TlsContext {
public:
    /// Makes one to connect with; ssl.create_default_context(). *Errors*: std::system_error that
    /// names a file which cannot be read; TlsError (bad_context) when what is in it is of no use,
    /// key and certificate do not belong together, or the system trusts nobody;
    /// std::invalid_argument for ciphers that there are not or that lower the security level, an
    /// ALPN name that is empty or longer than 255 bytes.
    static TlsContext client(const TlsClientOptions& options = {});
    /// Makes one to serve with. *Errors*: the same; std::invalid_argument without a certificate.
    static TlsContext server(const TlsServerOptions& options);

    TlsContext(const TlsContext& other) noexcept;
    TlsContext(TlsContext&& other) noexcept;
    TlsContext& operator=(TlsContext other) noexcept;
    ~TlsContext();

    bool is_server() const noexcept;
    operator TlsOption() const noexcept;

private:
    friend class detail::TlsContextState;
    explicit TlsContext(IntrusivePtr<detail::TlsContextState> state) noexcept;

    IntrusivePtr<detail::TlsContextState> state_;
};

}  // namespace ringio
