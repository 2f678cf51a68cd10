// What aiohttp's test_client_functional says of redirects, credentials and cookies: what goes on to
// whom. Each test names the one of aiohttp.
#include "aiohttp.hpp"

#include "../tls/certificates.hpp"

#include <support/temp_folder.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientSession;

namespace {

std::string moved(std::string_view status, std::string_view to) {
    return answer(status, "", fmt::format("Location: {}\r\n", to));
}

/// "/307/302/end" redirects by 307 to "/302/end".
std::string moved_by_path(const Heard& request) {
    return request.target.size() > 4 && request.target[4] == '/'
               ? moved(fmt::format("{} Moved", request.target.substr(1, 3)),
                       request.target.substr(4))
               : answer("200 OK", "end");
}

/// "GET /x: body; " of each request.
std::string requests_of(const HttpServer& server) {
    std::string lines;
    for (const Heard& request : server.heard) {
        lines += fmt::format("{}: {}; ", request.line(), request.body);
    }
    return lines;
}

AsyncGenerator<std::string> two_chunks() {
    co_yield std::string("one");
    co_yield std::string("two");
}

std::string cookies_heard(const Heard& request) {
    return std::string(request.headers.get("Cookie", "none"));
}

/// A text in its parts.
std::vector<std::string> parts_of(std::string_view text, std::string_view separator) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        parts.emplace_back(text.substr(at, end - at));
        at = end + separator.size();
    }
    return parts;
}

/// A server that sets these cookies, one a line, by "/set", and says which it hears.
HttpServer::Answer sets_cookies(std::string_view cookies) {
    std::string lines;
    for (const std::string& cookie : parts_of(cookies, "\n")) {
        lines += fmt::format("Set-Cookie: {}\r\n", cookie);
    }
    return [lines](const Heard& request) {
        return answer("200 OK", cookies_heard(request), request.target == "/set" ? lines : "");
    };
}

/// The cookies that come back after these were set, one a line, in the order of the alphabet.
Task<std::string> cookies_after(std::string_view cookies) {
    HttpServer server;
    co_await server.start(sets_cookies(cookies));
    ClientSession session;
    CHECK_AWAIT(fetched(session, server.url("/set")), "none");
    const std::string line = co_await fetched(session, server.url("/"));
    co_await end(session, server);
    std::vector<std::string> heard = parts_of(line, "; ");
    std::ranges::sort(heard);
    co_return fmt::format("{}", fmt::join(heard, "; "));
}

/// A pair of servers, by TLS or not, of which the first redirects to the second.
struct TwoServers {
    HttpServer from;
    HttpServer to;

    Task<> start(bool from_tls, std::string to_host, bool to_tls) {
        from.tls = from_tls ? std::optional(named_context()) : std::nullopt;
        to.tls = to_tls ? std::optional(named_context()) : std::nullopt;
        co_await to.start([](const Heard&) { return answer("200 OK", "arrived"); });
        const std::string target = to.url_of(to_host, "/path2");
        HttpServer::Answer redirects = [target](const Heard&) {
            return moved("302 Found", target);
        };
        co_await from.start(std::move(redirects));
    }

    static TlsContext named_context() {
        static const Identity identity =
            test_authority().issue({.alt_names = "DNS:host1.test,DNS:host2.test,IP:127.0.0.1"});
        return TlsContext::server({.certificate = identity.certificate, .key = identity.key});
    }
};

}  // namespace

ASYNC_TEST_CASE("aiohttp HTTP_302_REDIRECT_POST: a form is gone with its method, length and type") {
    HttpServer server;
    co_await server.start(moved_by_path);
    ClientSession session;
    auto response = co_await session.post(server.url("/302/end"), {.form = {{"some", "data"}}});
    CHECK(response.method() == "GET");
    CHECK(requests_of(server) == "POST /302/end: some=data; GET /end: ; ");
    const http::Headers& second = server.heard.at(1).headers;
    CHECK(!second.contains("Content-Length"));
    CHECK(!second.contains("Content-Type"));
    CHECK(!second.contains("Transfer-Encoding"));
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp HTTP_307_REDIRECT_POST, HTTP_308_PERMANENT_REDIRECT_POST: they keep it all") {
    HttpServer server;
    co_await server.start(moved_by_path);
    ClientSession session;
    auto response = co_await session.post(server.url("/307/308/end"), {.form = {{"some", "data"}}});
    CHECK(response.method() == "POST");
    CHECK(requests_of(server) ==
          "POST /307/308/end: some=data; POST /308/end: some=data; POST /end: some=data; ");
    for (const Heard& request : server.heard) {
        CHECK(request.headers["Content-Type"] == "application/x-www-form-urlencoded");
        CHECK(request.headers["Content-Length"] == "9");
    }
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp HTTP_302_max_redirects: as many are followed, and no more") {
    HttpServer server;
    co_await server.start(moved_by_path);
    ClientSession session;
    auto response = co_await session.get(server.url("/302/302/end"), {.max_redirects = 2});
    CHECK(response.status() == 200);
    CHECK(response.history().size() == 2);
    CHECK_AWAIT(text_of<http::TooManyRedirects>(
                    session.get(server.url("/302/302/302/end"), {.max_redirects = 2})),
                fmt::format("302, message='more than 2 redirects', url='{}'",
                            server.url("/302/302/302/end")));
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp drop_params_on_redirect: the query is the first one's") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target.starts_with("/ok") ? answer("200 OK", request.target)
                                                 : moved("301 Moved", "/ok?a=redirect");
    });
    ClientSession session;
    auto response = co_await session.get(server.url("/redirect"), {.params = {{"a", "initial"}}});
    CHECK_AWAIT(response.text(), "/ok?a=redirect");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp drop_fragment_on_redirect: no fragment is sent, neither ours nor theirs") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/ok" ? answer("200 OK", "") : moved("301 Moved", "/ok#theirs");
    });
    ClientSession session;
    auto response = co_await session.get(server.url("/redirect#ours"));
    CHECK(response.status() == 200);
    CHECK(response.url().to_string() == server.url("/ok#theirs"));
    CHECK(requests_of(server) == "GET /redirect: ; GET /ok: ; ");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp redirect_to_absolute_url: relative to what redirects, or whole") {
    HttpServer server;
    co_await server.start([&](const Heard& request) {
        return request.target == "/a/b"       ? moved("302 Found", "c?x=1")
               : request.target == "/a/c?x=1" ? moved("302 Found", "../d")
               : request.target == "/d"       ? moved("302 Found", server.url("/whole"))
                                              : answer("200 OK", request.target);
    });
    ClientSession session;
    CHECK_AWAIT(fetched(session, server.url("/a/b")), "/whole");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp requote_redirect_url_default: what belongs in no URL is encoded, once") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/" ? moved("302 Found", "/a b/%2F\xc3\xa9?q=x y%20z")
                                     : answer("200 OK", request.target);
    });
    ClientSession session;
    CHECK_AWAIT(fetched(session, server.url("/")), "/a%20b/%2F%C3%A9?q=x+y%20z");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp invalid_redirect_url_multiple_redirects: the error names who redirected") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/1"   ? moved("301 Moved", "/2")
               : request.target == "/2" ? moved("301 Moved", "/3")
                                        : moved("301 Moved", "http://:8080/");
    });
    ClientSession session;
    CHECK_AWAIT_HAS(text_of<http::InvalidUrlRedirectClientError>(session.get(server.url("/1"))),
                    server.url("/3") + " redirects to no valid URL: ");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp redirect_preserves_content_type: one's own, too, and of JSON") {
    HttpServer server;
    co_await server.start(moved_by_path);
    ClientSession session;
    auto json = co_await session.post(server.url("/307/end"), {.json = "[1]"});
    auto own = co_await session.put(server.url("/301/end"),
                                    {.headers = {{"Content-Type", "text/csv"}}, .data = "1,2"});
    std::string types;
    for (const Heard& request : server.heard) {
        types += fmt::format("{} ", request.headers["Content-Type"]);
    }
    CHECK(types == "application/json application/json text/csv text/csv ");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp redirect_with_empty_payload: an empty body stays one") {
    HttpServer server;
    co_await server.start(moved_by_path);
    ClientSession session;
    auto response = co_await session.post(server.url("/307/end"), {.data = ""});
    CHECK(response.status() == 200);
    CHECK(requests_of(server) == "POST /307/end: ; POST /end: ; ");
    CHECK(server.heard.at(0).headers.get("Content-Length") == "0");
    CHECK(server.heard.at(1).headers.get("Content-Length") == "0");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp multiple_redirects_with_bytes_payload: a large body goes out each time") {
    HttpServer server;
    co_await server.start(moved_by_path);
    ClientSession session;
    const std::string body(200'000, 'b');
    auto response = co_await session.post(server.url("/307/307/308/end"), {.data = body});
    CHECK(response.status() == 200);
    REQUIRE(server.heard.size() == 4);
    for (const Heard& request : server.heard) {
        CHECK((request.body == body));
    }
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp async_iterable_payload_redirect_non_post_301_302: what is spent is not sent again") {
    HttpServer server;
    co_await server.start(moved_by_path);
    ClientSession session;
    for (const char* target : {"/301/end", "/302/end", "/307/end", "/308/end"}) {
        CHECK_AWAIT(text_of<http::ClientPayloadError>(
                        session.put(server.url(target), {.data = two_chunks()})),
                    server.url(target) +
                        " redirects a body that is gone: it came from a generator or a file");
    }
    CHECK(server.heard.size() == 4);
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp file_upload_307_302_redirect_chain: a file that is dropped at once goes on") {
    const TempFolder folder;
    const std::string path = folder.file("data", "content of a file");
    HttpServer server;
    co_await server.start(moved_by_path);
    ClientSession session;
    auto response = co_await session.post(server.url("/302/307/end"), {.file = path});
    CHECK(response.status() == 200);
    CHECK(requests_of(server) ==
          "POST /302/307/end: content of a file; GET /307/end: ; GET /end: ; ");
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp creds_in_auth_and_redirect_url: those of the redirect are used from then on") {
    struct Named {
        const char* in_url;
        const char* header;
    };
    for (const Named named : {Named{"other:p", "Basic b3RoZXI6cA=="}, Named{":p", "Basic OnA="}}) {
        INFO(named.in_url);
        HttpServer server;
        co_await server.start([&](const Heard& request) {
            return request.target == "/"
                       ? moved("302 Found",
                               fmt::format("http://{}@127.0.0.1:{}/1", named.in_url, server.port()))
                   : request.target == "/1" ? moved("302 Found", "/2")
                                            : answer("200 OK", "");
        });
        ClientSession session;
        auto response =
            co_await session.get(server.url("/"), {.auth = http::BasicAuth{"user", "pass"}});
        CHECK(response.url() == http::Url(server.url("/2")));
        std::string heard;
        for (const Heard& request : server.heard) {
            heard += fmt::format("{} ", request.headers["Authorization"]);
        }
        CHECK(heard == fmt::format("Basic dXNlcjpwYXNz {0} {0} ", named.header));
        co_await end(session, server);
    }
}

ASYNC_TEST_CASE("aiohttp drop_auth_on_redirect_to_other_host: host, scheme and port make another") {
    const KnownNames names{{"host1.test", {"127.0.0.1"}}, {"host2.test", {"127.0.0.1"}}};
    struct Way {
        bool from_tls;
        const char* to_host;
        bool to_tls;
    };
    for (const Way way : {Way{false, "host2.test", false}, Way{false, "host1.test", true},
                          Way{true, "host1.test", false}, Way{true, "host1.test", true}}) {
        INFO(way.from_tls << " to " << way.to_host << " " << way.to_tls);
        TwoServers servers;
        co_await servers.start(way.from_tls, way.to_host, way.to_tls);
        ClientSession session({.tls = client_context()});
        auto response = co_await session.get(
            servers.from.url_of("host1.test", "/path1"),
            {.headers = {{"Proxy-Authorization", "Basic x"}, {"Cookie", "a=b"}},
             .auth = http::BasicAuth{"user", "pass"}});
        CHECK_AWAIT(response.text(), "arrived");
        CHECK(servers.from.heard.at(0).headers["Authorization"] == "Basic dXNlcjpwYXNz");
        const http::Headers& arrived = servers.to.heard.at(0).headers;
        CHECK(!arrived.contains("Authorization"));
        CHECK(!arrived.contains("Proxy-Authorization"));
        CHECK(!arrived.contains("Cookie"));
        co_await session.close();
        co_await servers.from.stop();
        co_await servers.to.stop();
    }
}

ASYNC_TEST_CASE(
    "aiohttp drop_session_authorization_header_on_redirect_to_other_host: the session's, too") {
    const KnownNames names{{"host1.test", {"127.0.0.1"}}, {"host2.test", {"127.0.0.1"}}};
    TwoServers servers;
    co_await servers.start(false, "host2.test", false);
    ClientSession session({.headers = {{"authorization", "Bearer 1"}, {"X-Kept", "yes"}}});
    CHECK_AWAIT(fetched(session, servers.from.url_of("host1.test", "/path1")), "arrived");
    CHECK(servers.from.heard.at(0).headers["Authorization"] == "Bearer 1");
    CHECK(!servers.to.heard.at(0).headers.contains("Authorization"));
    CHECK(servers.to.heard.at(0).headers["X-Kept"] == "yes");
    co_await session.close();
    ClientSession with_auth({.auth = http::BasicAuth{"user", "pass"}});
    CHECK_AWAIT(fetched(with_auth, servers.from.url_of("host1.test", "/path1")), "arrived");
    CHECK(servers.from.heard.at(1).headers["Authorization"] == "Basic dXNlcjpwYXNz");
    CHECK(!servers.to.heard.at(1).headers.contains("Authorization"));
    co_await servers.from.stop();
    co_await end(with_auth, servers.to);
}

ASYNC_TEST_CASE(
    "aiohttp drop_duplicate_auth_headers_on_redirect_to_other_host: however they are written") {
    HttpServer to;
    co_await to.start([](const Heard&) { return answer("200 OK", ""); });
    HttpServer from;
    co_await from.start([&](const Heard&) { return moved("307 Moved", to.url("/")); });
    ClientSession session;
    auto response = co_await session.get(
        from.url("/"),
        {.headers = {{"Authorization", "Basic 1"}, {"AUTHORIZATION", "Basic 2"}, {"cookie", "c"}}});
    CHECK(from.heard.at(0).headers.getall("Authorization") ==
          std::vector<std::string>{"Basic 1", "Basic 2"});
    CHECK(!to.heard.at(0).headers.contains("Authorization"));
    CHECK(!to.heard.at(0).headers.contains("Cookie"));
    co_await to.stop();
    co_await end(session, from);
}

ASYNC_TEST_CASE("aiohttp session_authorization_header_override: a request has its own over it") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return answer("200 OK", request.headers.get("Authorization", "none"));
    });
    ClientSession session({.auth = http::BasicAuth{"session", "s"}});
    CHECK_AWAIT(fetched(session, server.url("/")), "Basic c2Vzc2lvbjpz");
    auto by_header =
        co_await session.get(server.url("/"), {.headers = {{"Authorization", "Bearer 2"}}});
    CHECK_AWAIT(by_header.text(), "Bearer 2");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp cookies_per_request: they are sent once, beside the session's") {
    HttpServer server;
    co_await server.start(sets_cookies("kept=1"));
    ClientSession session;
    CHECK_AWAIT(fetched(session, server.url("/set")), "none");
    auto response = co_await session.get(server.url("/"), {.cookies = {{"own", "2"}, {"n", 3}}});
    const std::string heard = co_await response.text();
    CHECK_THAT(heard, Catch::Matchers::Contains("kept=1"));
    CHECK_THAT(heard, Catch::Matchers::Contains("own=2; n=3"));
    CHECK_AWAIT(fetched(session, server.url("/")), "kept=1");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp cookies_redirect: each answer on the way may set and change them") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        const std::string set = "Set-Cookie: c=" + request.target.substr(1) + "; Path=/\r\n";
        return request.target == "/3" ? answer("200 OK", cookies_heard(request))
                                      : answer("302 Found", "",
                                               set + (request.target == "/1" ? "Location: /2\r\n"
                                                                             : "Location: /3\r\n"));
    });
    ClientSession session;
    CHECK_AWAIT(fetched(session, server.url("/1")), "c=2");
    CHECK(cookies_heard(server.heard.at(0)) == "none");
    CHECK(cookies_heard(server.heard.at(1)) == "c=1");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp set_cookies: several in one answer, and strange ones beside them") {
    CHECK_AWAIT(cookies_after("c1=cookie1\nc2=cookie2; HttpOnly; Path=/\nc3=\n=x\n"),
                "c1=cookie1; c2=cookie2; c3=");
}

ASYNC_TEST_CASE("aiohttp set_cookies_with_curly_braces: names as they are in the wild") {
    CHECK_AWAIT(cookies_after("A{A7F52349-3531}={925EC0B8-CB17}; HttpOnly; Path=/"),
                "A{A7F52349-3531}={925EC0B8-CB17}");
    CHECK_AWAIT(cookies_after("q=\"a quoted, one\"; Path=/"), "q=\"a quoted, one\"");
}

ASYNC_TEST_CASE("aiohttp set_cookies_expired: those that are over are not kept, and end others") {
    CHECK_AWAIT(cookies_after("a=1\nb=2\nc=3\nb=; Max-Age=0\n"
                              "c=; Expires=Tue, 01 Jan 1980 12:00:00 GMT\n"
                              "d=4; Expires=Tue, 01 Jan 1980 12:00:00 GMT"),
                "a=1");
}

ASYNC_TEST_CASE("aiohttp set_cookies_max_age_overflow: a time without end is a long time") {
    CHECK_AWAIT(cookies_after("a=1; Max-Age=253402300799\n"
                              "b=2; Max-Age=99999999999999999999999\n"
                              "c=3; Expires=Mon, 31-May-3024 10:00:00 GMT"),
                "a=1; b=2; c=3");
}

ASYNC_TEST_CASE("aiohttp cookies_with_unsafe_cookie_jar: of IP addresses they are kept, too") {
    CHECK_AWAIT(cookies_after("ip-cookie=second; Domain=127.0.0.1\n"
                              "other=1; Domain=127.0.0.2\n"
                              "far=1; Domain=example.org"),
                "ip-cookie=second");
}

ASYNC_TEST_CASE("aiohttp amazon_like_cookie_scenario: of a domain and of a host below it") {
    const KnownNames names{{"shop.test", {"127.0.0.1"}},
                           {"www.shop.test", {"127.0.0.1"}},
                           {"elsewhere.test", {"127.0.0.1"}}};
    HttpServer server;
    co_await server.start(
        sets_cookies("id=1; Domain=.shop.test; Path=/; HttpOnly\n"
                     "id=2; Domain=.www.shop.test; Path=/; HttpOnly\n"
                     "secret=3; Domain=.shop.test; Path=/; Secure\n"
                     "user=\"a/b=c\"; Version=1; Domain=.shop.test; Path=/"));
    ClientSession session;
    CHECK_AWAIT(fetched(session, server.url_of("www.shop.test", "/set")), "none");
    const std::string below = co_await fetched(session, server.url_of("www.shop.test", "/"));
    for (const char* each : {"id=1", "id=2", "user=\"a/b=c\""}) {
        CHECK_THAT(below, Catch::Matchers::Contains(each));
    }
    CHECK_THAT(below, !Catch::Matchers::Contains("secret"));
    const std::string above = co_await fetched(session, server.url_of("shop.test", "/"));
    CHECK_THAT(above, Catch::Matchers::Contains("id=1"));
    CHECK_THAT(above, !Catch::Matchers::Contains("id=2"));
    CHECK_AWAIT(fetched(session, server.url_of("elsewhere.test", "/")), "none");
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp raise_for_status_per_request: of where it leads to, not of the way there") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return request.target == "/missing"
                   ? answer("404 Not Found", "")
                   : moved("302 Found",
                           request.target == "/to-missing" ? "/missing" : "/to-missing");
    });
    ClientSession session;
    CHECK_AWAIT(text_of<http::ClientResponseError>(
                    session.get(server.url("/"), {.raise_for_status = true})),
                fmt::format("404, message='Not Found', url='{}'", server.url("/missing")));
    auto stays =
        co_await session.get(server.url("/"), {.allow_redirects = false, .raise_for_status = true});
    CHECK(stays.status() == 302);
    co_await end(session, server);
}
