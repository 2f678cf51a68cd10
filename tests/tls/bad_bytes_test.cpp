// Bytes that no well-behaved peer sends, and lines that are cut: an error for both ends, nothing
// that was not sent, and never a clean end that is none.
#include <ringio/tls.hpp>

#include <ringio/streams.hpp>
#include <ringio/testing.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "certificates.hpp"
#include "line.hpp"
#include "raw_peer.hpp"
#include "tls_peers.hpp"

using namespace ringio;
using namespace ringio::test_support;
using Catch::Matchers::Contains;
using ringio::testing::memory_stream_pair;

namespace {

constexpr std::string_view said = "hello, world\n";

Task<TlsEnd> say(Connection& connection, TlsContext context, std::string text) {
    TlsEnd end;
    try {
        co_await connection.writer.start_tls(context, {.server_hostname = "localhost"});
        connection.writer.write(text);
        co_await connection.writer.drain();
        connection.writer.close();
        co_await connection.writer.wait_closed();
    } catch (...) {
        end.failure = std::current_exception();
    }
    connection.writer.close();
    co_return end;
}

Task<TlsEnd> hear(Connection& connection, TlsContext context) {
    TlsEnd end;
    try {
        co_await connection.writer.start_tls(context, {.server_hostname = "localhost"});
        for (;;) {
            const std::string piece = co_await connection.reader.read(100);
            if (piece.empty()) {
                break;
            }
            end.text += piece;
        }
        connection.writer.close();
        co_await connection.writer.wait_closed();
    } catch (...) {
        end.failure = std::current_exception();
    }
    connection.writer.close();
    co_return end;
}

struct Talk {
    TlsEnd speaker;
    TlsEnd hearer;
    bool is_cut = false;
    bool is_spoilt = false;
};

/// One end says something and closes, the other one hears.
Task<Talk> talk(TlsContext client, TlsContext server, bool client_speaks, LineFault fault,
                std::string text = std::string(said)) {
    Line line(fault);
    TaskHandle<> carrying = create_task(line.carry());
    Connection& speaker = client_speaks ? line.client() : line.server();
    Connection& hearer = client_speaks ? line.server() : line.client();
    auto hearing = create_task(hear(hearer, client_speaks ? server : client));
    Talk result;
    result.speaker = co_await say(speaker, client_speaks ? client : server, std::move(text));
    result.hearer = co_await hearing;
    co_await carrying;
    result.is_cut = line.is_cut();
    result.is_spoilt = line.is_spoilt();
    co_return result;
}

TlsContext client_until(TlsVersion version, bool ignores_truncation = false) {
    return TlsContext::client({.ca_file = test_ca_file(),
                               .max_version = version,
                               .resume_sessions = false,
                               .ignore_truncation = ignores_truncation});
}

TlsContext server_that(bool ignores_truncation) {
    return TlsContext::server({.certificate = localhost().certificate,
                               .key = localhost().key,
                               .ignore_truncation = ignores_truncation});
}

bool is_cut_off(const TlsEnd& end) {
    const std::error_code code = end.code();
    return code == TlsErrc::unexpected_eof ||
           code == std::error_code(ECONNRESET, std::system_category());
}

/// Cuts the line of the one who speaks after each byte, until it is long enough for all.
Task<> cut_everywhere(TlsVersion version, bool client_speaks) {
    const TlsContext client = client_until(version);
    const TlsContext server = server_context();
    std::size_t size = 0;
    for (;; ++size) {
        INFO("cut after " << size);
        const Talk result = co_await talk(client, server, client_speaks,
                                          {.from_client = client_speaks, .cut_at = size});
        if (!result.is_cut) {
            CHECK(result.hearer.text == said);
            break;
        }
        const bool is_short = result.hearer.text.empty() || result.hearer.text == said;
        if (!is_short) {
            FAIL("'" << result.hearer.text << "'");
        }
        if (!is_cut_off(result.hearer)) {
            // The last byte of the good-bye is there.
            CHECK(result.hearer.is_good());
            CHECK(result.hearer.text == said);
            break;
        }
    }
    CHECK(size > 300);
}

/// Cuts the line of the one who hears: nobody is to think that all was heard.
Task<> cut_the_other(TlsVersion version, bool client_speaks) {
    const TlsContext client = client_until(version);
    const TlsContext server = server_context();
    for (std::size_t size = 0;; size += 3) {
        INFO("cut after " << size);
        const Talk result = co_await talk(client, server, client_speaks,
                                          {.from_client = !client_speaks, .cut_at = size});
        if (result.hearer.is_good()) {
            CHECK(result.hearer.text == said);
        } else {
            CHECK(is_cut_off(result.hearer));
        }
        if (!result.is_cut) {
            break;
        }
    }
}

Task<> flip_everywhere(TlsVersion version, bool client_speaks) {
    const TlsContext client = client_until(version);
    const TlsContext server = server_context();
    for (const bool from_client : {true, false}) {
        for (std::size_t record = 0;; ++record) {
            bool is_spoilt = false;
            // Of the head the type and the size; of the rest the beginning, more, and the end.
            for (const std::size_t byte : {0U, 3U, 4U, 5U, 6U, 9U, 20U, 100000U}) {
                INFO("record " << record << ", byte " << byte << ", from client " << from_client);
                const Talk result =
                    co_await talk(client, server, client_speaks,
                                  {.from_client = from_client, .record = record, .byte = byte});
                is_spoilt = is_spoilt || result.is_spoilt;
                if (!result.is_spoilt) {
                    continue;
                }
                if (from_client == client_speaks) {
                    INFO(result.hearer.what());
                    CHECK_FALSE(result.hearer.is_good());
                }
                const std::string& heard = result.hearer.text;
                CHECK((heard.empty() || heard == said));
                if (result.hearer.is_good()) {
                    CHECK(heard == said);
                }
            }
            if (!is_spoilt) {
                CHECK(record >= 2);
                break;
            }
        }
    }
}

/// Sends bytes to a server or a client as they are, and says how that ended.
Task<TlsEnd> answer_with(std::string bytes, bool to_server, bool and_end = true) {
    auto [one, other] = memory_stream_pair();
    other.writer.write(bytes);
    co_await other.writer.drain();
    if (and_end) {
        other.writer.write_eof();
    }
    const TlsContext context = to_server ? server_context() : client_context();
    TlsEnd end = co_await hear(one, context);
    co_return end;
}

/// Our server, with a raw client that has shaken hands.
Task<TlsEnd> server_with(TlsContext context, Connection& connection) {
    TlsEnd end = co_await hear(connection, context);
    co_return end;
}

}  // namespace

ASYNC_TEST_CASE("bad bytes: a line cut after any byte never looks like an end, TLS 1.3") {
    co_await cut_everywhere(TlsVersion::tls1_3, true);
    co_await cut_everywhere(TlsVersion::tls1_3, false);
}

ASYNC_TEST_CASE("bad bytes: a line cut after any byte never looks like an end, TLS 1.2") {
    co_await cut_everywhere(TlsVersion::tls1_2, true);
    co_await cut_everywhere(TlsVersion::tls1_2, false);
}

ASYNC_TEST_CASE("bad bytes: a line cut on the way back leaves nothing hanging") {
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        co_await cut_the_other(version, true);
        co_await cut_the_other(version, false);
    }
}

ASYNC_TEST_CASE("bad bytes: who ignores truncation takes a cut for an end, but for a handshake's") {
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        for (const bool client_speaks : {true, false}) {
            const TlsContext client = client_until(version, true);
            const TlsContext server = server_that(true);
            std::size_t cut_in_handshake = 0;
            std::size_t cut_later = 0;
            for (std::size_t size = 0;; ++size) {
                INFO("cut after " << size);
                const Talk result = co_await talk(client, server, client_speaks,
                                                  {.from_client = client_speaks, .cut_at = size});
                if (!result.is_cut) {
                    break;
                }
                if (result.hearer.is_good()) {
                    ++cut_later;
                    CHECK((result.hearer.text.empty() || result.hearer.text == said));
                } else {
                    ++cut_in_handshake;
                    CHECK(cut_later < 10);  // a signature has a byte or two more or less
                    CHECK(result.hearer.code() ==
                          std::error_code(ECONNRESET, std::system_category()));
                }
            }
            CHECK(cut_in_handshake > 200);
            CHECK(cut_later > 20);
        }
    }
}

ASYNC_TEST_CASE("bad bytes: a bit changed in any record is noticed") {
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        co_await flip_everywhere(version, true);
        co_await flip_everywhere(version, false);
    }
}

ASYNC_TEST_CASE("bad bytes: whatever comes byte by byte comes") {
    const std::string text(20'000, 'x');
    for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
        for (const bool client_speaks : {true, false}) {
            const Talk result = co_await talk(client_until(version), server_context(),
                                              client_speaks, {.piece = 1}, text);
            CHECK(result.speaker.what() == "<good>");
            CHECK(result.hearer.what() == "<good>");
            CHECK((result.hearer.text == text));
        }
    }
}

ASYNC_TEST_CASE("bad bytes: a peer that speaks something else is told apart") {
    for (const char* const hello :
         {"GET / HTTP/1.1\r\nHost: a.org\r\n\r\n", "POST / HTTP/1.0\r\n\r\n",
          "CONNECT a.org:443 HTTP/1.1\r\n\r\n"}) {
        const TlsEnd end = co_await answer_with(hello, true);
        INFO(end.what());
        CHECK(end.as<TlsError>().code() == TlsErrc::not_tls);
        CHECK_THAT(end.as<TlsError>().hint(), Contains("does not speak TLS on this port"));
    }
    for (const char* const hello :
         {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n", "220 a.org ESMTP\r\n"}) {
        const TlsEnd end = co_await answer_with(hello, false);
        INFO(end.what());
        CHECK(end.as<TlsError>().code() == TlsErrc::not_tls);
        CHECK_THAT(end.what(),
                   Contains("TLS handshake with ") && Contains("does not speak TLS on this port"));
    }
}

ASYNC_TEST_CASE("bad bytes: who speaks TLS to what does not hangs up and says nothing") {
    auto [one, other] = memory_stream_pair();
    auto hearing = create_task(hear(one, client_context()));
    const std::string hello = co_await other.reader.read(65536);
    CHECK(hello.substr(0, 2) == "\x16\x03");
    other.writer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    co_await other.writer.drain();
    CHECK_AWAIT(other.reader.read(), "");
    const TlsEnd end = co_await hearing;
    CHECK(end.code() == TlsErrc::not_tls);
}

ASYNC_TEST_CASE("bad bytes: floods of records with nothing in them end soon") {
    const std::string empty("\x16\x03\x03\0\0", 5);
    const std::string warning("\x15\x03\x03\0\x02\x01\x5a", 7);
    const std::string change("\x14\x03\x03\0\x01\x01", 6);
    const std::vector<std::string> records = {empty, warning, change};
    for (const bool to_server : {true, false}) {
        for (const std::string& record : records) {
            std::string flood;
            for (int i = 0; i < 5000; ++i) {
                flood += record;
            }
            const TlsEnd end = co_await answer_with(flood, to_server, false);
            INFO(end.what());
            CHECK(end.code() == TlsErrc::protocol_error);
        }
    }
}

ASYNC_TEST_CASE("bad bytes: a record or a message that is too long is refused at its head") {
    const std::string record("\x16\x03\x01\xff\xff\x01", 6);
    const std::string message("\x16\x03\x01\x00\x09\x01\xff\xff\xff\x03\x03\0\0\0", 14);
    const std::vector<std::string> both = {record, message};
    for (const bool to_server : {true, false}) {
        for (const std::string& bytes : both) {
            const TlsEnd end = co_await answer_with(bytes, to_server, false);
            INFO(end.what());
            CHECK_FALSE(end.is_good());
            CHECK(end.code() != std::error_code(ECONNABORTED, std::system_category()));
        }
    }
}

ASYNC_TEST_CASE("bad bytes: garbage is an error, whatever it is") {
    std::mt19937 random(20260101);  // always the same
    for (int i = 0; i < 300; ++i) {
        std::string garbage(1 + random() % 2000, '\0');
        std::ranges::generate(garbage, [&] { return static_cast<char>(random()); });
        if (i % 3 != 0) {  // with the head of a record
            garbage.replace(0, std::min<std::size_t>(garbage.size(), 3), "\x16\x03\x03");
        }
        if (i % 3 == 2 && garbage.size() > 9) {  // and of a message
            garbage[3] = 0;
            garbage[4] = static_cast<char>(std::min<std::size_t>(garbage.size() - 5, 200));
            garbage[5] = static_cast<char>(1 + i % 4);
            garbage.replace(6, 2, 2, '\0');
        }
        const TlsEnd end = co_await answer_with(garbage, i % 2 == 0);
        INFO("round " << i << ": " << end.what());
        CHECK_FALSE(end.is_good());
        CHECK(end.text.empty());
    }
}

ASYNC_TEST_CASE("bad bytes: after the handshake, too, garbage is an error and no text") {
    const std::string oversize("\x17\x03\x03\x48\x01", 5);
    const std::string plain("\x17\x03\x03\0\x05hello", 10);
    const std::string unknown("\x63\x03\x03\0\x05hello", 10);
    const std::string alert("\x15\x03\x03\0\x02\x02\x28", 7);
    const std::vector<std::string> garbage = {oversize, plain, unknown, alert, "hello\n"};
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const std::string& bytes : garbage) {
            auto [one, other] = memory_stream_pair();
            auto hearing = create_task(server_with(server_context(), one));
            RawPeer client(std::move(other), false);
            SSL_set_max_proto_version(client.ssl(), version);
            CHECK_AWAIT(client.shake_hands(), SSL_ERROR_NONE);
            CHECK_AWAIT(client.write("good\n"), SSL_ERROR_NONE);
            co_await client.send(bytes);
            const TlsEnd end = co_await hearing;
            INFO(end.what());
            CHECK((end.text.empty() || end.text == "good\n"));
            CHECK(end.code() == TlsErrc::protocol_error);
            client.connection().writer.close();
        }
    }
}

ASYNC_TEST_CASE("bad bytes: what comes behind a good-bye is not looked at") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        auto [one, other] = memory_stream_pair();
        auto hearing = create_task(server_with(server_context(), one));
        RawPeer client(std::move(other), false);
        SSL_set_max_proto_version(client.ssl(), version);
        CHECK_AWAIT(client.shake_hands(), SSL_ERROR_NONE);
        SSL_write(client.ssl(), "last words\n", 11);
        SSL_shutdown(client.ssl());
        std::string bytes = client.output();
        bytes.append(300'000, 'x');
        client.connection().writer.write(bytes);
        const TlsEnd end = co_await hearing;
        CHECK(end.what() == "<good>");
        CHECK(end.text == "last words\n");
        client.connection().writer.close();
    }
}

ASYNC_TEST_CASE("bad bytes: who goes on sending after our good-bye is not waited for for ever") {
    auto [one, other] = memory_stream_pair();
    RawPeer client(std::move(other), false);
    auto serving = create_task([](Connection& connection) -> Task<> {
        const TlsContext context = server_context();
        co_await connection.writer.start_tls(context);
        connection.writer.close();
        co_await connection.writer.wait_closed();
    }(one));
    CHECK_AWAIT(client.shake_hands(), SSL_ERROR_NONE);
    const auto begin = get_running_loop().time();
    std::string failure;
    try {
        while (!serving.done()) {
            SSL_write(client.ssl(), "more\n", 5);
            co_await client.flush();
            co_await sleep(std::chrono::seconds(1));
        }
        co_await serving;
    } catch (const TimeoutError& error) {
        failure = error.what();
    } catch (const std::system_error&) {
        failure = "the peer";
    }
    CHECK(failure == "SSL shutdown timed out");
    CHECK(get_running_loop().time() - begin < std::chrono::seconds(32));
    client.connection().writer.close();
}

ASYNC_TEST_CASE("bad bytes: a client that asks for a new handshake does not get one") {
    auto [one, other] = memory_stream_pair();
    auto hearing = create_task(server_with(server_context(), one));
    RawPeer client(std::move(other), false);
    SSL_set_max_proto_version(client.ssl(), TLS1_2_VERSION);
    CHECK_AWAIT(client.shake_hands(), SSL_ERROR_NONE);
    CHECK_AWAIT(client.write("before\n"), SSL_ERROR_NONE);
    SSL_renegotiate(client.ssl());
    CHECK_AWAIT(client.shake_hands(), SSL_ERROR_SSL);  // "no renegotiation"
    client.connection().writer.close();
    const TlsEnd end = co_await hearing;
    CHECK(end.text == "before\n");
    CHECK_FALSE(end.is_good());
}

ASYNC_TEST_CASE("bad bytes: a server that asks for a new handshake does not get one") {
    auto [one, other] = memory_stream_pair();
    auto hearing = create_task(hear(one, client_context()));
    RawPeer server(std::move(other), true, &localhost());
    SSL_set_max_proto_version(server.ssl(), TLS1_2_VERSION);
    CHECK_AWAIT(server.shake_hands(), SSL_ERROR_NONE);
    CHECK_AWAIT(server.write("before\n"), SSL_ERROR_NONE);
    SSL_renegotiate(server.ssl());
    SSL_do_handshake(server.ssl());
    co_await server.flush();
    CHECK_AWAIT(server.read(), "");
    CHECK(server.error() == SSL_ERROR_SSL);  // "no renegotiation"
    server.connection().writer.close();
    const TlsEnd end = co_await hearing;
    CHECK(end.text == "before\n");
    CHECK_FALSE(end.is_good());
}

// Each asks for an answer: who does not read them must not have us keep them all.
ASYNC_TEST_CASE("bad bytes: a flood of key updates that nobody reads the answers to ends") {
    auto [one, other] = memory_stream_pair();
    auto hearing = create_task(server_with(server_context(), one));
    RawPeer client(std::move(other), false);
    CHECK_AWAIT(client.shake_hands(), SSL_ERROR_NONE);
    std::size_t sent = 0;
    try {
        for (; sent < 200'000 && !hearing.done(); ++sent) {
            SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
            SSL_do_handshake(client.ssl());
            if (sent % 100 == 0) {
                co_await client.flush();
            }
        }
    } catch (const std::system_error&) {
    }
    CHECK(sent < 200'000);
    client.connection().writer.close();
    const TlsEnd end = co_await hearing;
    INFO(end.what());
    CHECK_FALSE(end.is_good());
}
