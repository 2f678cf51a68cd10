// Redirects, cookies and credentials: who gets what.
#include "http_server.hpp"

#include <map>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using http::ClientSession;

namespace {

std::string redirect(std::string_view status, std::string_view to) {
    return answer(status, "moved", fmt::format("Location: {}\r\n", to));
}

std::string lines_of(const HttpServer& server) {
    std::string lines;
    for (const Heard& request : server.heard) {
        lines += fmt::format("{} {}; ", request.line(), request.body);
    }
    return lines;
}

/// "/302/x" redirects by 302 to "/x".
std::string by_path(const Heard& request) {
    return request.target.size() > 4 && request.target[4] == '/'
               ? redirect(fmt::format("{} Moved", request.target.substr(1, 3)),
                          request.target.substr(4))
               : answer("200 OK", request.target);
}

}  // namespace

ASYNC_TEST_CASE("redirects: they are followed, and stand in the history") {
    HttpServer server;
    co_await server.start(by_path);
    ClientSession session;
    auto response = co_await session.get(server.url("/301/302/303/307/308/end#part"));
    CHECK(response.status() == 200);
    CHECK_AWAIT(response.text(), "/end");
    CHECK(response.url().to_string() == server.url("/end#part"));
    std::string statuses;
    for (const http::ClientResponse& each : response.history()) {
        statuses += fmt::format("{} ", each.status());
    }
    CHECK(statuses == "301 302 303 307 308 ");
    CHECK_AWAIT(response.history()[0].text(), "moved");
    CHECK(server.connections == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("redirects: the method and body that each keeps or loses") {
    HttpServer server;
    co_await server.start(by_path);
    ClientSession session;
    for (const char* target : {"/301/x", "/302/x", "/303/x", "/307/x", "/308/x"}) {
        auto response = co_await session.post(server.url(target), {.data = "b"});
        CHECK(response.status() == 200);
    }
    CHECK(lines_of(server) ==
          "POST /301/x b; GET /x ; POST /302/x b; GET /x ; POST /303/x b; GET /x ; "
          "POST /307/x b; POST /x b; POST /308/x b; POST /x b; ");
    server.heard.clear();
    for (const char* target : {"/301/x", "/303/x"}) {
        auto response = co_await session.put(server.url(target), {.data = "b"});
        CHECK(response.status() == 200);
    }
    CHECK(lines_of(server) == "PUT /301/x b; PUT /x b; PUT /303/x b; GET /x ; ");
    CHECK(!server.heard.back().headers.contains("Content-Type"));
    co_await end(session, server);
}

ASYNC_TEST_CASE("redirects: HEAD does not follow unless told so, and stays HEAD") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/x" ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
                                      : "HTTP/1.1 303 See\r\nLocation: /x\r\n\r\n";
    });
    ClientSession session;
    auto first = co_await session.head(server.url("/"));
    CHECK(first.status() == 303);
    auto second = co_await session.head(server.url("/"), {.allow_redirects = true});
    CHECK(second.status() == 200);
    CHECK(second.method() == "HEAD");
    co_await end(session, server);
}

ASYNC_TEST_CASE("redirects: not followed when not allowed, or leading nowhere") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/none" ? answer("302 Found", "none") : redirect("302 F", "/x");
    });
    ClientSession session;
    auto response = co_await session.get(server.url("/"), {.allow_redirects = false});
    CHECK(response.status() == 302);
    auto without = co_await session.get(server.url("/none"));
    CHECK(without.status() == 302);
    CHECK_AWAIT(without.text(), "none");
    co_await end(session, server);
}

ASYNC_TEST_CASE("redirects: too many are TooManyRedirects") {
    HttpServer server;
    co_await server.start([](const Heard&) { return redirect("302 Found", "/again"); });
    ClientSession session;
    CHECK_AWAIT(text_of<http::TooManyRedirects>(session.get(server.url("/"))),
                fmt::format("302, message='more than 10 redirects', url='{}'", server.url("/")));
    CHECK(server.heard.size() == 11);
    CHECK_AWAIT(text_of<http::TooManyRedirects>(session.get(server.url("/"), {.max_redirects = 0})),
                fmt::format("302, message='more than 0 redirects', url='{}'", server.url("/")));
    co_await end(session, server);
}

ASYNC_TEST_CASE("redirects: hostile ones are refused") {
    HttpServer server;
    std::string to;
    co_await server.start([&](const Heard&) { return redirect("302 Found", to); });
    ClientSession session;
    for (const char* target :
         {"file:///etc/passwd", "ftp://host/", "gopher://host/x", "javascript:alert(1)",
          "http://host:99999/", "http://", "http+unix://%2Frun%2Fx/", "http://a\\@b/"}) {
        to = target;
        const std::string error =
            co_await text_of<http::InvalidUrlRedirectClientError>(session.get(server.url("/")));
        INFO(error);
        CHECK(error.starts_with(server.url("/") + " redirects to no valid URL: "));
    }
    co_await end(session, server);
}

ASYNC_TEST_CASE("redirects: another server gets no credentials, cookies or Host of the first") {
    HttpServer other;
    co_await other.start([](const Heard&) { return answer("200 OK", "other"); });
    HttpServer server;
    co_await server.start([&](const Heard& request) {
        return request.target == "/same"      ? answer("200 OK", "same")
               : request.target == "/to-same" ? redirect("307 T", "/same")
                                              : redirect("307 T", other.url("/"));
    });
    ClientSession session;
    const http::BasicAuth auth{.login = "user", .password = "pass"};
    for (const char* target : {"/to-same", "/to-other"}) {
        auto response = co_await session.get(
            server.url(target),
            {.headers = {{"X-Kept", "1"}}, .cookies = {{"secret", "1"}}, .auth = auth});
        CHECK(response.status() == 200);
    }
    const http::Headers& same = server.heard.at(1).headers;
    CHECK(same["Authorization"] == "Basic dXNlcjpwYXNz");
    CHECK(same["Cookie"] == "secret=1");
    const http::Headers& strange = other.heard.at(0).headers;
    CHECK(!strange.contains("Authorization"));
    CHECK(!strange.contains("Cookie"));
    CHECK(strange["X-Kept"] == "1");
    auto by_header = co_await session.get(
        server.url("/to-other"), {.headers = {{"Authorization", "Bearer x"}, {"Cookie", "a=b"}}});
    CHECK(!other.heard.at(1).headers.contains("Authorization"));
    CHECK(!other.heard.at(1).headers.contains("Cookie"));
    co_await other.stop();
    co_await end(session, server);
}

ASYNC_TEST_CASE("redirects: a body that came from a generator is gone") {
    HttpServer server;
    co_await server.start(by_path);
    ClientSession session;
    auto chunks = []() -> AsyncGenerator<std::string> { co_yield std::string("x"); };
    CHECK_AWAIT(
        text_of<http::ClientPayloadError>(session.post(server.url("/307/x"), {.data = chunks()})),
        server.url("/307/x") +
            " redirects a body that is gone: it came from a generator or a file");
    auto becomes_get = co_await session.post(server.url("/303/x"), {.data = chunks()});
    CHECK(becomes_get.status() == 200);
    co_await end(session, server);
}

ASYNC_TEST_CASE("redirects: so is one of which nothing was sent yet, for the generator was ended") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next_head());
        co_await client.send(answer("307 Temporary Redirect", "", "Location: /next\r\n"));
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    Event never;
    auto late = [&never]() -> AsyncGenerator<std::string> {
        co_await never.wait();
        co_yield std::string("x");
    };
    CHECK_AWAIT(
        text_of<http::ClientPayloadError>(session.put(server.url("/"), {.data = late()})),
        server.url("/") + " redirects a body that is gone: it came from a generator or a file");
    co_await end(session, server);
}

ASYNC_TEST_CASE("credentials: by option, by URL, by session; not twice") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return answer("200 OK", request.headers.get("Authorization", "none"));
    });
    const std::string port = std::to_string(server.port());
    ClientSession session({.auth = http::BasicAuth{"s", "t"}});
    auto by_session = co_await session.get(server.url("/"));
    CHECK_AWAIT(by_session.text(), "Basic czp0");
    auto by_option = co_await session.get(server.url("/"), {.auth = http::BasicAuth{"u", ""}});
    CHECK_AWAIT(by_option.text(), "Basic dTo=");
    auto by_url = co_await session.get("http://u:p%40@127.0.0.1:" + port + "/");
    CHECK_AWAIT(by_url.text(), "Basic dTpwQA==");
    CHECK(by_url.url() == http::Url(server.url("/")));
    auto by_token = co_await session.get("http://:token@127.0.0.1:" + port + "/");
    CHECK_AWAIT(by_token.text(), "Basic OnRva2Vu");
    CHECK(by_token.url() == http::Url(server.url("/")));
    CHECK_AWAIT(text_of<std::invalid_argument>(
                    session.get("http://u:p@127.0.0.1/", {.auth = http::BasicAuth{"u", "p"}})),
                "Cannot combine AUTH argument with credentials encoded in URL");
    CHECK_AWAIT(
        text_of<std::invalid_argument>(
            session.get("http://127.0.0.1/",
                        {.headers = {{"Authorization", "x"}}, .auth = http::BasicAuth{"u", "p"}})),
        "Cannot combine AUTHORIZATION header with AUTH argument or credentials encoded in URL");
    co_await end(session, server);
}

ASYNC_TEST_CASE("cookies: what an answer sets is sent where it belongs, in redirects too") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        const std::string cookie(request.headers.get("Cookie", "none"));
        return request.target == "/set"
                   ? answer("302 Found", "",
                            "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/deep\r\n"
                            "Location: /then\r\n")
                   : answer("200 OK", cookie);
    });
    ClientSession session;
    auto response = co_await session.get(server.url("/set"));
    CHECK_AWAIT(response.text(), "a=1");
    CHECK(response.history()[0].cookies() ==
          std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}});
    auto deep = co_await session.get(server.url("/deep/x"), {.cookies = {{"own", "3"}}});
    const std::string all = co_await deep.text();
    CHECK(all.find("a=1") != std::string::npos);
    CHECK(all.find("b=2") != std::string::npos);
    CHECK(all.find("own=3") != std::string::npos);
    co_await session.close();
    ClientSession forgetful({.cookies = false});
    auto set = co_await forgetful.get(server.url("/set"));
    CHECK_AWAIT(set.text(), "none");
    co_await end(forgetful, server);
}

ASYNC_TEST_CASE("cookies: a session does not have those of another") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return answer("200 OK", request.headers.get("Cookie", "none"), "Set-Cookie: a=1\r\n");
    });
    ClientSession first;
    ClientSession second;
    auto one = co_await first.get(server.url("/"));
    auto two = co_await second.get(server.url("/"));
    CHECK_AWAIT(two.text(), "none");
    auto three = co_await first.get(server.url("/"));
    CHECK_AWAIT(three.text(), "a=1");
    co_await first.close();
    co_await end(second, server);
}
