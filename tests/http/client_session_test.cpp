#include <ringio/http/client_session.hpp>

#include "http_server.hpp"

#include <map>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientSession;

namespace {

std::string hello(const Heard&) { return answer("200 OK", "hello"); }

std::string what_came(const Heard& request) {
    return answer("200 OK", fmt::format("{}|{}|{}", request.line(), request.body,
                                        request.headers.get("Content-Type")));
}

Task<std::string> text_at(const ClientSession& session, std::string url) {
    auto response = co_await session.get(url);
    co_return co_await response.text();
}

}  // namespace

ASYNC_TEST_CASE("ClientSession: get gives status, headers and text") {
    HttpServer server;
    co_await server.start(hello);
    ClientSession session;
    auto response = co_await session.get(server.url("/page"));
    CHECK(response.status() == 200);
    CHECK(response.reason() == "OK");
    CHECK(response.ok());
    CHECK(response.version() == "1.1");
    CHECK(response.method() == "GET");
    CHECK(response.headers()["content-length"] == "5");
    CHECK(response.url().to_string() == server.url("/page"));
    CHECK(response.history().empty());
    CHECK_AWAIT(response.text(), "hello");
    CHECK_AWAIT(response.read(), "hello");
    CHECK(server.heard.at(0).line() == "GET /page");
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientSession: the options of a call stand in it as they are") {
    HttpServer server;
    co_await server.start(what_came);
    ClientSession session;
    auto response = co_await session.get(server.url("/x"), {.params = {{"q", "1"}}});
    CHECK_AWAIT(response.text(), "GET /x?q=1||");
    const std::map<std::string, std::string> params = {{"a", "x y"}, {"b", "&="}};
    auto second = co_await session.get(server.url("/x?k=v"), {.params = params});
    CHECK_AWAIT(second.text(), "GET /x?k=v&a=x+y&b=%26%3D||");
    auto third = co_await session.get(
        server.url("/x"), {.params = {{"page", 2}, {"size", 1.5}},
                           .headers = {{"X-One", "1"}, {"X-Two", std::string(100, 'x')}}});
    CHECK_AWAIT(third.text(), "GET /x?page=2&size=1.5||");
    CHECK(server.heard.back().headers["x-two"] == std::string(100, 'x'));
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientSession: each method goes out under its name") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.method == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                                        : answer("200 OK", "body");
    });
    ClientSession session;
    std::vector<Task<http::ClientResponse>> calls;
    calls.push_back(session.get(server.url("/")));
    calls.push_back(session.post(server.url("/")));
    calls.push_back(session.put(server.url("/")));
    calls.push_back(session.patch(server.url("/")));
    calls.push_back(session.delete_(server.url("/")));
    calls.push_back(session.head(server.url("/")));
    calls.push_back(session.options(server.url("/")));
    calls.push_back(session.request("propfind", server.url("/")));
    std::string methods;
    for (Task<http::ClientResponse>& call : calls) {
        auto response = co_await call;
        const std::string body = co_await response.read();
        CHECK(body == (response.method() == "HEAD" ? "" : "body"));
        methods += server.heard.back().method + " ";
    }
    CHECK(methods == "GET POST PUT PATCH DELETE HEAD OPTIONS PROPFIND ");
    CHECK(server.heard.at(1).headers.get("Content-Length") == "0");
    CHECK(server.connections == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientSession: bodies as text, JSON, form, parts") {
    HttpServer server;
    co_await server.start(what_came);
    ClientSession session;
    auto text = co_await session.post(server.url("/"), {.data = "words"});
    CHECK_AWAIT(text.text(), "POST /|words|text/plain; charset=utf-8");
    auto json = co_await session.put(server.url("/"), {.json = R"({"a":1})"});
    CHECK_AWAIT(json.text(), "PUT /|{\"a\":1}|application/json");
    auto form = co_await session.post(server.url("/"), {.form = {{"a", "x y"}, {"b", "é"}}});
    CHECK_AWAIT(form.text(), "POST /|a=x+y&b=%C3%A9|application/x-www-form-urlencoded");
    auto own = co_await session.post(
        server.url("/"), {.headers = {{"Content-Type", "text/csv"}}, .data = "1,2"});
    CHECK_AWAIT(own.text(), "POST /|1,2|text/csv");
    auto parts = co_await session.post(
        server.url("/"), {.multipart = {{"name", "value"}, {"file", "bytes", "a.txt"}}});
    const std::string sent = co_await parts.text();
    CHECK(sent.find("name=\"name\"\r\n\r\nvalue\r\n--") != std::string::npos);
    CHECK(sent.find("name=\"file\"; filename=\"a.txt\"\r\nContent-Type: "
                    "application/octet-stream\r\n\r\nbytes\r\n--") != std::string::npos);
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientSession: a large body goes out whole") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return answer("200 OK", fmt::format("{}", request.body.size()));
    });
    ClientSession session;
    const std::string body(3'000'000, 'x');
    auto response = co_await session.post(server.url("/"), {.data = body});
    CHECK_AWAIT(response.text(), "3000000");
    CHECK(!server.heard.at(0).headers.contains("Expect"));
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientSession: one connection serves one request after the other") {
    HttpServer server;
    co_await server.start(hello);
    ClientSession session;
    for (int i = 0; i < 20; ++i) {
        CHECK_AWAIT(text_at(session, server.url("/")), "hello");
    }
    CHECK(server.connections == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientSession: requests at the same time have a connection each") {
    HttpServer server;
    co_await server.start(hello);
    ClientSession session;
    std::vector<TaskHandle<std::string>> tasks;
    for (int i = 0; i < 20; ++i) {
        tasks.push_back(create_task(text_at(session, server.url("/"))));
    }
    const std::vector<std::string> texts = co_await gather(tasks);
    CHECK(texts == std::vector<std::string>(20, "hello"));
    CHECK(server.connections == 20);
    co_await end(session, server);
}
