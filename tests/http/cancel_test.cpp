// Cancel at every await: a request with its redirect, upload and body. No easy handle, descriptor,
// timer or frame is left, and the session serves the next request.
#include "http_server.hpp"

#include <ringio/streams/resolver.hpp>
#include <ringio/testing.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;

namespace {

AsyncGenerator<std::string> two_pieces() {
    co_yield std::string("one");
    co_await sleep(Delay());
    co_yield std::string("two");
}

Task<> use_session(const http::ClientSession& session, const HttpServer& server,
                   std::string& heard) {
    auto uploaded = co_await session.post(server.url("/redirect"), {.data = two_pieces()});
    while (auto piece = co_await uploaded.content().next()) {
        heard += *piece;
    }
    auto got = co_await session.get(server.url("/"));
    heard += co_await got.text();
}

Task<> answer_slowly(Conversation& client) {
    while (auto request = co_await client.next()) {
        if (request->target == "/redirect") {
            co_await client.send("HTTP/1.1 303 See Other\r\nLocation: /there\r\n");
            co_await turns(8);
            co_await client.send("Content-Length: 0\r\n\r\n");
        } else {
            co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nbod");
            co_await turns(8);
            co_await client.send("y; ");
        }
    }
}

Task<> request_as_victim(testing::Sweep& sweep) {
    auto& server = sweep.make<HttpServer>();
    auto& heard = sweep.make<std::string>();
    sweep.check("no easy handle is left", [] { return http::detail::live_easy_handles() == 0; });
    sweep.check("what was heard is the beginning of all",
                [&heard] { return std::string_view("body; body; ").starts_with(heard); });
    HttpServer::Script script = answer_slowly;
    co_await server.run_script(std::move(script));
    http::ClientSession session;
    auto victim = sweep.victim(create_task(use_session(session, server, heard)));
    const std::vector tasks = {victim};
    static_cast<void>(co_await wait(tasks));
    victim.shared_state()->mark_retrieved();
    auto next = co_await session.get(server.url("/after"));
    const std::string after = co_await next.text();
    if (after != "body; ") {
        throw std::runtime_error("the next request got '" + after + "'");
    }
    co_await session.close();
    co_await server.stop();
}

/// Takes its time.
class SlowResolver final : public Resolver {
public:
    Task<std::vector<AddressInfo>> getaddrinfo(std::string, std::string service,
                                               AddressHints) override {
        co_await sleep(Delay());
        AddressInfo found;
        found.address = *SocketAddress::from_literal(
            "127.0.0.1", static_cast<std::uint16_t>(std::stoi(service)));
        std::vector<AddressInfo> all;
        all.push_back(found);
        co_return all;
    }
};

Task<> get_by_name(const http::ClientSession& session, std::string url) {
    auto response = co_await session.get(url);
    const std::string body = co_await response.text();
}

Task<> queue_as_victim(testing::Sweep& sweep) {
    auto& server = sweep.make<HttpServer>();
    sweep.check("no easy handle is left", [] { return http::detail::live_easy_handles() == 0; });
    get_running_loop().set_resolver(std::make_shared<SlowResolver>());
    HttpServer::Script script = answer_slowly;
    co_await server.run_script(std::move(script));
    http::ClientSession session({.limit = 1});
    auto first = create_task(get_by_name(session, server.url("/")));
    co_await sleep(Delay());
    const std::string url = fmt::format("http://name.test:{}/", server.port());
    auto victim = sweep.victim(create_task(get_by_name(session, url)));
    co_await first;
    const std::vector tasks = {victim};
    static_cast<void>(co_await wait(tasks));
    victim.shared_state()->mark_retrieved();
    co_await get_by_name(session, url);
    co_await session.close();
    co_await server.stop();
}

}  // namespace

TEST_CASE("cancel at every await: a request that waits for its place and its name") {
    const testing::CancelSweepResult result = testing::cancel_sweep(queue_as_victim);
    CHECK(result.report() == "");
    CHECK(result.points() >= 4);
    CHECK(result.unplaced() < result.runs() / 2);
}

TEST_CASE("cancel at every await: an upload, its redirect, a body, a request") {
    const testing::CancelSweepResult result = testing::cancel_sweep(request_as_victim);
    CHECK(result.report() == "");
    CHECK(result.points() >= 5);
    CHECK(result.unplaced() < result.runs() / 2);
}
