#include <ringio/process/command.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using ringio::Command;

TEST_CASE("Command: one text, several, a range of them") {
    const std::string program = "git";
    const std::vector<std::string> range = {"a", "b"};
    CHECK(Command("true").arguments() == std::vector<std::string>{"true"});
    CHECK(Command(program, "log", std::string_view("-1")).arguments() ==
          std::vector<std::string>{"git", "log", "-1"});
    CHECK(Command(range).arguments() == range);
    CHECK(Command().arguments().empty());
}

TEST_CASE("Command: a text of it is what a shell would take") {
    CHECK(Command("git", "log", "--oneline").to_string() == "git log --oneline");
    CHECK(Command("echo", "a b", "", "it's").to_string() == "echo 'a b' '' 'it'\\''s'");
}
