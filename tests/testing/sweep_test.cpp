#include <ringio/testing/sweep.hpp>

#include <ringio/tasks.hpp>
#include <ringio/testing/event_log.hpp>
#include <ringio/testing/run_virtual.hpp>
#include <support/catch.hpp>

using namespace ringio;
using testing::EventLog;
using testing::Sweep;

namespace {

struct Traced {
    Traced(EventLog& events, std::string called) : log(events), name(std::move(called)) {}
    Traced(const Traced&) = delete;
    Traced& operator=(const Traced&) = delete;
    ~Traced() { log("~" + name); }

    EventLog& log;
    std::string name;
};

Task<> nothing() { co_return; }

}  // namespace

TEST_CASE("sweep: what is made is destroyed in reverse order") {
    EventLog log;
    {
        Sweep sweep;
        Traced& first = sweep.make<Traced>(log, "first");
        sweep.make<Traced>(log, "second");
        CHECK(first.name == "first");
    }
    CHECK(log.joined() == "~second ~first");
}

TEST_CASE("sweep: invariants are kept in order") {
    Sweep sweep;
    int value = 1;
    sweep.check("one", [&value] { return value == 1; });
    sweep.check("two", [&value] { return value == 2; });
    REQUIRE(sweep.invariants().size() == 2);
    CHECK(sweep.invariants()[0].text == "one");
    CHECK(sweep.invariants()[0].holds());
    CHECK_FALSE(sweep.invariants()[1].holds());
}

TEST_CASE("sweep: there is one victim") {
    auto body = []() -> Task<> {
        Sweep sweep;
        CHECK_FALSE(sweep.victim().valid());
        auto task = sweep.victim(create_task(nothing()));
        CHECK(sweep.victim() == task);
        CHECK_THROWS_AS(sweep.victim(task), std::logic_error);
        sweep.forget_victim();
        CHECK_FALSE(sweep.victim().valid());
        co_await task;
    };
    testing::run_virtual(body());
}
