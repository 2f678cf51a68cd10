// OpenSSL with nothing around it, as another library has it, under the rules of a TlsContext.
#pragma once

#include "../../src/tls/foreign_handshake.hpp"

#include <support/catch.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "certificates.hpp"
#include "tls_peers.hpp"

namespace ringio::test_support {

/// A client and a server in one thread, with memory between them.
class ForeignClient {
public:
    using SetUp = std::function<void(SSL_CTX&)>;

    ForeignClient(const TlsContext& rules, const Identity& shown, const std::string& host,
                  const SetUp& set_up_server = {})
        : client_context_(SSL_CTX_new(TLS_client_method())),
          server_context_(SSL_CTX_new(TLS_server_method())) {
        handshake_ = detail::ForeignHandshake::put_under(*TlsOption(rules).security(),
                                                         *client_context_, host, "peer:443");
        SSL_CTX_set_security_level(server_context_.get(), 0);
        REQUIRE(SSL_CTX_use_certificate_chain_file(server_context_.get(),
                                                   shown.certificate.c_str()) == 1);
        REQUIRE(SSL_CTX_use_PrivateKey_file(server_context_.get(), shown.key.c_str(),
                                            SSL_FILETYPE_PEM) == 1);
        if (set_up_server) {
            set_up_server(*server_context_);
        }
        client_.reset(SSL_new(client_context_.get()));
        server_.reset(SSL_new(server_context_.get()));
        BIO* one = nullptr;
        BIO* other = nullptr;
        REQUIRE(BIO_new_bio_pair(&one, 1 << 17, &other, 1 << 17) == 1);
        SSL_set_bio(client(), one, one);
        SSL_set_bio(server(), other, other);
        SSL_set_connect_state(client());
        SSL_set_accept_state(server());
    }

    SSL* client() const { return client_.get(); }
    SSL* server() const { return server_.get(); }
    const std::exception_ptr& failure() const { return handshake_->failure(); }

    /// Says whether both have shaken hands, and the client has read a byte of the server.
    bool meet() {
        for (int turn = 0; turn < 10 && !(is_ready(client()) && is_ready(server())); ++turn) {
            ERR_clear_error();
            SSL_do_handshake(client());
            ERR_clear_error();
            SSL_do_handshake(server());
        }
        char byte = '!';
        ERR_clear_error();
        SSL_write(server(), &byte, 1);
        ERR_clear_error();
        return SSL_read(client(), &byte, 1) == 1 && is_ready(server());
    }

private:
    static bool is_ready(SSL* ssl) { return SSL_is_init_finished(ssl) == 1; }

    detail::SslContextPtr client_context_;
    detail::SslContextPtr server_context_;
    std::shared_ptr<const detail::ForeignHandshake> handshake_;
    detail::SslPtr client_;
    detail::SslPtr server_;
};

/// How it ends for the client.
inline TlsEnd meet_foreign(const TlsContext& rules, const Identity& shown,
                           const std::string& host = "localhost",
                           const ForeignClient::SetUp& set_up_server = {}) {
    ForeignClient pair(rules, shown, host, set_up_server);
    TlsEnd end;
    end.text = pair.meet() ? "met" : "";
    end.failure = pair.failure();
    return end;
}

}  // namespace ringio::test_support
