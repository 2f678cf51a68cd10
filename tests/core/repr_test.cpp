#include <ringio/core/repr.hpp>

#include <cstdint>
#include <limits>
#include <source_location>
#include <string>
#include <string_view>

#include <support/catch.hpp>

using ringio::detail::repr;

namespace {

struct Opaque {};

std::string plain_function() {
    return ringio::detail::function_name(std::source_location::current());
}
template <class T>
std::string function_template(T) {
    return ringio::detail::function_name(std::source_location::current());
}
struct Class {
    std::string member(int) const {
        return ringio::detail::function_name(std::source_location::current());
    }
};
std::string* returns_a_pointer() {
    static std::string name;
    name = ringio::detail::function_name(std::source_location::current());
    return &name;
}

}  // namespace

TEST_CASE("repr: numbers, truth and nothing, as Python shows them") {
    CHECK(repr(5) == "5");
    CHECK(repr(-5L) == "-5");
    CHECK(repr(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
    CHECK(repr(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    CHECK(repr(std::uint8_t{7}) == "7");
    CHECK(repr(true) == "True");
    CHECK(repr(false) == "False");
    CHECK(repr(1.0) == "1.0");
    CHECK(repr(-2.5) == "-2.5");
    CHECK(repr(std::numeric_limits<double>::infinity()) == "inf");
    CHECK(repr(ringio::detail::Unit{}) == "None");
}

TEST_CASE("repr: texts are quoted and escaped") {
    CHECK(repr(std::string("Foo!")) == "'Foo!'");
    CHECK(repr("") == "''");
    CHECK(repr(std::string_view("it's")) == "\"it's\"");
    CHECK(repr("both ' and \"") == "'both \\' and \"'");
    CHECK(repr("a\nb\tc\rd\\e") == "'a\\nb\\tc\\rd\\\\e'");
    CHECK(repr(std::string("\0\x7f", 2)) == "'\\x00\\x7f'");
}

TEST_CASE("repr: a long text keeps its beginning and its end, as reprlib does") {
    CHECK(repr("abcdefghijklmnopqrstuvwxyzAB") == "'abcdefghijklmnopqrstuvwxyzAB'");
    CHECK(repr("abcdefghijklmnopqrstuvwxyzABC") == "'abcdefghijkl...qrstuvwxyzABC'");
    CHECK(repr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ") == "'abcdefghijkl...xyzABCDEFGHIJ'");
}

TEST_CASE("repr: what cannot be printed is a value all the same, what is long is cut") {
    CHECK(repr(Opaque{}) == "<value>");
    CHECK(ringio::detail::shortened(std::string(120, 'x')) == std::string(120, 'x'));
    CHECK(ringio::detail::shortened(std::string(121, 'x')) == std::string(117, 'x') + "...");
}

TEST_CASE("repr: the name of a function, whatever its kind") {
    CHECK(plain_function() == "plain_function");
    CHECK(function_template(std::string()) == "function_template");
    CHECK(Class().member(1) == "member");
    CHECK(*returns_a_pointer() == "returns_a_pointer");
    const auto lambda = [] {
        return ringio::detail::function_name(std::source_location::current());
    };
    CHECK(lambda() == "<lambda>");
    CHECK(function_template(lambda) == "function_template");
}

TEST_CASE("repr: the place is the file's name and the line") {
    const auto where = std::source_location::current();
    CHECK(ringio::detail::file_and_line(where) == "repr_test.cpp:" + std::to_string(where.line()));
}
