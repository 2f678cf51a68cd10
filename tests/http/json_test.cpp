#include <ringio/http/json.hpp>

#if __has_include(<nlohmann/json.hpp>)

#include "http_server.hpp"

#include <ringio/requests.hpp>

#include <map>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using nlohmann::json;

namespace {

/// One that nlohmann's library reads by its own hook.
struct City {
    std::string name;
    int people = 0;
};

void from_json(const json& value, City& city) {
    value.at("name").get_to(city.name);
    value.at("people").get_to(city.people);
}

std::string json_answer(const Heard& request) {
    if (request.target == "/html") {
        return answer("200 OK", "<html>", "Content-Type: text/html; charset=utf-8\r\n");
    }
    if (request.target == "/blank") {
        return answer("200 OK", " \r\n", "Content-Type: application/json\r\n");
    }
    return answer(
        "200 OK",
        request.target == "/bad" ? R"({"name": )" : R"({"name": "Genève", "people": 203856})",
        "Content-Type: application/geo+json; charset=utf-8\r\n");
}

}  // namespace

ASYNC_TEST_CASE("json: the body as a value of nlohmann's, and as all that it can make of one") {
    HttpServer server;
    co_await server.start(json_answer);
    http::ClientSession session;
    auto response = co_await session.get(server.url("/"));
    const json value = co_await response.json<json>();
    CHECK(value["people"] == 203856);
    const City city = co_await response.json<City>();
    CHECK(city.name == "Genève");
    CHECK(city.people == 203856);
    const std::string text = co_await response.json();
    CHECK(text == R"({"name": "Genève", "people": 203856})");
    co_await end(session, server);
}

ASYNC_TEST_CASE("json: a body of blanks is null") {
    HttpServer server;
    co_await server.start(json_answer);
    http::ClientSession session;
    auto response = co_await session.get(server.url("/blank"));
    const json value = co_await response.json<json>();
    CHECK(value.is_null());
    co_await end(session, server);
}

ASYNC_TEST_CASE("json: of another type it is a ContentTypeError, and the body can still be read") {
    HttpServer server;
    co_await server.start(json_answer);
    http::ClientSession session;
    auto response = co_await session.get(server.url("/html"));
    CHECK_AWAIT(
        text_of<http::ContentTypeError>(response.json<json>()),
        fmt::format("200, message='Attempt to decode JSON with unexpected mimetype: text/html', "
                    "url='{}'",
                    server.url("/html")));
    CHECK_AWAIT(response.text(), "<html>");
    co_await end(session, server);
}

ASYNC_TEST_CASE("json: no JSON, and JSON that does not fit, are a JSONDecodeError") {
    HttpServer server;
    co_await server.start(json_answer);
    http::ClientSession session;
    auto bad = co_await session.get(server.url("/bad"));
    const std::string cut = co_await text_of<http::JSONDecodeError>(bad.json<json>());
    CHECK(cut.find("parse error at line 1, column 10") != std::string::npos);
    auto good = co_await session.get(server.url("/"));
    const std::string misfit =
        co_await text_of<http::JSONDecodeError>(good.json<std::vector<int>>());
    CHECK(misfit.find("type must be array, but is object") != std::string::npos);
    co_await end(session, server);
}

TEST_CASE("json: of requests") {
    const auto of = [](std::string body) {
        return requests::Response({.status = 200,
                                   .reason = "OK",
                                   .headers = {},
                                   .body = std::move(body),
                                   .url = http::Url("http://a/"),
                                   .elapsed = {}});
    };
    using Numbers = std::map<std::string, int>;
    CHECK(of(R"({"a": 1})").json<json>() == json{{"a", 1}});
    CHECK(of(R"({"a": 1})").json<Numbers>() == Numbers{{"a", 1}});
    CHECK_THROWS_AS(of("{").json<json>(), http::JSONDecodeError);
}

#endif
