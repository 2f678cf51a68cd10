// What goes wrong: servers that hang up, stand still, say nonsense; deadlines; arguments that
// cannot be.
#include "http_server.hpp"

#include <ringio/io/socket.hpp>
#include <ringio/streams/resolve.hpp>

#include <netdb.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientSession;

namespace {

/// Runs a server that says `bytes` to each request and hangs up.
Task<> say(HttpServer& server, std::string bytes) {
    HttpServer::Script script = [bytes](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send(bytes);
    };
    co_await server.run_script(std::move(script));
}

/// Says so much and then nothing more.
Task<> say_and_wait(HttpServer& server, std::string bytes) {
    HttpServer::Script script = [bytes](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send(bytes);
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
}

Task<std::string> get_text(const ClientSession& session, std::string url) {
    auto response = co_await session.get(url);
    co_return co_await response.text();
}

/// A port where nobody listens.
unsigned closed_port() {
    const Socket socket = Socket::listening(*SocketAddress::from_literal("127.0.0.1", 0), 1, false);
    return socket.getsockname().port();
}

}  // namespace

ASYNC_TEST_CASE("failures: nobody listens: ClientConnectorError with host, port and errno") {
    ClientSession session;
    const unsigned port = closed_port();
    std::optional<http::ClientConnectorError> error;
    try {
        static_cast<void>(co_await session.get(fmt::format("http://127.0.0.1:{}/", port)));
    } catch (const http::ClientConnectorError& caught) {
        error = caught;
    }
    REQUIRE(error);
    CHECK(error->host() == "127.0.0.1");
    CHECK(error->port() == port);
    CHECK(error->code().value() == ECONNREFUSED);
    const std::string text = error->what();
    CHECK(text.starts_with(
        fmt::format("Cannot connect to host 127.0.0.1:{} [CURLE_COULDNT_CONNECT: ", port)));
    co_await session.close();
}

ASYNC_TEST_CASE("failures: no such host: ClientConnectorDNSError") {
    class Nobody final : public Resolver {
    public:
        Task<std::vector<AddressInfo>> getaddrinfo(std::string, std::string,
                                                   AddressHints) override {
            throw std::system_error(EAI_NONAME, resolver_category());
            co_return std::vector<AddressInfo>();
        }
    };
    get_running_loop().set_resolver(std::make_shared<Nobody>());
    ClientSession session;
    std::optional<http::ClientConnectorDNSError> error;
    try {
        static_cast<void>(co_await session.get("http://nobody.test/"));
    } catch (const http::ClientConnectorDNSError& caught) {
        error = caught;
    }
    REQUIRE(error);
    CHECK(error->code() == std::error_code(EAI_NONAME, resolver_category()));
    CHECK(std::string(error->what()).starts_with("Cannot connect to host nobody.test:80 ["));
    get_running_loop().set_resolver(nullptr);
    co_await session.close();
}

ASYNC_TEST_CASE("failures: the server hangs up without a word: ServerDisconnectedError") {
    HttpServer server;
    co_await say(server, "");
    ClientSession session;
    const std::string error =
        co_await text_of<http::ServerDisconnectedError>(session.get(server.url("/")));
    CHECK(error.starts_with("Server disconnected [CURLE_GOT_NOTHING: "));
    CHECK(server.connections == 1);  // a new connection is not tried twice
    co_await end(session, server);
}

ASYNC_TEST_CASE("failures: the server hangs up in the handshake of TLS: ClientSSLError says so") {
    const auto hang_up = [](StreamReader reader, StreamWriter) -> Task<> {
        static_cast<void>(co_await reader.read(1000));
    };
    Server server = co_await start_server(hang_up, "127.0.0.1", 0);
    const unsigned port = server.sockets()[0].getsockname().port();
    ClientSession session;
    const std::string error = co_await text_of<http::ClientSSLError>(
        session.get(fmt::format("https://127.0.0.1:{}/", port)));
    CHECK(error.find("; hint: the peer hung up in the middle of the handshake]") !=
          std::string::npos);
    co_await session.close();
    server.close();
    co_await server.wait_closed();
}

ASYNC_TEST_CASE("failures: the server hangs up in the head") {
    for (const char* bytes : {"HTTP/1.1", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nX: 1\r\n"}) {
        HttpServer server;
        co_await say(server, bytes);
        ClientSession session;
        bool failed = false;
        try {
            auto response = co_await session.get(server.url("/"));
        } catch (const http::ClientError&) {
            failed = true;
        }
        CHECK(failed);
        co_await end(session, server);
    }
}

ASYNC_TEST_CASE("failures: what speaks no HTTP is a ClientResponseError") {
    for (const char* bytes : {"220 smtp.test ESMTP\r\n", "\x15\x03\x01\x00\x02\x02\x50",
                              "HTTP/7.3 200 OK\r\n\r\n", "<html>"}) {
        HttpServer server;
        co_await say(server, bytes);
        ClientSession session;
        const std::string error =
            co_await text_of<http::ClientResponseError>(session.get(server.url("/")));
        INFO(error);
        CHECK(error.starts_with("400, message='CURLE_"));
        co_await end(session, server);
    }
}

ASYNC_TEST_CASE("failures: a head without an end is refused, and not kept") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.1 200 OK\r\n");
        const std::string line = "X: " + std::string(1000, 'x') + "\r\n";
        while (true) {
            client.writer.write(line);
            co_await client.writer.drain();
        }
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    CHECK_AWAIT(text_of<http::ClientResponseError>(session.get(server.url("/"))),
                fmt::format("400, message='the head is longer than 262144 bytes', url='{}'",
                            server.url("/")));
    co_await end(session, server);
}

ASYNC_TEST_CASE("failures: a line of the head that libcurl has no room for is refused") {
    HttpServer server;
    co_await server.start([](const Heard&) {
        return answer("200 OK", "", fmt::format("X: {}\r\n", std::string(110'000, 'x')));
    });
    ClientSession session;
    const std::string error =
        co_await text_of<http::ClientResponseError>(session.get(server.url("/")));
    CHECK(error.starts_with("400, message='a line of the head is longer than 100 KiB [CURLE_OUT"));
    co_await end(session, server);
}

ASYNC_TEST_CASE("failures: headers that libcurl has no room for are not sent") {
    HttpServer server;
    co_await server.start([](const Heard&) { return answer("200 OK", ""); });
    ClientSession session;
    const std::string large(1'000'000, 'x');
    const std::string error = co_await text_of<std::invalid_argument>(
        session.get(server.url("/"), {.headers = {{"X", large}}}));
    CHECK(error == "the headers of a request may have 1000000 bytes; these are 1000001");
    const std::string less(50'000, 'x');
    auto response = co_await session.get(server.url("/"), {.headers = {{"X", less}}});
    CHECK(response.status() == 200);
    co_await end(session, server);
}

ASYNC_TEST_CASE("failures: retried once, on a kept connection, for an idempotent method") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send(answer("200 OK", "first"));
        static_cast<void>(co_await client.next());  // and hangs up without an answer
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
        CHECK_AWAIT(get_text(session, server.url("/a")), "first");
        const int before = server.connections;
        auto response = co_await session.request(method, server.url("/b"));
        CHECK(response.status() == 200);
        CHECK(server.connections == before + 1);
        co_await session.close();
        session = ClientSession();
    }
    for (const char* method : {"POST", "PATCH"}) {
        CHECK_AWAIT(get_text(session, server.url("/a")), "first");
        const int before = server.connections;
        CHECK_AWAIT(text_of<http::ServerDisconnectedError>(
                        session.request(method, server.url("/b"), {.data = "x"})),
                    "Server disconnected");
        CHECK(server.connections == before);
        CHECK(server.heard.back().line() == fmt::format("{} /b", method));
        co_await session.close();
        session = ClientSession();
    }
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "failures: a kept connection that is lost in the middle of a body: once more, too") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send(answer("200 OK", "heard"));
        static_cast<void>(co_await client.next_head());  // and hangs up, whatever is on its way
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    const std::string body(3'000'000, 'x');
    for (int connections = 1; connections < 4; ++connections) {
        auto response = co_await session.put(server.url("/"), {.data = body});
        CHECK_AWAIT(response.text(), "heard");
        CHECK(server.connections == connections);
        CHECK((server.heard.back().body == body));
    }
    bool failed = false;
    try {
        auto response = co_await session.post(server.url("/"), {.data = body});
    } catch (const http::ClientConnectionError&) {
        failed = true;
    }
    CHECK(failed);
    CHECK(server.connections == 3);
    co_await end(session, server);
}

ASYNC_TEST_CASE("timeouts: all of it: TimeoutError, wherever it stands") {
    HttpServer silent;
    co_await say_and_wait(silent, "");
    HttpServer half;
    co_await say_and_wait(half, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    ClientSession session({.timeout = {.total = 20ms}});
    CHECK_AWAIT(text_of<TimeoutError>(session.get(silent.url("/"))), "timed out");
    auto response = co_await session.get(half.url("/"));
    CHECK_AWAIT(text_of<TimeoutError>(response.text()), "timed out");
    co_await session.close();
    co_await silent.stop();
    co_await half.stop();
}

ASYNC_TEST_CASE("timeouts: between two pieces: SocketTimeoutError, a TimeoutError") {
    HttpServer silent;
    co_await say_and_wait(silent, "");
    HttpServer half;
    co_await say_and_wait(half, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    ClientSession session({.timeout = {.sock_read = 20ms}});
    CHECK_AWAIT(text_of<http::SocketTimeoutError>(session.get(silent.url("/"))),
                "Timeout on reading data from socket");
    auto response = co_await session.get(half.url("/"));
    CHECK_AWAIT(text_of<http::SocketTimeoutError>(response.text()),
                "Timeout on reading data from socket");
    co_await session.close();
    co_await silent.stop();
    co_await half.stop();
}

ASYNC_TEST_CASE("timeouts: of a connection: ConnectionTimeoutError") {
    // Its backlog is full: nobody accepts.
    const Socket deaf = Socket::listening(*SocketAddress::from_literal("127.0.0.1", 0), 0, false);
    const SocketAddress address = deaf.getsockname();
    std::vector<TaskHandle<Connection>> tasks;
    for (int i = 0; i < 3; ++i) {
        tasks.push_back(create_task(open_connection("127.0.0.1", address.port())));
    }
    co_await sleep(5ms);
    ClientSession session;
    const std::string url = fmt::format("http://127.0.0.1:{}/", address.port());
    CHECK_AWAIT(text_of<http::ConnectionTimeoutError>(
                    session.get(url, {.timeout = {.sock_connect = 20ms}})),
                "Connection timeout to host " + url);
    CHECK_AWAIT(
        text_of<http::ConnectionTimeoutError>(session.get(url, {.timeout = {.connect = 20ms}})),
        "Connection timeout to host " + url);
    co_await session.close();
    for (auto& task : tasks) {
        task.cancel();
        try {
            auto [reader, writer] = co_await std::move(task);
            writer.close();
        } catch (...) {
        }
    }
}

ASYNC_TEST_CASE("timeouts: 0 is no limit, and what a request does not set is the session's") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await sleep(10ms);
        co_await client.send(answer("200 OK", "late"));
    };
    co_await server.run_script(std::move(script));
    ClientSession session({.timeout = {.total = 1ms, .sock_read = 1h}});
    auto response =
        co_await session.get(server.url("/"), {.timeout = {.total = 0s, .sock_read = 2h}});
    CHECK_AWAIT(response.text(), "late");
    CHECK_AWAIT(text_of<TimeoutError>(session.get(server.url("/"))), "timed out");
    co_await end(session, server);
}

ASYNC_TEST_CASE("failures: arguments that cannot be are told by the await, and nothing is sent") {
    HttpServer server;
    co_await say(server, answer("200 OK", ""));
    ClientSession session;
    const std::string url = server.url("/");
    CHECK_AWAIT(text_of<http::InvalidURL>(session.get("no url")),
                "'no url': this is no URL of the form http://host/path");
    CHECK_AWAIT(text_of<http::InvalidURL>(session.get("http://a/\r\nX: y")),
                "'http://a/\\x0d\\x0aX: y': a URL has no line ends, zero bytes or other control "
                "characters in it");
    CHECK_AWAIT(text_of<std::invalid_argument>(session.request("GE T", url)),
                "'GE T' is no method");
    CHECK_AWAIT(text_of<std::invalid_argument>(session.request("GET\r\nX:", url)),
                "'GET\\x0d\\x0aX:' is no method");
    CHECK_AWAIT(text_of<std::invalid_argument>(session.get(url, {.headers = {{"X", "a\r\nY: b"}}})),
                "the value of the header X has a line end or a zero byte in it");
    CHECK_AWAIT(text_of<std::invalid_argument>(session.get(url, {.headers = {{"X Y", "a"}}})),
                "'X Y' is no name of a header");
    CHECK_AWAIT(text_of<std::invalid_argument>(
                    session.post(url, {.headers = {{"Content-Length", "5"}}, .data = "x"})),
                "the header Content-Length is set by the body that is sent");
    CHECK_AWAIT(text_of<std::invalid_argument>(session.get(url, {.cookies = {{"a", "b;c"}}})),
                "the cookie 'a' has a line end, a zero byte or a ';'");
    CHECK_AWAIT(text_of<std::invalid_argument>(session.post(url, {.data = "x", .json = "{}"})),
                "of data, json, form, multipart and file only one can be the body of a request");
    CHECK_AWAIT(
        text_of<std::invalid_argument>(session.get(url, {.auth = http::BasicAuth{"a:b", "c"}})),
        "A \":\" is not allowed in login (RFC 1945#section-11.1)");
    CHECK(server.heard.empty());
    co_await end(session, server);
}

// libcurl before 8.1.0 would put such a line behind the last header of the answer before, which is
// freed. Without one before it is refused there, and taken by later versions.
ASYNC_TEST_CASE("failures: a head that begins as if a header went on takes nothing else with it") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/whole" ? answer("200 OK", "whole", "X: y\r\n")
                                          : std::string(
                                                "HTTP/1.1 200 OK\r\n goes: on\r\n"
                                                "Content-Length: 4\r\n\r\nrest");
    });
    ClientSession session;
    for (int round = 0; round < 3; ++round) {
        auto whole = co_await session.get(server.url("/whole"));
        CHECK_AWAIT(whole.text(), "whole");
        try {
            auto rest = co_await session.get(server.url("/rest"));
            CHECK_AWAIT(rest.text(), "rest");
        } catch (const http::ClientError&) {
        }
    }
    co_await end(session, server);
}
