#include "../../src/http/live_handles.hpp"

#include "http_server.hpp"

using namespace ringio;
using namespace ringio::test_support;

ASYNC_TEST_CASE("live handles: one for each request at a time, kept for the next, gone at close") {
    HttpServer server;
    co_await server.start([](const Heard&) { return answer("200 OK", "x"); });
    http::ClientSession session;
    CHECK(http::detail::live_easy_handles() == 0);
    for (int i = 0; i < 3; ++i) {
        auto response = co_await session.get(server.url("/"));
        CHECK(http::detail::live_easy_handles() == 1);
        CHECK_AWAIT(response.text(), "x");
    }
    co_await session.close();
    CHECK(http::detail::live_easy_handles() == 0);
    co_await server.stop();
}
