// What is behind a TlsContext: OpenSSL's context, made once and never changed.
#pragma once

#include <ringio/tls/tls_context.hpp>

#include "openssl.hpp"
#include "session_cache.hpp"

#include <string>

namespace ringio::detail {

class TlsContextState final : public StreamSecurity {
public:
    /// *Errors*: as TlsContext::client().
    explicit TlsContextState(const TlsClientOptions& options);
    /// *Errors*: as TlsContext::server().
    explicit TlsContextState(const TlsServerOptions& options);

    bool is_server() const noexcept override { return is_server_; }
    bool checks_host_name() const noexcept override { return !is_server_ && verifies_; }
    Task<> secure(IntrusivePtr<StreamState> stream, TlsRequest request) override;

    /// A connection of this context, with what the peer must prove. *Errors*: std::bad_alloc.
    SslPtr make_connection(const TlsRequest& request) const;
    /// Where sessions are kept, or null.
    SessionCache* sessions() noexcept { return resumes_ ? &sessions_ : nullptr; }
    const SniCallback::Function& sni() const noexcept { return sni_; }
    /// The names of ALPN as OpenSSL has them, each after its length.
    const std::string& alpn() const noexcept { return alpn_; }
    SSL_CTX* native() const noexcept { return context_.get(); }
    static TlsContextState& of(const TlsContext& context) noexcept { return *context.state_; }

private:
    SslContextPtr context_;
    std::string alpn_;
    SniCallback::Function sni_;
    SessionCache sessions_;
    bool is_server_;
    bool verifies_ = true;
    bool resumes_ = false;
};

}  // namespace ringio::detail
