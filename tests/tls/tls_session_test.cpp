// TLS between two ends in memory: nothing but the loop and OpenSSL, so that each order is the same
// every time.
#include <ringio/tls.hpp>

#include <ringio/streams.hpp>
#include <ringio/sync.hpp>
#include <ringio/testing.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "certificates.hpp"
#include "raw_peer.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::memory_stream_pair;

namespace {

/// Both ends of a connection in memory, under TLS.
struct SecurePair {
    Connection client;
    Connection server;
};

Task<SecurePair> secure_pair(TlsContext client_side, TlsContext server_side,
                             std::size_t limit = default_stream_limit) {
    auto [client, server] = memory_stream_pair(limit);
    auto serving = create_task(server.writer.start_tls(server_side));
    co_await client.writer.start_tls(client_side, {.server_hostname = "localhost"});
    co_await serving;
    co_return SecurePair{std::move(client), std::move(server)};
}

/// Lends memory of its own to a read that it does not wait for.
Task<> lend_and_wait(StreamReader reader, const char*& lent) {
    std::vector<char> memory(8);
    lent = memory.data();
    auto reading = create_task(reader.read(std::span(memory)));
    co_await Event().wait();
}

/// Stops the loop between what fills that memory and the read's next step.
Task<> fill_and_stop() {
    SecurePair pair = co_await secure_pair(client_context(), server_context());
    const char* lent = nullptr;
    create_task(lend_and_wait(pair.server.reader, lent));
    co_await turns(3);
    pair.client.writer.write("some");
    co_await pair.client.writer.drain();
    REQUIRE(*lent == 's');
    get_running_loop().stop();
    co_await Event().wait();
}

}  // namespace

ASYNC_TEST_CASE("tls session: what one end writes the other reads, both ways, and both know how") {
    SecurePair pair = co_await secure_pair(client_context(), server_context());
    pair.client.writer.write("hello\n");
    co_await pair.client.writer.drain();
    CHECK_AWAIT(pair.server.reader.readline(), "hello\n");
    pair.server.writer.write("world\n");
    CHECK_AWAIT(pair.client.reader.readline(), "world\n");

    const std::optional<TlsInfo> info = pair.client.writer.tls_info();
    REQUIRE(info);
    CHECK(info->version == "TLSv1.3");
    REQUIRE(info->peer_certificate);
    CHECK(info->peer_certificate->subject == "CN = test");
    CHECK(info->peer_certificate->issuer == "CN = ringio test CA");
    CHECK(info->peer_certificate->subject_alt_names ==
          std::vector<std::string>{"DNS:localhost", "IP:127.0.0.1"});
    CHECK(pair.server.writer.tls_info()->server_hostname == "localhost");
}

ASYNC_TEST_CASE(
    "tls session: close says good-bye, the other end sees the end, and both are closed") {
    SecurePair pair = co_await secure_pair(client_context(), server_context());
    pair.client.writer.write("last words");
    pair.client.writer.close();
    CHECK_AWAIT(pair.server.reader.read(), "last words");
    CHECK(pair.server.reader.at_eof());
    co_await pair.client.writer.wait_closed();
    co_await pair.server.writer.wait_closed();
}

ASYNC_TEST_CASE("tls session: megabytes go through, however slow the reader is") {
    SecurePair pair = co_await secure_pair(client_context(), server_context(), 1000);
    const std::string sent(3'000'000, 'x');
    auto sending = create_task([](StreamWriter writer, std::string_view text) -> Task<> {
        writer.write(text);
        co_await writer.drain();
        writer.close();
        co_await writer.wait_closed();
    }(pair.client.writer, sent));
    std::size_t received = 0;
    for (;;) {
        const std::string piece = co_await pair.server.reader.read(777);
        if (piece.empty()) {
            break;
        }
        received += piece.size();
    }
    CHECK(received == sent.size());
    co_await sending;
}

ASYNC_TEST_CASE("tls session: a hundred that write in one turn are all heard") {
    std::vector<SecurePair> pairs;
    std::vector<TaskHandle<std::string>> reading;
    for (int i = 0; i < 100; ++i) {
        SecurePair made = co_await secure_pair(client_context(), server_context());
        pairs.push_back(std::move(made));
        reading.push_back(create_task(pairs.back().server.reader.read(10)));
    }
    co_await turns(1);
    for (SecurePair& pair : pairs) {
        pair.client.writer.write("hello");
    }
    for (auto& read : reading) {
        CHECK_AWAIT(read, "hello");
    }
}

ASYNC_TEST_CASE("tls session: who says all with the last bytes of the handshake is heard") {
    auto [one, other] = memory_stream_pair();
    RawPeer client(std::move(other), false);
    const TlsContext context = server_context();
    auto serving = create_task(one.writer.start_tls(context));
    SSL_do_handshake(client.ssl());
    co_await client.flush();
    co_await client.fill();
    SSL_do_handshake(client.ssl());
    SSL_write(client.ssl(), "last words", 10);
    SSL_shutdown(client.ssl());
    co_await client.flush();
    co_await serving;
    CHECK_AWAIT(one.reader.read(), "last words");
    client.connection().writer.close();
}

ASYNC_TEST_CASE("tls session: a relay into it moves all, and leaves its end to who closes it") {
    SecurePair pair = co_await secure_pair(client_context(), server_context());
    auto [source, in] = memory_stream_pair();
    source.writer.write("through");
    source.writer.write_eof();
    CHECK_AWAIT(relay(in.reader, pair.client.writer), 7U);
    CHECK_AWAIT(pair.server.reader.readexactly(7), "through");
    pair.server.writer.write("an answer");
    CHECK_AWAIT(pair.client.reader.readexactly(9), "an answer");
    pair.client.writer.close();
    CHECK_AWAIT(pair.server.reader.read(), "");
}

ASYNC_TEST_CASE(
    "tls session: what is larger than a reader's memory comes in order, piece by piece") {
    SecurePair pair = co_await secure_pair(client_context(), server_context());
    std::string sent;
    for (int i = 0; sent.size() < 1'000'000; ++i) {
        sent += std::to_string(i) + " ";
    }
    auto sending = create_task([](StreamWriter writer, std::string_view text) -> Task<> {
        writer.write(text);
        co_await writer.drain();
    }(pair.client.writer, sent));
    std::vector<char> memory(40'000);
    std::string received;
    std::size_t size = 0;
    for (std::size_t room = 1; received.size() < sent.size(); room = room * 7 % memory.size() + 1) {
        size = co_await pair.server.reader.read(std::span(memory).first(room));
        REQUIRE(size > 0);
        received.append(memory.data(), size);
    }
    CHECK((received == sent));
    co_await sending;
    pair.client.writer.close();
    size = co_await pair.server.reader.read(std::span(memory));
    CHECK(size == 0);
}

ASYNC_TEST_CASE("tls session: a read into memory that is cancelled has lost nothing of it") {
    SecurePair pair = co_await secure_pair(client_context(), server_context());
    std::vector<char> memory(8);
    auto reading = create_task(pair.server.reader.read(std::span(memory)));
    co_await turns(2);
    pair.client.writer.write("more than eight bytes");
    co_await pair.client.writer.drain();
    REQUIRE(std::string_view(memory.data(), memory.size()) == "more tha");
    reading.cancel();
    CHECK_AWAIT(is_cancelled(reading), true);
    CHECK_AWAIT(pair.server.reader.readexactly(21), "more than eight bytes");
}

// What does not fit waits to be decrypted until the read goes on: so must not the end.
ASYNC_TEST_CASE("tls session: an end behind a full memory is heard, though nobody reads on") {
    SecurePair pair = co_await secure_pair(client_context(), server_context());
    std::vector<char> memory(8);
    const auto reading = create_task(pair.server.reader.read(std::span(memory)));
    co_await turns(2);
    pair.client.writer.write("more than eight bytes");
    pair.client.writer.close();
    CHECK_AWAIT(reading, 8U);
    co_await pair.server.writer.wait_closed();
    CHECK_AWAIT(pair.server.reader.read(), "n eight bytes");
    co_await pair.client.writer.wait_closed();
}

ASYNC_TEST_CASE("tls session: an end behind a full memory is heard, though the read is cancelled") {
    SecurePair pair = co_await secure_pair(client_context(), server_context());
    std::vector<char> memory(8);
    auto reading = create_task(pair.server.reader.read(std::span(memory)));
    co_await turns(2);
    pair.client.writer.write("more than eight bytes");
    co_await pair.client.writer.drain();
    REQUIRE(std::string_view(memory.data(), memory.size()) == "more tha");
    reading.cancel();
    pair.client.writer.close();
    CHECK_AWAIT(is_cancelled(reading), true);
    co_await pair.server.writer.wait_closed();
    CHECK_AWAIT(pair.server.reader.read(), "more than eight bytes");
    co_await pair.client.writer.wait_closed();
}

// The loop destroys tasks in the order in which they were made: the owner of the memory first.
TEST_CASE("tls session: memory that was lent to a read may be gone when the loop is closed") {
    const testing::Balance balance;
    {
        EventLoop loop;
        loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
        auto main = loop.create_task(fill_and_stop());
        loop.run_forever();
    }
    CHECK(balance.difference() == "");
}
