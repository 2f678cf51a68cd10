#include <ringio/http/client_response.hpp>

#include "http_server.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientResponse;
using http::ClientSession;

namespace {

/// Gets an answer of these bytes, after which the server closes the connection.
Task<ClientResponse> response_of(HttpServer& server, ClientSession& session, std::string bytes) {
    HttpServer::Script script = [bytes](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send(bytes);
    };
    co_await server.run_script(std::move(script));
    co_return co_await session.get(server.url("/"));
}

/// What text() gives, or the error's type and text.
Task<std::string> text_or_error(ClientResponse response) {
    std::string text;
    try {
        text = co_await response.text();
    } catch (const http::ClientPayloadError& error) {
        text = fmt::format("ClientPayloadError: {}", error.what());
    }
    co_return text;
}

/// One zero and `runs` times 258 more, in 13 bits each. RFC 1951, 3.2.6.
std::string deflated_zeros(int runs) {
    std::string bytes;
    unsigned word = 0;
    int count = 0;
    const auto put = [&](unsigned bits, int width) {  // the first bit is the highest
        for (int bit = width - 1; bit >= 0; --bit) {
            word |= ((bits >> bit) & 1U) << count;
            if (++count == 8) {
                bytes += static_cast<char>(word);
                word = 0;
                count = 0;
            }
        }
    };
    put(0b1, 1);   // the last block
    put(0b10, 2);  // with the codes that are fixed
    put(0b00110000, 8);
    for (int run = 0; run < runs; ++run) {
        put(0b11000101, 8);  // 258 bytes
        put(0b00000, 5);     // as the one before
    }
    put(0b0000000, 7);
    put(0, 7);
    return bytes;
}

Task<std::vector<std::string>> pieces_of(ClientResponse response) {
    std::vector<std::string> pieces;
    while (auto piece = co_await response.content().next()) {
        pieces.push_back(*piece);
    }
    co_return pieces;
}

}  // namespace

ASYNC_TEST_CASE("ClientResponse: content in chunks, as they come") {
    HttpServer server;
    Event first_read;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        co_await client.send(chunk("one"));
        co_await first_read.wait();
        co_await client.send(chunk("two") + chunk(""));
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    auto piece = co_await response.content().next();
    CHECK(piece == "one");
    first_read.set();
    piece = co_await response.content().next();
    CHECK(piece == "two");
    piece = co_await response.content().next();
    CHECK(!piece);
    piece = co_await response.content().next();
    CHECK(!piece);
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientResponse: get returns when the head is there") {
    HttpServer server;
    Event head_read;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
        co_await head_read.wait();
        co_await client.send("body");
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    CHECK(response.status() == 200);
    head_read.set();
    CHECK_AWAIT(response.text(), "body");
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientResponse: an answer byte by byte is the same") {
    HttpServer server;
    const std::string bytes =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made It\r\nX-A: 1\r\nx-a:2 \r\n"
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n";
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        for (const char byte : bytes) {
            co_await client.send(std::string(1, byte));
            co_await sleep(0s);
        }
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    CHECK(response.status() == 201);
    CHECK(response.reason() == "Made It");
    CHECK(response.headers().getall("X-A") == std::vector<std::string>{"1", "2"});
    CHECK_AWAIT(response.text(), "abcdefg");
    CHECK(!response.headers().contains("Trailer"));
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientResponse: a body without a length ends with the connection") {
    HttpServer server;
    ClientSession session;
    auto response = co_await response_of(server, session, "HTTP/1.0 200 OK\r\n\r\nall of it");
    CHECK(response.version() == "1.0");
    CHECK_AWAIT(response.text(), "all of it");
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientResponse: no body after 204 and 304") {
    for (const char* status : {"204 No Content", "304 Not Modified"}) {
        HttpServer server;
        ClientSession session;
        auto response =
            co_await response_of(server, session, fmt::format("HTTP/1.1 {}\r\n\r\n", status));
        CHECK_AWAIT(response.text(), "");
        co_await end(session, server);
    }
}

ASYNC_TEST_CASE("ClientResponse: a body that is cut is a ClientPayloadError, what came is there") {
    HttpServer server;
    ClientSession session;
    auto response =
        co_await response_of(server, session, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    auto piece = co_await response.content().next();
    CHECK(piece == "abc");
    const std::string error = co_await text_of<http::ClientPayloadError>(response.content().next());
    CHECK(error.starts_with("Response payload is not completed [CURLE_PARTIAL_FILE: "));
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientResponse: chunks that are cut or wrong are a ClientPayloadError") {
    for (const char* body : {"3\r\nab", "3\r\nabc\r\n", "x\r\n", "-1\r\n", "3\r\nabcd\r\n0\r\n\r\n",
                             "fffffffffffffffff\r\n"}) {
        HttpServer server;
        ClientSession session;
        auto response = co_await response_of(
            server, session,
            fmt::format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", body));
        const std::string text = co_await text_or_error(response);
        INFO(body << " gives " << text);
        CHECK(text.starts_with("ClientPayloadError: "));
        co_await end(session, server);
    }
}

ASYNC_TEST_CASE("ClientResponse: gzip and deflate are decoded, and a broken one is an error") {
    // printf hello | gzip -n
    const std::string gzip(
        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86"
        "\xa6\x10\x36\x05\x00\x00\x00",
        25);
    HttpServer server;
    ClientSession session;
    auto response =
        co_await response_of(server, session, answer("200 OK", gzip, "Content-Encoding: gzip\r\n"));
    CHECK_AWAIT(response.text(), "hello");
    CHECK(server.heard.at(0).headers["Accept-Encoding"] == "gzip, deflate");
    co_await server.stop();
    HttpServer broken;
    auto bad = co_await response_of(broken, session,
                                    answer("200 OK", "no gzip", "Content-Encoding: gzip\r\n"));
    const std::string text = co_await text_or_error(bad);
    CHECK(text.find("CURLE_BAD_CONTENT_ENCODING") != std::string::npos);
    co_await end(session, broken);
}

ASYNC_TEST_CASE("ClientResponse: without auto_decompress the bytes are as they came") {
    HttpServer server;
    ClientSession session({.auto_decompress = false});
    auto response = co_await response_of(server, session,
                                         answer("200 OK", "xyz", "Content-Encoding: gzip\r\n"));
    CHECK_AWAIT(response.text(), "xyz");
    CHECK(!server.heard.at(0).headers.contains("Accept-Encoding"));
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientResponse: raise_for_status, by hand and by option") {
    HttpServer server;
    co_await server.start([](const Heard&) { return answer("404 Not Found", "nothing"); });
    ClientSession session;
    auto response = co_await session.get(server.url("/x"));
    CHECK(!response.ok());
    CHECK_THROWS_WITH(response.raise_for_status(),
                      fmt::format("404, message='Not Found', url='{}'", server.url("/x")));
    const std::string text = co_await text_of<http::ClientResponseError>(
        session.get(server.url("/y"), {.raise_for_status = true}));
    CHECK(text == fmt::format("404, message='Not Found', url='{}'", server.url("/y")));
    co_await session.close();
    ClientSession strict({.raise_for_status = true});
    const std::string again =
        co_await text_of<http::ClientResponseError>(strict.get(server.url("/z")));
    CHECK(again == fmt::format("404, message='Not Found', url='{}'", server.url("/z")));
    auto allowed = co_await strict.get(server.url("/z"), {.raise_for_status = false});
    CHECK(allowed.status() == 404);
    co_await end(strict, server);
}

ASYNC_TEST_CASE("ClientResponse: type, charset and cookies") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return answer("200 OK", "{}",
                      request.target == "/json"
                          ? "Content-Type: Application/JSON; charset=\"UTF-8\"\r\n"
                            "Set-Cookie: a=1; Path=/; HttpOnly\r\nSet-Cookie: b = 2\r\n"
                          : "");
    });
    ClientSession session;
    auto json = co_await session.get(server.url("/json"));
    CHECK(json.content_type() == "application/json");
    CHECK(json.charset() == "utf-8");
    CHECK(json.cookies() == std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}});
    CHECK_AWAIT(json.json(), "{}");
    auto other = co_await session.get(server.url("/other"));
    CHECK(other.content_type() == "application/octet-stream");
    CHECK(other.charset() == "");
    const std::string text = co_await text_of<http::ContentTypeError>(other.json());
    CHECK(
        text.starts_with("200, message='Attempt to decode JSON with unexpected mimetype: "
                         "application/octet-stream'"));
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientResponse: a body is read once, by one at a time") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    auto waiting = create_task(response.content().next());
    co_await sleep(0s);
    const std::string text = co_await text_of<std::runtime_error>(response.content().next());
    CHECK(text == "next() called while another coroutine is already waiting for the body");
    waiting.cancel();
    CHECK_AWAIT(is_cancelled(waiting), true);
    response.close();
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientResponse: what was read by read() does not come by next()") {
    HttpServer server;
    co_await server.start([](const Heard&) { return answer("200 OK", "x"); });
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    CHECK_AWAIT(response.read(), "x");
    const std::string text = co_await text_of<std::runtime_error>(response.content().next());
    CHECK(text == "the body was read by read(): it does not come again");
    const std::vector<std::string> pieces =
        co_await pieces_of(co_await session.get(server.url("/")));
    CHECK(pieces == std::vector<std::string>{"x"});
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientResponse: max_body ends an endless body") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        const std::string piece = chunk(std::string(10'000, 'x'));
        while (true) {
            client.writer.write(piece);
            co_await client.writer.drain();
        }
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto response = co_await session.get(server.url("/"), {.max_body = 100'000});
    CHECK_AWAIT(text_of<http::ClientPayloadError>(response.text()),
                "the body is longer than max_body, 100000 bytes");
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientResponse: max_body counts what a bomb becomes") {
    const std::string bomb = deflated_zeros(20'000);
    CHECK(bomb.size() < 40'000);
    HttpServer server;
    co_await server.start(
        [&](const Heard&) { return answer("200 OK", bomb, "Content-Encoding: deflate\r\n"); });
    ClientSession session;
    auto whole = co_await session.get(server.url("/"));
    const std::string body = co_await whole.text();
    CHECK(body == std::string(20'000 * 258 + 1, '\0'));
    auto capped = co_await session.get(server.url("/"), {.max_body = 1'000'000});
    CHECK_AWAIT(text_of<http::ClientPayloadError>(capped.text()),
                "the body is longer than max_body, 1000000 bytes");
    co_await end(session, server);
}
