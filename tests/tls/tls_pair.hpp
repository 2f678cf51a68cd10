// Both ends of a connection under TLS, and handshakes as tasks.
#pragma once

#include <ringio/streams.hpp>
#include <ringio/tasks.hpp>
#include <ringio/testing.hpp>
#include <ringio/tls.hpp>
#include <support/ends.hpp>

#include <string>
#include <utility>

#include "certificates.hpp"

namespace ringio::test_support {

struct TlsPair {
    TlsPair(Connection client_end, Connection server_end)
        : client(std::move(client_end)), server(std::move(server_end)) {}

    Connection client;
    Connection server;
};

inline Task<> as_client(StreamWriter writer,
                        StartTlsOptions options = {.server_hostname = "localhost"}) {
    const TlsContext context = client_context();
    co_await writer.start_tls(context, options);
}

inline Task<> as_server(StreamWriter writer, StartTlsOptions options = {}) {
    const TlsContext context = server_context();
    co_await writer.start_tls(context, options);
}

/// Two ends in memory that have shaken hands.
inline Task<TlsPair> make_tls_pair(
    StartTlsOptions client_options = {.server_hostname = "localhost"},
    StartTlsOptions server_options = {}) {
    auto [client, server] = testing::memory_stream_pair();
    auto serving = create_task(as_server(server.writer, server_options));
    co_await as_client(client.writer, client_options);
    co_await serving;
    co_return TlsPair(std::move(client), std::move(server));
}

/// Reads to the end; gives how many bytes that was.
inline Task<std::size_t> count_to_end(StreamReader reader) {
    std::size_t count = 0;
    for (std::string some = "?"; !some.empty();) {
        some = co_await reader.read(65536);
        count += some.size();
    }
    co_return count;
}

}  // namespace ringio::test_support
