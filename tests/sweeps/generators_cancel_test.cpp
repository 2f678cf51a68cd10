// Cancel at every await, and no memory: generators, the staggered race and to_thread.
#include "sweep_scenario.hpp"

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// Yields 0, 1, 2, a millisecond apart, and counts in `open` whether its body is alive.
AsyncGenerator<int> ticker(int& open) {
    ++open;
    const ScopeExit close([&open] { --open; });
    for (int tick = 0; tick < 3; ++tick) {
        co_await sleep(1ms);
        co_yield tick;
    }
}

/// Yields what another one yields, doubled.
AsyncGenerator<int> doubled(AsyncGenerator<int> inner) {
    for (;;) {
        const std::optional<int> value = co_await inner.next();
        if (!value) {
            break;
        }
        co_yield 2 * *value;
    }
}

Task<> drain(AsyncGenerator<int> numbers) {
    for (;;) {
        const std::optional<int> value = co_await numbers.next();
        if (!value) {
            break;
        }
        co_await sleep(Delay());
    }
}

int& counted_open(Sweep& sweep) {
    int& open = sweep.make<int>(0);
    sweep.check("no generator is open any more", [&open] { return open == 0; });
    return open;
}

Generator<int> count_to(int last) {
    for (int value = 1; value <= last; ++value) {
        co_yield value;
    }
}

Task<> race(int& open) {
    auto slow = [&open]() -> Task<int> {
        ++open;
        const ScopeExit close([&open] { --open; });
        co_await sleep(10ms);
        co_return 1;
    };
    auto racers = std::vector{slow, slow, slow};
    static_cast<void>(co_await staggered_race(racers, Delay(2ms)));
}

}  // namespace

CANCEL_SWEEP("cancel at every await: an async generator", "[any_order]") {
    co_await drain(ticker(counted_open(sweep)));
}

CANCEL_SWEEP("cancel at every await: an async generator within another", "[any_order]") {
    co_await drain(doubled(ticker(counted_open(sweep))));
}

CANCEL_SWEEP("cancel at every await: an async generator that is left and closed", "[any_order]") {
    auto numbers = ticker(counted_open(sweep));
    static_cast<void>(co_await numbers.next());
    co_await sleep(1ms);
    co_await numbers.aclose();
}

CANCEL_SWEEP("cancel at every await: an async generator shared by two tasks", "[any_order]") {
    using Numbers = AsyncGenerator<int>;
    auto& lock = sweep.make<Lock>();
    auto& numbers = sweep.make<Numbers>(ticker(counted_open(sweep)));
    sweep.check("the lock is free", [&lock] { return !lock.locked(); });
    auto take = [&]() -> Task<> {
        for (int turn = 0; turn < 2; ++turn) {
            const auto held = co_await lock.scoped();
            static_cast<void>(co_await numbers.next());
        }
    };
    auto first = sweep.victim(create_task(take()));
    auto second = create_task(take());
    co_await ended(first);
    co_await ended(second);
    co_await numbers.aclose();
}

CANCEL_SWEEP("cancel at every await: a generator around the awaits", "[any_order]") {
    for (const int value : count_to(3)) {
        co_await sleep(Delay(std::chrono::milliseconds(value)));
    }
}

CANCEL_SWEEP("cancel at every await: a staggered race", "[any_order]") {
    co_await race(counted_open(sweep));
}

CANCEL_SWEEP("cancel at every await: a call in a thread", "[any_order]") {
    auto& calls = sweep.make<std::shared_ptr<int>>(std::make_shared<int>(0));
    auto work = [kept = calls]() { return *kept; };
    static_cast<void>(co_await to_thread(work));
    co_await sleep(1ms);
}

ALLOCATION_SWEEP("no memory: an async generator") {
    co_await drain(doubled(ticker(counted_open(sweep))));
}

ALLOCATION_SWEEP("no memory: a generator") {
    int sum = 0;
    for (const int value : count_to(3)) {
        sum += value;
    }
    sweep.make<int>(sum);
    co_return;
}

ALLOCATION_SWEEP("no memory: a staggered race") { co_await race(counted_open(sweep)); }

ALLOCATION_SWEEP("no memory: a call in a thread") {
    auto work = []() { return 1; };
    static_cast<void>(co_await to_thread(work));
}
