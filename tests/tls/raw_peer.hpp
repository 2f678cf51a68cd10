// RawPeer: OpenSSL with nothing around it at one end of a connection in memory, to do what a
// well-behaved peer would not.
#pragma once

#include <ringio/streams.hpp>
#include <support/catch.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "certificates.hpp"

namespace ringio::test_support {

class RawPeer {
public:
    /// Trusts everybody, and has no security level. With an identity it may be the server.
    RawPeer(Connection connection, bool is_server, const Identity* identity = nullptr,
            const std::function<void(SSL_CTX&)>& set_up = {})
        : connection_(std::move(connection)),
          context_(SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method())) {
        SSL_CTX& context = *context_;
        SSL_CTX_set_security_level(&context, 0);
        SSL_CTX_set_verify(&context, SSL_VERIFY_NONE, nullptr);
        if (identity != nullptr) {
            REQUIRE(SSL_CTX_use_certificate_chain_file(&context, identity->certificate.c_str()) ==
                    1);
            REQUIRE(SSL_CTX_use_PrivateKey_file(&context, identity->key.c_str(),
                                                SSL_FILETYPE_PEM) == 1);
        }
        if (set_up) {
            set_up(context);
        }
        ssl_.reset(SSL_new(&context));
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        if (is_server) {
            SSL_set_accept_state(ssl_.get());
        } else {
            SSL_set_connect_state(ssl_.get());
        }
    }

    SSL* ssl() noexcept { return ssl_.get(); }
    Connection& connection() noexcept { return connection_; }

    /// What OpenSSL has to send.
    std::string output() {
        BIO* const bio = SSL_get_wbio(ssl_.get());
        std::string bytes(BIO_ctrl_pending(bio), '\0');
        if (!bytes.empty()) {
            BIO_read(bio, bytes.data(), static_cast<int>(bytes.size()));
        }
        return bytes;
    }
    Task<> flush() { co_await send(output()); }
    Task<> send(std::string bytes) {
        connection_.writer.write(bytes);
        co_await connection_.writer.drain();
    }

    /// Waits for more; false at the end.
    Task<bool> fill() {
        const std::string bytes = co_await connection_.reader.read(65536);
        if (bytes.empty()) {
            BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), 0);
            co_return false;
        }
        BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
        co_return true;
    }

    /// Calls until it needs no more input; gives SSL_ERROR_*.
    template <class Fn>
    Task<int> call(Fn function) {
        for (;;) {
            ERR_clear_error();
            const int result = function(ssl_.get());
            const int error = SSL_get_error(ssl_.get(), result);
            co_await flush();
            if (error != SSL_ERROR_WANT_READ) {
                co_return error;
            }
            co_await fill();
        }
    }
    Task<int> shake_hands() { return call(&SSL_do_handshake); }
    Task<int> write(std::string text) {
        const int error = co_await call([&text](SSL* ssl) {
            return SSL_write(ssl, text.data(), static_cast<int>(text.size()));
        });
        co_return error;
    }
    /// What comes next; nothing at the end or after a failure, which is in error().
    Task<std::string> read() {
        std::string space(16384, '\0');
        int size = 0;
        error_ = co_await call([&](SSL* ssl) {
            size = SSL_read(ssl, space.data(), static_cast<int>(space.size()));
            return size;
        });
        space.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        co_return space;
    }
    int error() const noexcept { return error_; }

private:
    struct Free {
        void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
        void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    };

    Connection connection_;
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> ssl_;
    int error_ = SSL_ERROR_NONE;
};

}  // namespace ringio::test_support
