#include "../../src/http/response_head.hpp"

#include <support/catch.hpp>

#include <initializer_list>
#include <string_view>

using ringio::http::FieldList;
using ringio::http::Headers;
using ringio::http::Url;
using ringio::http::detail::HeadReader;

namespace {

/// Takes lines, and says how many it took until the head was whole; 0: it never was.
int lines_of_head(HeadReader& reader, std::initializer_list<std::string_view> lines) {
    const Url url("http://localhost/");
    int count = 0;
    for (const std::string_view line : lines) {
        ++count;
        if (reader.take(line, url)) {
            return count;
        }
    }
    return 0;
}

}  // namespace

TEST_CASE("response head: it ends at an empty line") {
    HeadReader reader;
    CHECK(lines_of_head(reader, {"HTTP/1.1 404 Not Found\r\n", "X: a\r\n", "\r\n"}) == 3);
    CHECK(reader.head().version == "1.1");
    CHECK(reader.head().status == 404);
    CHECK(reader.head().reason == "Not Found");
    CHECK(reader.head().headers == Headers(FieldList{{"X", "a"}}));
}

TEST_CASE("response head: that of an answer comes behind those that come before it") {
    HeadReader reader;
    CHECK(
        lines_of_head(reader, {"HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/1.1 103 Early Hints\r\n",
                               "Link: </a>\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "\r\n"}) == 7);
    CHECK(reader.head().status == 200);
    CHECK(reader.head().headers.empty());
}

TEST_CASE("response head: a line of blanks goes on with the last header, and does not end it") {
    HeadReader reader;
    CHECK(lines_of_head(reader, {"HTTP/1.1 200 OK\r\n", "X: a\r\n", " \r\n", "Y: b\r\n", "\r\n"}) ==
          5);
    CHECK(reader.head().headers.get("Y") == "b");
}

// libcurl takes what comes then for the body.
TEST_CASE("response head: a line that begins with its end ends the head") {
    for (const std::string_view line : {"\rX: a\r\n", "\n", "\r\r\n"}) {
        HeadReader reader;
        CHECK(lines_of_head(reader, {"HTTP/1.1 200 OK\r\n", line}) == 2);
        CHECK(reader.head().headers.empty());
    }
}

TEST_CASE("response head: a status line among the headers is none") {
    HeadReader reader;
    CHECK(lines_of_head(reader, {"HTTP/1.1 200 OK\r\n", "X: a\r\n", "HTTP/1.1 404: Not Found\r\n",
                                 "\r\n"}) == 4);
    CHECK(reader.head().status == 200);
    CHECK(reader.head().headers.get("X") == "a");
}

TEST_CASE("response head: a status has three digits") {
    HeadReader reader;
    CHECK(lines_of_head(reader, {"HTTP/1.1 2000 OK\r\n", "\r\n"}) == 2);
    CHECK(reader.head().status == 200);
    CHECK(lines_of_head(reader, {"HTTP/1.1 -5\r\n", "\r\n"}) == 0);
    CHECK(lines_of_head(reader, {"HTTP/1.1\r\n", "\r\n"}) == 0);
    CHECK(lines_of_head(reader, {"HTTP/1.1 204\r\n", "\r\n"}) == 2);
}

TEST_CASE("response head: one without end is refused") {
    HeadReader reader;
    const std::string line(HeadReader::size_max, 'x');
    CHECK_THROWS_WITH(lines_of_head(reader, {"HTTP/1.1 200 OK\r\n", line}),
                      "400, message='the head is longer than 262144 bytes', "
                      "url='http://localhost/'");
}
