// What aiohttp's test_client_functional says of parameters, headers and bodies, of what is sent and
// of what comes. Each test names the one of aiohttp.
#include "aiohttp.hpp"

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using http::ClientSession;

namespace {

/// What was asked for and its body, for comparison.
std::string line_and_body(const Heard& request) {
    return answer("200 OK", fmt::format("{}|{}", request.target, request.body));
}

std::string little_endian(std::uint32_t number, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) {
        text += static_cast<char>(number >> (8 * i));
    }
    return text;
}

/// One block that is stored as it is. RFC 1951, 3.2.4.
std::string deflated(std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    return fmt::format("\x01{}{}{}", little_endian(size, 2), little_endian(~size, 2), text);
}

/// RFC 1950.
std::string zlib_of(std::string_view text) {
    std::uint32_t a = 1;
    std::uint32_t b = 0;
    for (const char byte : text) {
        a = (a + static_cast<unsigned char>(byte)) % 65521;
        b = (b + a) % 65521;
    }
    std::string checksum = little_endian(b << 16 | a, 4);
    return "\x78\x01" + deflated(text) + std::string(checksum.rbegin(), checksum.rend());
}

/// RFC 1952.
std::string gzip_of(std::string_view text) {
    std::uint32_t crc = ~std::uint32_t{0};
    for (const char byte : text) {
        crc ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
        }
    }
    return std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10) + deflated(text) +
           little_endian(~crc, 4) + little_endian(static_cast<std::uint32_t>(text.size()), 4);
}

/// The text of an answer whose head says `headers`, and which then comes so, piece by piece.
Task<std::string> text_of_pieces(std::string headers, std::vector<std::string> pieces) {
    HttpServer server;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next());
        co_await client.send("HTTP/1.1 200 OK\r\n" + headers + "\r\n");
        for (const std::string& piece : pieces) {
            co_await turns(2);
            co_await client.send(piece);
        }
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    std::string text;
    std::exception_ptr error;
    try {
        text = co_await fetched(session, server.url("/"));
    } catch (...) {
        error = std::current_exception();
    }
    co_await end(session, server);
    if (error) {
        std::rethrow_exception(error);
    }
    co_return text;
}

std::vector<std::string> bytes_one_by_one(std::string_view text) {
    std::vector<std::string> bytes;
    for (const char byte : text) {
        bytes.emplace_back(1, byte);
    }
    return bytes;
}

std::string chunks_one_by_one(std::string_view text) {
    std::string chunks;
    for (const char byte : text) {
        chunks += chunk({&byte, 1});
    }
    return chunks + chunk("");
}

std::string length_of(std::string_view body) {
    return fmt::format("Content-Length: {}\r\n", body.size());
}

/// That an answer without a body is one, and the next request goes over the same connection.
Task<> check_empty(std::string bytes, std::string method) {
    HttpServer server;
    co_await server.start([&](const Heard& request) {
        return request.target == "/empty" ? bytes : answer("200 OK", "next");
    });
    ClientSession session;
    auto response = co_await session.request(method, server.url("/empty"));
    CHECK_AWAIT(response.read(), "");
    auto piece = co_await fetched(session, server.url("/next"));
    CHECK(piece == "next");
    CHECK(server.connections == 1);
    co_await end(session, server);
}

/// A body in parts of a form, without what changes each time: its boundary.
std::string without_boundary(const Heard& request) {
    const std::string type(request.headers["Content-Type"]);
    const std::string boundary = type.substr(type.find("boundary=") + 9);
    std::string body = request.body;
    for (std::size_t at = 0; (at = body.find(boundary, at)) != std::string::npos;) {
        body.replace(at, boundary.size(), "B");
    }
    return body;
}

}  // namespace

ASYNC_TEST_CASE("aiohttp HTTP_200_GET_WITH_MultiDict_PARAMS: a name may come twice") {
    HttpServer server;
    co_await server.start(line_and_body);
    ClientSession session;
    auto response =
        co_await session.get(server.url("/"), {.params = {{"q", "test1"}, {"q", "test2"}}});
    CHECK_AWAIT(response.text(), "/?q=test1&q=test2|");
    co_await end(session, server);
}

ASYNC_TEST_CASE(
    "aiohttp params_and_query_string, empty_params_and_query_string: one behind the other") {
    HttpServer server;
    co_await server.start(line_and_body);
    ClientSession session;
    auto both =
        co_await session.get(server.url("/?q=abc"), {.params = {{"q", "test"}, {"d", "dog"}}});
    CHECK_AWAIT(both.text(), "/?q=abc&q=test&d=dog|");
    const std::vector<std::pair<std::string, std::string>> none;
    auto without = co_await session.get(server.url("/?q=abc"), {.params = none});
    CHECK_AWAIT(without.text(), "/?q=abc|");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp POST_MultiDict: of a form a name may come twice, and be empty") {
    HttpServer server;
    co_await server.start(line_and_body);
    ClientSession session;
    auto response = co_await session.post(
        server.url("/"), {.form = {{"q", "test1"}, {"q", "test2"}, {"empty", ""}, {"", "x"}}});
    CHECK_AWAIT(response.text(), "/|q=test1&q=test2&empty=&=x");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp POST_DATA_with_charset: bytes of any alphabet stay what they are") {
    HttpServer server;
    co_await server.start(line_and_body);
    ClientSession session;
    auto form = co_await session.post(server.url("/"), {.form = {{"name", "текст"}}});
    CHECK_AWAIT(form.text(), "/|name=%D1%82%D0%B5%D0%BA%D1%81%D1%82");
    const std::string bytes("\0\xff\r\n\0", 5);
    auto raw = co_await session.post(
        server.url("/"),
        {.headers = {{"Content-Type", "text/plain; charset=koi8-r"}}, .data = bytes});
    CHECK_AWAIT(raw.text(), "/|" + bytes);
    CHECK(server.heard.back().headers["Content-Type"] == "text/plain; charset=koi8-r");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp http_empty_data_text: an empty text is a body, with a type") {
    HttpServer server;
    co_await server.start(line_and_body);
    ClientSession session;
    auto response = co_await session.post(server.url("/"), {.data = ""});
    CHECK_AWAIT(response.text(), "/|");
    CHECK(server.heard.at(0).headers["Content-Type"] == "text/plain; charset=utf-8");
    CHECK(server.heard.at(0).headers["Content-Length"] == "0");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp POST_FILES_WITH_DATA: fields and files in one form, in their order") {
    HttpServer server;
    co_await server.start(line_and_body);
    ClientSession session;
    const std::string image("\x89PNG\r\n\0--B\r\n", 12);
    auto response = co_await session.post(
        server.url("/"),
        {.multipart = {{"test", "true"}, {"some", image, "тест.png"}, {"test", "again"}}});
    CHECK(response.status() == 200);
    CHECK(without_boundary(server.heard.at(0)) ==
          "--B\r\nContent-Disposition: form-data; name=\"test\"\r\n\r\ntrue\r\n"
          "--B\r\nContent-Disposition: form-data; name=\"some\"; filename=\"тест.png\"\r\n"
          "Content-Type: application/octet-stream\r\n\r\n" +
              image +
              "\r\n--B\r\nContent-Disposition: form-data; name=\"test\"\r\n\r\nagain\r\n--B--\r\n");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp POST_FILES_SINGLE_content_disposition: quotes in names do not end them") {
    HttpServer server;
    co_await server.start(line_and_body);
    ClientSession session;
    auto response = co_await session.post(
        server.url("/"), {.multipart = {{"a\"b", "x", "c\"; name=\"evil.txt", "text/plain"}}});
    CHECK(response.status() == 200);
    CHECK(without_boundary(server.heard.at(0)) ==
          "--B\r\nContent-Disposition: form-data; name=\"a%22b\"; "
          "filename=\"c%22; name=%22evil.txt\"\r\nContent-Type: text/plain\r\n\r\nx\r\n--B--\r\n");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp POST_bytes_too_large: 413 is an answer, whatever was still to be sent") {
    HttpServer server;
    HttpServer::Script script = [](Conversation& client) -> Task<> {
        static_cast<void>(co_await client.next_head());
        co_await client.send(answer("413 Request Entity Too Large", "Maximum is 10"));
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    const std::string body(5'000'000, 'x');
    auto response = co_await session.post(server.url("/"), {.data = body});
    CHECK(response.status() == 413);
    CHECK_AWAIT(response.text(), "Maximum is 10");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp expect_continue: who asks first sends when told to") {
    HttpServer server;
    std::string seen;
    HttpServer::Script script = [&](Conversation& client) -> Task<> {
        auto head = co_await client.next_head();
        seen = head ? std::string(head->headers["Expect"]) : "";
        co_await client.send("HTTP/1.1 100 Continue\r\n\r\n");
        const std::string body = co_await client.reader.readexactly(4);
        co_await client.send(answer("200 OK", body));
        co_await client.until_gone();
    };
    co_await server.run_script(std::move(script));
    ClientSession session;
    auto response = co_await session.post(
        server.url("/"), {.headers = {{"Expect", "100-continue"}}, .data = "data"});
    CHECK_AWAIT(response.text(), "data");
    CHECK(seen == "100-continue");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp json: a text in any language, there and back") {
    HttpServer server;
    co_await server.start([](const Heard& request) {
        return answer("200 OK", request.body, "Content-Type: application/problem+json\r\n");
    });
    ClientSession session;
    const std::string text = R"({"some": ["данные", 1.5, null]})";
    auto response = co_await session.post(server.url("/"), {.json = text});
    CHECK_AWAIT(response.json(), text);
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp encoding_deflate: by zlib and without its frame, both are meant") {
    const std::string framed = zlib_of("text");
    const std::string bare = deflated("text");
    const std::string head = "Content-Encoding: deflate\r\n";
    const std::string chunked = head + "Transfer-Encoding: chunked\r\n";
    CHECK_AWAIT(text_of_pieces(chunked, bytes_one_by_one(chunks_one_by_one(framed))), "text");
    CHECK_AWAIT(text_of_pieces(chunked, std::vector<std::string>(1, chunk(bare) + chunk(""))),
                "text");
}

ASYNC_TEST_CASE("aiohttp encoding_deflate_nochunk: the same with a length") {
    const std::string framed = zlib_of("text");
    const std::string head = "Content-Encoding: deflate\r\n" + length_of(framed);
    CHECK_AWAIT(text_of_pieces(head, bytes_one_by_one(framed)), "text");
    const std::string bare = deflated("text");
    const std::string bare_head = "Content-Encoding: Deflate\r\n" + length_of(bare);
    CHECK_AWAIT(text_of_pieces(bare_head, std::vector<std::string>(1, bare)), "text");
}

ASYNC_TEST_CASE("aiohttp encoding_gzip_write_by_chunks: in chunks of one byte each") {
    const std::string head = "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n";
    const std::string zipped = gzip_of("text");
    CHECK_AWAIT(text_of_pieces(head, bytes_one_by_one(chunks_one_by_one(zipped))), "text");
    CHECK_AWAIT(text_of_pieces(head, std::vector<std::string>(1, chunks_one_by_one(zipped))),
                "text");
}

ASYNC_TEST_CASE("aiohttp encoding_gzip_nochunk: the same with a length, by its old name, too") {
    const std::string zipped = gzip_of("text");
    for (const char* name : {"gzip", "GZIP", "x-gzip"}) {
        const std::string head = fmt::format("Content-Encoding: {}\r\n", name) + length_of(zipped);
        CHECK_AWAIT(text_of_pieces(head, bytes_one_by_one(zipped)), "text");
    }
}

ASYNC_TEST_CASE("aiohttp bad_payload_compression: a wrong checksum and a cut stream are errors") {
    const std::string zipped = gzip_of("text");
    std::string wrong = zipped;
    wrong[wrong.size() - 6] ^= 1;
    const std::string head = "Content-Encoding: gzip\r\n";
    CHECK_AWAIT_HAS(text_of<http::ClientPayloadError>(text_of_pieces(
                        head + length_of(wrong), std::vector<std::string>(1, wrong))),
                    "CURLE_BAD_CONTENT_ENCODING");
}

ASYNC_TEST_CASE("aiohttp 204_with_gzipped_content_encoding: there is nothing to decode") {
    const std::string fields = "Content-Encoding: gzip\r\nContent-Type: application/json\r\n";
    co_await check_empty("HTTP/1.1 204 No Content\r\n" + fields + "\r\n", "DELETE");
    co_await check_empty("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields + "\r\n", "GET");
    co_await check_empty("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n" + fields + "\r\n", "HEAD");
}

ASYNC_TEST_CASE("aiohttp no_payload_304_with_chunked_encoding: its chunks are not waited for") {
    co_await check_empty("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", "GET");
}

ASYNC_TEST_CASE("aiohttp head_request_with_chunked_encoding: nor are those of HEAD") {
    co_await check_empty("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD");
}

ASYNC_TEST_CASE("aiohttp no_payload_200_with_chunked_encoding: the last chunk alone is no body") {
    co_await check_empty("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET");
}

ASYNC_TEST_CASE("aiohttp empty_response_non_chunked: nothing is all, and what comes next is next") {
    co_await check_empty("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET");
    co_await check_empty("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "POST");
}

ASYNC_TEST_CASE("aiohttp payload_content_length_by_chunks: a body in two pieces, and bit by bit") {
    const std::string head = length_of("answertwo");
    std::vector<std::string> two;
    two.emplace_back("answer");
    two.emplace_back("two");
    CHECK_AWAIT(text_of_pieces(head, two), "answertwo");
    CHECK_AWAIT(text_of_pieces(head, bytes_one_by_one("answertwo")), "answertwo");
}

ASYNC_TEST_CASE("aiohttp bad_payload_content_length: lengths that cannot be are no answer") {
    for (const char* lines :
         {"Content-Length: x\r\n", "Content-Length: -1\r\n",
          "Content-Length: 99999999999999999999\r\n", "Content-Length: 9223372036854775808\r\n",
          "Content-Length: 0x5\r\n", "Content-Length: 5x\r\n", "Content-Length: +5\r\n",
          "Content-Length: 5, 5\r\n", "Content-Length:\r\n",
          "Content-Length: 3\r\nContent-Length: 5\r\n"}) {
        HttpServer server;
        co_await server.run_script(
            says_and_leaves(fmt::format("HTTP/1.1 200 OK\r\n{}\r\nabcde", lines)));
        ClientSession session;
        std::string error;
        try {
            error = "<" + co_await fetched(session, server.url("/")) + ">";
        } catch (const http::ClientError& refused) {
            error = refused.what();
        }
        INFO(lines);
        CHECK(error.find("<") == std::string::npos);
        CHECK(error != "");
        co_await end(session, server);
    }
}

ASYNC_TEST_CASE("aiohttp custom_headers, multidict_headers: as often as they are given") {
    HttpServer server;
    co_await server.start(line_and_body);
    ClientSession session({.headers = {{"X-Twice", "0"}, {"X-Session", "s"}}});
    auto response = co_await session.post(
        server.url("/"),
        {.headers = {{"X-Twice", "1"}, {"x-twice", "2"}, {"Content-Type", "application/json"}},
         .data = "{}"});
    const http::Headers& heard = server.heard.at(0).headers;
    CHECK(heard.getall("X-Twice") == std::vector<std::string>{"1", "2"});
    CHECK(heard.getall("Content-Type") == std::vector<std::string>{"application/json"});
    CHECK(heard["X-Session"] == "s");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp empty_header_values: a header may be empty, there and back") {
    HttpServer server;
    co_await server.start([](const Heard&) {
        return answer("200 OK", "", "X-Empty:\r\nX-Blank:   \r\nCookie: \r\n");
    });
    ClientSession session;
    auto response =
        co_await session.get(server.url("/"), {.headers = {{"X-Empty", ""}, {"X-Full", "1"}}});
    CHECK(server.heard.at(0).headers.contains("X-Empty"));
    CHECK(server.heard.at(0).headers["X-Empty"] == "");
    CHECK(response.headers().contains("X-Blank"));
    CHECK(response.headers()["X-Blank"] == "");
    CHECK(response.headers()["X-Empty"] == "");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp host_header_first: Host comes first, and may be another") {
    HttpServer server;
    co_await server.start(line_and_body);
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    CHECK(server.heard.at(0).headers.begin()->first == "Host");
    auto named = co_await session.get(server.url("/"), {.headers = {{"Host", "virtual.test"}}});
    CHECK(server.heard.at(1).headers.getall("Host") == std::vector<std::string>{"virtual.test"});
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp raw_headers: all of them, in their order, as they are written") {
    HttpServer server;
    co_await server.run_script(says_and_leaves(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-b: 2\r\nX-A: 1\r\nx-B:3\r\n\r\n"));
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    std::string lines;
    for (const auto& [name, value] : response.headers()) {
        lines += fmt::format("{}={} ", name, value);
    }
    CHECK(lines == "Content-Length=0 X-b=2 X-A=1 x-B=3 ");
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp auto_header_user_agent: there is one, and one's own is the only one") {
    HttpServer server;
    co_await server.start(line_and_body);
    ClientSession session;
    auto plain = co_await session.get(server.url("/"));
    CHECK(server.heard.at(0).headers.getall("User-Agent") == std::vector<std::string>{"ringio"});
    auto own = co_await session.get(server.url("/"), {.headers = {{"user-agent", "me/1"}}});
    CHECK(server.heard.at(1).headers.getall("User-Agent") == std::vector<std::string>{"me/1"});
    co_await end(session, server);
}

ASYNC_TEST_CASE("aiohttp max_headers_session_default: a thousand headers are all there") {
    HttpServer server;
    std::string many;
    for (int i = 0; i < 1000; ++i) {
        many += fmt::format("X-{}: {}\r\n", i, i * i);
    }
    co_await server.start([&](const Heard&) { return answer("200 OK", "", many); });
    ClientSession session;
    auto response = co_await session.get(server.url("/"));
    CHECK(response.headers()["X-0"] == "0");
    CHECK(response.headers()["X-999"] == "998001");
    co_await end(session, server);
}
