#include "exchange_tls.hpp"

#include <ringio/http/errors.hpp>
#include <ringio/tls/tls_context.hpp>

#include <fmt/core.h>

namespace ringio::http::detail {
namespace {

IntrusivePtr<ringio::detail::StreamSecurity> default_rules() {
    static const TlsContext context = TlsContext::client();
    return IntrusivePtr<ringio::detail::StreamSecurity>(TlsOption(context).security());
}

}  // namespace

void ExchangeTls::set_up(EasyHandle& easy, const Exchange& exchange,
                         const SessionSettings& settings, bool proxy_is_secure) {
    handshake_.reset();
    failure_ = nullptr;
    const Url& url = exchange.url;
    if (!url.is_secure() && !proxy_is_secure) {
        return;
    }
    host_ = url.host();
    port_ = url.port();
    by_secure_proxy_ = proxy_is_secure;
    IntrusivePtr<ringio::detail::StreamSecurity> rules;
    try {
        rules = settings.tls ? settings.tls : default_rules();
    } catch (const TlsError& error) {
        throw ClientSSLError(
            host_, port_, error,
            fmt::format("Cannot connect to host {}:{} [{}]", host_, port_, error.what()));
    }
    if (rules != rules_) {
        rules_ = std::move(rules);
        tell_rules(easy);
    }
}

void ExchangeTls::tell_rules(EasyHandle& easy) {
    const bool verifies = rules_->checks_host_name();
    for (const CURLoption option : {CURLOPT_SSL_VERIFYPEER, CURLOPT_PROXY_SSL_VERIFYPEER}) {
        easy.set(option, verifies ? 1L : 0L);
    }
    for (const CURLoption option : {CURLOPT_SSL_VERIFYHOST, CURLOPT_PROXY_SSL_VERIFYHOST}) {
        easy.set(option, verifies ? 2L : 0L);
    }
    easy.set(CURLOPT_SSL_SESSIONID_CACHE,
             ringio::detail::ForeignHandshake::resumes(*rules_) ? 1L : 0L);
    // Whom to trust is known: libcurl would read the system's certificates for each connection.
    for (const CURLoption option :
         {CURLOPT_CAINFO, CURLOPT_CAPATH, CURLOPT_PROXY_CAINFO, CURLOPT_PROXY_CAPATH}) {
        easy.set(option, static_cast<const char*>(nullptr));
    }
    easy.set(CURLOPT_SSL_CTX_FUNCTION, &begin);
    easy.set(CURLOPT_SSL_CTX_DATA, this);
}

CURLcode ExchangeTls::begin(CURL*, void* context, void* self) noexcept {
    auto& tls = *static_cast<ExchangeTls*>(self);
    try {
        // A proxy has a name of its own, which libcurl has to check then.
        const std::string name = tls.by_secure_proxy_ ? std::string() : tls.host_;
        const std::string peer = fmt::format("{}:{}", tls.host_, tls.port_);
        tls.handshake_ = ringio::detail::ForeignHandshake::put_under(
            *tls.rules_, *static_cast<SSL_CTX*>(context), name, peer);
        return CURLE_OK;
    } catch (...) {
        tls.failure_ = std::current_exception();
        return CURLE_SSL_CONNECT_ERROR;
    }
}

std::exception_ptr ExchangeTls::failure() const noexcept {
    return failure_ || !handshake_ ? failure_ : handshake_->failure();
}

}  // namespace ringio::http::detail
