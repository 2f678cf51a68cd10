#include <ringio/process/command.hpp>

#include <support/catch.hpp>

#include <filesystem>
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

TEST_CASE("Command: a path may be an object of the type for paths") {
    const std::filesystem::path path = "/bin/cp";
    const std::vector<std::filesystem::path> range = {path, "a"};
    CHECK(Command(path).arguments() == std::vector<std::string>{"/bin/cp"});
    CHECK(Command(path, "a", path).arguments() ==
          std::vector<std::string>{"/bin/cp", "a", "/bin/cp"});
    CHECK(Command(range).arguments() == std::vector<std::string>{"/bin/cp", "a"});
}

TEST_CASE("Command: a text of it is what a shell would take") {
    CHECK(Command("git", "log", "--oneline").to_string() == "git log --oneline");
    CHECK(Command("echo", "a b", "", "it's").to_string() == "echo 'a b' '' 'it'\\''s'");
}
