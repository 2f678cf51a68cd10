#include <ringio/testing/event_log.hpp>

#include <string>
#include <vector>

#include <support/catch.hpp>

using ringio::testing::EventLog;

TEST_CASE("event log: keeps the order of what happened") {
    EventLog log;
    CHECK(log.events().empty());
    log("a");
    log(std::string("b"));
    log("a");
    CHECK(log.events() == std::vector<std::string>{"a", "b", "a"});
}

TEST_CASE("event log: is compared as one text") {
    EventLog log;
    CHECK(log.joined().empty());
    log("one");
    CHECK(log.joined() == "one");
    log("two words");
    CHECK(log.joined() == "one two words");
    CHECK(log.joined(", ") == "one, two words");
}

TEST_CASE("event log: starts again after clear") {
    EventLog log;
    log("before");
    log.clear();
    CHECK(log.events().empty());
    log("after");
    CHECK(log.joined() == "after");
}
