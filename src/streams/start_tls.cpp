#include <ringio/streams/stream_writer.hpp>
#include <ringio/streams/tls_info.hpp>
#include <ringio/streams/tls_option.hpp>

#include <ringio/base/scope_exit.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace ringio {
namespace {

using detail::OwnedTls;
using detail::StreamState;

void check_timeout(const char* name, const std::optional<Delay>& timeout) {
    if (timeout && !timeout->is_positive()) {
        throw std::invalid_argument(
            fmt::format("{} should be a positive number, got {}", name,
                        std::chrono::duration<double>(timeout->value()).count()));
    }
}

// With a leading dot it would stand for every name below.
void check_host(const std::string& host) {
    if (host.starts_with('.')) {
        throw std::invalid_argument(
            "server_hostname cannot be an empty string or start with a leading dot.");
    }
    if (host.size() > 255 || host.find('\0') != std::string::npos) {
        throw std::invalid_argument("server_hostname is longer than 255 bytes, or has a NUL in it");
    }
}

OwnedTls owned_tls(TlsOption tls, const StartTlsOptions& options) {
    if (!tls && options.ssl_handshake_timeout) {
        throw std::invalid_argument("ssl_handshake_timeout is only meaningful with ssl");
    }
    if (!tls && options.ssl_shutdown_timeout) {
        throw std::invalid_argument("ssl_shutdown_timeout is only meaningful with ssl");
    }
    check_timeout("ssl_handshake_timeout", options.ssl_handshake_timeout);
    check_timeout("ssl_shutdown_timeout", options.ssl_shutdown_timeout);
    OwnedTls owned;
    owned.security = IntrusivePtr<detail::StreamSecurity>(tls.security());
    owned.request.handshake_timeout = options.ssl_handshake_timeout;
    owned.request.shutdown_timeout = options.ssl_shutdown_timeout;
    return owned;
}

/// Waits until the input has come to rest. Nobody else reads meanwhile.
class RestAwaiter final : public detail::IntakeWait {
public:
    explicit RestAwaiter(detail::StreamInbound& inbound) noexcept
        : IntakeWait(inbound), inbound_(inbound) {}

    bool await_ready() const noexcept { return inbound_.is_at_rest(); }
    void await_resume() {
        check();
        end();
        inbound_.end_loan();
    }

private:
    detail::StreamInbound& inbound_;
};

class Rest {
public:
    explicit Rest(detail::StreamInbound& inbound) noexcept : inbound_(inbound) {}
    RestAwaiter operator co_await() const noexcept { return RestAwaiter(inbound_); }

private:
    detail::StreamInbound& inbound_;
};

Task<> send_all(StreamState& stream) {
    detail::StreamOutbound& output = stream.output();
    const ScopeExit restore([&output, high = output.high_water(), low = output.low_water()] {
        output.set_water_marks(high, low);
    });
    output.set_water_marks(0, 0);
    output.flush();
    if (output.is_paused()) {
        co_await output.resumed();
    }
}

Task<> start(IntrusivePtr<StreamState> stream, OwnedTls tls) {
    stream->throw_failure();
    if (stream->closing()) {
        throw std::runtime_error("start_tls() on the stream to " + stream->peer() +
                                 ", which is closed");
    }
    co_await send_all(*stream);
    co_await detail::secure(std::move(stream), std::move(tls));
}

}  // namespace

OwnedTls detail::tls_of_client(TlsOption tls, const StartTlsOptions& options, std::string_view host,
                               std::string_view address) {
    if (!tls && !options.server_hostname.empty()) {
        throw std::invalid_argument("server_hostname is only meaningful with ssl");
    }
    OwnedTls owned = owned_tls(tls, options);
    if (!tls) {
        return owned;
    }
    if (owned.security->is_server()) {
        throw std::invalid_argument(
            "the TlsContext is that of a server: TlsContext::client() makes one to connect with");
    }
    owned.request.server_hostname =
        options.server_hostname.empty() ? host : options.server_hostname;
    owned.request.address = address;
    check_host(owned.request.server_hostname);
    if (owned.request.server_hostname.empty() && owned.security->checks_host_name()) {
        throw std::invalid_argument("you have to pass server_hostname when using ssl");
    }
    return owned;
}

OwnedTls detail::tls_of_server(const std::string& function, TlsOption tls,
                               const StartTlsOptions& options) {
    if (tls && !tls.security()->is_server()) {
        throw std::invalid_argument(
            function +
            ": the TlsContext is that of a client: TlsContext::server() makes one to serve with");
    }
    return owned_tls(tls, options);
}

Task<> detail::secure(IntrusivePtr<StreamState> stream, OwnedTls tls) {
    stream->input().require_readable("start_tls");
    stream->input().rest();
    const ScopeExit go_on([&stream] { stream->input().end_rest(); });
    while (!stream->input().is_at_rest()) {
        co_await Rest(stream->input());
        stream->throw_failure();
    }
    stream->throw_failure();
    if (!stream->may_split()) {
        throw std::runtime_error("start_tls() on the stream to " + stream->peer() +
                                 ", which was closed or written to meanwhile");
    }
    co_await tls.security->secure(stream, std::move(tls.request));
}

Task<> StreamWriter::start_tls(TlsOption tls, const StartTlsOptions& options) {
    if (!tls) {
        throw std::invalid_argument("start_tls: there is no TlsContext");
    }
    return start(state_, tls.security()->is_server()
                             ? detail::tls_of_server("start_tls", tls, options)
                             : detail::tls_of_client(tls, options, {}, state_->peer()));
}

std::optional<TlsInfo> StreamWriter::tls_info() const {
    TlsInfo info;
    return state_->describe(info) ? std::optional(std::move(info)) : std::nullopt;
}

}  // namespace ringio
