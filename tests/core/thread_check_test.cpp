// Calls from a wrong thread, each of which debug mode must refuse.
#include <ringio/core/thread_check.hpp>

#include <ring/child_process.hpp>
#include <ringio/core.hpp>
#include <ringio/ring.hpp>
#include <ringio/sync/event.hpp>
#include <ringio/tasks.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>

#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace ringio;
using namespace std::chrono_literals;
using ringio::test_support::Gate;
using ringio::testing::ChildResult;
using ringio::testing::run_in_child;

namespace {

const std::string sentence =
    "Non-thread-safe operation invoked on an event loop other than the current one";

/// A loop in debug mode that runs in a thread of its own and stands still there, in a callback.
class LoopElsewhere {
public:
    explicit LoopElsewhere(bool debug = true) : loop(LoopOptions{.debug = debug}) {}
    ~LoopElsewhere() {
        gate_.open();
        thread_.join();
    }

    /// Returns when the loop runs; what was scheduled before has run by then, once.
    void start() {
        loop.call_soon([this] {
            loop.call_soon([this] {
                gate_.pass();
                loop.stop();
            });
        });
        thread_ = std::thread([this] {
            loop.run_forever();
            loop.close();
        });
        gate_.wait_until_reached();
    }

    EventLoop loop;

private:
    Gate gate_;
    std::thread thread_;
};

Task<> wait_for_ever() { co_await get_running_loop().create_future<void>().get_future(); }

/// What the call throws, or that it does not.
std::string refusal(const std::function<void()>& call) {
    try {
        call();
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "accepted";
}

struct Call {
    const char* name;
    std::function<void()> call;
};

}  // namespace

TEST_CASE("thread check: every call that may throw is refused in debug mode") {
    LoopElsewhere elsewhere;
    EventLoop& loop = elsewhere.loop;
    Promise<int> promise = loop.create_future<int>();
    Future<int> future = promise.get_future();
    Promise<int> done = loop.create_future<int>();
    done.set_result(1);
    Future<int> done_future = done.get_future();
    TaskHandle<> task = loop.create_task(wait_for_ever());
    loop.call_soon([task]() mutable { task.cancel(); });
    elsewhere.start();

    const std::vector<Call> calls = {
        {"call_soon", [&] { loop.call_soon([] {}); }},
        {"call_later", [&] { loop.call_later(1s, [] {}); }},
        {"call_at", [&] { loop.call_at(loop.time(), [] {}); }},
        {"create_future", [&] { loop.create_future<int>(); }},
        {"create_task", [&] { loop.create_task(sleep(1s)); }},
        {"run_in_executor", [&] { loop.run_in_executor(nullptr, [] {}); }},
        {"stop", [&] { loop.stop(); }},
        {"set_result", [&] { promise.set_result(1); }},
        {"set_exception", [&] { promise.set_exception(std::runtime_error("no")); }},
        {"future.cancel", [&] { future.cancel(); }},
        {"future.done", [&] { static_cast<void>(future.done()); }},
        {"future.result", [&] { static_cast<void>(done_future.result()); }},
        {"future.exception", [&] { static_cast<void>(done_future.exception()); }},
        {"add_done_callback", [&] { future.add_done_callback([] {}); }},
        {"add_done_callback, done", [&] { done_future.add_done_callback([] {}); }},
        {"remove_done_callback", [&] { future.remove_done_callback(1); }},
        {"task.cancel", [&] { task.cancel(); }},
        {"task.uncancel", [&] { task.uncancel(); }},
        {"task.set_name", [&] { task.set_name("name"); }},
        {"task.get_stack", [&] { static_cast<void>(task.get_stack()); }},
    };
    for (const Call& call : calls) {
        INFO(call.name);
        CHECK(refusal(call.call) == sentence);
    }
    CHECK(&future.get_loop() == &loop);
}

TEST_CASE("thread check: where nothing may be thrown, the program ends with the sentence") {
    const ChildResult handle = run_in_child([] {
        LoopElsewhere elsewhere;
        TimerHandle timer = elsewhere.loop.call_later(1h, [] {});
        elsewhere.start();
        timer.cancel();
    });
    CHECK(handle.aborted());
    CHECK_THAT(handle.text, Catch::Matchers::Contains(sentence));

    const ChildResult step = run_in_child([] {
        LoopElsewhere elsewhere;
        struct Step final : Runnable {
            void run() override {}
            void discard() noexcept override {}
        } of_nothing;
        elsewhere.start();
        elsewhere.loop.machine().schedule(of_nothing);
    });
    CHECK(step.aborted());
    CHECK_THAT(step.text, Catch::Matchers::Contains(sentence));

    const ChildResult primitive = run_in_child([] {
        LoopElsewhere elsewhere;
        Event event;
        elsewhere.loop.create_task(
            [](Event& awaited) -> Task<> { co_await awaited.wait(); }(event));
        elsewhere.start();
        event.set();
    });
    CHECK(primitive.aborted());
    CHECK_THAT(primitive.text, Catch::Matchers::Contains(sentence));

    const ChildResult ring = run_in_child([] {
        LoopElsewhere elsewhere(false);  // this one in every mode
        struct Nop final : Completion {
            void prepare(io_uring_sqe& sqe) noexcept override { NopRequest{}.prepare(sqe); }
            void complete(int, std::uint32_t) noexcept override {}
        } nop;
        elsewhere.start();
        elsewhere.loop.machine().ring().submit(nop);
    });
    CHECK(ring.aborted());
    CHECK_THAT(ring.text,
               Catch::Matchers::Contains("a ring is used on the thread that created it"));
}

TEST_CASE("thread check: a loop that does not run belongs to whoever has it") {
    EventLoop loop(LoopOptions{.debug = true});
    Promise<int> promise = loop.create_future<int>();
    std::thread([&] { promise.set_result(1); }).join();
    CHECK(promise.get_future().result() == 1);
}

TEST_CASE("thread check: without a loop in debug mode nothing is looked at") {
    LoopElsewhere elsewhere(false);
    const Promise<int> promise = elsewhere.loop.create_future<int>();
    elsewhere.start();
    CHECK_FALSE(promise.get_future().done());
}
