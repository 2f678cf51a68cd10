#include <ringio/http/json_decoder.hpp>

#include "http_server.hpp"

#include <ringio/requests.hpp>

#include <string>

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// What an own decoder makes; no library for JSON knows it.
struct Braces {
    int count = 0;
};

struct Undecodable {};

}  // namespace

template <>
struct ringio::http::JsonDecoder<Braces> {
    static Braces decode(std::string_view text) {
        Braces braces;
        for (const char c : text) {
            braces.count += c == '{' ? 1 : 0;
        }
        if (braces.count == 0) {
            throw JSONDecodeError("no braces");
        }
        return braces;
    }
};

TEST_CASE("JsonDecoder: a type without one is known as such") {
    STATIC_REQUIRE(http::detail::JsonDecodable<Braces>);
    STATIC_REQUIRE(!http::detail::JsonDecodable<Undecodable>);
}

ASYNC_TEST_CASE(
    "JsonDecoder: one's own is what json<T>() uses, and its error is that of json<T>()") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return answer("200 OK", request.target == "/none" ? "[]" : "{{}}",
                      "Content-Type: application/json\r\n");
    });
    http::ClientSession session;
    auto response = co_await session.get(server.url("/"));
    const Braces braces = co_await response.json<Braces>();
    CHECK(braces.count == 2);
    auto other = co_await session.get(server.url("/none"));
    CHECK_AWAIT(text_of<http::JSONDecodeError>(other.json<Braces>()), "no braces");
    co_await end(session, server);
}

TEST_CASE("JsonDecoder: requests use it too, whatever the type of the answer") {
    const requests::Response response({.status = 200,
                                       .reason = "OK",
                                       .headers = {},
                                       .body = "{",
                                       .url = http::Url("http://a/"),
                                       .elapsed = {}});
    CHECK(response.json<Braces>().count == 1);
}
