#include <ringio/streams/tls_option.hpp>

#include <ringio/streams.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <chrono>
#include <utility>

#include "link.hpp"
#include "xor_layer.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

template <class Fn>
std::string refusal_of(Fn call) {
    try {
        static_cast<void>(call());
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "<none>";
}

Task<> echo_a_line(StreamReader reader, StreamWriter writer) {
    writer.write(co_await reader.readline());
    co_await writer.drain();
    writer.close();
    co_await writer.wait_closed();
}

}  // namespace

ASYNC_TEST_CASE("tls option: connections and servers with it are secured from the first byte") {
    const XorContext serving(true);
    const XorContext connecting(false);
    Server server = co_await start_server(echo_a_line, "127.0.0.1", 0, {.tls = serving});
    const std::uint16_t port = server.sockets()[0].getsockname().port();
    auto [reader, writer] = co_await open_connection("127.0.0.1", port, {.tls = connecting});
    CHECK(connecting.security->seen.server_hostname == "127.0.0.1");
    CHECK(connecting.security->seen.address == "127.0.0.1:" + std::to_string(port));
    writer.write("a line\n");
    CHECK_AWAIT(reader.read(), "a line\n");
    writer.close();
    co_await writer.wait_closed();
    server.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE(
    "tls option: a client whose handshake fails is the server's affair in debug mode only") {
    const XorContext failing(true, true);
    Reported reported;
    Server server = co_await start_server(echo_a_line, "127.0.0.1", 0, {.tls = failing});
    const std::uint16_t port = server.sockets()[0].getsockname().port();
    for (const bool debug : {false, true}) {
        get_running_loop().set_debug(debug);
        auto [reader, writer] = co_await open_connection("127.0.0.1", port);
        CHECK_AWAIT(reader.read(), "");
    }
    get_running_loop().set_debug(false);
    CHECK(reported.messages == std::vector<std::string>{"SSL handshake failed"});
    server.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE(
    "tls option: what makes no sense is refused in CPython's words, before anything begins") {
    const XorContext serving(true);
    const XorContext connecting(false);
    CHECK(refusal_of([] { return open_connection("a.org", 1, {.server_hostname = "a.org"}); }) ==
          "server_hostname is only meaningful with ssl");
    CHECK(refusal_of([] { return open_connection("a.org", 1, {.ssl_handshake_timeout = 1s}); }) ==
          "ssl_handshake_timeout is only meaningful with ssl");
    CHECK(refusal_of([] { return open_connection("a.org", 1, {.ssl_shutdown_timeout = 1s}); }) ==
          "ssl_shutdown_timeout is only meaningful with ssl");
    CHECK(refusal_of([&] {
              return open_connection("a.org", 1, {.tls = connecting, .ssl_handshake_timeout = 0s});
          }) == "ssl_handshake_timeout should be a positive number, got 0");
    CHECK(refusal_of([&] {
              return open_connection("a.org", 1, {.tls = connecting, .ssl_shutdown_timeout = -1s});
          }) == "ssl_shutdown_timeout should be a positive number, got -1");
    CHECK(refusal_of([&] { return open_unix_connection("/tmp/none", {.tls = connecting}); }) ==
          "you have to pass server_hostname when using ssl");
    CHECK_THAT(refusal_of([&] { return open_connection("a.org", 1, {.tls = serving}); }),
               Catch::Matchers::Contains("TlsContext::client()"));
    CHECK_THAT(refusal_of([&] { return start_server(echo_a_line, "", 0, {.tls = connecting}); }),
               Catch::Matchers::Contains("TlsContext::server()"));
    Link link = co_await make_link();
    CHECK(refusal_of([&] { return link.writer.start_tls(TlsOption()); }) ==
          "start_tls: there is no TlsContext");
}

ASYNC_TEST_CASE("tls option: while somebody reads TLS does not begin, and the stream goes on") {
    Link link = co_await make_link();
    const XorContext layer(true);
    auto reading = create_task(Task<std::string>(link.reader.read(1)));
    co_await turns(2);
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(link.writer.start_tls(layer)),
                    "start_tls() called while another coroutine is already waiting");
    link.peer.send("x");
    CHECK_AWAIT(std::move(reading), "x");
}

ASYNC_TEST_CASE("tls option: TLS that is cancelled before it began leaves the stream as it was") {
    Link link = co_await make_link();
    const XorContext layer(true);
    link.peer.send("kept");
    co_await turns(2);
    auto starting = create_task(link.writer.start_tls(layer));
    co_await sleep(Delay());
    starting.cancel();
    CHECK_AWAIT(is_cancelled(std::move(starting)), true);
    CHECK_AWAIT(link.reader.readexactly(4), "kept");
    link.writer.write("still plain");
    co_await link.writer.drain();
    CHECK(link.peer.receive(11) == "still plain");
    CHECK_FALSE(link.writer.tls_info());
}
