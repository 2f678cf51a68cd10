#include "../../src/http/live_handles.hpp"

#include "http_server.hpp"

using namespace ringio;
using namespace ringio::test_support;

ASYNC_TEST_CASE("live handles: one for each request at a time, gone at close") {
    HttpServer server;
    Event goes_on;
    HttpServer::Script script = [&goes_on](Conversation& client) -> Task<> {
        while (auto request = co_await client.next()) {
            co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
            co_await goes_on.wait();
            co_await client.send("x");
        }
    };
    co_await server.run_script(std::move(script));
    http::ClientSession session;
    CHECK(http::detail::live_easy_handles() == 0);
    for (int i = 0; i < 3; ++i) {
        goes_on.clear();
        auto response = co_await session.get(server.url("/"));
        CHECK(http::detail::live_easy_handles() == 1);
        goes_on.set();
        CHECK_AWAIT(response.text(), "x");
    }
    co_await session.close();
    CHECK(http::detail::live_easy_handles() == 0);
    co_await server.stop();
}
