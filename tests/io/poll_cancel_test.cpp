// Waiting for descriptors, on a kernel that answers when the test likes: who is first, the cancel
// or the event, and what the kernel may say instead.
#include <ringio/io/poll.hpp>

#include <ringio/tasks.hpp>
#include <support/descriptor_pair.hpp>
#include <support/printed.hpp>

#include "../core/watching.hpp"

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;
using ringio::testing::EventLog;

namespace {

Task<> watch_twice(Watch& watch, EventLog& log) {
    for (int round = 0; round < 2; ++round) {
        try {
            const int events = co_await watch.next();
            log(std::to_string(events));
        } catch (const std::system_error& error) {
            log("errno " + std::to_string(error.code().value()));
        } catch (const CancelledError&) {
            log("cancelled");
        }
    }
}

/// A task that waits in a Watch, whose poll the kernel has.
struct Watching {
    Watching() {
        scripted.turns();
        REQUIRE(scripted.held() == 1);
    }
    /// Lets the second round end, too.
    void finish() {
        watch.close();
        scripted.turns();
        REQUIRE(task.done());
    }

    ScriptedLoop scripted;
    Ends ends = Ends::pipe();
    EventLog log;
    Watch watch{ends.near.get(), POLLIN};
    TaskHandle<> task = scripted.loop.create_task(watch_twice(watch, log));
};

/// A reader whose poll the kernel has.
struct Reading {
    Reading() {
        scripted.loop.set_exception_handler([this](EventLoop&, const ExceptionContext& context) {
            reports.push_back(context.message);
        });
        scripted.loop.add_reader(ends.near.get(), [this] { ++calls; });
        scripted.turns();
        REQUIRE(scripted.held() == 1);
    }
    ~Reading() {
        scripted.loop.remove_reader(ends.near.get());
        scripted.turns();
    }

    ScriptedLoop scripted;
    Ends ends = Ends::pipe();
    int calls = 0;
    std::vector<std::string> reports;
};

}  // namespace

TEST_CASE("poll cancel: cancelled before it is handed over, the kernel never hears of it") {
    ScriptedLoop scripted;
    const Ends ends = Ends::pipe();
    Watch watch(ends.near.get(), POLLIN);
    EventLog log;
    TaskHandle<> task = scripted.loop.create_task(watch_twice(watch, log));
    scripted.loop.call_soon([&] { task.cancel(); });
    scripted.turns();
    CHECK(log.joined() == "cancelled");
    CHECK(scripted.kernel->cancels.empty());
    watch.close();
    scripted.turns();
    CHECK(log.joined() == "cancelled 0");
}

TEST_CASE("poll cancel: in flight, twice is one cancel, and the next wait is a new one") {
    Watching waiting;
    waiting.task.cancel();
    waiting.task.cancel();
    CHECK(waiting.log.joined().empty());  // until the kernel has let go
    waiting.scripted.turns();
    CHECK(waiting.scripted.kernel->cancels.size() == 1);
    CHECK(waiting.log.joined() == "cancelled");
    CHECK(waiting.scripted.held() == 1);
    waiting.finish();
    CHECK(waiting.log.joined() == "cancelled 0");
}

TEST_CASE("poll cancel: an event that comes in spite of it is given, and the cancel waits") {
    Watching waiting;
    waiting.scripted.answer(POLLIN);
    waiting.task.cancel();
    waiting.scripted.turns();
    CHECK(waiting.log.joined() == "1 cancelled");
    CHECK(waiting.task.done());
}

TEST_CASE("poll cancel: after the completion, before the task resumes, the event is given") {
    Watching waiting;
    waiting.scripted.loop.call_soon([&] {
        CHECK(waiting.scripted.held() == 0);  // the task is queued behind this callback
        waiting.task.cancel();
    });
    waiting.scripted.answer(POLLIN | POLLHUP);
    waiting.scripted.turns();
    CHECK(waiting.log.joined() == "17 cancelled");
    CHECK(waiting.scripted.kernel->cancels.empty());
}

TEST_CASE("poll cancel: what the kernel says instead of events is thrown; EINTR is asked again") {
    Watching waiting;
    waiting.scripted.answer(-EINTR);
    waiting.scripted.turns();
    CHECK(waiting.log.joined().empty());
    REQUIRE(waiting.scripted.held() == 1);
    waiting.scripted.answer(-ENOMEM);
    waiting.scripted.turns();
    CHECK(waiting.log.joined() == "errno 12");
    waiting.finish();
    CHECK(waiting.log.joined() == "errno 12 0");
}

TEST_CASE("poll cancel: closed, a Watch gives nothing, whatever the kernel says by then") {
    for (const int result : {POLLIN, -ECANCELED, -EBADF}) {
        Watching waiting;
        waiting.scripted.answer(result);
        waiting.watch.close();
        CHECK(waiting.log.joined().empty());
        waiting.scripted.turns();
        CHECK(waiting.log.joined() == "0 0");
        CHECK(waiting.task.done());
    }
}

TEST_CASE("poll cancel: closed and cancelled is cancelled") {
    Watching waiting;
    waiting.watch.close();
    waiting.task.cancel();
    waiting.scripted.turns();
    CHECK(waiting.scripted.kernel->cancels.size() == 1);
    CHECK(waiting.log.joined() == "cancelled 0");
}

TEST_CASE("poll cancel: the loop closes under a wait, and the Watch outlives it") {
    const Ends ends = Ends::pipe();
    Watch watch(ends.near.get(), POLLIN);
    EventLog log;
    const std::string said = printed([&] {
        EventLoop loop;
        loop.create_task(watch_twice(watch, log));
        run_one_turn(loop);
        run_one_turn(loop);
        loop.close();
    });
    CHECK_THAT(said, Catch::Matchers::Contains("Task was destroyed but it is pending!"));
    CHECK(log.joined().empty());
    watch.set_events(POLLOUT);
    watch.close();
}

TEST_CASE("add_reader: what the kernel cannot do for the moment is asked for again") {
    Reading reading;
    for (const int result : {-EINTR, -ENOMEM}) {
        reading.scripted.answer(result);
        reading.scripted.turns();
        CHECK(reading.calls == 0);
        CHECK(reading.scripted.held() == 1);
    }
    reading.scripted.answer(POLLIN);
    reading.scripted.turns();
    CHECK(reading.calls == 1);
    CHECK(reading.scripted.held() == 1);
    CHECK(reading.reports.empty());
}

TEST_CASE("add_reader: another error is reported once, and nobody waits any more") {
    Reading reading;
    reading.scripted.answer(-EBADF);
    reading.scripted.turns();
    CHECK(reading.calls == 0);
    CHECK(reading.scripted.held() == 0);
    CHECK(reading.reports ==
          std::vector<std::string>{"A descriptor with a callback cannot be waited for"});
}

TEST_CASE("add_reader: an event that comes after the removal calls nobody") {
    Reading reading;
    reading.scripted.answer(POLLIN);
    CHECK(reading.scripted.loop.remove_reader(reading.ends.near.get()));
    reading.scripted.turns();
    CHECK(reading.calls == 0);
    CHECK(reading.scripted.held() == 0);
}
