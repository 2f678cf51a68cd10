#include <ringio/http/headers.hpp>

#include <support/catch.hpp>

#include <stdexcept>
#include <string>
#include <vector>

using ringio::http::FieldList;
using ringio::http::Headers;

TEST_CASE("Headers: a name is the same however it is capitalized") {
    const Headers headers(FieldList{{"Content-Type", "text/html"}, {"X-A", "1"}});
    CHECK(headers["content-type"] == "text/html");
    CHECK(headers.at("CONTENT-TYPE") == "text/html");
    CHECK(headers.get("x-a") == "1");
    CHECK(headers.get("x-b") == "");
    CHECK(headers.get("x-b", "none") == "none");
    CHECK(headers.contains("x-A"));
    CHECK(headers.find("X-B") == nullptr);
    CHECK_THROWS_AS(headers["X-B"], std::out_of_range);
    CHECK(ringio::http::same_name("ABC", "abc"));
    CHECK(!ringio::http::same_name("ABC", "abcd"));
    CHECK(!ringio::http::same_name("@", "`"));
}

TEST_CASE("Headers: in their order, several of a name; the first one counts") {
    Headers headers;
    headers.add("Set-Cookie", "a=1");
    headers.add("X", "x");
    headers.add("set-cookie", "b=2");
    CHECK(headers.size() == 3);
    CHECK(headers["Set-Cookie"] == "a=1");
    CHECK(headers.getall("SET-COOKIE") == std::vector<std::string>{"a=1", "b=2"});
    std::string names;
    for (const auto& [name, value] : headers) {
        names += name + " ";
    }
    CHECK(names == "Set-Cookie X set-cookie ");
    headers.set("SET-COOKIE", "c=3");
    CHECK(headers == Headers(FieldList{{"X", "x"}, {"SET-COOKIE", "c=3"}}));
    CHECK(headers.remove("x") == 1);
    CHECK(headers.remove("x") == 0);
    CHECK(!headers.empty());
}

TEST_CASE("Headers: a header in several lines is one value") {
    Headers headers;
    headers.append_to_last("nothing");
    headers.add("X", "a");
    headers.append_to_last("b");
    CHECK(headers["x"] == "a b");
}

TEST_CASE("Headers: what would add to the head of a message is refused") {
    using ringio::http::detail::check_header;
    using ringio::http::detail::check_method;
    check_header("X-Fine", "any\tvalue \xc3\xa9");
    for (const char* value : {"a\r\nb", "a\nb", "a\rb", "\n"}) {
        CHECK_THROWS_AS(check_header("X", value), std::invalid_argument);
    }
    CHECK_THROWS_WITH(check_header("X", std::string_view("a\0b", 3)),
                      "the value of the header X has a line end or a zero byte in it");
    CHECK_THROWS_WITH(check_header("X\n", "a"), "'X\\x0a' is no name of a header");
    for (const char* name : {"", "a b", "a:", "a\r", "é", "(a)"}) {
        CHECK_THROWS_AS(check_header(name, "a"), std::invalid_argument);
    }
    check_method("M-SEARCH");
    for (const char* method : {"", "GET ", "GET\r\nX:", "G/T"}) {
        CHECK_THROWS_AS(check_method(method), std::invalid_argument);
    }
}
