// What TLS does between the handshake and the end: new keys, tickets, a second handshake that is
// refused, and ends that are none. Names of trio's and anyio's tests.
#include <ringio/tls.hpp>

#include <ringio/streams.hpp>
#include <support/async_test_case.hpp>

#include <optional>
#include <random>
#include <string>
#include <utility>

#include "raw_tls.hpp"
#include "tls_pair.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::memory_stream_pair;

namespace {

/// Our end, and OpenSSL's as the server or the client.
struct OwnAndRaw {
    OwnAndRaw(Connection own_end, RawTls raw_end)
        : own(std::move(own_end)), raw(std::move(raw_end)) {}

    Connection own;
    RawTls raw;
};

Task<OwnAndRaw> meet_raw_client(int version, TlsContext context = server_context()) {
    auto [own, far] = memory_stream_pair();
    RawTls raw = RawTls::client(far, version);
    auto shaking = create_task(raw.shake_hands());
    co_await own.writer.start_tls(context);
    CHECK_AWAIT(shaking, true);
    co_return OwnAndRaw(own, std::move(raw));
}

Task<OwnAndRaw> meet_raw_server(int version, TlsContext context = client_context()) {
    auto [own, far] = memory_stream_pair();
    RawTls raw = RawTls::server(far, version);
    auto shaking = create_task(raw.shake_hands());
    co_await own.writer.start_tls(context, {.server_hostname = "localhost"});
    CHECK_AWAIT(shaking, true);
    co_return OwnAndRaw(own, std::move(raw));
}

Task<std::optional<TlsError>> tls_error_of_read(StreamReader reader) {
    std::optional<TlsError> caught;
    try {
        co_await reader.read();
    } catch (const TlsError& error) {
        caught = error;
    }
    co_return caught;
}

/// Lines both ways, with new keys at random.
Task<> exchange_with_new_keys(OwnAndRaw ends, unsigned seed) {
    std::minstd_rand random(seed);
    for (int round = 0; round < 100; ++round) {
        if (random() % 3 == 0) {
            ends.raw.update_keys(random() % 2 == 0);
        }
        const std::string said(random() % 30'000, 'r');
        co_await ends.raw.write(said + "\n");
        if (random() % 3 == 0) {
            ends.raw.update_keys(random() % 2 == 0);
            co_await ends.raw.write("new keys\n");
        } else {
            co_await ends.raw.write("old keys\n");
        }
        const std::string line = co_await ends.own.reader.readline();
        CHECK(line.size() == said.size() + 1);
        const std::string keys = co_await ends.own.reader.readline();
        CHECK(keys.ends_with("keys\n"));
        const std::string answer(1 + random() % 30'000, 'o');
        ends.own.writer.write(answer);
        std::size_t heard = 0;
        while (heard < answer.size()) {
            const std::string some = co_await ends.raw.read();
            REQUIRE_FALSE(some.empty());
            heard += some.size();
        }
    }
    ends.own.writer.close();
    CHECK_AWAIT(ends.raw.read(), "");
    co_await ends.raw.say_good_bye();
    co_await ends.own.writer.wait_closed();
}

}  // namespace

ASYNC_TEST_CASE("tls: renegotiation_randomized: keys may change at any time, on both sides") {
    for (unsigned seed = 1; seed <= 4; ++seed) {
        OwnAndRaw as_server = co_await meet_raw_client(TLS1_3_VERSION);
        co_await exchange_with_new_keys(std::move(as_server), seed);
        OwnAndRaw as_client = co_await meet_raw_server(TLS1_3_VERSION);
        co_await exchange_with_new_keys(std::move(as_client), seed);
    }
}

ASYNC_TEST_CASE("tls: thousands of new keys in a row are borne by an end that only reads") {
    OwnAndRaw ends = co_await meet_raw_client(TLS1_3_VERSION);
    for (int round = 0; round < 3000; ++round) {
        ends.raw.update_keys(false);
        co_await ends.raw.write("x");
    }
    CHECK_AWAIT(ends.own.reader.readexactly(3000), std::string(3000, 'x'));
}

ASYNC_TEST_CASE(
    "tls: a second handshake of TLS 1.2 is refused, and that is no matter of versions") {
    OwnAndRaw as_server = co_await meet_raw_client(TLS1_2_VERSION);
    OwnAndRaw as_client = co_await meet_raw_server(TLS1_2_VERSION);
    for (OwnAndRaw* ends : {&as_server, &as_client}) {
        co_await ends->raw.write("before\n");
        CHECK_AWAIT(ends->own.reader.readline(), "before\n");
        co_await ends->raw.renegotiate();
        CHECK_AWAIT(ends->raw.read(), "");
        const std::optional<TlsError> error = co_await tls_error_of_read(ends->own.reader);
        REQUIRE(error);
        CHECK(error->reason() == "sslv3 alert handshake failure");
        CHECK(error->code() == TlsErrc::protocol_error);
        CHECK(error->hint() == "");
    }
}

ASYNC_TEST_CASE(
    "tls: ragged_eofs: an end without a good-bye is an error, for what came before too") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        OwnAndRaw ends = co_await meet_raw_client(version);
        co_await ends.raw.write("half of it");
        ends.raw.connection().writer.close();
        const std::optional<TlsError> error = co_await tls_error_of_read(ends.own.reader);
        REQUIRE(error);
        CHECK(error->code() == TlsErrc::unexpected_eof);
        CHECK(ends.own.writer.is_closing());
        CHECK_FALSE(ends.own.reader.at_eof());
        CHECK_AWAIT_HAS(text_of<TlsError>(ends.own.writer.wait_closed()), "unexpected eof");
    }
}

ASYNC_TEST_CASE("tls: ragged_eofs: with ignore_truncation it is the end") {
    const TlsContext client =
        TlsContext::client({.ca_file = test_ca_file(), .ignore_truncation = true});
    const TlsContext server = TlsContext::server({.certificate = localhost().certificate,
                                                  .key = localhost().key,
                                                  .ignore_truncation = true});
    OwnAndRaw as_server = co_await meet_raw_client(TLS1_3_VERSION, server);
    OwnAndRaw as_client = co_await meet_raw_server(TLS1_2_VERSION, client);
    for (OwnAndRaw* ends : {&as_server, &as_client}) {
        co_await ends->raw.write("all of it");
        ends->raw.connection().writer.close();
        CHECK_AWAIT(ends->own.reader.read(), "all of it");
        CHECK(ends->own.reader.at_eof());
        co_await ends->own.writer.wait_closed();
    }
}

ASYNC_TEST_CASE("tls: ssl_bad_shutdown: a peer that hangs up during our good-bye is no error") {
    OwnAndRaw ends = co_await meet_raw_client(TLS1_3_VERSION);
    ends.own.writer.close();
    co_await turns(2);
    ends.raw.connection().writer.close();
    co_await ends.own.writer.wait_closed();
    CHECK(get_running_loop().statistics().timers == 0);
}

ASYNC_TEST_CASE("tls: send_all_fails_in_the_middle: drain() says that the peer is gone") {
    OwnAndRaw ends = co_await meet_raw_client(TLS1_3_VERSION);
    ends.own.writer.write(std::string(1 << 20, 'x'));
    auto draining = create_task(text_of<TlsError>(ends.own.writer.drain()));
    co_await turns(2);
    CHECK_FALSE(draining.done());
    ends.raw.connection().writer.abort();
    CHECK_AWAIT_HAS(draining, "unexpected eof while reading");
    CHECK_AWAIT_HAS(text_of<TlsError>(ends.own.reader.read()), "unexpected eof while reading");
}

ASYNC_TEST_CASE(
    "tls: unwrap: there is none; after the peer's good-bye we say ours, and all is over") {
    OwnAndRaw ends = co_await meet_raw_server(TLS1_3_VERSION);
    ends.own.writer.write("ours");
    co_await ends.raw.say_good_bye();
    CHECK_AWAIT(ends.own.reader.read(), "");
    CHECK(ends.own.writer.is_closing());
    CHECK_AWAIT(ends.raw.read_all(), "ours");
    CHECK(SSL_get_shutdown(ends.raw.ssl()) == (SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN));
    CHECK_AWAIT(ends.raw.connection().reader.read(), "");
}

ASYNC_TEST_CASE("tls: a ticket goes with the first words of a server, and none without") {
    OwnAndRaw silent = co_await meet_raw_client(TLS1_3_VERSION);
    int tickets = 0;
    const auto count = [](SSL* ssl, SSL_SESSION*) {
        ++*static_cast<int*>(SSL_get_app_data(ssl));
        return 0;
    };
    SSL_CTX* const context = SSL_get_SSL_CTX(silent.raw.ssl());
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(context, count);
    SSL_set_app_data(silent.raw.ssl(), &tickets);
    CHECK(silent.raw.connection().reader.exception() == nullptr);
    co_await silent.raw.write("a question\n");
    CHECK_AWAIT(silent.own.reader.readline(), "a question\n");
    CHECK(tickets == 0);
    silent.own.writer.write("an answer");
    CHECK_AWAIT(silent.raw.read(), "an answer");
    CHECK(tickets == 1);
    silent.own.writer.write("another");
    CHECK_AWAIT(silent.raw.read(), "another");
    CHECK(tickets == 1);
}

ASYNC_TEST_CASE("tls: who waits for more than the limits hold gets it, record by record") {
    auto [own, far] = memory_stream_pair(1000);
    RawTls client = RawTls::client(far);
    auto shaking = create_task(client.shake_hands());
    co_await as_server(own.writer);
    CHECK_AWAIT(shaking, true);
    auto reading = create_task(own.reader.readexactly(9000));
    for (int record = 0; record < 3; ++record) {
        co_await client.write(std::string(3000, 'x'));
        co_await turns(3);
    }
    CHECK_AWAIT(reading, std::string(9000, 'x'));
}

ASYNC_TEST_CASE("tls: what is written in one turn arrives, however many calls that takes") {
    auto [client, server] = memory_stream_pair(16 << 20);
    auto serving = create_task(as_server(server.writer));
    co_await as_client(client.writer);
    co_await serving;
    auto counting = create_task(count_to_end(server.reader));
    for (int piece = 0; piece < 500; ++piece) {
        client.writer.write(std::string(16'384, 'x'));
    }
    client.writer.close();
    CHECK_AWAIT(counting, std::size_t{500 * 16'384});
}
