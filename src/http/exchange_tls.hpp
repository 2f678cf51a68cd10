// ExchangeTls: how libcurl makes TLS of the connection for an exchange, and why it could not.
#pragma once

#include "easy_handle.hpp"
#include "request_spec.hpp"
#include "session_settings.hpp"

#include "../tls/foreign_handshake.hpp"

#include <exception>
#include <memory>
#include <string>

namespace ringio::http::detail {

/// The rules are those of the session's TlsContext; of a session without one they are what
/// TlsContext::client() is when the first such session of the process needs it.
class ExchangeTls {
public:
    ExchangeTls() noexcept = default;
    ExchangeTls(const ExchangeTls&) = delete;
    ExchangeTls& operator=(const ExchangeTls&) = delete;

    /// Tells libcurl, and forgets the exchange before; this must live until the handle is reset.
    /// *Errors*: ClientSSLError when the system trusts nobody.
    void set_up(EasyHandle& easy, const Exchange& exchange, const SessionSettings& settings,
                bool proxy_is_secure);

    /// The TlsError that ended the last handshake, or what kept it from being begun; or null.
    std::exception_ptr failure() const noexcept;

private:
    void tell_rules(EasyHandle& easy);
    static CURLcode begin(CURL* easy, void* context, void* self) noexcept;

    IntrusivePtr<ringio::detail::StreamSecurity> rules_;
    std::string host_;
    unsigned port_ = 0;
    bool by_secure_proxy_ = false;
    std::shared_ptr<const ringio::detail::ForeignHandshake> handshake_;
    std::exception_ptr failure_;
};

}  // namespace ringio::http::detail
