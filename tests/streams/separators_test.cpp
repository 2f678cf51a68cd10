#include <ringio/streams/separators.hpp>

#include <ringio/streams/stream_reader.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

using namespace ringio;
using namespace ringio::test_support;

namespace {

using Texts = std::vector<std::string>;

Texts texts_of(const Separators& separators) { return separators.texts(); }

}  // namespace

TEST_CASE("Separators: are a text, a braced list of texts, or a vector") {
    const std::string text = "\r\n";
    const std::string_view view = "--";
    CHECK(texts_of("\n") == Texts{"\n"});
    CHECK(texts_of(text) == Texts{"\r\n"});
    CHECK(texts_of({"\r\n", "\n"}) == Texts{"\r\n", "\n"});
    CHECK(texts_of({text, "\n", view}) == Texts{"\r\n", "\n", "--"});
    CHECK(texts_of(Texts{"a", "b"}) == Texts{"a", "b"});
    CHECK(texts_of(Texts()).empty());
}

ASYNC_TEST_CASE("Separators: each form stands in the operand of a co_await") {
    StreamReader reader;
    const Texts texts = {"x", "|"};
    reader.feed_data("1\r\n2\n3--4;5|6\n");
    const std::string first = co_await reader.readuntil({"\r\n", "\n"});
    CHECK(first == "1\r\n");
    const std::string second = co_await reader.readuntil({"\r\n", "\n"});
    CHECK(second == "2\n");
    const std::string third = co_await reader.readuntil("--");
    CHECK(third == "3--");
    const std::string fourth = co_await reader.readuntil(std::string(";"));
    CHECK(fourth == "4;");
    const std::string fifth = co_await reader.readuntil(texts);
    CHECK(fifth == "5|");
    const std::string sixth = co_await reader.readuntil();
    CHECK(sixth == "6\n");
}
