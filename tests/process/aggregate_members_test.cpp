#include <ringio/process/aggregate_members.hpp>

#include <support/catch.hpp>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

using ringio::detail::has_members;
using ringio::detail::member_count;
using ringio::detail::visit_members;

namespace {

struct NoMember {};
struct OneMember {
    int a;
};
struct Nested {
    OneMember one;
    std::string text;
    std::optional<std::vector<int>> values;
    std::map<int, std::string> names;
};
struct WithArrays {
    int before;
    int numbers[3];
    char name[64];
    std::array<std::string, 2> texts;
    double after;
};
struct WithBitFields {
    unsigned a : 3;
    unsigned b : 5;
};
struct WithDefaults {
    int a = 7;
    std::string b = "b";
};
struct Base {
    int a;
};
struct Derived : Base {
    int b;
};
struct EmptyBase {};
struct DerivedOfEmpty : EmptyBase {
    int b;
};
struct Sixteen {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
};
struct Seventeen {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};
struct NotFromBraces {
    explicit NotFromBraces(int value) : a(value) {}
    int a;
};
struct HoldsNotFromBraces {
    int a = 1;
    NotFromBraces b = NotFromBraces(2);
    int c = 3;
};

}  // namespace

TEST_CASE("aggregate members: are counted, whatever they are") {
    STATIC_REQUIRE(member_count<NoMember> == 0);
    STATIC_REQUIRE(member_count<OneMember> == 1);
    STATIC_REQUIRE(member_count<Nested> == 4);
    STATIC_REQUIRE(member_count<WithBitFields> == 2);
    STATIC_REQUIRE(member_count<WithDefaults> == 2);
    STATIC_REQUIRE(member_count<Sixteen> == 16);
    STATIC_REQUIRE(has_members<Sixteen>());
}

TEST_CASE("aggregate members: an array is one member, of however many elements") {
    STATIC_REQUIRE(member_count<WithArrays> == 5);
    STATIC_REQUIRE(has_members<WithArrays>());
}

TEST_CASE("aggregate members: a base, too many, or what no empty braces make hides them") {
    STATIC_REQUIRE(!has_members<Derived>());
    STATIC_REQUIRE(!has_members<DerivedOfEmpty>());
    STATIC_REQUIRE(!has_members<Seventeen>());
    STATIC_REQUIRE(!has_members<HoldsNotFromBraces>());
    STATIC_REQUIRE(!has_members<NotFromBraces>());
    STATIC_REQUIRE(!has_members<std::string>());
    STATIC_REQUIRE(!has_members<int>());
}

TEST_CASE("aggregate members: are visited in their order, as themselves") {
    Nested nested{{1}, "two", {{3}}, {}};
    visit_members(nested, [](OneMember& one, std::string& text, auto& values, auto& names) {
        ++one.a;
        text += "!";
        values->push_back(4);
        names[5] = "five";
    });
    CHECK(nested.one.a == 2);
    CHECK(nested.text == "two!");
    CHECK(nested.values == std::vector{3, 4});
    CHECK(nested.names.at(5) == "five");
    const WithArrays arrays{1, {2, 3, 4}, "name", {"x", "y"}, 5};
    const double sum = visit_members(
        arrays, [](int before, const int(&numbers)[3], const char(&)[64], const auto&,
                   double after) { return before + numbers[0] + numbers[1] + numbers[2] + after; });
    CHECK(sum == 15);
}
