// What aiohttp's test_client_functional says of connections: which are used again, how they end,
// and what is waited for. Each test names the one of aiohttp.
#include "aiohttp.hpp"

#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientSession;

namespace {

std::string ok_to_all(const Heard&) { return answer("200 OK", "OK"); }

/// Tells when it ends, however it does.
AsyncGenerator<std::string> chunks_until(Event& go_on, bool& ended) {
    const ScopeExit tells([&ended] { ended = true; });
    co_yield std::string("just data");
    co_await go_on.wait();
    co_yield std::string("more");
}

AsyncGenerator<std::string> slow_pair(Delay pause) {
    co_yield std::string("foo");
    co_await sleep(pause);
    co_yield std::string("bar");
}

/// Makes two requests, and gives how many connections that took.
Task<int> connections_of_two(std::string first_answer, std::string method = "GET") {
    HttpServer server;
    HttpServer::Answer answers = [first_answer](const Heard& request) {
        return request.target == "/first" ? first_answer : answer("200 OK", "second");
    };
    co_await server.start(std::move(answers));
    ClientSession session({.limit = 1});
    auto first = co_await session.request(method, server.url("/first"));
    const std::string body = co_await first.read();
    CHECK_AWAIT(fetched(session, server.url("/second")), "second");
    const int connections = server.connections;
    co_await end(session, server);
    co_return connections;
}

}  // namespace

ASYNC_TEST_CASE("aiohttp keepalive_two_requests_success: both go over one connection") {
    CHECK_AWAIT(connections_of_two(answer("200 OK", "first")), 1);
}

ASYNC_TEST_CASE("aiohttp keepalive_after_head_requests_success: HEAD does not end a connection") {
    CHECK_AWAIT(connections_of_two("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD"), 1);
}

ASYNC_TEST_CASE("aiohttp keepalive_after_empty_body_status: nor do 204 and 304") {
    CHECK_AWAIT(connections_of_two("HTTP/1.1 204 No Content\r\n\r\n"), 1);
    CHECK_AWAIT(connections_of_two("HTTP/1.1 304 Not Modified\r\n\r\n"), 1);
}

ASYNC_TEST_CASE(
    "aiohttp keepalive_after_empty_body_status_stream_response: nor when they speak of a length") {
    CHECK_AWAIT(connections_of_two("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"), 1);
    CHECK_AWAIT(connections_of_two("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"), 1);
}

ASYNC_TEST_CASE("aiohttp HTTP_304_WITH_BODY: what comes behind one is not the next answer") {
    CHECK_AWAIT(connections_of_two("HTTP/1.1 304 Not Modified\r\nContent-Length: 43\r\n\r\n"
                                   "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
                1);
}

ASYNC_TEST_CASE("aiohttp keepalive_response_released: an answer that came whole need not be read") {
    HttpServer server;
    co_await server.start(ok_to_all);
    ClientSession session({.limit = 1});
    for (int i = 0; i < 3; ++i) {
        auto response = co_await session.get(server.url("/"));
        CHECK(response.status() == 200);
    }
    CHECK(server.connections == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp release_early: an answer that is left early takes its connection along") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/large" ? answer("200 OK", std::string(3'000'000, 'x'))
                                          : answer("200 OK", "small");
    });
    ClientSession session({.limit = 1});
    {
        auto large = co_await session.get(server.url("/large"));
        auto piece = co_await large.content().next();
        CHECK(piece.has_value());
    }
    CHECK_AWAIT(fetched(session, server.url("/small")), "small");
    CHECK(server.connections == 2);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp keepalive_server_force_close_connection: Connection: close is obeyed") {
    CHECK_AWAIT(connections_of_two(answer("200 OK", "", "Connection: close\r\n")), 2);
    CHECK_AWAIT(connections_of_two("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"), 2);
}

ASYNC_TEST_CASE(
    "aiohttp handle_keepalive_on_closed_connection: a server that hangs up after each answer") {
    HttpServer server;
    co_await server.run_script(says_and_leaves(answer("200 OK", "ok")));
    ClientSession session({.limit = 1});
    for (int i = 1; i < 5; ++i) {
        CHECK_AWAIT(fetched(session, server.url("/")), "ok");
        CHECK(server.connections == i);
    }
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp keep_alive_after_server_error: a 500 with a body is an answer like others") {
    CHECK_AWAIT(connections_of_two(answer("500 Internal Server Error", "sorry")), 1);
}

ASYNC_TEST_CASE("aiohttp stream_request_on_server_eof: an answer before the end of the request") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next_head());
        co_await client.send(answer("200 OK", "enough"));
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session({.limit = 1});
    Event never;
    bool ended = false;
    auto response = co_await session.put(server.url("/"), {.data = chunks_until(never, ended)});
    auto piece = co_await response.content().next();
    CHECK(piece == "enough");
    CHECK(!ended);
    response.close();
    // The server has not heard the whole of it: nothing else may go over that connection.
    CHECK_AWAIT(fetched(session, server.url("/")), "enough");
    CHECK(server.connections == 2);
    CHECK(ended);
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp rejected_upload: a refusal that hangs up is heard, and the next one goes") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        auto request = co_await client.next_head();
        const bool is_ok = request && request->target == "/ok";
        co_await client.send(answer(is_ok ? "200 OK" : "400 Bad Request", is_ok ? "ok" : "no",
                                    is_ok ? "" : "Connection: close\r\n"));
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session({.limit = 1});
    const std::string body(1 << 20, '0');
    {
        auto refused = co_await session.post(server.url("/not_ok"), {.data = body});
        CHECK(refused.status() == 400);
        CHECK_AWAIT(refused.text(), "no");
    }
    CHECK_AWAIT(fetched(session, server.url("/ok")), "ok");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp network_error_connection_closed: a body that is cut, and then another") {
    HttpServer server;
    const std::string half = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        std::string bytes = answer("200 OK", "whole");
        if (client.number == 0) {
            bytes = half + std::string(100, 'x');
        }
        co_await client.send(std::move(bytes));
    };
    co_await server.run_script(std::move(script));
    ClientSession session({.limit = 1});
    auto cut = co_await session.post(server.url("/"), {.data = "request body"});
    CHECK_AWAIT_HAS(text_of<http::ClientPayloadError>(cut.read()), "CURLE_PARTIAL_FILE");
    CHECK_AWAIT(fetched(session, server.url("/")), "whole");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp broken_connection: one that is reset is an error of the connection") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next_head());  // the body stays unread: that is a reset
        client.writer.abort();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    const std::string body(100'000, 'x');
    bool failed = false;
    try {
        auto response = co_await session.post(server.url("/"), {.data = body});
    } catch (const http::ClientConnectionError&) {
        failed = true;
    }
    CHECK(failed);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp error_in_performing_request: after one the place is free, twice") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        co_await client.send("no TLS here");
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    const std::string url = fmt::format("https://127.0.0.1:{}/", server.port());
    ClientSession session({.limit = 1});
    for (int i = 0; i < 2; ++i) {
        CHECK_AWAIT_HAS(text_of<http::ClientSSLError>(session.get(url)), "CURLE_SSL_CONNECT_ERROR");
    }
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp await_after_cancelling: one is cancelled, and the other one is answered") {
    HttpServer server;
    Event both_heard;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        auto request = co_await client.next();
        if (server.heard.size() == 2) {
            both_heard.set();
        }
        co_await both_heard.wait();
        co_await sleep(10ms);
        co_await client.send(answer("200 OK", "fine"));
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto first = create_task(fetched(session, server.url("/1")));
    auto second = create_task(fetched(session, server.url("/2")));
    co_await both_heard.wait();
    first.cancel();
    CHECK_AWAIT(is_cancelled(first), true);
    CHECK_AWAIT(second, "fine");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp readline_error_on_conn_close: close() ends who reads") {
    using Lost = http::detail::Thrown<http::ClientConnectionError>;
    HttpServer server;
    co_await server.run_script(
        says_and_stays("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("data\n")));
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    auto piece = co_await response.content().next();
    CHECK(piece == "data\n");
    auto reading = create_task(response.content().next());
    co_await turns(2);
    response.close();
    CHECK_AWAIT(text_of<Lost>(reading), "Connection closed");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp no_error_on_conn_close_if_eof: after the end there is no error") {
    HttpServer server;
    co_await server.run_script(says_and_leaves(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("data\n") + chunk("")));
    ClientSession session;
    auto response =
        co_await session.get(server.url("/"), {.headers = {{"Connection", "Keep-alive"}}});
    CHECK_AWAIT(response.read(), "data\n");
    while (server.open != 0) {
        co_await sleep(0s);
    }
    response.close();
    CHECK_AWAIT(response.read(), "data\n");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp read_from_closed_response: read, text and json say so, all of them") {
    using Lost = http::detail::Thrown<http::ClientConnectionError>;
    HttpServer server;
    co_await server.run_script(
        says_and_stays("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                       "Content-Length: 9\r\n\r\n"));
    ClientSession session;
    for (int way = 0; way < 3; ++way) {
        auto response = co_await session.get(server.url("/"));
        CHECK(response.status() == 200);
        response.close();
        auto reading = way == 0 ? response.read() : way == 1 ? response.text() : response.json();
        CHECK_AWAIT(text_of<Lost>(std::move(reading)), "Connection closed");
    }
    auto response = co_await session.get(server.url("/"));
    response.close();
    CHECK_AWAIT(text_of<Lost>(response.content().next()), "Connection closed");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp wait_for: one that gives up leaves nothing behind") {
    HttpServer server;
    co_await server.run_script(says_and_stays(""));
    ClientSession session({.limit = 1});
    for (int i = 0; i < 3; ++i) {
        CHECK_AWAIT(text_of<TimeoutError>(wait_for(session.get(server.url("/")), 10ms)),
                    "timed out");
    }
    while (server.open != 0) {
        co_await sleep(0s);
    }
    CHECK(server.connections == 3);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp read_timeout_closes_connection: one that was too slow is not used again") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        while (auto request = co_await client.next()) {
            if (client.number < 2) {
                co_await client.until_gone();
            }
            co_await client.send(answer("200 OK", fmt::format("connection {}", client.number)));
        }
    };
    co_await server.run_script(std::move(script));
    ClientSession session({.timeout = {.total = 100ms}});
    CHECK_AWAIT(text_of<TimeoutError>(session.get(server.url("/"))), "timed out");
    CHECK_AWAIT(text_of<TimeoutError>(session.get(server.url("/"))), "timed out");
    CHECK_AWAIT(fetched(session, server.url("/")), "connection 2");
    CHECK_AWAIT(fetched(session, server.url("/")), "connection 2");
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp sock_read_timeout_not_rearmed_on_pooled_connection: it does not run while one is "
    "kept") {
    HttpServer server;
    co_await server.start(ok_to_all);
    ClientSession session({.timeout = {.sock_read = 1s}});
    CHECK_AWAIT(fetched(session, server.url("/")), "OK");
    CHECK(get_running_loop().statistics().timers == 0);
    CHECK_AWAIT(fetched(session, server.url("/")), "OK");
    CHECK(server.connections == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp read_timeout_between_chunks: each piece has all of sock_read") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (const char* piece : {"data\n", "data\n", "data\n", ""}) {
            co_await sleep(200ms);
            co_await client.send(chunk(piece));
        }
    };
    co_await server.run_script(std::move(script));
    ClientSession session({.timeout = {.sock_read = 300ms}});
    CHECK_AWAIT(fetched(session, server.url("/")), "data\ndata\ndata\n");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp read_timeout_on_reading_chunks: what came before it is given") {
    HttpServer server;
    co_await server.run_script(
        says_and_stays("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("data\n")));
    ClientSession session({.timeout = {.sock_read = 50ms}});
    auto response = co_await session.get(server.url("/"));
    const auto first = co_await response.content().next();
    CHECK(first == "data\n");
    CHECK_AWAIT(text_of<http::SocketTimeoutError>(response.content().next()),
                "Timeout on reading data from socket");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp read_timeout_on_write: sock_read begins when all was sent") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        const auto request = co_await client.next();
        co_await sleep(80ms);
        const std::string body = request ? request->body : "";
        co_await client.send(answer("200 OK", body));
    };
    co_await server.run_script(std::move(script));
    ClientSession session({.timeout = {.sock_read = 100ms}});
    auto response = co_await session.put(server.url("/"), {.data = slow_pair(550ms)});
    CHECK_AWAIT(response.text(), "foobar");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp timeout_with_full_buffer: total ends a body that is read too slowly") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        const std::string piece = chunk(std::string(100'000, '1'));
        while (true) {
            client.writer.write(piece);
            co_await client.writer.drain();
        }
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto response = co_await session.get(server.url("/"), {.timeout = {.total = 500ms}});
    std::string error;
    for (int i = 0; i < 1000 && error.empty(); ++i) {
        try {
            auto piece = co_await response.content().next();
        } catch (const TimeoutError& timeout) {
            error = timeout.what();
        }
        co_await sleep(10ms);
    }
    CHECK(error == "timed out");
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp file_upload_retry_persistent_connection: what can be sent again goes whole") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        auto first = co_await client.next();
        co_await client.send(answer("200 OK", fmt::format("{}", first ? first->body.size() : 0)));
        static_cast<void>(co_await client.next());  // and hangs up
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    const std::string body(300'000, 'x');
    for (int i = 1; i < 4; ++i) {
        auto response = co_await session.put(server.url("/"), {.data = body});
        CHECK_AWAIT(response.text(), "300000");
        CHECK(server.connections == i);
    }
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp upload_retry_persistent_connection_unseekable_body: what cannot is not sent cut") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send(answer("200 OK", "ok"));
        static_cast<void>(co_await client.next());  // and hangs up
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    CHECK_AWAIT(fetched(session, server.url("/")), "ok");
    bool failed = false;
    try {
        auto response = co_await session.put(server.url("/up"), {.data = slow_pair(0s)});
    } catch (const http::ClientConnectionError&) {
        failed = true;
    }
    CHECK(failed);
    CHECK(server.heard.size() == 2);
    CHECK(server.connections == 1);
    co_await end(session, server);
}
