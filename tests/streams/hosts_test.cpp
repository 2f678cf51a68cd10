#include <ringio/streams/hosts.hpp>

#include <support/catch.hpp>

#include <array>

using namespace ringio;

namespace {

using Texts = std::vector<std::string>;

Texts given(const Hosts& hosts) { return hosts.all(); }

}  // namespace

TEST_CASE("Hosts: one host, of whatever kind of text; an empty one is one") {
    CHECK(given("localhost") == Texts{"localhost"});
    CHECK(given(std::string("::1")) == Texts{"::1"});
    CHECK(given(std::string_view("::1")) == Texts{"::1"});
    CHECK(given({"127.0.0.1"}) == Texts{"127.0.0.1"});
    CHECK(given("") == Texts{""});
}

TEST_CASE("Hosts: several, in braces or as a range") {
    CHECK(given({"127.0.0.1", "::1"}) == Texts{"127.0.0.1", "::1"});
    CHECK(given({"a", std::string("b"), std::string_view("c")}) == Texts{"a", "b", "c"});
    CHECK(given(Texts{"a", "b"}) == Texts{"a", "b"});
    CHECK(given(std::array{"a", "b"}) == Texts{"a", "b"});
    CHECK(given(Texts{}).empty());
}

TEST_CASE("Hosts: a copy is its own") {
    Hosts hosts({"a", "b"});
    const Hosts copy = hosts;
    hosts = Hosts("c");
    CHECK(copy.all() == Texts{"a", "b"});
    CHECK(hosts.all() == Texts{"c"});
}
