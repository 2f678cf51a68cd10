#include <ringio/tasks/exception_group.hpp>

#include "scenario.hpp"

#include <system_error>

using namespace ringio;
using namespace ringio::test_support;

namespace {

template <class E>
std::exception_ptr error(const char* text) {
    return std::make_exception_ptr(E(text));
}

}  // namespace

TEST_CASE("ExceptionGroup: says how many exceptions it holds") {
    const ExceptionGroup one("text", {error<std::runtime_error>("a")});
    CHECK(std::string(one.what()) == "text (1 sub-exception)");
    CHECK(one.message() == "text");
    const ExceptionGroup two("text",
                             {error<std::runtime_error>("a"), error<std::runtime_error>("b")});
    CHECK(std::string(two.what()) == "text (2 sub-exceptions)");
    CHECK(two.exceptions().size() == 2);
}

TEST_CASE("ExceptionGroup: refuses to hold nothing, or null") {
    CHECK_THROWS_AS(ExceptionGroup("text", {}), std::invalid_argument);
    CHECK_THROWS_AS(ExceptionGroup("text", {nullptr}), std::invalid_argument);
    CHECK_THROWS_AS(ExceptionGroup("text", {error<std::runtime_error>("a"), nullptr}),
                    std::invalid_argument);
}

TEST_CASE("ExceptionGroup: selects by type, also in nested groups, in order") {
    const ExceptionGroup inner("inner",
                               {error<std::out_of_range>("b"), error<std::runtime_error>("c")});
    const ExceptionGroup group("outer",
                               {error<std::runtime_error>("a"), std::make_exception_ptr(inner),
                                error<std::invalid_argument>("d")});
    const auto logic = group.select<std::logic_error>();
    REQUIRE(logic.size() == 2);
    CHECK(name_of(logic[0]) == "b");
    CHECK(name_of(logic[1]) == "d");
    const auto rest = group.without<std::logic_error>();
    REQUIRE(rest.size() == 2);
    CHECK(name_of(rest[0]) == "a");
    CHECK(name_of(rest[1]) == "c");
    CHECK(group.contains<std::out_of_range>());
    CHECK_FALSE(group.contains<std::system_error>());
}

TEST_CASE("ExceptionGroup: selecting std::runtime_error looks into groups all the same") {
    // A nested group is a std::runtime_error for C++, but no error that anybody selects by that.
    const ExceptionGroup inner("inner", {error<std::logic_error>("b")});
    const ExceptionGroup group("outer", {std::make_exception_ptr(inner)});
    CHECK_FALSE(group.contains<std::runtime_error>());
    CHECK(group.without<std::runtime_error>().size() == 1);
}

TEST_CASE("ExceptionGroup: a cancellation can be one of its exceptions") {
    const ExceptionGroup group("text", {std::make_exception_ptr(CancelledError())});
    CHECK(group.contains<CancelledError>());
    CHECK_FALSE(group.contains<std::exception>());
}

TEST_CASE("ExceptionGroup: rethrow_if_single throws the only one, itself") {
    const ExceptionGroup one("text", {error<std::out_of_range>("a")});
    CHECK_THROWS_AS(one.rethrow_if_single(), std::out_of_range);
    const ExceptionGroup two("text",
                             {error<std::runtime_error>("a"), error<std::runtime_error>("b")});
    CHECK_NOTHROW(two.rethrow_if_single());
}

TEST_CASE("ExceptionGroup: is caught as a std::exception, and can be copied") {
    std::string text;
    try {
        const ExceptionGroup group("text", {error<std::runtime_error>("a")});
        const ExceptionGroup copy(group);
        throw copy;
    } catch (const std::exception& caught) {
        text = caught.what();
    }
    CHECK(text == "text (1 sub-exception)");
}
