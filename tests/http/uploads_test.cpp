// Bodies that are sent: from generators and files, and what becomes of them when things end early.
#include "http_server.hpp"

#include <support/temp_folder.hpp>

#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientSession;

namespace {

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

AsyncGenerator<std::string> failing() {
    co_yield std::string("some");
    throw std::runtime_error("no more");
}

AsyncGenerator<std::string> waiting(Event& event) {
    co_yield std::string("some");
    co_await event.wait();
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
