// Allocation failure at every allocation: when_all and when_any.
#include "sweep_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// Must be 0 when the statement is over, with and without memory.
int& none_inside(Sweep& sweep) {
    int& inside = sweep.make<int>(0);
    sweep.check("nobody is inside any more", [&inside] { return inside == 0; });
    return inside;
}

Task<int> stays_inside(int& inside, Delay delay) {
    ++inside;
    const ScopeExit leave([&inside] { --inside; });
    co_await sleep(delay);
    co_return 1;
}

/// Awaits; whatever comes out, no child may be left then.
template <class A>
Task<> alone(int& inside, bool& outlived, A statement) {
    const ScopeExit look([&] { outlived = inside != 0; });
    static_cast<void>(co_await std::move(statement));
}

bool& never_outlived(Sweep& sweep) {
    bool& outlived = sweep.make<bool>(false);
    sweep.check("no child has outlived its statement", [&outlived] { return !outlived; });
    return outlived;
}

}  // namespace

ALLOCATION_SWEEP("no memory: when_all") {
    int& inside = none_inside(sweep);
    bool& outlived = never_outlived(sweep);
    co_await alone(inside, outlived,
                   when_all(stays_inside(inside, 1ms), stays_inside(inside, 2ms), sleep(1ms)));
}

ALLOCATION_SWEEP("no memory: when_all of a range") {
    int& inside = none_inside(sweep);
    bool& outlived = never_outlived(sweep);
    std::vector<Task<int>> children;
    for (int child = 1; child <= 3; ++child) {
        children.push_back(stays_inside(inside, std::chrono::milliseconds(child)));
    }
    co_await alone(inside, outlived, when_all(std::move(children)));
}

ALLOCATION_SWEEP("no memory: when_all where a child fails, and one in its cleanup") {
    int& inside = none_inside(sweep);
    auto fails_late = [&inside]() -> Task<int> {
        try {
            static_cast<void>(co_await stays_inside(inside, 1h));
        } catch (const CancelledError&) {
            throw std::runtime_error("in the cleanup");
        }
        co_return 0;
    };
    get_running_loop().set_exception_handler([](EventLoop&, const ExceptionContext&) {});
    try {
        static_cast<void>(
            co_await when_all(fails_late(), fail_after(1ms), stays_inside(inside, 1h)));
    } catch (const std::runtime_error&) {
    }
}

ALLOCATION_SWEEP("no memory: when_all that is cancelled") {
    int& inside = none_inside(sweep);
    auto& both = keep(sweep, [&inside]() -> Task<> {
        static_cast<void>(co_await when_all(stays_inside(inside, 1h), stays_inside(inside, 2h)));
    });
    auto task = create_task(both());
    co_await sleep(1ms);
    task.cancel("a message that is too long to be kept within a std::string");
    co_await ended(task);
}

ALLOCATION_SWEEP("no memory: when_any") {
    int& inside = none_inside(sweep);
    bool& outlived = never_outlived(sweep);
    co_await alone(inside, outlived, when_any(stays_inside(inside, 1ms), stays_inside(inside, 1h)));
}

ALLOCATION_SWEEP("no memory: when_any with a runner-up") {
    auto unmoved = []() -> Task<int> {
        try {
            co_await sleep(1h);
        } catch (const CancelledError&) {
        }
        co_return 2;
    };
    static_cast<void>(co_await when_any(unmoved(), give_after(1ms, 1)));
}
