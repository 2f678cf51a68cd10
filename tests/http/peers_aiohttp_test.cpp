// aiohttp.web, the server of those whose client this one is like: what it reads is what we meant,
// and what it sends is what we give.
#include "peers.hpp"

#include "../tls/certificates.hpp"

#include <support/ends.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientSession;

namespace {

/// The server, and where it is.
class AiohttpServer {
public:
    static Task<AiohttpServer> start(bool is_secure = false) {
        const std::filesystem::path here = std::filesystem::path(__FILE__).parent_path();
        Arguments arguments((here / "aiohttp_server.py").string());
        if (is_secure) {
            arguments.add(localhost().certificate, localhost().key);
        }
        Peer peer = co_await Peer::start("python3", arguments);
        co_await peer.says(".\n");
        const std::string port = peer.words().substr(5, peer.words().find('.') - 5);
        co_return AiohttpServer(
            std::move(peer), fmt::format("{}://127.0.0.1:{}", is_secure ? "https" : "http", port));
    }

    std::string url(std::string_view path) const { return base_ + std::string(path); }

    Task<> stop() {
        peer_.process().kill();
        static_cast<void>(co_await peer_.ended());
    }

private:
    AiohttpServer(Peer peer, std::string base) : peer_(std::move(peer)), base_(std::move(base)) {}

    Peer peer_;
    std::string base_;
};

Task<std::string> text_from(const ClientSession& session, std::string url) {
    auto response = co_await session.get(url);
    co_return co_await response.text();
}

AsyncGenerator<std::string> thousand_lines() {
    for (int number = 0; number < 1000; ++number) {
        co_await sleep(0s);
        co_yield fmt::format("{}\n", number);
    }
}

std::string thousand_lines_at_once() {
    std::string text;
    for (int number = 0; number < 1000; ++number) {
        text += fmt::format("{}\n", number);
    }
    return text;
}

/// Yields what it is told to, one after the other, each when the one before has come back.
AsyncGenerator<std::string> words_in_turn(Event& came_back) {
    for (const char* word : {"one ", "two ", "three"}) {
        co_yield std::string(word);
        co_await came_back.wait();
        came_back.clear();
    }
}

/// Runs the body against aiohttp, if it is there.
void run_with_aiohttp(Task<> (*body)(AiohttpServer&, ClientSession&)) {
    const std::string python = find_program("python3");
    if (python.empty() ||
        std::system((python + " -c 'import aiohttp' 2> /dev/null").c_str()) != 0) {
        WARN("skipped: aiohttp is not installed (Debian: apt-get install python3-aiohttp)");
        return;
    }
    const auto both = [](Task<> (*run_body)(AiohttpServer&, ClientSession&)) -> Task<> {
        for (const bool is_secure : {false, true}) {
            AiohttpServer server = co_await AiohttpServer::start(is_secure);
            ClientSession session({.tls = client_context()});
            co_await run_body(server, session);
            co_await session.close();
            co_await server.stop();
        }
    };
    const testing::Balance balance;
    run(wait_for(both(body), 60s));
    CHECK(http::detail::live_easy_handles() == 0);
    CHECK(balance.difference() == "");
}

Task<> exchange_bodies(AiohttpServer& server, ClientSession& session) {
    auto json = co_await session.post(server.url("/json"), {.json = R"({"a": [1, "é"]})"});
    CHECK_AWAIT(json.json(), R"({"a": [1, "\u00e9"]})");
    auto form = co_await session.post(server.url("/form"),
                                      {.form = {{"name", "x y&="}, {"name", "é"}, {"empty", ""}}});
    CHECK_AWAIT(form.text(), "name=x y&=\nname=é\nempty=");
    auto parts = co_await session.post(
        server.url("/form"),
        {.multipart = {{"field", "text"}, {"file", "hello", "ä b.txt", "text/csv"}}});
    CHECK_AWAIT(parts.text(),
                "field=text\nfile=ä b.txt text/csv "
                "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    auto query = co_await session.get(server.url("/echo"), {.params = {{"q", "ä b"}, {"n", 1}}});
    CHECK_AWAIT_HAS(query.text(), R"("query": [["q", "\u00e4 b"], ["n", "1"]])");
    auto text = co_await session.put(server.url("/echo"), {.data = "words"});
    CHECK_AWAIT(text.json(), R"({"method": "PUT", "path": "/echo", "query": [], )"
                             R"("type": "text/plain; charset=utf-8", "body": "words"})");
}

Task<> stream_bodies(AiohttpServer& server, ClientSession& session) {
    auto chunks = co_await session.post(server.url("/upload"), {.data = thousand_lines()});
    const std::string digest = "8db91b2ee25d579493dbc2ca66417cc945e215b5424349884013834d43df7ac4";
    CHECK_AWAIT(chunks.text(), "3890 " + digest + " chunked");
    const TempFolder folder;
    const std::string path = folder.file("lines", thousand_lines_at_once());
    auto file = co_await session.put(server.url("/upload"), {.file = path});
    CHECK_AWAIT(file.text(), "3890 " + digest + " none");
    const std::string large(20'000'000, 'x');
    auto whole = co_await session.post(server.url("/upload"), {.data = large});
    CHECK_AWAIT_HAS(whole.text(), "20000000 ");

    auto down = co_await session.get(server.url("/stream/200/50000"));
    CHECK(down.headers()["Transfer-Encoding"] == "chunked");
    std::size_t size = 0;
    bool is_in_order = true;
    while (auto piece = co_await down.content().next()) {
        for (const char byte : *piece) {
            is_in_order = is_in_order && static_cast<unsigned char>(byte) == size / 50000;
            ++size;
        }
    }
    CHECK(size == 10'000'000);
    CHECK(is_in_order);

    Event came_back;
    auto both = co_await session.post(server.url("/duplex"), {.data = words_in_turn(came_back)});
    std::string heard;
    while (auto piece = co_await both.content().next()) {
        heard += *piece + "|";
        came_back.set();
    }
    CHECK(heard == "ONE |TWO |THREE|");
}

Task<> decode_bodies(AiohttpServer& server, ClientSession& session) {
    for (const char* coding : {"gzip", "deflate"}) {
        for (const int size : {0, 1, 1'000'000}) {
            auto response =
                co_await session.get(server.url(fmt::format("/compressed/{}/{}", coding, size)));
            CHECK(response.headers()["Content-Encoding"] == coding);
            const std::string body = co_await response.text();
            CHECK(body.size() == static_cast<std::size_t>(size) * 10);
            CHECK(body.substr(0, 10) == (size == 0 ? "" : "0123456789"));
        }
        CHECK_AWAIT(text_from(session, server.url(fmt::format("/compressed-stream/{}", coding))),
                    thousand_lines_at_once());
    }
}

Task<> follow_redirects(AiohttpServer& server, ClientSession& session) {
    for (const char* status : {"301", "302", "303", "307", "308"}) {
        const bool keeps = std::string_view(status) >= "307";
        auto response = co_await session.post(
            server.url(fmt::format("/redirect/{}/redirect/{}", status, status)), {.data = "body"});
        CHECK(response.history().size() == 2);
        const std::string heard = co_await response.text();
        CHECK_THAT(heard, Catch::Matchers::Contains(keeps ? "\"POST\"" : "\"GET\""));
        CHECK_THAT(heard,
                   Catch::Matchers::Contains(keeps ? "\"body\": \"body\"" : "\"body\": \"\""));
    }
    for (const char* status : {"300", "304", "305"}) {
        auto response = co_await session.get(server.url(fmt::format("/redirect/{}", status)));
        CHECK(response.status() == std::atoi(status));
        CHECK(response.history().empty());
    }
}

Task<> keep_cookies(AiohttpServer& server, ClientSession& session) {
    auto set = co_await session.get(server.url("/set-cookies"));
    CHECK(set.cookies().at("plain") == "one");
    // This machine counts as a safe way: what is for TLS only goes there in the clear, too.
    const std::string of_all = "secret=four\nspaced=two words, quoted; so\n";
    CHECK_AWAIT(text_from(session, server.url("/cookies")), "plain=one\n" + of_all);
    CHECK_AWAIT(text_from(session, server.url("/cookies/deep")),
                "deep=three\nplain=one\n" + of_all);
    CHECK_AWAIT(text_from(session, server.url("/del-cookie")), "");
    auto own = co_await session.get(server.url("/cookies"), {.cookies = {{"own", "6"}}});
    CHECK_AWAIT(own.text(), "own=6\n" + of_all);
}

Task<> prove_who_we_are(AiohttpServer& server, ClientSession& session) {
    auto stranger = co_await session.get(server.url("/auth"));
    CHECK(stranger.status() == 401);
    CHECK(stranger.headers()["WWW-Authenticate"] == "Basic realm=\"test\"");
    auto known =
        co_await session.get(server.url("/auth"), {.auth = http::BasicAuth{"user", "p: s"}});
    CHECK_AWAIT(known.text(), "welcome");
    std::string by_url = server.url("/auth");
    by_url.insert(by_url.find("127."), "user:p%3A%20s@");
    CHECK_AWAIT(text_from(session, by_url), "welcome");
}

Task<> keep_connections(AiohttpServer& server, ClientSession& session) {
    const std::string first = co_await text_from(session, server.url("/connection"));
    for (const char* path : {"/status/204", "/status/304", "/status/404", "/error", "/stream/3/3",
                             "/compressed/gzip/10", "/redirect/302", "/connection"}) {
        auto response = co_await session.get(server.url(path));
        static_cast<void>(co_await response.read());
    }
    auto head = co_await session.head(server.url("/connection"));
    CHECK(head.headers().contains("Content-Length"));
    CHECK_AWAIT(head.read(), "");
    auto options = co_await session.options(server.url("/echo"));
    CHECK_AWAIT_HAS(options.text(), "\"OPTIONS\"");
    auto not_allowed = co_await session.options(server.url("/connection"));
    CHECK(not_allowed.status() == 405);
    CHECK_AWAIT(not_allowed.read(), "405: Method Not Allowed");
    CHECK_AWAIT(text_from(session, server.url("/close")), first);
    const std::string next = co_await text_from(session, server.url("/connection"));
    CHECK(next != first);
    CHECK_AWAIT(text_from(session, server.url("/connection")), next);
}

Task<> see_it_fail(AiohttpServer& server, ClientSession& session) {
    for (const char* how : {"chunked", "length"}) {
        auto response = co_await session.get(server.url(fmt::format("/cut/{}", how)));
        CHECK(response.status() == 200);
        CHECK_AWAIT_HAS(text_of<http::ClientPayloadError>(response.text()),
                        "Response payload is not completed");
    }
    CHECK_AWAIT(
        text_of<TimeoutError>(session.get(server.url("/never"), {.timeout = {.total = 30ms}})),
        "timed out");
    auto half = co_await session.get(server.url("/half"), {.timeout = {.sock_read = 500ms}});
    auto piece = co_await half.content().next();
    CHECK(piece == "half");
    CHECK_AWAIT(text_of<http::SocketTimeoutError>(half.content().next()),
                "Timeout on reading data from socket");
    auto error = co_await session.get(server.url("/error"));
    CHECK_AWAIT(error.text(), "sorry");
    CHECK_THROWS_AS(error.raise_for_status(), http::ClientResponseError);
}

}  // namespace

TEST_CASE("peers: aiohttp reads what we send: JSON, forms, files, queries") {
    run_with_aiohttp(&exchange_bodies);
}
TEST_CASE("peers: aiohttp and we stream bodies, up, down, and both at once") {
    run_with_aiohttp(&stream_bodies);
}
TEST_CASE("peers: what aiohttp compresses comes out as it was") {
    run_with_aiohttp(&decode_bodies);
}
TEST_CASE("peers: aiohttp redirects us by every status there is") {
    run_with_aiohttp(&follow_redirects);
}
TEST_CASE("peers: aiohttp gets back the cookies that it set, and none that are over") {
    run_with_aiohttp(&keep_cookies);
}
TEST_CASE("peers: aiohttp asks who we are") { run_with_aiohttp(&prove_who_we_are); }
TEST_CASE("peers: one connection to aiohttp serves whatever it answers, until it is closed") {
    run_with_aiohttp(&keep_connections);
}
TEST_CASE("peers: aiohttp hangs up in a body, answers never, fails") {
    run_with_aiohttp(&see_it_fail);
}
