// What the event loop calls: the exception handler, the task factory, callbacks, step observers.
#include "acting.hpp"
#include "calls.hpp"

#include <ringio/core/step_observer.hpp>
#include <ringio/ring.hpp>
#include <ringio/tasks.hpp>
#include <support/ends.hpp>
#include <support/printed.hpp>

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ringio::test_support::loop_calls {
using testing::EventLog;

namespace {

void run_one_turn(EventLoop& loop) {
    loop.stop();
    loop.run_forever();
}

Task<> idle() { co_return; }

/// Has the exception handler of `loop` called outside of a run: a future's error that nobody saw.
void report_something(EventLoop& loop) {
    Promise<> promise = loop.create_future<void>();
    promise.set_exception(std::runtime_error("unseen"));
}

void handler_closes() {
    EventLoop loop;
    loop.set_exception_handler([text = long_text](EventLoop& self, const ExceptionContext&) {
        self.close();
        CHECK(text == long_text);
    });
    report_something(loop);
    CHECK(loop.is_closed());
}

/// Makes kernels that have something to say, which the exception handler hears in debug mode.
class TalkingSource final : public KernelSource {
public:
    std::unique_ptr<Kernel> make(unsigned entries) override {
        return std::make_unique<EpollKernel>(EpollOptions{.entries = entries, .remark = "remark"});
    }
};

LoopOptions talking_options() {
    static TalkingSource source;
    LoopOptions options;
    options.debug = true;
    options.kernel = &source;
    return options;
}

void remark_handler_closes() {
    EventLoop loop(talking_options());
    loop.set_exception_handler([text = long_text](EventLoop& self, const ExceptionContext&) {
        self.close();
        CHECK(text == long_text);
    });
    CHECK_THROWS_WITH(loop.run_forever(), "Event loop is closed");
}

void remark_handler_replaces_itself() {
    EventLoop loop(talking_options());
    EventLog log;
    loop.set_exception_handler([&log, text = long_text](EventLoop& self, const ExceptionContext&) {
        self.set_exception_handler({});
        log(std::string(self.kernel_name()));
        log(text == long_text ? "first" : "destroyed");
    });
    run_one_turn(loop);
    CHECK(log.joined() == "epoll first");
}

void remark_handler_throws() {
    EventLoop loop(talking_options());
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) { boom(); });
    CHECK_THAT(printed([&] { run_one_turn(loop); }),
               Catch::Matchers::Contains("Unhandled error in exception handler"));
}

void handler_of_running_loop_is_refused() {
    EventLoop loop;
    std::string refusal;
    loop.set_exception_handler([&](EventLoop& self, const ExceptionContext&) {
        refusal = "nothing";
        CHECK_THROWS_WITH(self.close(), "Cannot close a running event loop");
        refusal = "refused";
    });
    loop.call_soon(boom);
    run_one_turn(loop);
    CHECK(refusal == "refused");
}

Task<> handler_cancels() {
    Reported reported;
    EventLoop& loop = get_running_loop();
    AnyTask waiting = create_task(sleep(std::chrono::hours(1)));
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext&) { waiting.cancel(); });
    loop.call_soon(boom);
    CHECK_AWAIT(is_cancelled(waiting), true);
}

void handler_replaces_itself() {
    EventLoop loop;
    EventLog log;
    loop.set_exception_handler([&log, text = long_text](EventLoop& self, const ExceptionContext&) {
        self.set_exception_handler([&log](EventLoop& again, const ExceptionContext&) {
            again.set_exception_handler({});
            log("second");
        });
        log(text == long_text ? "first" : "destroyed");
    });
    loop.call_soon(boom);
    loop.call_soon(boom);
    run_one_turn(loop);
    CHECK(log.joined() == "first second");
    CHECK_FALSE(loop.get_exception_handler());
}

void handler_destroys_loop() {
    auto loop = std::make_unique<EventLoop>();
    bool called = false;
    loop->set_exception_handler([&, text = long_text](EventLoop&, const ExceptionContext&) {
        loop.reset();
        called = text == long_text;
    });
    report_something(*loop);
    CHECK(called);
    CHECK(loop == nullptr);
}

void handler_throws() {
    EventLoop loop;
    loop.set_exception_handler([](EventLoop&, const ExceptionContext&) { boom(); });
    loop.call_soon(boom);
    CHECK_THAT(printed([&] { run_one_turn(loop); }),
               Catch::Matchers::Contains("Unhandled error in exception handler"));
    loop.set_exception_handler(
        [](EventLoop&, const ExceptionContext&) { throw KeyboardInterrupt(); });
    loop.call_soon(boom);
    CHECK_THROWS_AS(run_one_turn(loop), KeyboardInterrupt);
}

void factory_closes() {
    EventLoop loop;
    loop.set_task_factory([](EventLoop& self, const AnyTask&, TaskOptions&) { self.close(); });
    CHECK_THROWS_WITH(loop.create_task(idle()), "Event loop is closed");
}

void factory_cancels() {
    EventLoop loop;
    loop.set_task_factory([](EventLoop&, AnyTask task, TaskOptions&) { task.cancel(); });
    const TaskHandle<> task = loop.create_task(idle());
    run_one_turn(loop);
    CHECK(task.cancelled());
}

void factory_replaces_itself() {
    EventLoop loop;
    EventLog log;
    loop.set_task_factory([&log, text = long_text](EventLoop& self, const AnyTask&, TaskOptions&) {
        self.set_task_factory({});
        log(text == long_text ? "first" : "destroyed");
        self.create_task(idle());
    });
    loop.create_task(idle());
    run_one_turn(loop);
    CHECK(log.joined() == "first");
}

void factory_destroys_loop() {
    auto loop = std::make_unique<EventLoop>();
    loop->set_task_factory(
        [&, text = long_text](EventLoop&, const AnyTask&, TaskOptions&) { loop.reset(); });
    CHECK_THROWS_WITH(loop->create_task(idle()), "Event loop is closed");
}

void factory_throws() {
    EventLoop loop;
    loop.set_task_factory([](EventLoop&, const AnyTask&, TaskOptions&) { boom(); });
    CHECK_THROWS_WITH(loop.create_task(idle()), "boom");
    CHECK(loop.statistics().tasks == 0);
}

void callback_closes() {
    EventLoop loop;
    loop.call_soon([&] { CHECK_THROWS_WITH(loop.close(), "Cannot close a running event loop"); });
    run_one_turn(loop);
}

void callback_cancels() {
    EventLoop loop;
    EventLog log;
    Handle soon;
    TimerHandle later;
    soon = loop.call_soon([&, text = long_text] {
        soon.cancel();
        log(text == long_text ? "soon" : "destroyed");
    });
    later = loop.call_later(Delay(), [&, text = long_text] {
        later.cancel();
        log(text == long_text ? "later" : "destroyed");
        loop.stop();
    });
    loop.run_forever();
    CHECK(log.joined() == "soon later");
}

void callback_replaces_itself() {
    EventLoop loop;
    EventLog log;
    Handle handle;
    handle = loop.call_soon([&, text = long_text] {
        handle = loop.call_soon([&log] { log("second"); });
        log(text == long_text ? "first" : "destroyed");
    });
    run_one_turn(loop);
    run_one_turn(loop);
    CHECK(log.joined() == "first second");
}

void callback_destroys_handle() {
    EventLoop loop;
    bool called = false;
    auto handle = std::make_unique<Handle>();
    *handle = loop.call_soon([&, text = long_text] {
        handle.reset();
        called = text == long_text;
    });
    run_one_turn(loop);
    CHECK(called);
}

Task<> callback_throws() {
    Reported reported;
    get_running_loop().call_soon(boom);
    co_await turns(2);
    CHECK(reported.messages.size() == 1);
}

void end_of_callback_closes() {
    EventLoop loop;
    TimerHandle timer =
        loop.call_later(std::chrono::hours(1), [end = AtEnd([&] { loop.close(); })] {});
    timer.cancel();
    CHECK(loop.is_closed());
    EventLoop other;
    Handle handle = other.call_soon([end = AtEnd([&] { other.close(); })] {});
    handle.cancel();
    CHECK(other.is_closed());
}

void end_of_callback_cancels() {
    EventLoop loop;
    int ends = 0;
    TimerHandle timer;
    timer = loop.call_later(std::chrono::hours(1), [end = AtEnd([&] {
                                                        timer.cancel();
                                                        ++ends;
                                                    })] {});
    timer.cancel();
    CHECK(ends == 1);
    CHECK(loop.statistics().timers == 0);
}

void end_of_callback_schedules_again() {
    EventLoop loop;
    bool called = false;
    Handle handle =
        loop.call_soon([end = AtEnd([&] { loop.call_soon([&called] { called = true; }); })] {});
    handle.cancel();
    run_one_turn(loop);
    CHECK(called);
    loop.call_soon([end = AtEnd([&] { loop.call_soon([] {}); })] {});
    loop.close();
    CHECK(loop.statistics().timers == 0);
}

void end_of_callback_destroys_handle() {
    EventLoop loop;
    auto timer = std::make_unique<TimerHandle>();
    *timer = loop.call_later(std::chrono::hours(1), [end = AtEnd([&] { timer.reset(); })] {});
    timer->cancel();
    CHECK(timer == nullptr);
    auto owner = std::make_unique<EventLoop>();
    TimerHandle last =
        owner->call_later(std::chrono::hours(1), [end = AtEnd([&] { owner.reset(); })] {});
    last.cancel();
    CHECK(owner == nullptr);
}

void move_of_callback_closes() {
    for (int nth = 1; nth < 6; ++nth) {
        EventLoop loop;
        try {
            loop.call_soon(AtMove(nth, [&] { loop.close(); }));
        } catch (const std::runtime_error& error) {
            CHECK(std::string(error.what()) == "Event loop is closed");
        }
        try {
            loop.call_later(std::chrono::hours(1), AtMove(nth, [&] { loop.close(); }));
        } catch (const std::runtime_error& error) {
            CHECK(std::string(error.what()) == "Event loop is closed");
        }
        CHECK(loop.statistics().timers == (loop.is_closed() ? 0u : 1u));
    }
}

void move_of_callback_schedules() {
    for (int nth = 1; nth < 6; ++nth) {
        EventLoop loop;
        EventLog log;
        loop.call_soon(AtMove(nth, [&] { loop.call_soon([&log] { log("inner"); }); }));
        loop.call_soon([&log] { log("last"); });
        run_one_turn(loop);
        CHECK_THAT(log.joined(), Catch::Matchers::EndsWith("last"));
    }
}

void move_of_callback_throws() {
    struct Thrower {
        Thrower() = default;
        Thrower(Thrower&&) { boom(); }
        void operator()() const {}
    };
    EventLoop loop;
    CHECK_THROWS_WITH(loop.call_soon(Thrower()), "boom");
    CHECK_THROWS_WITH(loop.call_later(std::chrono::hours(1), Thrower()), "boom");
    CHECK(loop.statistics().timers == 0);
    run_one_turn(loop);
}

void signal_handler_closes() {
    EventLoop loop;
    loop.add_signal_handler(
        SIGUSR1, [&] { CHECK_THROWS_WITH(loop.close(), "Cannot close a running event loop"); });
    std::raise(SIGUSR1);
    run_one_turn(loop);
}

void signal_handler_removes_itself() {
    EventLoop loop;
    bool whole = false;
    loop.add_signal_handler(SIGUSR1, [&, text = long_text] {
        CHECK(loop.remove_signal_handler(SIGUSR1));
        whole = text == long_text;
    });
    std::raise(SIGUSR1);
    run_one_turn(loop);
    CHECK(whole);
}

void signal_handler_replaces_itself() {
    EventLoop loop;
    EventLog log;
    loop.add_signal_handler(SIGUSR1, [&, text = long_text] {
        loop.add_signal_handler(SIGUSR1, [&log] { log("second"); });
        log(text == long_text ? "first" : "destroyed");
    });
    std::raise(SIGUSR1);
    run_one_turn(loop);
    std::raise(SIGUSR1);
    run_one_turn(loop);
    CHECK(log.joined() == "first second");
}

void signal_handler_throws() {
    EventLoop loop;
    loop.add_signal_handler(SIGUSR1, boom);
    std::raise(SIGUSR1);
    CHECK_THAT(printed([&] { run_one_turn(loop); }),
               Catch::Matchers::Contains("Exception in callback"));
}

void end_of_signal_handler_closes() {
    EventLoop loop;
    loop.add_signal_handler(SIGUSR1, [end = AtEnd([&] { loop.close(); })] {});
    loop.add_signal_handler(SIGUSR2, [] {});
    CHECK(loop.remove_signal_handler(SIGUSR1));
    CHECK(loop.is_closed());
}

void end_of_signal_handler_removes() {
    EventLoop loop;
    loop.add_signal_handler(SIGUSR1, [end = AtEnd([&] {
                                          CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
                                          CHECK(loop.remove_signal_handler(SIGUSR2));
                                      })] {});
    loop.add_signal_handler(SIGUSR2, [] {});
    CHECK(loop.remove_signal_handler(SIGUSR1));
}

void end_of_signal_handler_adds_again() {
    EventLoop loop;
    int ends = 0;
    const auto add = [&] { loop.add_signal_handler(SIGUSR1, [] {}); };
    loop.add_signal_handler(SIGUSR1, [end = AtEnd([&] {
                                          ++ends;
                                          add();
                                      })] {});
    loop.close();  // and the one that was added goes, too
    CHECK(ends == 1);
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
}

void end_of_signal_handler_destroys_loop() {
    auto loop = std::make_unique<EventLoop>();
    loop->add_signal_handler(SIGUSR1, [end = AtEnd([&] { loop.reset(); })] {});
    CHECK(loop->remove_signal_handler(SIGUSR1));
    CHECK(loop == nullptr);
    loop = std::make_unique<EventLoop>();
    loop->add_signal_handler(SIGUSR1, [end = AtEnd([&] { loop.reset(); })] {});
    loop->add_signal_handler(SIGUSR1, [] {});
    CHECK(loop == nullptr);
}

void move_of_signal_handler_closes() {
    for (int nth = 1; nth < 6; ++nth) {
        EventLoop loop;
        try {
            loop.add_signal_handler(SIGUSR1, AtMove(nth, [&] { loop.close(); }));
        } catch (const std::runtime_error& error) {
            CHECK(std::string(error.what()) == "Event loop is closed");
        }
        CHECK(loop.remove_signal_handler(SIGUSR1) == !loop.is_closed());
    }
}

void move_of_signal_handler_adds() {
    EventLoop loop;
    EventLog log;
    loop.add_signal_handler(
        SIGUSR1, AtMove(1, [&] { loop.add_signal_handler(SIGUSR1, [&log] { log("inner"); }); }));
    std::raise(SIGUSR1);
    run_one_turn(loop);
    CHECK(log.joined() == "");  // the outer one came later
    CHECK(loop.remove_signal_handler(SIGUSR1));
}

void move_of_signal_handler_throws() {
    struct Thrower {
        Thrower() = default;
        Thrower(Thrower&&) { boom(); }
        void operator()() const {}
    };
    EventLoop loop;
    CHECK_THROWS_WITH(loop.add_signal_handler(SIGUSR1, Thrower()), "boom");
    CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
}

/// Does one thing before a step, and one after it.
class Observer final : public detail::StepObserver {
public:
    Observer(std::function<void()> before, std::function<void()> after)
        : before_(std::move(before)), after_(std::move(after)) {}
    void before_step(Runnable&) override {
        if (const auto action = before_) {
            action();
        }
    }
    void after_step() override {
        if (const auto action = after_) {
            action();
        }
    }

private:
    std::function<void()> before_;
    std::function<void()> after_;
};

void observer_closes() {
    EventLoop loop;
    int refusals = 0;
    const auto close = [&] {
        try {
            loop.close();
        } catch (const std::runtime_error&) {
            ++refusals;
        }
    };
    Observer observer(close, close);
    loop.machine().set_step_observer(&observer);
    loop.call_soon([] {});
    run_one_turn(loop);
    CHECK(refusals == 2);
}

void observer_cancels() {
    EventLoop loop;
    TaskHandle<> task = loop.create_task(idle());
    Observer observer([&] { task.cancel(); }, {});
    loop.machine().set_step_observer(&observer);
    run_one_turn(loop);
    CHECK(task.cancelled());
}

void observer_replaces_itself() {
    EventLoop loop;
    EventLog log;
    std::unique_ptr<Observer> observer;
    const auto leave = [&] {
        loop.machine().set_step_observer(nullptr);
        observer.reset();
    };
    observer = std::make_unique<Observer>(leave, [&log] { log("after"); });
    loop.machine().set_step_observer(observer.get());
    loop.call_soon([&log] { log("step"); });
    run_one_turn(loop);
    observer = std::make_unique<Observer>([&log] { log("before"); }, leave);
    loop.machine().set_step_observer(observer.get());
    loop.call_soon([&log] { log("step"); });
    loop.call_soon([&log] { log("step"); });
    run_one_turn(loop);
    observer = std::make_unique<Observer>([&log] { log("before"); }, [&log] { log("after"); });
    loop.machine().set_step_observer(observer.get());
    loop.call_soon(leave);
    run_one_turn(loop);
    CHECK(log.joined() == "step before step step before");
}

void observer_throws() {
    EventLoop loop;
    EventLog log;
    bool first = true;
    Observer observer(
        [&first] {
            if (std::exchange(first, false)) {
                boom();
            }
        },
        {});
    loop.machine().set_step_observer(&observer);
    loop.call_soon([&log] { log("a"); });
    loop.call_soon([&log] { log("b"); });
    CHECK_THROWS_WITH(run_one_turn(loop), "boom");
    run_one_turn(loop);
    CHECK(log.joined() == "a b");
}

}  // namespace

TEST_CASE("reentrancy: what the event loop calls") {
    check_calls({
        {.code = "the exception handler",
         .closes = handler_closes,
         .cancels = handler_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = handler_replaces_itself,
         .destroys_owner = handler_destroys_loop,
         .throws = handler_throws},
        {.code = "the exception handler, of a loop that runs,",
         .closes = handler_of_running_loop_is_refused,
         .cancels = handler_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = handler_replaces_itself,
         .destroys_owner = loop_runs,
         .throws = handler_throws},
        {.code = "the exception handler, of what a kernel remarks,",
         .closes = remark_handler_closes,
         .cancels = "no task has begun",
         .shuts_down = nothing_to_shut,
         .replaces_itself = remark_handler_replaces_itself,
         .destroys_owner = under_its_feet,
         .throws = remark_handler_throws},
        {.code = "the task factory",
         .closes = factory_closes,
         .cancels = factory_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = factory_replaces_itself,
         .destroys_owner = factory_destroys_loop,
         .throws = factory_throws},
        {.code = "a callback",
         .closes = callback_closes,
         .cancels = callback_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = callback_replaces_itself,
         .destroys_owner = callback_destroys_handle,
         .throws = callback_throws},
        {.code = "the destructor of a callback",
         .closes = end_of_callback_closes,
         .cancels = end_of_callback_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = end_of_callback_schedules_again,
         .destroys_owner = end_of_callback_destroys_handle,
         .throws = destructor},
        {.code = "the move of a callback",
         .closes = move_of_callback_closes,
         .cancels = "there is no handle before the call returns",
         .shuts_down = nothing_to_shut,
         .replaces_itself = move_of_callback_schedules,
         .destroys_owner = under_its_feet,
         .throws = move_of_callback_throws},
        {.code = "a signal handler",
         .closes = signal_handler_closes,
         .cancels = signal_handler_removes_itself,
         .shuts_down = nothing_to_shut,
         .replaces_itself = signal_handler_replaces_itself,
         .destroys_owner = loop_runs,
         .throws = signal_handler_throws},
        {.code = "the destructor of a signal handler",
         .closes = end_of_signal_handler_closes,
         .cancels = end_of_signal_handler_removes,
         .shuts_down = nothing_to_shut,
         .replaces_itself = end_of_signal_handler_adds_again,
         .destroys_owner = end_of_signal_handler_destroys_loop,
         .throws = destructor},
        {.code = "the move of a signal handler",
         .closes = move_of_signal_handler_closes,
         .cancels = "there is no handler before the call returns",
         .shuts_down = nothing_to_shut,
         .replaces_itself = move_of_signal_handler_adds,
         .destroys_owner = under_its_feet,
         .throws = move_of_signal_handler_throws},
        {.code = "a step observer",
         .closes = observer_closes,
         .cancels = observer_cancels,
         .shuts_down = nothing_to_shut,
         .replaces_itself = observer_replaces_itself,
         .destroys_owner = loop_runs,
         .throws = observer_throws},
    });
}

}  // namespace ringio::test_support::loop_calls
