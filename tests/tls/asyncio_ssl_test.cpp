// What CPython's test_ssl and test_sslproto of asyncio say, of handshakes and of the end.
#include <ringio/tls.hpp>

#include <ringio/streams.hpp>
#include <ringio/sync.hpp>
#include <support/async_test_case.hpp>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "raw_tls.hpp"
#include "tls_pair.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::memory_stream_pair;

namespace {

constexpr StartTlsOptions to_localhost{.server_hostname = "localhost"};

std::size_t timers() { return get_running_loop().statistics().timers; }

std::string too_long(const std::string& seconds) {
    return "SSL handshake with the other end in memory is taking longer than " + seconds +
           " seconds: aborting the connection: Software caused connection abort";
}

const std::string lost = "Connection lost to the other end in memory: Connection reset by peer";
const std::string hung_up =
    "the other end in memory ended the connection in the TLS handshake: Connection reset by peer";

}  // namespace

ASYNC_TEST_CASE("asyncio ssl: a handshake that nobody answers is given up after a minute") {
    auto [client, silent] = memory_stream_pair();
    auto [quiet, server] = memory_stream_pair();
    const auto began = get_running_loop().time();
    auto serving = create_task(as_server(server.writer));
    CHECK_AWAIT(text_of<std::system_error>(as_client(client.writer)), too_long("60.0"));
    CHECK_AWAIT(text_of<std::system_error>(serving), too_long("60.0"));
    CHECK(get_running_loop().time() - began == 60s);
    CHECK(timers() == 0);
    CHECK(client.writer.is_closing());
    CHECK_AWAIT(quiet.reader.read(), "");
    const std::string hello = co_await silent.reader.read();
    CHECK(hello.starts_with("\x16\x03\x01"));
}

ASYNC_TEST_CASE("asyncio ssl: a handshake takes as long as it was given, and that is its error") {
    auto [client, silent] = memory_stream_pair();
    StartTlsOptions options = to_localhost;
    options.ssl_handshake_timeout = 1500ms;
    CHECK_AWAIT(errno_of(as_client(client.writer, options)), ECONNABORTED);
    CHECK_AWAIT(text_of<std::system_error>(client.writer.wait_closed()), too_long("1.5"));
    CHECK(get_running_loop().time().time_since_epoch() == 1500ms);
}

ASYNC_TEST_CASE("asyncio ssl: timeouts are positive numbers, and the stream is untouched else") {
    auto [client, server] = memory_stream_pair();
    const TlsContext context = client_context();
    const TlsContext serving = server_context();
    StartTlsOptions zero = to_localhost;
    zero.ssl_handshake_timeout = 0s;
    StartTlsOptions negative = to_localhost;
    negative.ssl_handshake_timeout = -1s;
    CHECK_THROWS_WITH(client.writer.start_tls(context, zero),
                      "ssl_handshake_timeout should be a positive number, got 0");
    CHECK_THROWS_WITH(client.writer.start_tls(context, negative),
                      "ssl_handshake_timeout should be a positive number, got -1");
    CHECK_THROWS_WITH(
        open_connection("localhost", 1, {.tls = context, .ssl_handshake_timeout = 0s}),
        "ssl_handshake_timeout should be a positive number, got 0");
    CHECK_THROWS_WITH(
        open_connection("localhost", 1, {.tls = context, .ssl_shutdown_timeout = -2500ms}),
        "ssl_shutdown_timeout should be a positive number, got -2.5");
    const auto handler = [](StreamReader, StreamWriter) {};
    CHECK_THROWS_WITH(
        start_server(handler, "127.0.0.1", 0, {.tls = serving, .ssl_handshake_timeout = -1s}),
        "ssl_handshake_timeout should be a positive number, got -1");
    CHECK_THROWS_WITH(start_server(handler, "127.0.0.1", 0, {.ssl_handshake_timeout = 1s}),
                      "ssl_handshake_timeout is only meaningful with ssl");
    CHECK_THROWS_WITH(open_connection("localhost", 1, {.ssl_shutdown_timeout = 1s}),
                      "ssl_shutdown_timeout is only meaningful with ssl");
    CHECK_THROWS_WITH(open_connection("localhost", 1, {.server_hostname = "a.org"}),
                      "server_hostname is only meaningful with ssl");
    client.writer.write("plain\n");
    CHECK_AWAIT(server.reader.readline(), "plain\n");
    co_return;
}

ASYNC_TEST_CASE("asyncio ssl: a peer that does not answer a close is waited for half a minute") {
    auto [client, far] = memory_stream_pair();
    RawTls server = RawTls::server(far);
    auto serving = create_task(server.shake_hands());
    co_await as_client(client.writer);
    CHECK_AWAIT(serving, true);
    const auto began = get_running_loop().time();
    client.writer.close();
    CHECK_AWAIT(text_of<TimeoutError>(client.writer.wait_closed()), "SSL shutdown timed out");
    CHECK(get_running_loop().time() - began == 30s);
    CHECK(timers() == 0);
}

ASYNC_TEST_CASE("asyncio ssl: a close is waited for as long as it was given") {
    auto [client, far] = memory_stream_pair();
    RawTls server = RawTls::server(far);
    auto serving = create_task(server.shake_hands());
    StartTlsOptions options = to_localhost;
    options.ssl_shutdown_timeout = 250ms;
    co_await as_client(client.writer, options);
    CHECK_AWAIT(serving, true);
    client.writer.close();
    CHECK_AWAIT(text_of<TimeoutError>(client.writer.wait_closed()), "SSL shutdown timed out");
    CHECK(get_running_loop().time().time_since_epoch() == 250ms);
}

ASYNC_TEST_CASE("asyncio ssl: no timer of a handshake or a shutdown outlives it") {
    TlsPair pair = co_await make_tls_pair();
    CHECK(timers() == 0);
    pair.client.writer.close();
    co_await pair.client.writer.wait_closed();
    co_await pair.server.writer.wait_closed();
    CHECK(timers() == 0);
    CHECK(get_running_loop().time().time_since_epoch() == 0s);
}

ASYNC_TEST_CASE("asyncio ssl: a close during the handshake ends it on both sides") {
    auto [client, server] = memory_stream_pair();
    auto shaking = create_task(as_client(client.writer));
    co_await turns(1);
    client.writer.close();
    CHECK_AWAIT(text_of<std::system_error>(shaking), lost);
    co_await client.writer.wait_closed();
    CHECK_AWAIT(text_of<std::system_error>(as_server(server.writer)), hung_up);
    CHECK(timers() == 0);
}

ASYNC_TEST_CASE("asyncio ssl: an abort during the handshake ends it on both sides") {
    auto [client, server] = memory_stream_pair();
    auto shaking = create_task(as_server(server.writer));
    co_await turns(1);
    server.writer.abort();
    CHECK_AWAIT(text_of<std::system_error>(shaking), lost);
    CHECK_AWAIT(text_of<std::system_error>(as_client(client.writer)), hung_up);
}

ASYNC_TEST_CASE("asyncio ssl: a peer that hangs up during the handshake is named") {
    auto [client, far] = memory_stream_pair();
    auto shaking = create_task(as_client(client.writer));
    co_await turns(1);
    far.writer.close();
    CHECK_AWAIT(text_of<std::system_error>(shaking), hung_up);
    CHECK(client.writer.is_closing());
    CHECK(client.reader.exception() != nullptr);
}

ASYNC_TEST_CASE("asyncio ssl: a peer that answers the handshake with noise speaks no TLS") {
    auto [client, far] = memory_stream_pair();
    auto shaking = create_task(as_client(client.writer));
    co_await turns(1);
    far.writer.write("please excuse the noise on this line");
    co_await far.writer.drain();
    std::optional<TlsError> caught;
    try {
        co_await shaking;
    } catch (const TlsError& error) {
        caught = error;
    }
    REQUIRE(caught);
    CHECK(caught->code() == TlsErrc::not_tls);
    CHECK(caught->reason() == "wrong version number");
}

ASYNC_TEST_CASE("asyncio ssl: a handshake whose peer is slow is cancelled, and all is closed") {
    auto [client, silent] = memory_stream_pair();
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(as_client(client.writer), 2s)), "timed out");
    CHECK(client.writer.is_closing());
    CHECK(timers() == 0);
    const std::string hello = co_await silent.reader.read();
    CHECK(hello.starts_with("\x16\x03\x01"));
}

ASYNC_TEST_CASE("asyncio ssl: what was written before a close is sent, however much it is") {
    TlsPair pair = co_await make_tls_pair();
    pair.client.writer.write(std::string(4 << 20, 'x'));
    pair.client.writer.close();
    CHECK_AWAIT(count_to_end(pair.server.reader), std::size_t{4 << 20});
    co_await pair.client.writer.wait_closed();
    co_await pair.server.writer.wait_closed();
}

ASYNC_TEST_CASE("asyncio ssl: what the peer sent before its good-bye is read after it") {
    auto [client, far] = memory_stream_pair();
    RawTls server = RawTls::server(far);
    auto serving = create_task(server.shake_hands());
    co_await as_client(client.writer);
    CHECK_AWAIT(serving, true);
    co_await server.write(std::string(16000, 'x'));
    co_await server.write("trailing");
    co_await server.say_good_bye();
    co_await turns(5);
    CHECK_AWAIT(client.reader.read(), std::string(16000, 'x') + "trailing");
    CHECK(client.reader.at_eof());
    CHECK_AWAIT(server.read(), "");
    CHECK(SSL_get_shutdown(server.ssl()) == (SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN));
}

ASYNC_TEST_CASE(
    "asyncio ssl: what comes with the end of the handshake is read, also from one who has left") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        auto [far, server] = memory_stream_pair();
        RawTls client = RawTls::client(far, version);
        auto shaking = create_task(client.shake_hands(version == TLS1_3_VERSION));
        auto serving = create_task(as_server(server.writer));
        CHECK_AWAIT(shaking, true);
        SSL_write(client.ssl(), "in passing", 10);
        co_await client.say_good_bye();
        CHECK_AWAIT(text_of<std::system_error>(serving), "<no exception>");
        REQUIRE(server.writer.tls_info());
        CHECK_AWAIT(server.reader.read(), "in passing");
        co_await server.writer.wait_closed();
    }
}

ASYNC_TEST_CASE("asyncio ssl: what comes after a close is dropped, also without end") {
    auto [client, far] = memory_stream_pair();
    RawTls server = RawTls::server(far);
    auto serving = create_task(server.shake_hands());
    co_await as_client(client.writer);
    CHECK_AWAIT(serving, true);
    client.writer.close();
    for (int round = 0; round < 100; ++round) {
        co_await server.write(std::string(16000, 'x'));
    }
    CHECK_AWAIT(server.read(), "");
    co_await server.say_good_bye();
    co_await client.writer.wait_closed();
}

ASYNC_TEST_CASE("asyncio ssl: what is written after a close is dropped, and drain() tells") {
    TlsPair pair = co_await make_tls_pair();
    pair.client.writer.write("before");
    pair.client.writer.close();
    pair.client.writer.write("after");
    CHECK_AWAIT(text_of<std::system_error>(pair.client.writer.drain()), lost);
    CHECK_AWAIT(pair.server.reader.read(), "before");
    co_await pair.client.writer.wait_closed();
}

ASYNC_TEST_CASE("asyncio ssl: TLS ends in both directions, there is no write_eof()") {
    TlsPair pair = co_await make_tls_pair();
    CHECK_FALSE(pair.client.writer.can_write_eof());
    CHECK_THROWS_WITH(pair.client.writer.write_eof(),
                      "write_eof() on the stream to the other end in memory: TLS ends in both "
                      "directions; close() it");
    pair.client.writer.write("goes on\n");
    CHECK_AWAIT(pair.server.reader.readline(), "goes on\n");
}

ASYNC_TEST_CASE(
    "asyncio ssl: how a stream was secured is known when it is closed, not before it is") {
    auto [client, server] = memory_stream_pair();
    auto shaking = create_task(as_client(client.writer));
    co_await turns(1);
    CHECK_FALSE(client.writer.tls_info());
    co_await as_server(server.writer);
    co_await shaking;
    client.writer.close();
    co_await server.writer.wait_closed();
    co_await client.writer.wait_closed();
    for (const StreamWriter& writer : {client.writer, server.writer}) {
        const std::optional<TlsInfo> info = writer.tls_info();
        REQUIRE(info);
        CHECK(info->version == "TLSv1.3");
    }
    CHECK(client.writer.tls_info()->peer_certificate->subject == "CN = test");
}

ASYNC_TEST_CASE("asyncio ssl: TLS in TLS, ended from within") {
    TlsPair pair = co_await make_tls_pair();
    auto serving = create_task(as_server(pair.server.writer));
    co_await as_client(pair.client.writer);
    co_await serving;
    pair.client.writer.write(std::string(300'000, 'x'));
    pair.client.writer.write("\n");
    auto reading = create_task(pair.server.reader.readexactly(300'001));
    co_await pair.client.writer.drain();
    CHECK_AWAIT(reading, std::string(300'000, 'x') + "\n");
    pair.server.writer.write("inner\n");
    pair.server.writer.close();
    CHECK_AWAIT(pair.client.reader.read(), "inner\n");
    co_await pair.server.writer.wait_closed();
    co_await pair.client.writer.wait_closed();
    CHECK(timers() == 0);
}

ASYNC_TEST_CASE("asyncio ssl: a close during the inner handshake ends both layers, and aborts") {
    TlsPair pair = co_await make_tls_pair();
    auto shaking = create_task(as_client(pair.client.writer));
    co_await turns(1);
    pair.client.writer.close();
    CHECK_AWAIT(text_of<std::system_error>(shaking), lost);
    co_await pair.client.writer.wait_closed();
    CHECK_AWAIT_HAS(text_of<TlsError>(count_to_end(pair.server.reader)),
                    "unexpected eof while reading");
    CHECK(timers() == 0);
}
