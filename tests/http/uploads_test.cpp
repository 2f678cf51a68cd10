// Bodies that are sent: from generators and files, and what becomes of them when things end early.
#include "http_server.hpp"

#include "../../src/http/compression.hpp"

#include <support/temp_folder.hpp>

#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientSession;

namespace {

/// Sends back what came, under the coding that it came in: the client decodes it.
std::string echo_as_it_came(const Heard& request) {
    return answer("200 OK", request.body,
                  fmt::format("Content-Encoding: {}\r\n",
                              request.headers.get("Content-Encoding", "identity")));
}

bool can_compress() {
    if (!http::detail::can_compress()) {
        WARN("skipped: ringio was built without zlib");
    }
    return http::detail::can_compress();
}

std::string size_and_coding(const Heard& request) {
    return answer("200 OK", fmt::format("{} {} {}", request.body.size(),
                                        request.headers.get("Transfer-Encoding"),
                                        request.headers.get("Content-Type")));
}

AsyncGenerator<std::string> numbers(int count, int& yielded) {
    for (int i = 0; i < count; ++i) {
        co_await sleep(0s);
        ++yielded;
        co_yield fmt::format("{}\n", i);
    }
}

AsyncGenerator<std::string> endless(int& yielded, bool& ended) {
    const ScopeExit tells([&ended] { ended = true; });
    while (true) {
        ++yielded;
        co_yield std::string(10'000, 'x');
    }
}

AsyncGenerator<std::string> waiting_until_gone(int& yielded, bool& ended) {
    const ScopeExit tells([&ended] { ended = true; });
    ++yielded;
    co_yield std::string("some");
    Event never;
    co_await never.wait();
}

AsyncGenerator<std::string> failing() {
    co_yield std::string("some");
    throw std::runtime_error("no more");
}

AsyncGenerator<std::string> cancelled() {
    co_yield std::string("some");
    throw CancelledError();
}

AsyncGenerator<std::string> waiting(Event& event) {
    co_yield std::string("some");
    co_await event.wait();
}

AsyncGenerator<std::string> waiting_first(Event& event) {
    co_await event.wait();
    co_yield std::string("some");
}

}  // namespace

ASYNC_TEST_CASE("uploads: what a generator yields goes out in chunks") {
    HttpServer server;
    co_await server.start([](const Heard& request) { return answer("200 OK", request.body); });
    ClientSession session;
    int yielded = 0;
    auto response = co_await session.post(server.url("/"), {.data = numbers(5, yielded)});
    CHECK_AWAIT(response.text(), "0\n1\n2\n3\n4\n");
    CHECK(server.heard.at(0).headers["Transfer-Encoding"] == "chunked");
    CHECK(server.heard.at(0).headers["Content-Type"] == "application/octet-stream");
    auto named = numbers(2, yielded);
    auto second = co_await session.put(server.url("/"), {.data = named});
    CHECK_AWAIT(second.text(), "0\n1\n");
    auto empty = co_await session.put(server.url("/"), {.data = numbers(0, yielded)});
    CHECK_AWAIT(empty.text(), "");
    CHECK(server.connections == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: a generator yields no faster than the server takes") {
    int yielded = 0;
    bool ended = false;
    HttpServer server;
    Event seen;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next_head());
        seen.set();
        co_await client.stopped->wait();  // and takes nothing
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto upload = create_task(session.post(server.url("/"), {.data = endless(yielded, ended)}));
    co_await seen.wait();
    int before = -1;
    while (before != yielded) {
        before = yielded;
        co_await turns(20);
    }
    CHECK(yielded < 3000);  // what the kernel keeps, and a little
    CHECK(!ended);
    upload.cancel();
    CHECK_AWAIT(is_cancelled(upload), true);
    co_await turns(3);
    CHECK(ended);
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: what a generator throws is the error of the request") {
    HttpServer server;
    co_await server.start(size_and_coding);
    ClientSession session;
    CHECK_AWAIT(text_of<std::runtime_error>(session.post(server.url("/"), {.data = failing()})),
                "no more");
    auto next = co_await session.post(server.url("/"), {.data = "x"});
    CHECK(next.status() == 200);
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: a generator that ends by a cancellation ends the request so") {
    HttpServer server;
    co_await server.start(size_and_coding);
    ClientSession session;
    auto upload = create_task(session.post(server.url("/"), {.data = cancelled()}));
    CHECK_AWAIT(is_cancelled(upload), true);
    auto next = co_await session.post(server.url("/"), {.data = "x"});
    CHECK(next.status() == 200);
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: an answer that is whole is given, though the generator still waits") {
    for (const std::string_view text :
         {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nall",
          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"}) {
        HttpServer server;
        HttpServer::Script script = [text](Conversation& client) -> Task<> {
            static_cast<void>(co_await client.next_head());
            co_await client.send(std::string(text));
            co_await client.until_gone();
        };
        co_await server.run_script(std::move(script));
        ClientSession session;
        Event never;
        auto response = co_await session.post(server.url("/"), {.data = waiting(never)});
        const std::string body = co_await response.text();
        CHECK(body == (text.ends_with("all") ? "all" : ""));
        co_await end(session, server);
    }
}

ASYNC_TEST_CASE("uploads: an answer that comes first is the answer, and the rest is not sent") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next_head());
        co_await client.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    Event never;
    auto response = co_await session.post(server.url("/"), {.data = waiting(never)});
    CHECK(response.status() == 413);
    CHECK_AWAIT(response.text(), "big");
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: a file") {
    const TempFolder folder;
    const std::string path = folder.file("data", std::string(200'000, 'f'));
    HttpServer server;
    co_await server.start(size_and_coding);
    ClientSession session;
    auto response = co_await session.put(server.url("/"), {.file = path});
    CHECK_AWAIT(response.text(), "200000  application/octet-stream");
    CHECK(server.heard.at(0).headers["Content-Length"] == "200000");
    const std::string error = co_await text_of<std::system_error>(
        session.put(server.url("/"), {.file = path + "-that-is-not-there"}));
    CHECK(error.find("-that-is-not-there") != std::string::npos);
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: a session that is closed while a file is opened sends nothing") {
    const TempFolder folder;
    const std::string path = folder.file("data", "f");
    HttpServer server;
    co_await server.start(size_and_coding);
    ClientSession session;
    auto upload = create_task(session.put(server.url("/"), {.file = path}));
    co_await turns(1);
    co_await session.close();
    using Lost = http::detail::Thrown<http::ClientConnectionError>;
    CHECK_AWAIT(text_of<Lost>(upload), "Session is closed");
    CHECK(server.heard.empty());
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: a session that is closed ends the generator") {
    int yielded = 0;
    bool ended = false;
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next_head());
        co_await client.stopped->wait();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto upload = create_task(session.post(server.url("/"), {.data = endless(yielded, ended)}));
    while (server.heard.empty()) {
        co_await sleep(0s);
    }
    co_await session.close();
    using Lost = http::detail::Thrown<http::ClientConnectionError>;
    CHECK_AWAIT(text_of<Lost>(upload), "Session is closed");
    co_await turns(3);
    CHECK(ended);
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: compress= sends any text compressed, and says how") {
    if (!can_compress()) {
        co_return;
    }
    HttpServer server;
    co_await server.start(echo_as_it_came);
    ClientSession session;
    const std::string text(100'000, 'x');
    for (const char* coding : {"deflate", "gzip"}) {
        server.heard.clear();
        auto data = co_await session.post(server.url("/"), {.data = text, .compress = coding});
        CHECK_AWAIT(data.text(), text);
        auto json = co_await session.post(server.url("/"), {.json = "{}", .compress = coding});
        CHECK_AWAIT(json.text(), "{}");
        auto form =
            co_await session.post(server.url("/"), {.form = {{"a", "b c"}}, .compress = coding});
        CHECK_AWAIT(form.text(), "a=b+c");
        auto parts =
            co_await session.post(server.url("/"), {.multipart = {{"a", "b"}}, .compress = coding});
        const std::string body = co_await parts.text();
        CHECK(body.find("name=\"a\"\r\n\r\nb\r\n") != std::string::npos);
        for (const Heard& request : server.heard) {
            CHECK(request.headers["Content-Encoding"] == coding);
            CHECK(request.headers["Content-Length"] == std::to_string(request.body.size()));
        }
        CHECK(server.heard.at(0).body.size() < 1000);
        CHECK(server.heard.at(1).headers["Content-Type"] == "application/json");
    }
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: compress= has no length of a generator or a file, and no empty body") {
    if (!can_compress()) {
        co_return;
    }
    const TempFolder folder;
    const std::string path = folder.file("data", std::string(200'000, 'f'));
    HttpServer server;
    co_await server.start(echo_as_it_came);
    ClientSession session;
    int yielded = 0;
    auto chunks =
        co_await session.post(server.url("/"), {.data = numbers(5, yielded), .compress = "gzip"});
    CHECK_AWAIT(chunks.text(), "0\n1\n2\n3\n4\n");
    auto file = co_await session.put(server.url("/"), {.file = path, .compress = "deflate"});
    CHECK_AWAIT(file.text(), std::string(200'000, 'f'));
    for (const Heard& request : server.heard) {
        CHECK(request.headers["Transfer-Encoding"] == "chunked");
        CHECK(!request.headers.contains("Content-Length"));
    }
    for (const char* nothing : {"POST", "GET"}) {
        auto empty = co_await session.request(nothing, server.url("/"), {.compress = "gzip"});
        CHECK_AWAIT(empty.text(), "");
        CHECK(!server.heard.back().headers.contains("Content-Encoding"));
    }
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: compress= is refused beside a Content-Encoding, and where it is none") {
    if (!can_compress()) {
        co_return;
    }
    HttpServer server;
    co_await server.start(echo_as_it_came);
    ClientSession session;
    CHECK_AWAIT(text_of<std::invalid_argument>(session.post(
                    server.url("/"),
                    {.headers = {{"content-encoding", "br"}}, .data = "x", .compress = "gzip"})),
                "compress can not be set if Content-Encoding header is set");
    CHECK_AWAIT(text_of<std::invalid_argument>(
                    session.post(server.url("/"), {.data = "x", .compress = "zstd"})),
                "compress is \"deflate\" or \"gzip\", not \"zstd\"");
    CHECK(server.heard.empty());
    auto by_hand = co_await session.post(
        server.url("/"), {.headers = {{"Content-Encoding", "identity"}}, .data = "x"});
    CHECK_AWAIT(by_hand.text(), "x");
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: a redirect that drops a compressed body drops its coding; one keeps it") {
    if (!can_compress()) {
        co_return;
    }
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/303" ? answer("303 See Other", "", "Location: /end\r\n")
               : request.target == "/307"
                   ? answer("307 Temporary Redirect", "", "Location: /end\r\n")
                   : echo_as_it_came(request);
    });
    ClientSession session;
    auto dropped = co_await session.post(server.url("/303"), {.data = "text", .compress = "gzip"});
    CHECK_AWAIT(dropped.text(), "");
    CHECK(!server.heard.back().headers.contains("Content-Encoding"));
    auto kept = co_await session.post(server.url("/307"), {.data = "text", .compress = "gzip"});
    CHECK_AWAIT(kept.text(), "text");
    CHECK(server.heard.back().headers["Content-Encoding"] == "gzip");
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: a request that is cancelled ends the generator that it compresses") {
    if (!can_compress()) {
        co_return;
    }
    int yielded = 0;
    bool ended = false;
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next_head());
        co_await client.stopped->wait();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto upload = create_task(session.post(
        server.url("/"), {.data = waiting_until_gone(yielded, ended), .compress = "gzip"}));
    while (server.heard.empty()) {
        co_await sleep(0s);
    }
    upload.cancel();
    CHECK_AWAIT(is_cancelled(upload), true);
    co_await turns(3);
    CHECK(yielded == 1);
    CHECK(ended);
    co_await end(session, server);
}

ASYNC_TEST_CASE("uploads: a server that hangs up is noticed while the generator waits") {
    HttpServer server;
    Event never;
    co_await server.run_script([](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next_head());
        client.writer.close();
    });
    ClientSession session;
    const std::string said = co_await text_of<http::ServerDisconnectedError>(
        session.put(server.url("/"), {.data = waiting(never)}));
    CHECK(said.starts_with("Server disconnected"));
    const std::string at_once = co_await text_of<http::ServerDisconnectedError>(
        session.post(server.url("/"), {.data = waiting_first(never)}));
    CHECK(at_once.starts_with("Server disconnected"));
    co_await end(session, server);
}
