// Both ends of a handshake, with what each says of it.
#pragma once

#include <ringio/streams.hpp>
#include <ringio/testing.hpp>
#include <ringio/tls.hpp>
#include <support/ends.hpp>

#include <openssl/x509_vfy.h>

#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>
#include <utility>

#include "certificates.hpp"

namespace ringio::test_support {

/// How it ended for one end: an exception or, without one, what it read.
struct TlsEnd {
    std::exception_ptr failure;
    std::string text;
    TlsInfo info;

    bool is_good() const noexcept { return failure == nullptr; }
    /// The failure, which is to be of exactly this type.
    template <class E>
    const E& as() const {
        REQUIRE(failure);
        try {
            std::rethrow_exception(failure);
        } catch (const E& error) {
            INFO(error.what());
            REQUIRE(typeid(error) == typeid(E));
            return error;  // the pointer keeps it
        } catch (const std::exception& error) {
            FAIL("another exception: " << error.what());
        }
        throw 0;
    }
    std::string what() const {
        if (!failure) {
            return "<good>";
        }
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            return error.what();
        } catch (...) {
            return "<cancelled>";
        }
    }
    /// Of a TlsError; of another failure none.
    std::error_code code() const {
        try {
            if (failure) {
                std::rethrow_exception(failure);
            }
        } catch (const std::system_error& error) {
            return error.code();
        } catch (...) {
        }
        return {};
    }
};

struct TlsEnds {
    TlsEnd client;
    TlsEnd server;
};

/// Shakes hands, writes a text, and reads until the end.
inline Task<TlsEnd> speak(Connection connection, TlsContext context, std::string host,
                          std::string text) {
    TlsEnd end;
    try {
        co_await connection.writer.start_tls(context, {.server_hostname = host});
        end.info = connection.writer.tls_info().value();
        connection.writer.write(text);
        co_await connection.writer.drain();
        end.text = co_await connection.reader.readline();
        connection.writer.close();
        co_await connection.writer.wait_closed();
    } catch (...) {
        end.failure = std::current_exception();
    }
    connection.writer.close();
    co_return end;
}

/// A client of these contexts greets a server of them, and the other way round.
inline Task<TlsEnds> meet(TlsContext client_side, TlsContext server_side,
                          std::string host = "localhost") {
    auto [client, server] = testing::memory_stream_pair();
    auto serving = create_task(speak(std::move(server), server_side, "", "from server\n"));
    TlsEnds ends;
    ends.client = co_await speak(std::move(client), client_side, std::move(host), "from client\n");
    ends.server = co_await serving;
    co_return ends;
}

/// The same on a loop of its own, of which nothing is left.
inline TlsEnds meet_alone(const TlsContext& client_side, const TlsContext& server_side,
                          const std::string& host = "localhost") {
    const testing::Balance balance;
    TlsEnds ends = testing::run_virtual(meet(client_side, server_side, host));
    CHECK(balance.difference() == "");
    return ends;
}

/// Says that each has read what the other wrote.
inline bool have_met(const TlsEnds& ends) {
    return ends.client.is_good() && ends.server.is_good() && ends.client.text == "from server\n" &&
           ends.server.text == "from client\n";
}

/// Calls, and gives the text of the exception of exactly type `E` that it throws; else a text in
/// angle brackets.
template <class E, class Fn>
std::string thrown_text(const Fn& function) {
    try {
        function();
    } catch (const E& error) {
        return typeid(error) == typeid(E) ? std::string(error.what()) : "<derived>";
    } catch (const std::exception& error) {
        return std::string("<") + error.what() + ">";
    }
    return "<no exception>";
}

}  // namespace ringio::test_support
