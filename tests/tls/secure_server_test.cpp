// A server under TLS: which certificate and which protocol it answers with, and what becomes of
// connections that shake hands when it ends, or never do.
#include <ringio/tls.hpp>

#include <ringio/streams.hpp>
#include <ringio/sync.hpp>
#include <support/async_test_case.hpp>
#include <support/raw_socket.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
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

TlsContext context_named(const std::string& name) {
    const Identity identity =
        test_authority().issue({.common_name = name, .alt_names = "DNS:" + name});
    return TlsContext::server({.certificate = identity.certificate, .key = identity.key});
}

/// Shakes hands by name; gives the certificate that was shown.
Task<std::string> subject_for(std::string name, TlsContext serving) {
    auto [client, server] = memory_stream_pair();
    const TlsContext context = client_context();
    auto shaking = create_task(server.writer.start_tls(serving));
    co_await client.writer.start_tls(context, {.server_hostname = name});
    co_await shaking;
    co_return client.writer.tls_info()->peer_certificate->subject;
}

/// Serves a client in memory, however it ends for that.
Task<> serve_in_memory(TlsContext serving) {
    auto [client, server] = memory_stream_pair();
    auto shaking = create_task(text_of<TlsError>(as_client(client.writer)));
    co_await server.writer.start_tls(serving);
    co_await shaking;
}

/// How both sides fare with these protocols; the client's side first.
Task<std::vector<std::string>> agreed(AlpnProtocols asked, AlpnProtocols spoken) {
    const TlsContext context = TlsContext::client({.ca_file = test_ca_file(), .alpn = asked});
    const TlsContext serving = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .alpn = spoken});
    auto [client, server] = memory_stream_pair();
    auto shaking = create_task(server.writer.start_tls(serving));
    std::vector<std::string> results;
    results.push_back(co_await text_of<TlsError>(
        client.writer.start_tls(context, {.server_hostname = "localhost"})));
    results.push_back(co_await text_of<TlsError>(shaking));
    if (results[0] == "<no exception>") {
        results = {client.writer.tls_info()->alpn, server.writer.tls_info()->alpn};
    }
    co_return results;
}

const std::vector<std::string> nothing{"", ""};

/// The only timer is that of a handshake.
Task<> handshake_begins() {
    while (get_running_loop().statistics().timers == 0) {
        co_await turns(1);
    }
}

/// A server whose handler must not be called, and a client of it that says nothing.
struct SilentClient {
    SilentClient(Server serving, RawSocket socket)
        : server(std::move(serving)), client(std::move(socket)) {}

    Server server;
    RawSocket client;
};

Task<SilentClient> meet_silent_client(ServerOptions options = {}) {
    const auto handler = [](StreamReader, StreamWriter) { FAIL("nobody shook hands"); };
    const TlsContext context = server_context();
    options.tls = context;
    Server server = co_await start_server(handler, "127.0.0.1", 0, options);
    RawSocket client = RawSocket::connected(server.sockets()[0].getsockname().port());
    co_await handshake_begins();
    co_return SilentClient(std::move(server), std::move(client));
}

}  // namespace

ASYNC_TEST_CASE("tls server: the certificate is chosen by the name that the client asks for") {
    const TlsContext one = context_named("one.test");
    const TlsContext two = context_named("two.test");
    std::vector<std::string> asked;
    const auto choose = [&](std::string_view name) -> std::optional<TlsContext> {
        asked.emplace_back(name);
        if (name == "two.test") {
            return two;
        }
        return std::nullopt;
    };
    const Identity own = test_authority().issue(
        {.common_name = "one.test", .alt_names = "DNS:one.test,IP:127.0.0.1"});
    const TlsContext serving =
        TlsContext::server({.certificate = own.certificate, .key = own.key, .sni = choose});
    CHECK_AWAIT(subject_for("two.test", serving), "CN = two.test");
    CHECK_AWAIT(subject_for("one.test", serving), "CN = one.test");
    CHECK_AWAIT(subject_for("127.0.0.1", serving), "CN = one.test");
    CHECK(asked == std::vector<std::string>{"two.test", "one.test", ""});
}

ASYNC_TEST_CASE("tls server: what chooses by name may throw, and that ends this handshake only") {
    int calls = 0;
    const auto choose = [&calls](std::string_view) -> std::optional<TlsContext> {
        if (++calls == 1) {
            throw std::runtime_error("no such name");
        }
        return std::nullopt;
    };
    const TlsContext serving = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .sni = choose});
    Reported reported;
    auto [client, server] = memory_stream_pair();
    auto shaking = create_task(server.writer.start_tls(serving));
    CHECK_AWAIT_HAS(text_of<TlsError>(as_client(client.writer)), "alert internal error");
    CHECK_AWAIT_HAS(text_of<TlsError>(shaking), "callback failed");
    CHECK_AWAIT(subject_for("localhost", serving), "CN = test");
    CHECK(reported.messages == std::vector<std::string>(1, "Exception in the function of .sni"));
}

ASYNC_TEST_CASE(
    "tls server: what is reported of .sni is what it threw, once the stream has failed") {
    const auto choose = [](std::string_view) -> std::optional<TlsContext> {
        throw std::runtime_error("no such name");
    };
    const TlsContext serving = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .sni = choose});
    auto [client, server] = memory_stream_pair();
    std::string told;
    const auto tell = [&told, writer = server.writer](EventLoop&, const ExceptionContext& context) {
        told = fmt::format("{} {} {}", detail::describe_exception(context.exception),
                           context.details.at(0).first,
                           writer.is_closing() ? "has failed" : "is open");
    };
    get_running_loop().set_exception_handler(tell);
    auto shaking = create_task(server.writer.start_tls(serving));
    CHECK_AWAIT_HAS(text_of<TlsError>(as_client(client.writer)), "alert internal error");
    CHECK_AWAIT_HAS(text_of<TlsError>(shaking), "callback failed");
    CHECK(told == "std::runtime_error: no such name transport has failed");
    get_running_loop().set_exception_handler({});
}

TEST_CASE("tls server: an interrupt in what chooses by name leaves the loop, and is not reported") {
    const auto choose = [](std::string_view) -> std::optional<TlsContext> {
        throw KeyboardInterrupt();
    };
    const TlsContext serving = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .sni = choose});
    const testing::Balance balance;
    CHECK_THROWS_AS(testing::run_virtual(serve_in_memory(serving)), KeyboardInterrupt);
    CHECK(balance.difference() == "");
}

ASYNC_TEST_CASE("tls server: who resumes by another name shows its certificate all the same") {
    const TlsContext closed = TlsContext::server({.certificate = localhost().certificate,
                                                  .key = localhost().key,
                                                  .client_ca = test_ca_file()});
    const TlsContext open = server_context();
    const auto open_by_default = [&closed](std::string_view name) {
        return name == "closed.test" ? std::optional(closed) : std::nullopt;
    };
    const auto closed_by_default = [&open](std::string_view name) {
        return name == "open.test" ? std::optional(open) : std::nullopt;
    };
    const TlsContext first = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .sni = open_by_default});
    const TlsContext second = TlsContext::server({.certificate = localhost().certificate,
                                                  .key = localhost().key,
                                                  .client_ca = test_ca_file(),
                                                  .sni = closed_by_default});
    for (const TlsContext* serving : {&first, &second}) {
        SSL_SESSION* session = nullptr;
        for (const char* name : {"open.test", "open.test", "closed.test", ""}) {
            const bool is_known = session != nullptr;
            const bool is_open =
                name == std::string_view("open.test") || (serving == &first && *name == '\0');
            auto [far, server] = memory_stream_pair();
            RawTls client = RawTls::client(far);
            if (*name != '\0') {
                SSL_set_tlsext_host_name(client.ssl(), name);
            }
            SSL_set_session(client.ssl(), session);
            auto shaking = create_task(client.shake_hands());
            const std::string result =
                co_await text_of<TlsError>(server.writer.start_tls(*serving));
            INFO("as '" << name << "': " << result);
            CHECK((result == "<no exception>") == is_open);
            static_cast<void>(co_await shaking);
            if (is_open) {
                CHECK(server.writer.tls_info()->resumed == is_known);
                server.writer.write("a ticket");
                CHECK_AWAIT(client.read(), "a ticket");
                SSL_SESSION_free(session);
                session = SSL_SESSION_dup(SSL_get0_session(client.ssl()));
            }
        }
        SSL_SESSION_free(session);
    }
}

ASYNC_TEST_CASE("tls server: who resumes by the same name is known by its certificate of before") {
    const TlsContext closed = TlsContext::server({.certificate = localhost().certificate,
                                                  .key = localhost().key,
                                                  .client_ca = test_ca_file()});
    const auto choose = [&closed](std::string_view) { return std::optional(closed); };
    const TlsContext serving = TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .sni = choose});
    const Identity own = test_authority().issue({.common_name = "the client"});
    const TlsContext context = TlsContext::client(
        {.ca_file = test_ca_file(), .certificate = own.certificate, .key = own.key});
    for (const bool resumed : {false, true}) {
        auto [client, server] = memory_stream_pair();
        auto shaking = create_task(server.writer.start_tls(serving));
        co_await client.writer.start_tls(context, {.server_hostname = "localhost"});
        co_await shaking;
        server.writer.write("a ticket\n");
        CHECK_AWAIT(client.reader.readline(), "a ticket\n");
        const std::optional<TlsInfo> info = server.writer.tls_info();
        REQUIRE(info);
        CHECK(info->resumed == resumed);
        REQUIRE(info->peer_certificate);
        CHECK(info->peer_certificate->subject == "CN = the client");
        CHECK(client.writer.tls_info()->resumed == resumed);
        CHECK(client.writer.tls_info()->peer_certificate->subject == "CN = test");
    }
}

ASYNC_TEST_CASE("tls server: alpn_negotiation: the server's best of what both speak, or none") {
    CHECK_AWAIT(agreed({"h2", "http/1.1"}, {"http/1.1", "h2"}),
                std::vector<std::string>{"http/1.1", "http/1.1"});
    CHECK_AWAIT(agreed({"echo"}, {"other", "echo"}), std::vector<std::string>{"echo", "echo"});
    CHECK_AWAIT(agreed({}, {"h2"}), nothing);
    CHECK_AWAIT(agreed({"h2"}, {}), nothing);
}

ASYNC_TEST_CASE("tls server: alpn_negotiation: with nothing in common both are told") {
    const std::vector<std::string> results = co_await agreed({"smtp"}, {"h2", "http/1.1"});
    REQUIRE(results.size() == 2);
    CHECK_THAT(results[0], Catch::Matchers::Contains("tlsv1 alert no application protocol"));
    CHECK_THAT(results[0], Catch::Matchers::Contains("no name in .alpn is one of the peer's"));
    CHECK_THAT(results[1], Catch::Matchers::Contains("no application protocol"));
}

ASYNC_TEST_CASE("tls server: a client that says nothing is sent away when its time is over") {
    SilentClient silent = co_await meet_silent_client({.ssl_handshake_timeout = 20ms});
    silent.server.close();
    co_await silent.server.wait_closed();
    CHECK(silent.client.ended());
    CHECK(get_running_loop().statistics().timers == 0);
}

ASYNC_TEST_CASE("tls server: close_clients() and abort_clients() end handshakes, too") {
    for (const bool aborts : {false, true}) {
        SilentClient silent = co_await meet_silent_client();
        CHECK(get_running_loop().statistics().timers == 1);
        if (aborts) {
            silent.server.abort_clients();
        } else {
            silent.server.close_clients();
        }
        silent.server.close();
        co_await silent.server.wait_closed();
        CHECK(get_running_loop().statistics().timers == 0);
    }
}

ASYNC_TEST_CASE("tls server: close() lets a handshake go on, and its handler be called") {
    std::string said;
    const auto handler = [&said](StreamReader reader, StreamWriter writer) -> Task<> {
        said = co_await reader.read();
        writer.close();
    };
    const TlsContext context = server_context();
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.tls = context});
    Connection client =
        co_await open_connection("127.0.0.1", server.sockets()[0].getsockname().port());
    co_await handshake_begins();
    server.close();
    co_await as_client(client.writer);
    client.writer.write("after all");
    client.writer.close();
    co_await server.wait_closed();
    CHECK(said == "after all");
}

ASYNC_TEST_CASE("tls server: handshakes that fail are told of in debug mode only") {
    for (const bool debugs : {false, true}) {
        get_running_loop().set_debug(debugs);
        Reported reported;
        {
            SilentClient silent = co_await meet_silent_client();
            silent.client = RawSocket();
            silent.server.close();
            co_await silent.server.wait_closed();
        }
        CHECK(reported.messages ==
              std::vector<std::string>(debugs ? 1 : 0, "SSL handshake failed"));
    }
    get_running_loop().set_debug(false);
}
