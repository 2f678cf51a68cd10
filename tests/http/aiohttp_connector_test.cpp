// What aiohttp's test_connector and test_client_session say: how many at a time, whose turn it is,
// and who is asked for names. Each test names the one of aiohttp.
#include "aiohttp.hpp"

#include "../tls/certificates.hpp"

#include <ringio/io/socket.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientSession;

namespace {

/// A server that answers all that wait at once, when the test says so; it counts them.
class Waiters {
public:
    Task<> start(HttpServer& server) {
        HttpServer::Script script = [this](Conversation& client) { return serve(client); };
        co_await server.run_script(std::move(script));
    }

    /// Waits until so many requests are being answered.
    Task<> until(int count) {
        while (now != count) {
            changed_.clear();
            co_await changed_.wait();
        }
    }
    /// Answers one of those that wait, the one that came first.
    void answer_all() {
        for (int i = 0; i < 1000; ++i) {
            places_.release();
        }
    }

    int now = 0;
    int most = 0;

private:
    Task<> serve(Conversation& client) {
        while (auto request = co_await client.next()) {
            most = std::max(most, ++now);
            changed_.set();
            co_await places_.acquire();
            --now;
            co_await client.send(answer("200 OK", request->target));
        }
    }

    Semaphore places_{0};
    Event changed_;
};

std::vector<TaskHandle<std::string>> bodies_at(const ClientSession& session,
                                               const HttpServer& server, int count) {
    std::vector<TaskHandle<std::string>> tasks;
    for (int i = 0; i < count; ++i) {
        tasks.push_back(create_task(fetched(session, server.url(fmt::format("/{}", i)))));
    }
    return tasks;
}

std::string ok_with_host(const Heard& request) { return answer("200 OK", request.headers["Host"]); }

unsigned port_of_nobody() {
    const Socket socket = Socket::listening(*SocketAddress::from_literal("127.0.0.1", 0), 1, false);
    return socket.getsockname().port();
}

}  // namespace

ASYNC_TEST_CASE("aiohttp connect_with_limit: the second one waits for the first") {
    HttpServer server;
    Waiters waiters;
    co_await waiters.start(server);
    ClientSession session({.limit = 1});
    auto tasks = bodies_at(session, server, 2);
    co_await waiters.until(1);
    co_await turns(10);
    CHECK(server.heard.size() == 1);
    CHECK(!tasks[1].done());
    waiters.answer_all();
    CHECK_AWAIT(gather(tasks), std::vector<std::string>{"/0", "/1"});
    CHECK(server.connections == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp connect_with_limit_and_limit_per_host: another host need not wait") {
    HttpServer first;
    HttpServer second;
    Waiters of_first;
    Waiters of_second;
    co_await of_first.start(first);
    co_await of_second.start(second);
    ClientSession session({.limit = 1000, .limit_per_host = 1});
    auto tasks = bodies_at(session, first, 3);
    auto other = create_task(fetched(session, second.url("/")));
    co_await of_first.until(1);
    co_await of_second.until(1);
    of_second.answer_all();
    CHECK_AWAIT(other, "/");
    CHECK(first.heard.size() == 1);
    of_first.answer_all();
    co_await gather(tasks);
    CHECK(of_first.most == 1);
    co_await second.stop();
    co_await end(session, first);
}

ASYNC_TEST_CASE("aiohttp connect_with_no_limits: 0 is none, though there are more than a hundred") {
    HttpServer server;
    Waiters waiters;
    co_await waiters.start(server);
    ClientSession session({.limit = 0});
    auto tasks = bodies_at(session, server, 150);
    co_await waiters.until(150);
    waiters.answer_all();
    const std::vector<std::string> all = co_await gather(tasks);
    CHECK(all.size() == 150);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp connect_with_limit_concurrent: a hundred over five connections") {
    HttpServer server;
    Waiters waiters;
    co_await waiters.start(server);
    waiters.answer_all();
    ClientSession session({.limit = 5});
    auto tasks = bodies_at(session, server, 100);
    const std::vector<std::string> all = co_await gather(tasks);
    CHECK(all.size() == 100);
    CHECK(waiters.most <= 5);
    CHECK(server.connections == 5);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp release_waiter_first_available: whoever waits longest is next") {
    HttpServer server;
    Waiters waiters;
    co_await waiters.start(server);
    waiters.answer_all();
    ClientSession session({.limit = 1});
    auto tasks = bodies_at(session, server, 10);
    co_await gather(tasks);
    std::string order;
    for (const Heard& request : server.heard) {
        order += request.target;
    }
    CHECK(order == "/0/1/2/3/4/5/6/7/8/9");
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp connect_with_limit_cancelled, release_waiter_skip_done_waiter: who gave up") {
    HttpServer server;
    Waiters waiters;
    co_await waiters.start(server);
    ClientSession session({.limit = 1});
    auto tasks = bodies_at(session, server, 4);
    co_await waiters.until(1);
    tasks[1].cancel();
    auto impatient = session.get(server.url("/late"), {.timeout = {.connect = 10ms}});
    CHECK_AWAIT(text_of<http::ConnectionTimeoutError>(std::move(impatient)),
                "Connection timeout to host " + server.url("/late"));
    waiters.answer_all();
    CHECK_AWAIT(is_cancelled(tasks[1]), true);
    CHECK_AWAIT(tasks[0], "/0");
    CHECK_AWAIT(tasks[2], "/2");
    CHECK_AWAIT(tasks[3], "/3");
    CHECK(server.heard.size() == 3);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp error_on_connection: a failure gives its place to who waits") {
    HttpServer server;
    co_await server.start(ok_with_host);
    ClientSession session({.limit = 1});
    const std::string nowhere = fmt::format("http://127.0.0.1:{}/", port_of_nobody());
    auto first = create_task(session.get(nowhere));
    auto second = create_task(session.get(nowhere));
    auto third = create_task(fetched(session, server.url("/")));
    CHECK_AWAIT_HAS(text_of<http::ClientConnectorError>(first), "CURLE_COULDNT_CONNECT");
    CHECK_AWAIT_HAS(text_of<http::ClientConnectorError>(second), "CURLE_COULDNT_CONNECT");
    CHECK_AWAIT(third, fmt::format("127.0.0.1:{}", server.port()));
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp error_on_connection_with_cancelled_waiter: also when the next one left") {
    HttpServer server;
    co_await server.start(ok_with_host);
    ClientSession session({.limit = 1});
    const std::string nowhere = fmt::format("http://127.0.0.1:{}/", port_of_nobody());
    auto first = create_task(session.get(nowhere));
    auto second = create_task(session.get(nowhere));
    auto third = create_task(fetched(session, server.url("/")));
    co_await turns(1);
    second.cancel();
    CHECK_AWAIT_HAS(text_of<http::ClientConnectorError>(first), "CURLE_COULDNT_CONNECT");
    CHECK_AWAIT(is_cancelled(second), true);
    CHECK_AWAIT(third, fmt::format("127.0.0.1:{}", server.port()));
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp connect_with_capacity_release_waiters: a body that is read keeps its place") {
    HttpServer server;
    Event go_on;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        while (auto request = co_await client.next()) {
            co_await client.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
            co_await go_on.wait();
            co_await client.send("body");
        }
    };
    co_await server.run_script(std::move(script));
    ClientSession session({.limit = 1});
    auto first = co_await session.get(server.url("/1"));
    auto second = create_task(fetched(session, server.url("/2")));
    co_await turns(10);
    CHECK(server.heard.size() == 1);
    go_on.set();
    CHECK_AWAIT(first.text(), "body");
    CHECK_AWAIT(second, "body");
    CHECK(server.connections == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp resolver_not_called_with_address_is_ip: an address needs nobody") {
    const KnownNames names{{"known.test", {"127.0.0.1"}}};
    HttpServer server;
    co_await server.start(ok_with_host);
    ClientSession session;
    CHECK_AWAIT(fetched(session, server.url("/")), fmt::format("127.0.0.1:{}", server.port()));
    CHECK(names.asked().empty());
    CHECK_AWAIT(fetched(session, server.url_of("known.test", "/")),
                fmt::format("known.test:{}", server.port()));
    CHECK(names.asked() == std::vector<std::string>{"known.test"});
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp tcp_connector_dns_cache_not_expired: a name is asked for every ten seconds") {
    const KnownNames names{{"known.test", {"127.0.0.1"}}};
    ClientSession session;
    const std::string url = fmt::format("http://known.test:{}/", port_of_nobody());
    const auto ask = [&session, url] {
        return text_of<http::ClientConnectorError>(session.get(url));
    };
    CHECK_AWAIT_HAS(ask(), "Cannot connect to host known.test");
    co_await sleep(9s);
    CHECK_AWAIT_HAS(ask(), "Cannot connect to host known.test");
    CHECK(names.asked().size() == 1);
    co_await sleep(2s);
    CHECK_AWAIT_HAS(ask(), "Cannot connect to host known.test");
    CHECK(names.asked().size() == 2);
    co_await session.close();
}

ASYNC_TEST_CASE(
    "aiohttp multiple_dns_resolution_requests_failure: that there is none is not kept") {
    KnownNames names{};
    HttpServer server;
    co_await server.start(ok_with_host);
    ClientSession session;
    const std::string url = server.url_of("late.test", "/");
    auto first = create_task(session.get(url));
    auto second = create_task(session.get(url));
    CHECK_AWAIT_HAS(text_of<http::ClientConnectorDNSError>(first),
                    "Cannot connect to host late.test");
    CHECK_AWAIT_HAS(text_of<http::ClientConnectorDNSError>(second),
                    "Cannot connect to host late.test");
    names.add("late.test", std::vector<std::string>(1, "127.0.0.1"));
    CHECK_AWAIT(fetched(session, url), fmt::format("late.test:{}", server.port()));
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp tcp_connector_multiple_hosts_errors: the next address, when one refuses") {
    const KnownNames names{{"many.test", {"127.0.0.3", "127.0.0.2", "127.0.0.1"}},
                           {"none.test", {"127.0.0.3", "127.0.0.2"}}};
    HttpServer server;
    co_await server.start(ok_with_host);
    ClientSession session({.timeout = {.total = 10s}});
    CHECK_AWAIT(fetched(session, server.url_of("many.test", "/")),
                fmt::format("many.test:{}", server.port()));
    CHECK_AWAIT_HAS(
        text_of<http::ClientConnectorError>(session.get(server.url_of("none.test", "/"))),
        fmt::format("Cannot connect to host none.test:{} [", server.port()));
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp tcp_connector_server_hostname_default: the name is proven, not the address") {
    const KnownNames names{{"right.test", {"127.0.0.1"}}, {"wrong.test", {"127.0.0.1"}}};
    const Identity identity = test_authority().issue({.alt_names = "DNS:right.test"});
    HttpServer server;
    server.tls = TlsContext::server({.certificate = identity.certificate, .key = identity.key});
    co_await server.start(ok_with_host);
    ClientSession session({.tls = client_context()});
    CHECK_AWAIT(fetched(session, server.url_of("right.test", "/")),
                fmt::format("right.test:{}", server.port()));
    for (const char* other : {"wrong.test", "127.0.0.1"}) {
        CHECK_AWAIT_HAS(
            text_of<http::ClientConnectorCertificateError>(session.get(server.url_of(other, "/"))),
            "CURLE_PEER_FAILED_VERIFICATION");
    }
    CHECK(server.heard.size() == 1);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp get: a connection is kept for its own host, scheme and port only") {
    const KnownNames names{{"one.test", {"127.0.0.1"}}, {"two.test", {"127.0.0.1"}}};
    HttpServer server;
    co_await server.start(ok_with_host);
    ClientSession session;
    for (const char* host : {"one.test", "two.test", "one.test", "two.test"}) {
        CHECK_AWAIT(fetched(session, server.url_of(host, "/")),
                    fmt::format("{}:{}", host, server.port()));
    }
    CHECK(server.connections == 2);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp default_proxy: the session's, unless a request names another") {
    HttpServer common;
    HttpServer special;
    co_await common.start([](const Heard&) { return answer("200 OK", "common"); });
    co_await special.start([](const Heard&) { return answer("200 OK", "special"); });
    ClientSession session({.proxy = common.url("")});
    CHECK_AWAIT(fetched(session, "http://far.test/"), "common");
    const std::string other = special.url("");
    auto response = co_await session.get("http://far.test/", {.proxy = other});
    CHECK_AWAIT(response.text(), "special");
    co_await special.stop();
    co_await end(session, common);
}

ASYNC_TEST_CASE(
    "aiohttp connect_reuse_proxy_headers: who is no friend gets no friend's connection") {
    HttpServer proxy;
    co_await proxy.start([](const Heard& request) {
        return answer("200 OK", request.headers.get("Proxy-Authorization", "none"));
    });
    ClientSession session;
    const std::string address = proxy.url("").substr(7);
    const std::string as_user = "http://user:pw@" + address;
    const std::string as_nobody = "http://" + address;
    for (const auto& [by, seen] :
         {std::pair(as_user, "Basic dXNlcjpwdw=="), std::pair(as_nobody, "none"),
          std::pair(as_user, "Basic dXNlcjpwdw==")}) {
        auto response = co_await session.get("http://far.test/", {.proxy = by});
        CHECK_AWAIT(response.text(), seen);
    }
    co_await end(session, proxy);
}

ASYNC_TEST_CASE("aiohttp build_url_returns_expected_url: what a URL is relative to") {
    HttpServer server;
    co_await server.start([](const Heard& request) { return answer("200 OK", request.target); });
    const std::string base = server.url("/base/dir/");
    ClientSession session({.base_url = base});
    CHECK_AWAIT(fetched(session, "x"), "/base/dir/x");
    CHECK_AWAIT(fetched(session, "../x?y"), "/base/x?y");
    CHECK_AWAIT(fetched(session, "/x"), "/x");
    CHECK_AWAIT(fetched(session, "?q=1"), "/base/dir/?q=1");
    CHECK_AWAIT(fetched(session, "/login?next=http://x/"), "/login?next=http://x/");
    CHECK_AWAIT(fetched(session, "/http://x/"), "/http://x/");
    CHECK_AWAIT(fetched(session, ""), "/base/dir/");
    co_await session.close();
    const std::string page = server.url("/base/page");
    ClientSession of_page({.base_url = page});
    CHECK_AWAIT(fetched(of_page, "x"), "/base/x");
    co_await end(of_page, server);
}

ASYNC_TEST_CASE(
    "aiohttp merge_headers_with_list_of_tuples_duplicated_names: two in the place of the one") {
    HttpServer server;
    co_await server.start(ok_with_host);
    ClientSession session({.headers = {{"h1", "header1"}, {"h2", "header2"}, {"h2", "header3"}}});
    auto response =
        co_await session.get(server.url("/"), {.headers = {{"H1", "h1"}, {"h1", "h2"}}});
    const http::Headers& heard = server.heard.at(0).headers;
    CHECK(heard.getall("h1") == std::vector<std::string>{"h1", "h2"});
    CHECK(heard.getall("h2") == std::vector<std::string>{"header2", "header3"});
    co_await end(session, server);
}
