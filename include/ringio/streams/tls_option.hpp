// The option `.tls` of connections and servers. What makes TLS of a stream is the component tls
// (<ringio/tls.hpp>); streams know no more of it than this.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/task.hpp>
#include <ringio/core/timers.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringio {

namespace detail {

class StreamState;

/// How one stream is to be secured.
struct TlsRequest {
    std::string server_hostname;  // whom the peer must prove to be; of a client
    std::string address;          // of the peer, by which its sessions are kept
    std::optional<Delay> handshake_timeout;
    std::optional<Delay> shutdown_timeout;
};

/// What is behind a TlsContext. Counted, by any thread.
class StreamSecurity {
public:
    virtual ~StreamSecurity() = default;

    virtual bool is_server() const noexcept = 0;
    /// Says that the peer must prove its name: a client's is needed then.
    virtual bool checks_host_name() const noexcept = 0;
    /// Puts TLS between the stream and what it was, and shakes hands. The input is to be at rest.
    /// *Errors*: TlsError; what made the connection fail; the stream is closed then, and when the
    /// task is cancelled.
    virtual Task<> secure(IntrusivePtr<StreamState> stream, TlsRequest request) = 0;

    friend void intrusive_add_ref(StreamSecurity* security) noexcept {
        security->references_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_release(StreamSecurity* security) noexcept {
        if (security->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete security;
        }
    }

private:
    std::atomic<std::uint32_t> references_ = 0;
};

}  // namespace detail

/// A TlsContext as an option: `{.tls = context}`. None: the stream is not secured. *Lifetime*: the
/// context must live until the function that takes it has been called.
class TlsOption {
public:
    constexpr TlsOption() noexcept = default;
    explicit constexpr TlsOption(detail::StreamSecurity& security) noexcept
        : security_(&security) {}

    explicit operator bool() const noexcept { return security_ != nullptr; }
    detail::StreamSecurity* security() const noexcept { return security_; }

private:
    detail::StreamSecurity* security_ = nullptr;
};

/// What StreamWriter::start_tls() takes, beside the context.
struct StartTlsOptions {
    std::string_view server_hostname = {};  ///< whom the peer must prove to be; of a client
    std::optional<Delay> ssl_handshake_timeout = {};  ///< none: 60 s
    std::optional<Delay> ssl_shutdown_timeout = {};   ///< none: 30 s
};

namespace detail {

/// A TlsOption and what goes with it, owned.
struct OwnedTls {
    explicit operator bool() const noexcept { return static_cast<bool>(security); }

    IntrusivePtr<StreamSecurity> security;  // or none
    TlsRequest request;
};

/// Checks the options of a client. `host` stands for an empty server_hostname. *Errors*:
/// std::invalid_argument in CPython's words.
OwnedTls tls_of_client(TlsOption tls, const StartTlsOptions& options, std::string_view host,
                       std::string_view address);
/// The same of a server. `function` is for the text of errors.
OwnedTls tls_of_server(const std::string& function, TlsOption tls, const StartTlsOptions& options);

/// The options of a connection or a server that StartTlsOptions has, too.
template <class Options>
StartTlsOptions start_tls_options(const Options& options) noexcept {
    StartTlsOptions result;
    if constexpr (requires { options.server_hostname; }) {
        result.server_hostname = options.server_hostname;
    }
    result.ssl_handshake_timeout = options.ssl_handshake_timeout;
    result.ssl_shutdown_timeout = options.ssl_shutdown_timeout;
    return result;
}

/// Waits until the input is at rest, and secures the stream. *Errors*: as StreamSecurity::secure();
/// std::runtime_error while a task reads, or something is being sent.
Task<> secure(IntrusivePtr<StreamState> stream, OwnedTls tls);

}  // namespace detail
}  // namespace ringio
