#include <ringio/requests.hpp>

#include "http_server.hpp"

#include "../../src/http/compression.hpp"

#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

std::string told(const Heard& request) {
    return answer(
        "200 OK",
        fmt::format("{}|{}|{}", request.line(), request.body, request.headers.get("Cookie")),
        "Set-Cookie: seen=1\r\n");
}

/// Runs blocking code in a thread, for the server is on this loop.
template <class Fn>
Task<> in_thread(Fn& work) {
    co_await to_thread(work);
}

/// The text of the error of exactly this type.
template <class E, class Fn>
std::string error_text(Fn call) {
    try {
        static_cast<void>(call());
    } catch (const E& error) {
        return typeid(error) == typeid(E) ? error.what() : "<derived>";
    } catch (const std::exception& error) {
        return fmt::format("<{}: {}>", typeid(error).name(), error.what());
    }
    return "<no exception>";
}

}  // namespace

ASYNC_TEST_CASE("requests: get and post, with what they give", "[threads]") {
    HttpServer server;
    co_await server.start(told);
    auto work = [&] {
        const auto response = requests::get(server.url("/x"), {.params = {{"q", "1"}}});
        CHECK(response.status_code() == 200);
        CHECK(response.reason() == "OK");
        CHECK(response.ok());
        CHECK(response.text() == "GET /x?q=1||");
        CHECK(response.content() == response.text());
        CHECK(response.headers()["content-length"] == "12");
        CHECK(response.url().to_string() == server.url("/x?q=1"));
        CHECK(response.elapsed() > 0ns);
        CHECK(requests::post(server.url("/"), {.data = "body"}).text() == "POST /|body|");
        CHECK(requests::put(server.url("/"), {.json = "{}"}).text() == "PUT /|{}|");
        CHECK(requests::post(server.url("/"), {.form = {{"a", "b c"}}}).text() == "POST /|a=b+c|");
        CHECK(requests::delete_(server.url("/")).text() == "DELETE /||");
    };
    co_await in_thread(work);
    CHECK(server.connections == 5);
    CHECK(http::detail::live_easy_handles() == 0);
    co_await server.stop();
}

ASYNC_TEST_CASE("requests: compress= is the session's") {
    if (!http::detail::can_compress()) {
        WARN("skipped: ringio was built without zlib");
        co_return;
    }
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return answer("200 OK", request.body,
                      fmt::format("Content-Encoding: {}\r\n", request.headers["Content-Encoding"]));
    });
    const std::string text(10'000, 'x');
    auto work = [&] {
        CHECK(requests::post(server.url("/"), {.data = text, .compress = "gzip"}).text() == text);
    };
    co_await in_thread(work);
    CHECK(server.heard.at(0).body.size() < 1000);
    co_await server.stop();
}

ASYNC_TEST_CASE("requests: a session keeps its connection and its cookies") {
    HttpServer server;
    co_await server.start(told);
    auto work = [&] {
        requests::Session session({.headers = {{"X-A", "1"}}});
        CHECK(session.get(server.url("/1")).text() == "GET /1||");
        CHECK(session.get(server.url("/2")).text() == "GET /2||seen=1");
        CHECK(session.post(server.url("/3"), {.data = "x"}).text() == "POST /3|x|seen=1");
    };
    co_await in_thread(work);
    CHECK(server.connections == 1);
    CHECK(server.heard.at(2).headers["X-A"] == "1");
    co_await server.stop();
}

ASYNC_TEST_CASE("requests: redirects, and their history") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/end" ? answer("200 OK", request.line())
                                        : answer("302 Found", "",
                                                 request.target == "/loop" ? "Location: /loop\r\n"
                                                                           : "Location: /end\r\n");
    });
    auto work = [&] {
        const auto response = requests::post(server.url("/"), {.data = "x"});
        CHECK(response.text() == "GET /end");
        CHECK(response.history().size() == 1);
        CHECK(response.history()[0].status_code() == 302);
        CHECK(requests::get(server.url("/"), {.allow_redirects = false}).status_code() == 302);
        CHECK(error_text<http::TooManyRedirects>([&] {
                  return requests::get(server.url("/loop"), {.max_redirects = 2});
              }).starts_with("302, message='more than 2 redirects'"));
    };
    co_await in_thread(work);
    co_await server.stop();
}

ASYNC_TEST_CASE("requests: errors are those of the session") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        auto request = co_await client.next();
        if (request && request->target == "/404") {
            co_await client.send(answer("404 Not Found", ""));
        } else if (request && request->target == "/slow") {
            co_await client.until_gone();
        } else if (request && request->target == "/large") {
            co_await client.send(answer("200 OK", std::string(1000, 'x')));
        } else if (request && request->target == "/cut") {
            co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        }
    };
    co_await server.run_script(std::move(script));
    auto work = [&] {
        const auto get = [&](const char* path) { return requests::get(server.url(path)); };
        CHECK(error_text<http::ClientResponseError>([&] {
                  get("/404").raise_for_status();
                  return 0;
              }).starts_with("404, message='Not Found'"));
        CHECK(error_text<http::ServerDisconnectedError>([&] {
                  return get("/nothing");
              }).starts_with("Server disconnected [CURLE_GOT_NOTHING: "));
        CHECK(error_text<http::ClientPayloadError>([&] {
                  return get("/cut");
              }).starts_with("Response payload is not completed [CURLE_PARTIAL_FILE: "));
        CHECK(error_text<TimeoutError>([&] {
                  return requests::get(server.url("/slow"), {.timeout = {.total = 20ms}});
              }) == "timed out");
        CHECK(error_text<http::SocketTimeoutError>([&] {
                  return requests::get(server.url("/slow"), {.timeout = {.sock_read = 20ms}});
              }) == "Timeout on reading data from socket");
        CHECK(error_text<http::ClientPayloadError>([&] {
                  return requests::get(server.url("/large"), {.max_body = 10});
              }) == "the body is longer than max_body, 10 bytes");
        CHECK(error_text<http::InvalidURL>([] { return requests::get("nothing"); }) ==
              "'nothing': this is no URL of the form http://host/path");
        CHECK(error_text<std::invalid_argument>([&] {
                  return requests::put(server.url("/"), {.file = "/etc/hostname"});
              }).starts_with("requests: a generator or a file"));
    };
    co_await in_thread(work);
    CHECK(http::detail::live_easy_handles() == 0);
    co_await server.stop();
}

ASYNC_TEST_CASE("requests: a request that was refused leaves nothing to the next one") {
    HttpServer server;
    co_await server.start(told);
    auto work = [&] {
        requests::Session session;
        CHECK(error_text<std::invalid_argument>([&] {
                  return session.post(server.url("/"),
                                      {.cookies = {{"a", "b"}, {"c", "\r\n"}}, .data = "left"});
              }).starts_with("the cookie 'c' has a line end"));
        CHECK(session.get(server.url("/")).text() == "GET /||");
    };
    co_await in_thread(work);
    CHECK(http::detail::live_easy_handles() == 0);
    co_await server.stop();
}

ASYNC_TEST_CASE("requests: a POST is not repeated on a kept connection, a GET is") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send(answer("200 OK", "first"));
        static_cast<void>(co_await client.next());  // and hangs up without an answer
    };
    co_await server.run_script(std::move(script));
    auto work = [&] {
        requests::Session session;
        CHECK(session.get(server.url("/")).text() == "first");
        CHECK(session.get(server.url("/")).text() == "first");
        CHECK(error_text<http::ServerDisconnectedError>([&] {
                  return session.post(server.url("/post"), {.data = "x"});
              }) == "Server disconnected");
    };
    co_await in_thread(work);
    int posts = 0;
    for (const Heard& request : server.heard) {
        posts += request.method == "POST" ? 1 : 0;
    }
    CHECK(posts == 1);
    co_await server.stop();
}

ASYNC_TEST_CASE("requests: a session for each thread of an executor", "[threads]") {
    HttpServer server;
    co_await server.start([](const Heard&) { return answer("200 OK", "page"); });
    auto work = [&] {
        concurrent::ThreadPoolExecutor executor({.max_workers = 3});
        const std::vector<int> pages = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        const auto download = [&](int) {
            thread_local requests::Session session;
            return session.get(server.url("/")).content().size();
        };
        for (const std::size_t size : executor.map(download, pages)) {
            CHECK(size == 4);
        }
    };
    co_await in_thread(work);
    CHECK(server.heard.size() == 9);
    CHECK(server.connections <= 3);
    co_await server.stop();
}

// As the one of failures_test.cpp.
ASYNC_TEST_CASE("requests: a head that begins as if a header went on takes nothing else with it") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/whole" ? answer("200 OK", "whole", "X: y\r\n")
                                          : std::string(
                                                "HTTP/1.1 200 OK\r\n goes: on\r\n"
                                                "Content-Length: 4\r\n\r\nrest");
    });
    auto work = [&] {
        requests::Session session;
        for (int round = 0; round < 3; ++round) {
            CHECK(session.get(server.url("/whole")).text() == "whole");
            try {
                const auto rest = session.get(server.url("/rest"));
                CHECK(rest.text() == "rest");
            } catch (const http::ClientError&) {
            }
        }
    };
    co_await in_thread(work);
    CHECK(http::detail::live_easy_handles() == 0);
    co_await server.stop();
}
