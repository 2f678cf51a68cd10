#include <ringio/http/fields.hpp>

#include <support/catch.hpp>

#include <map>
#include <string>
#include <type_traits>
#include <vector>

using ringio::http::Field;
using ringio::http::FieldList;
using ringio::http::Fields;

TEST_CASE("Fields: in braces, of texts and numbers, in their order") {
    const std::string name = "name";
    const std::string value = "value";
    const Fields fields = {{"a", "1"}, {name, value}, {"n", -5}, {"r", 0.5}, {"u", 7U}};
    CHECK(fields.is_given());
    CHECK(fields.copied() ==
          FieldList{{"a", "1"}, {"name", "value"}, {"n", "-5"}, {"r", "0.5"}, {"u", "7"}});
    CHECK(Fields({{"a", ""}}).copied() == FieldList{{"a", ""}});
    CHECK(Fields({{"", "x"}}).copied() == FieldList{{"", "x"}});
}

TEST_CASE("Fields: a name may come twice, and ten fit into braces") {
    const Fields fields = {{"a", 1}, {"a", 2}, {"a", 3}, {"a", 4}, {"a", 5},
                           {"a", 6}, {"a", 7}, {"a", 8}, {"a", 9}, {"a", 10}};
    CHECK(fields.copied().size() == 10);
    CHECK(fields.copied().back().second == "10");
}

TEST_CASE("Fields: of a range of pairs, which may be empty") {
    const std::map<std::string, std::string> map = {{"b", "2"}, {"a", "1"}};
    const std::vector<std::pair<const char*, const char*>> list = {{"x", "y"}};
    const FieldList empty;
    CHECK(Fields(map).copied() == FieldList{{"a", "1"}, {"b", "2"}});
    CHECK(Fields(list).copied() == FieldList{{"x", "y"}});
    CHECK(Fields(empty).is_given());
    CHECK(Fields(empty).copied().empty());
    CHECK(!Fields().is_given());
    CHECK(Fields().copied().empty());
}

// So they may be temporaries in a co_await expression.
TEST_CASE("Fields: nothing is to be destroyed") {
    STATIC_REQUIRE(std::is_trivially_destructible_v<Fields>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<Field>);
    STATIC_REQUIRE(!std::is_constructible_v<Field, const char*, bool>);
}
