#include <ringio/http/client_session.hpp>

#include "http_server.hpp"

#include <support/temp_folder.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
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

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
        text.replace(at, what.size(), with);
    }
    return text;
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
    auto own = co_await session.post(server.url("/"),
                                     {.headers = {{"Content-Type", "text/csv"}}, .data = "1,2"});
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

ASYNC_TEST_CASE(
    "ClientSession: base_url, headers of the session, and those of a request over them") {
    HttpServer server;
    co_await server.start(hello);
    const std::string base = server.url("/api/v1/");
    ClientSession session({.base_url = base, .headers = {{"X-A", "1"}, {"User-Agent", "me"}}});
    CHECK_AWAIT(text_at(session, "items"), "hello");
    CHECK_AWAIT(text_at(session, "/top"), "hello");
    CHECK_AWAIT(text_at(session, server.url("/whole")), "hello");
    auto response = co_await session.get("items?x=1", {.headers = {{"x-a", "2"}}});
    CHECK(server.heard.at(0).line() == "GET /api/v1/items");
    CHECK(server.heard.at(1).line() == "GET /top");
    CHECK(server.heard.at(2).line() == "GET /whole");
    CHECK(server.heard.at(3).line() == "GET /api/v1/items?x=1");
    CHECK(server.heard.at(0).headers["X-A"] == "1");
    CHECK(server.heard.at(0).headers["User-Agent"] == "me");
    CHECK(server.heard.at(0).headers["Accept"] == "*/*");
    CHECK(server.heard.at(3).headers.getall("X-A") == std::vector<std::string>{"2"});
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientSession: .auth is for the host of base_url, if there is one") {
    HttpServer server;
    HttpServer other;
    co_await server.start(hello);
    co_await other.start(hello);
    const std::string base = server.url("/");
    ClientSession session({.base_url = base, .auth = http::BasicAuth{"me", "pw"}});
    CHECK_AWAIT(text_at(session, "/x"), "hello");
    CHECK_AWAIT(text_at(session, other.url("/")), "hello");
    CHECK(server.heard.at(0).headers["Authorization"] == "Basic bWU6cHc=");
    CHECK(!other.heard.at(0).headers.contains("Authorization"));
    co_await session.close();
    co_await other.stop();
    ClientSession anywhere({.auth = http::BasicAuth{"me", "pw"}});
    CHECK_AWAIT(text_at(anywhere, server.url("/")), "hello");
    CHECK(server.heard.at(1).headers["Authorization"] == "Basic bWU6cHc=");
    co_await end(anywhere, server);
}

ASYNC_TEST_CASE("ClientSession: a Unix socket, by URL and by option") {
    const TempFolder folder;
    const std::string path = folder / "web.sock";
    std::vector<Heard> heard;
    Event stopped;
    auto handler = [&](StreamReader reader, StreamWriter writer) -> Task<> {
        Conversation client(std::move(reader), std::move(writer), 0, heard, stopped);
        while (auto request = co_await client.next()) {
            co_await client.send(answer("200 OK", std::string(request->headers["Host"])));
        }
    };
    Server server = co_await start_unix_server(handler, path);
    ClientSession session;
    const std::string url = "http+unix://" + replaced(path, "/", "%2F") + "/info?x=1";
    CHECK_AWAIT(text_at(session, url), "localhost");
    CHECK(heard.at(0).line() == "GET /info?x=1");
    co_await session.close();
    ClientSession local({.unix_socket = path});
    CHECK_AWAIT(text_at(local, "http://docker.test/x"), "docker.test");
    co_await local.close();
    CHECK(http::detail::live_easy_handles() == 0);
    server.close();
    co_await server.wait_closed();
    ClientSession late;
    const std::string error = co_await text_of<http::UnixClientConnectorError>(late.get(url));
    CHECK(error == "Cannot connect to unix socket " + path +
                       " [CURLE_COULDNT_CONNECT]: No such file or directory");
    co_await late.close();
}

ASYNC_TEST_CASE("ClientSession: the path of a Unix socket is too long") {
    const std::string path(200, 'x');
    ClientSession session({.unix_socket = path});
    std::optional<http::UnixClientConnectorError> error;
    try {
        static_cast<void>(co_await session.get("http://docker.test/x"));
    } catch (const http::UnixClientConnectorError& caught) {
        error = caught;
    }
    REQUIRE(error);
    CHECK(error->path() == path);
    CHECK(error->host() == "docker.test");
    CHECK(error->code() == std::errc::filename_too_long);
    co_await session.close();
}

ASYNC_TEST_CASE("ClientSession: a proxy gets whole URLs, when it is asked for") {
    HttpServer proxy;
    co_await proxy.start(what_came);
    ClientSession session;
    const std::string by = proxy.url("");
    auto response = co_await session.get("http://far.test/x", {.proxy = by});
    CHECK_AWAIT(response.text(), "GET http://far.test/x||");
    CHECK(proxy.heard.at(0).headers["Host"] == "far.test");
    co_await session.close();
    ClientSession through({.proxy = "http://user:pw@" + by.substr(7)});
    CHECK_AWAIT(text_at(through, "http://far.test/y"), "GET http://far.test/y||");
    CHECK(proxy.heard.at(1).headers["Proxy-Authorization"] == "Basic dXNlcjpwdw==");
    co_await through.close();
    ClientSession by_token({.proxy = "http://:token@" + by.substr(7)});
    CHECK_AWAIT(text_at(by_token, "http://far.test/z"), "GET http://far.test/z||");
    CHECK(proxy.heard.at(2).headers["Proxy-Authorization"] == "Basic OnRva2Vu");
    co_await end(by_token, proxy);
}

ASYNC_TEST_CASE("ClientSession: a proxy that refuses a connection, or is not there") {
    HttpServer proxy;
    co_await proxy.start(
        [](const Heard&) { return answer("407 Proxy Authentication Required", ""); });
    ClientSession session;
    const std::string by = proxy.url("");
    const std::string error = co_await text_of<http::ClientHttpProxyError>(
        session.get("https://far.test/x", {.proxy = by}));
    CHECK(error.starts_with("407, message='the proxy refused the connection [CURLE_"));
    CHECK(proxy.heard.at(0).line() == "CONNECT far.test:443");
    co_await proxy.stop();
    const std::string gone = co_await text_of<http::ClientProxyConnectionError>(
        session.get("http://far.test/x", {.proxy = by}));
    CHECK(gone.starts_with("Cannot connect to proxy 127.0.0.1:"));
    co_await session.close();
}

ASYNC_TEST_CASE("ClientSession: the environment names a proxy only where it is trusted") {
    HttpServer proxy;
    co_await proxy.start(what_came);
    HttpServer server;
    co_await server.start(hello);
    const ScopeExit restore([] {
        ::unsetenv("http_proxy");
        ::unsetenv("no_proxy");
    });
    ::setenv("http_proxy", proxy.url("").c_str(), 1);
    ClientSession session;
    CHECK_AWAIT(text_at(session, server.url("/")), "hello");
    co_await session.close();
    ClientSession trusting({.trust_env = true});
    CHECK_AWAIT(text_at(trusting, "http://far.test/"), "GET http://far.test/||");
    ::setenv("no_proxy", "127.0.0.1", 1);
    CHECK_AWAIT(text_at(trusting, server.url("/")), "hello");
    co_await proxy.stop();
    const std::string gone =
        co_await text_of<http::ClientProxyConnectionError>(trusting.get("http://far.test/"));
    CHECK(gone.starts_with("Cannot connect to proxy 127.0.0.1:"));
    CHECK(gone.find(" of the environment [") != std::string::npos);
    const std::string url = server.url("/");
    co_await server.stop();
    const std::string direct = co_await text_of<http::ClientConnectorError>(trusting.get(url));
    CHECK(direct.starts_with("Cannot connect to host 127.0.0.1:"));
    co_await trusting.close();
}

ASYNC_TEST_CASE("ClientSession: after close() a request is a ClientConnectionError") {
    using Lost = http::detail::Thrown<http::ClientConnectionError>;
    HttpServer server;
    co_await server.start(hello);
    ClientSession session;
    CHECK(!session.closed());
    co_await session.close();
    co_await session.close();
    CHECK(session.closed());
    CHECK_AWAIT(text_of<Lost>(session.get(server.url("/"))), "Session is closed");
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientSession: close() ends who waits, for a place, a head, a body") {
    using Lost = http::detail::Thrown<http::ClientConnectionError>;
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        auto request = co_await client.next();
        if (request && request->target == "/half") {
            co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
        }
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session({.limit = 2});
    auto body = create_task(text_at(session, server.url("/half")));
    auto head = create_task(session.get(server.url("/")));
    auto place = create_task(session.get(server.url("/")));
    while (server.heard.size() < 2) {
        co_await sleep(0s);
    }
    co_await session.close();
    CHECK_AWAIT(text_of<Lost>(body), "Session is closed");
    CHECK_AWAIT(text_of<Lost>(head), "Session is closed");
    CHECK_AWAIT(text_of<Lost>(place), "Session is closed");
    co_await end(session, server);
}

ASYNC_TEST_CASE("ClientSession: its destructor closes it, without a word") {
    HttpServer server;
    co_await server.start(hello);
    const Reported reported;
    {
        ClientSession session;
        CHECK_AWAIT(text_at(session, server.url("/")), "hello");
    }
    CHECK(http::detail::live_easy_handles() == 0);
    while (server.open != 0) {
        co_await sleep(0s);
    }
    CHECK(reported.messages.empty());
    co_await server.stop();
}

ASYNC_TEST_CASE("ClientSession: an answer may outlive it; what had come can be read") {
    using Lost = http::detail::Thrown<http::ClientConnectionError>;
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    auto session = std::make_unique<ClientSession>();
    auto response = co_await session->get(server.url("/"));
    session.reset();
    auto piece = co_await response.content().next();
    CHECK(piece == "half");
    CHECK_AWAIT(text_of<Lost>(response.content().next()), "Session is closed");
    CHECK(response.status() == 200);
    co_await server.stop();
}

TEST_CASE("ClientSession: without a running loop it cannot be made") {
    CHECK_THROWS_WITH(ClientSession(), "no running event loop");
}

namespace {

enum class Stage { unused, connecting, queued, head, body, paused, idle, uploading };

AsyncGenerator<std::string> slow_chunks() {
    co_yield std::string("some");
    co_await Event().wait();
}

/// Brings a session into a state and leaves it there, with all that waits.
Task<> leave_session(HttpServer& server, std::unique_ptr<ClientSession>& session, Stage stage) {
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        auto request = co_await client.next_head();
        if (request && request->target == "/body") {
            co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
        } else if (request && request->target == "/paused") {
            co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" +
                                 std::string(9'000'000, 'x'));
        } else if (request && request->target == "/idle") {
            co_await client.send(answer("200 OK", "x"));
        }
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    session = std::make_unique<ClientSession>(http::SessionOptions{.limit = 1});
    const std::map<Stage, std::string> targets = {{Stage::head, "/head"},
                                                  {Stage::body, "/body"},
                                                  {Stage::paused, "/paused"},
                                                  {Stage::idle, "/idle"}};
    if (targets.contains(stage)) {
        auto reading = create_task(text_at(*session, server.url(targets.at(stage))));
        while (server.heard.empty()) {
            co_await sleep(0s);
        }
        co_await turns(10);
    } else if (stage == Stage::connecting || stage == Stage::queued) {
        auto first = create_task(session->get(server.url("/head")));
        auto second = create_task(session->get(server.url("/head")));
        co_await turns(stage == Stage::connecting ? 2 : 6);
    } else if (stage == Stage::uploading) {
        auto upload = create_task(session->post(server.url("/up"), {.data = slow_chunks()}));
        while (server.heard.empty()) {
            co_await sleep(0s);
        }
    }
}

}  // namespace

TEST_CASE("ClientSession: the loop is closed in each state of it, and it is reported") {
    for (const Stage stage : {Stage::unused, Stage::connecting, Stage::queued, Stage::head,
                              Stage::body, Stage::paused, Stage::idle, Stage::uploading}) {
        INFO("stage " << static_cast<int>(stage));
        const testing::Balance balance;
        {
            std::unique_ptr<ClientSession> session;
            std::vector<std::string> messages;
            HttpServer server;
            EventLoop loop({.virtual_time = true});
            loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
                messages.push_back(context.message);
            });
            loop.run_until_complete(leave_session(server, session, stage));
            loop.close();
            CHECK(http::detail::live_easy_handles() == 0);
            CHECK(std::count(messages.begin(), messages.end(), "Unclosed client session") == 1);
            CHECK(session->closed());
        }
        CHECK(balance.difference() == "");
    }
}
