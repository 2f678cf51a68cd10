// The other end of a connection, under TLS by OpenSSL alone: it does what ours never does, like
// asking for new keys, saying good-bye and going on, or none at all.
#pragma once

#include <ringio/streams.hpp>
#include <support/catch.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "certificates.hpp"

namespace ringio::test_support {

/// OpenSSL between two pieces of memory, carried over a connection. One task uses it at a time.
class RawTls {
public:
    static RawTls client(Connection connection, int version = TLS1_3_VERSION) {
        RawTls made(std::move(connection), TLS_client_method(), version);
        SSL_set_connect_state(made.ssl());
        return made;
    }
    static RawTls server(Connection connection, int version = TLS1_3_VERSION) {
        RawTls made(std::move(connection), TLS_server_method(), version);
        REQUIRE(SSL_use_certificate_chain_file(made.ssl(), localhost().certificate.c_str()) == 1);
        REQUIRE(SSL_use_PrivateKey_file(made.ssl(), localhost().key.c_str(), SSL_FILETYPE_PEM) ==
                1);
        SSL_set_accept_state(made.ssl());
        return made;
    }

    SSL* ssl() const { return ssl_.get(); }
    Connection& connection() { return connection_; }

    /// Says whether it went well. What it sends last may be left to go with what follows.
    Task<bool> shake_hands(bool holds_last = false) {
        bool more = true;
        int result = -1;
        while (more) {
            ERR_clear_error();
            result = SSL_do_handshake(ssl());
            more = result != 1 && SSL_get_error(ssl(), result) == SSL_ERROR_WANT_READ;
            if (more || !holds_last) {
                co_await flush();
            }
            if (more) {
                more = co_await feed();
            }
        }
        co_return result == 1;
    }

    Task<> write(std::string_view bytes) {
        REQUIRE(SSL_write(ssl(), bytes.data(), static_cast<int>(bytes.size())) ==
                static_cast<int>(bytes.size()));
        co_await flush();
    }

    /// Gives what comes next; nothing at the end, or when it fails.
    Task<std::string> read() {
        std::array<char, 16384> bytes;
        int size = -1;
        for (bool more = true; more && size <= 0;) {
            ERR_clear_error();
            size = SSL_read(ssl(), bytes.data(), static_cast<int>(bytes.size()));
            more = size > 0 || SSL_get_error(ssl(), size) == SSL_ERROR_WANT_READ;
            co_await flush();
            if (size <= 0 && more) {
                more = co_await feed();
            }
        }
        co_return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : "";
    }
    Task<std::string> read_all() {
        std::string all;
        for (std::string some = "?"; !some.empty();) {
            some = co_await read();
            all += some;
        }
        co_return all;
    }

    /// Goes over to new keys with the next write; the other end, too, if that is asked for.
    void update_keys(bool asks) {
        REQUIRE(SSL_key_update(
                    ssl(), asks ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
    }
    /// Asks for a new handshake, as TLS 1.2 may.
    Task<> renegotiate() {
        REQUIRE(SSL_renegotiate(ssl()) == 1);
        SSL_do_handshake(ssl());
        co_await flush();
    }
    /// Sends the end of its direction, and keeps the connection.
    Task<> say_good_bye() {
        SSL_shutdown(ssl());
        co_await flush();
    }

    Task<> flush() {
        char* bytes = nullptr;
        const long size = BIO_get_mem_data(out_, &bytes);
        if (size > 0) {
            connection_.writer.write(std::string_view(bytes, static_cast<std::size_t>(size)));
            static_cast<void>(BIO_reset(out_));
            co_await connection_.writer.drain();
        }
    }

private:
    struct Free {
        void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
        void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    };

    RawTls(Connection connection, const SSL_METHOD* method, int version)
        : connection_(std::move(connection)),
          context_(SSL_CTX_new(method)),
          ssl_(SSL_new(context_.get())),
          in_(BIO_new(BIO_s_mem())),
          out_(BIO_new(BIO_s_mem())) {
        SSL_set_bio(ssl(), in_, out_);
        SSL_set_min_proto_version(ssl(), version);
        SSL_set_max_proto_version(ssl(), version);
        SSL_set_num_tickets(ssl(), 0);
    }

    Task<bool> feed() {
        const std::string some = co_await connection_.reader.read(16384);
        if (some.empty()) {
            BIO_set_mem_eof_return(in_, 0);
            co_return false;
        }
        BIO_write(in_, some.data(), static_cast<int>(some.size()));
        co_return true;
    }

    Connection connection_;
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> ssl_;
    BIO* in_;  // ssl_ owns both
    BIO* out_;
};

}  // namespace ringio::test_support
