#include <ringio/process/environment.hpp>

#include <support/catch.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <stdlib.h>

using namespace ringio;

TEST_CASE("current_environment: has the variables of the process, as they are now") {
    ::setenv("RINGIO_TEST_VARIABLE", "a=b", 1);
    CHECK(current_environment().at("RINGIO_TEST_VARIABLE") == "a=b");
    ::unsetenv("RINGIO_TEST_VARIABLE");
    CHECK(current_environment().count("RINGIO_TEST_VARIABLE") == 0);
}

TEST_CASE("EnvironmentView: refers to any range of pairs of texts, or to none") {
    const std::map<std::string, std::string> map = {{"A", "1"}, {"B", "2"}};
    const std::vector<std::pair<const char*, std::string>> list = {{"C", "3"}};
    CHECK_FALSE(EnvironmentView());
    const auto variables = EnvironmentView(map).variables();
    REQUIRE(variables.size() == 2);
    CHECK(variables[1].name == "B");
    CHECK(variables[1].value == "2");
    CHECK(EnvironmentView(list).variables().at(0).name == "C");
}
