// start_tls() on a stream that has been in the clear, where it may strike, and what ends it: by
// cancellation, by the server, by handles that go, and by the loop.
#include <ringio/tls.hpp>

#include <ringio/streams.hpp>
#include <ringio/sync.hpp>
#include <support/async_test_case.hpp>
#include <support/raw_socket.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "raw_tls.hpp"
#include "tls_pair.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::memory_stream_pair;

namespace {

const std::string not_tls =
    "failed: wrong version number; hint: the peer does not speak TLS on this port";

/// A server that asks each connection for a line in the clear and goes on under TLS.
Task<> greet_and_upgrade(StreamReader reader, StreamWriter writer) {
    const std::string line = co_await reader.readline();
    co_await as_server(writer);
    writer.write(line);
    writer.close();
}

}  // namespace

ASYNC_TEST_CASE("start_tls: what came behind a PROXY line is the beginning of the handshake") {
    auto [far, server] = memory_stream_pair();
    far.writer.write("PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n");
    RawTls client = RawTls::client(far);
    SSL_do_handshake(client.ssl());
    auto shaking = create_task(client.shake_hands());
    co_await turns(3);  // line and hello are there, in one buffer
    CHECK_AWAIT(server.reader.readuntil("\r\n"), "PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n");
    co_await as_server(server.writer);
    CHECK_AWAIT(shaking, true);
    co_await client.write("under TLS\n");
    CHECK_AWAIT(server.reader.readline(), "under TLS\n");
}

ASYNC_TEST_CASE("start_tls: what a man in the middle puts behind the go-ahead is no plain text") {
    auto [client, far] = memory_stream_pair();
    far.writer.write("220 go ahead\r\n250 the mail is for eve\r\n");
    CHECK_AWAIT(client.reader.readuntil("\r\n"), "220 go ahead\r\n");
    CHECK_AWAIT_HAS(text_of<TlsError>(as_client(client.writer)), not_tls);
    CHECK_AWAIT_HAS(text_of<TlsError>(client.reader.readline()), not_tls);

    auto [eve, server] = memory_stream_pair();
    eve.writer.write("STARTTLS\r\nDELETE everything\r\n");
    CHECK_AWAIT(server.reader.readuntil("\r\n"), "STARTTLS\r\n");
    CHECK_AWAIT_HAS(text_of<TlsError>(as_server(server.writer)), "failed:");
    CHECK_AWAIT_HAS(text_of<TlsError>(server.reader.readline()), "failed:");
}

ASYNC_TEST_CASE("start_tls: what was written before it goes in the clear, all of it") {
    auto [client, server] = memory_stream_pair(1000);
    client.writer.write(std::string(100'000, 'x') + "\n");
    auto shaking = create_task(as_client(client.writer));
    co_await turns(5);
    CHECK_AWAIT(server.reader.readexactly(100'001), std::string(100'000, 'x') + "\n");
    co_await as_server(server.writer);
    co_await shaking;
    CHECK(client.writer.tls_info());
}

ASYNC_TEST_CASE("start_tls: while a task reads it is refused, and the stream goes on as it was") {
    auto [client, server] = memory_stream_pair();
    auto reading = create_task(client.reader.readline());
    co_await turns(1);
    CHECK_AWAIT(text_of<std::runtime_error>(as_client(client.writer)),
                "start_tls() called while another coroutine is already waiting for incoming data");
    CHECK_FALSE(client.writer.tls_info());
    server.writer.write("in the clear\n");
    CHECK_AWAIT(reading, "in the clear\n");
}

ASYNC_TEST_CASE("start_tls: while it shakes hands nobody may read, nor start it again") {
    auto [client, server] = memory_stream_pair();
    auto shaking = create_task(as_client(client.writer));
    co_await turns(2);
    client.writer.write("said early\n");
    auto early = create_task(client.reader.readline());
    co_await turns(1);
    co_await as_server(server.writer);
    co_await shaking;
    CHECK_AWAIT(server.reader.readline(), "said early\n");
    server.writer.write("answered\n");
    CHECK_AWAIT(early, "answered\n");
}

ASYNC_TEST_CASE("start_tls: on a closed stream, or one that failed, it is refused") {
    auto [client, server] = memory_stream_pair();
    client.writer.close();
    CHECK_AWAIT(text_of<std::runtime_error>(as_client(client.writer)),
                "start_tls() on the stream to the other end in memory, which is closed");
    server.writer.write("nobody hears\n");
    CHECK_AWAIT(errno_of(server.writer.drain()), EPIPE);
    CHECK_AWAIT(errno_of(as_server(server.writer)), EPIPE);
}

ASYNC_TEST_CASE("start_tls: a context is of one side, and there has to be one") {
    auto [client, server] = memory_stream_pair();
    CHECK_THROWS_WITH(client.writer.start_tls({}), "start_tls: there is no TlsContext");
    const TlsContext context = client_context();
    CHECK_THROWS_WITH(client.writer.start_tls(context),
                      "you have to pass server_hostname when using ssl");
    CHECK_THROWS_WITH(start_server(greet_and_upgrade, "127.0.0.1", 0, {.tls = context}),
                      Catch::Matchers::Contains("that of a client"));
    const TlsContext serving = server_context();
    CHECK_THROWS_WITH(open_connection("localhost", 1, {.tls = serving}),
                      Catch::Matchers::Contains("that of a server"));
    client.writer.write("clear\n");
    CHECK_AWAIT(server.reader.readline(), "clear\n");
}

ASYNC_TEST_CASE("start_tls: both ends over a socket, twice: TLS in TLS") {
    Event served;
    const auto handler = [&served](StreamReader reader, StreamWriter writer) -> Task<> {
        co_await as_server(writer);
        for (;;) {
            const std::string some = co_await reader.read(10'000);
            if (some.empty()) {
                break;
            }
            writer.write(some);
            co_await writer.drain();
        }
        served.set();
    };
    const TlsContext serving = server_context();
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.tls = serving});
    const TlsContext context = client_context();
    Connection client = co_await open_connection(
        "127.0.0.1", server.sockets()[0].getsockname().port(), {.tls = context});
    co_await as_client(client.writer);
    const std::string line = std::string(200'000, 'x') + "\n";
    client.writer.write(line);
    auto draining =
        create_task([](StreamWriter writer) -> Task<> { co_await writer.drain(); }(client.writer));
    CHECK_AWAIT(client.reader.readexactly(200'001), line);
    co_await draining;
    client.writer.close();
    co_await client.writer.wait_closed();
    co_await served.wait();
    server.close();
    co_await server.wait_closed();
}

TEST_CASE("start_tls: cancelled at each moment it leaves nothing behind") {
    const auto scenario = [](testing::Sweep& sweep) -> Task<> {
        auto [client, server] = memory_stream_pair();
        server.writer.write("in the clear\n");
        client.writer.write("so am I\n");
        auto serving = create_task(as_server(server.writer));
        auto shaking = sweep.victim(create_task(as_client(client.writer)));
        static_cast<void>(co_await errno_of(shaking));
        static_cast<void>(co_await errno_of(serving));
        client.writer.close();
        server.writer.close();
        static_cast<void>(co_await errno_of(client.writer.wait_closed()));
        static_cast<void>(co_await errno_of(server.writer.wait_closed()));
    };
    CHECK(testing::cancel_sweep(scenario).report() == "");
}

TEST_CASE("start_tls: under TLS every await may be cancelled, on either side") {
    const auto scenario = [](testing::Sweep&) -> Task<> {
        const auto serve = [](Connection end) -> Task<> {
            co_await as_server(end.writer);
            const std::string line = co_await end.reader.readline();
            end.writer.write(line);
            co_await end.writer.drain();
            end.writer.close();
            co_await end.writer.wait_closed();
        };
        const auto ask = [](Connection end) -> Task<> {
            co_await as_client(end.writer);
            end.writer.write(std::string(300'000, 'x') + "\n");
            co_await end.writer.drain();
            static_cast<void>(co_await end.reader.read());
        };
        auto [client, server] = memory_stream_pair(1 << 20);
        auto serving = create_task(serve(std::move(server)));
        auto asking = create_task(ask(std::move(client)));
        static_cast<void>(co_await errno_of(asking));
        static_cast<void>(co_await errno_of(serving));
    };
    CHECK(testing::cancel_sweep(scenario, {.victims = testing::CancelVictims::all}).report() == "");
}

TEST_CASE("start_tls: handles that are dropped in each state leave nothing behind") {
    const testing::Balance balance;
    testing::run_virtual([]() -> Task<> {
        for (int state = 0; state < 40; ++state) {
            auto [client, server] = memory_stream_pair();
            auto serving = create_task(as_server(server.writer));
            std::optional<TaskHandle<>> shaking = create_task(as_client(client.writer));
            co_await turns(state / 4);
            for (Connection* end : {&client, &server}) {
                if ((state & (end == &client ? 1 : 2)) != 0) {
                    const Connection dropped = std::move(*end);
                }
            }
            shaking.reset();
            static_cast<void>(co_await errno_of(serving));
            const auto [kept, gone] = memory_stream_pair();
            static_cast<void>(kept);
        }
    }());
    CHECK(balance.difference() == "");
}

TEST_CASE("start_tls: the loop is closed in each state, and nothing is left") {
    for (int state = 0; state < 12; ++state) {
        INFO("after " << state << " turns");
        const testing::Balance balance;
        {
            EventLoop loop({.virtual_time = true});
            loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
            std::optional<Connection> client;
            std::optional<Connection> server;
            loop.run_until_complete([](std::optional<Connection>& ours,
                                       std::optional<Connection>& theirs, int count) -> Task<> {
                auto [one, other] = memory_stream_pair();
                ours = one;
                theirs = other;
                create_task(as_client(one.writer));
                create_task(as_server(other.writer));
                co_await turns(count);
                if (count > 6) {
                    one.writer.write(std::string(1 << 20, 'x'));
                }
                if (count > 8) {
                    one.writer.close();
                }
                if (count > 9) {
                    co_await turns(count - 9);
                }
            }(client, server, state));
            loop.close();
        }
        CHECK(balance.difference() == "");
    }
}
