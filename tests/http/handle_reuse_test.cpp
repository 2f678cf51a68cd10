// A handle of libcurl carries one request of a session after the other.
#include "../../src/http/easy_handle.hpp"
#include "http_server.hpp"

#include <support/raw_socket.hpp>

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using http::ClientSession;

namespace {

AsyncGenerator<std::string> one_and_two() {
    co_yield "one";
    co_yield "two";
}

struct Kind {
    std::string_view name;
    Task<http::ClientResponse> (*begin)(const ClientSession&, const std::string& url);
};

const Kind kinds[] = {
    {"plain",
     [](const ClientSession& session, const std::string& url) { return session.get(url); }},
    {"headers",
     [](const ClientSession& session, const std::string& url) {
         return session.get(url, {.headers = {{"X-One", "1"}, {"Expect", "nothing"}}});
     }},
    {"cookies", [](const ClientSession& session,
                   const std::string& url) { return session.get(url, {.cookies = {{"a", "b"}}}); }},
    {"auth",
     [](const ClientSession& session, const std::string& url) {
         return session.get(url, {.auth = http::BasicAuth{"me", "secret"}});
     }},
    {"method",
     [](const ClientSession& session, const std::string& url) { return session.delete_(url); }},
    {"head",
     [](const ClientSession& session, const std::string& url) { return session.head(url); }},
    {"empty body",
     [](const ClientSession& session, const std::string& url) { return session.put(url); }},
    {"body", [](const ClientSession& session,
                const std::string& url) { return session.post(url, {.data = "text"}); }},
    {"chunks", [](const ClientSession& session,
                  const std::string& url) { return session.post(url, {.data = one_and_two()}); }},
    {"head of what is not there",
     [](const ClientSession& session, const std::string& url) {
         return session.head(url + "missing");
     }},
    {"proxy", [](const ClientSession& session,
                 const std::string& url) { return session.get(url, {.proxy = url}); }},
};

std::string described(const Heard& request, std::string_view host) {
    std::string text = fmt::format("{} {}|{}", request.method, request.target, request.body);
    for (const auto& [name, value] : request.headers) {
        text += fmt::format("|{}: {}", name, value);
    }
    for (std::size_t at = text.find(host); at != std::string::npos; at = text.find(host)) {
        text.replace(at, host.size(), "host");
    }
    return text;
}

/// What the server hears of these requests of one session, and what it is answered.
Task<std::vector<std::string>> heard_of(std::vector<Kind> requests) {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.method == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                                        : answer("200 OK", request.method);
    });
    const std::string url = server.url("/");
    const std::string host = url.substr(7, url.size() - 8);
    ClientSession session;
    std::vector<std::string> heard;
    for (const Kind& kind : requests) {
        auto response = co_await kind.begin(session, url);
        const std::string body = co_await response.read();
        heard.push_back(fmt::format("{} -> {}", described(server.heard.back(), host), body));
    }
    co_await end(session, server);
    co_return heard;
}

}  // namespace

ASYNC_TEST_CASE("handles: what a request is told does not stay for the next one") {
    for (const Kind& second : kinds) {
        const std::vector<Kind> only = {second};
        std::vector<std::string> alone = co_await heard_of(only);
        for (const Kind& first : kinds) {
            INFO(first.name << ", then " << second.name);
            const std::vector<Kind> all = {first, second, first, second};
            std::vector<std::string> heard = co_await heard_of(all);
            CHECK(heard.at(1) == alone.at(0));
            CHECK(heard.at(3) == alone.at(0));
        }
    }
}

TEST_CASE("handles: a reset forgets addresses of which no request has made use") {
    http::detail::require_curl();
    const RawSocket closed = RawSocket::bound();
    const std::string url = fmt::format("http://127.0.0.1:{}/", closed.port());
    http::detail::EasyHandle easy = http::detail::EasyHandle::make();
    http::detail::TextList addresses;
    addresses.add("which libcurl would refuse");
    easy.set(CURLOPT_RESOLVE, addresses.get());
    easy.reset();
    easy.set(CURLOPT_URL, url.c_str());
    CHECK(curl_easy_perform(easy.get()) == CURLE_COULDNT_CONNECT);
}
