// Cancel at every await: when_all and when_any, the task that awaits them and each of the children.
#include "sweep_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// The locals of a statement, which its children use: gone when it is over.
class Locals {
public:
    explicit Locals(Sweep& sweep) : outlived_(sweep.make<bool>(false)) {
        sweep.check("no child has outlived its statement",
                    [&outlived = outlived_] { return !outlived; });
    }
    Locals(const Locals&) = delete;
    Locals& operator=(const Locals&) = delete;
    ~Locals() { outlived_ = outlived_ || inside != 0; }

    int inside = 0;

private:
    bool& outlived_;
};

}  // namespace

CANCEL_SWEEP("cancel at every await: when_all", "[any_order]") {
    Locals locals(sweep);
    static_cast<void>(
        co_await when_all(careful(locals.inside, 1ms), careful(locals.inside, 2ms), sleep(1ms)));
}

CANCEL_SWEEP("cancel at every await: when_all where a child fails", "[any_order]") {
    Locals locals(sweep);
    try {
        static_cast<void>(co_await when_all(careful(locals.inside, 5ms), fail_after(1ms)));
    } catch (const std::runtime_error&) {
    }
    co_await sleep(1ms);
}

CANCEL_SWEEP("cancel at every await: when_all of a range", "[any_order]") {
    Locals locals(sweep);
    std::vector<Task<int>> children;
    for (int child = 1; child <= 4; ++child) {
        children.push_back(careful(locals.inside, std::chrono::milliseconds(child)));
    }
    static_cast<void>(co_await when_all(children));
}

CANCEL_SWEEP("cancel at every await: when_all within when_all", "[any_order]") {
    Locals locals(sweep);
    static_cast<void>(
        co_await when_all(when_all(careful(locals.inside, 1ms), careful(locals.inside, 2ms)),
                          when_any(careful(locals.inside, 3ms), careful(locals.inside, 1h))));
}

CANCEL_SWEEP("cancel at every await: when_all that is caught, and goes on", "[any_order]") {
    for (int round = 0; round < 2; ++round) {
        Locals locals(sweep);
        try {
            static_cast<void>(
                co_await when_all(careful(locals.inside, 1ms), careful(locals.inside, 2ms)));
        } catch (const CancelledError&) {
        }
    }
}

CANCEL_SWEEP("cancel at every await: when_all within a timeout that passes", "[any_order]") {
    Locals locals(sweep);
    try {
        static_cast<void>(co_await wait_for(
            when_all(careful(locals.inside, 1ms), careful(locals.inside, 1h)), 1s));
    } catch (const TimeoutError&) {
    }
}

CANCEL_SWEEP("cancel at every await: when_any", "[any_order]") {
    Locals locals(sweep);
    static_cast<void>(co_await when_any(careful(locals.inside, 1ms), careful(locals.inside, 2ms),
                                        careful(locals.inside, 1h)));
}

CANCEL_SWEEP("cancel at every await: when_any where the first fails", "[any_order]") {
    Locals locals(sweep);
    try {
        static_cast<void>(co_await when_any(careful(locals.inside, 5ms), fail_after(1ms)));
    } catch (const std::runtime_error&) {
    }
}

CANCEL_SWEEP("cancel at every await: when_any of two readers of queues", "[any_order]") {
    auto& left = sweep.make<Queue<int>>();
    auto& right = sweep.make<Queue<int>>();
    auto& taken = sweep.make<std::size_t>(0U);
    sweep.check("no item is lost", [&] { return left.qsize() + right.qsize() + taken == 2; });
    left.put_nowait(1);
    right.put_nowait(2);
    auto take = [&taken](Queue<int>& queue) -> Task<int> {
        const int item = co_await queue.get();
        ++taken;
        co_return item;
    };
    static_cast<void>(co_await when_any(take(left), take(right)));
}

CANCEL_SWEEP("cancel at every await: when_any of tasks that belong to others", "[any_order]") {
    Locals locals(sweep);
    auto body = [&locals](TaskGroup& group) -> Task<> {
        auto first = group.create_task(careful(locals.inside, 1ms));
        auto second = group.create_task(careful(locals.inside, 2ms));
        static_cast<void>(co_await when_any(first, second));
    };
    co_await task_group(body);
}
