#include <ringio/core/step_observer.hpp>

#include <ringio/core/event_loop.hpp>
#include <ringio/testing/event_log.hpp>

#include <support/catch.hpp>

using namespace ringio;
using testing::EventLog;

namespace {

class Recorder final : public detail::StepObserver {
public:
    explicit Recorder(EventLog& log) noexcept : log_(log) {}

    void before_step(Runnable& step) override {
        log_(step.repr().starts_with("<Handle ") ? "(" : "?");
    }
    void after_step() override { log_(")"); }

private:
    EventLog& log_;
};

}  // namespace

TEST_CASE("step observer: is told before and after each step, until it is taken off") {
    EventLog log;
    Recorder recorder(log);
    EventLoop loop;
    loop.machine().set_step_observer(&recorder);
    loop.call_soon([&log] { log("a"); });
    loop.call_soon([&log] { log("b"); });
    loop.stop();
    loop.run_forever();
    loop.machine().set_step_observer(nullptr);
    loop.call_soon([&log] { log("c"); });
    loop.stop();
    loop.run_forever();
    CHECK(log.joined("") == "(a)(b)c");
}
