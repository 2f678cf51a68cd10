// The primitives of sync/, one short use of each: what docs/sync.md shows.
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/testing.hpp>

using namespace std::chrono_literals;

// [lock]
ringio::Task<> transfer(ringio::Lock& lock, int& from, int& to) {
    const auto held = co_await lock.scoped();
    --from;
    co_await ringio::sleep(1s);  // nobody sees the accounts meanwhile
    ++to;
}
// [/lock]

// [event]
ringio::Task<> runner(ringio::Event& start, int number) {
    co_await start.wait();
    fmt::print("runner {} is off\n", number);
}
// [/event]

// [condition]
ringio::Task<> drinker(ringio::Condition& condition, int& cups) {
    const auto held = co_await condition.scoped();
    auto any = [&cups] { return cups > 0; };
    co_await condition.wait_for(any);
    --cups;
}

ringio::Task<> brewer(ringio::Condition& condition, int& cups) {
    const auto held = co_await condition.scoped();
    cups += 2;
    condition.notify(2);
}
// [/condition]

// [barrier]
ringio::Task<> hiker(ringio::Barrier& summit, int number) {
    co_await ringio::sleep(number * 1s);
    const std::size_t place = co_await summit.wait();
    fmt::print("hiker {} came as number {}\n", number, place);
}
// [/barrier]

// [limiter]
ringio::Task<> convert(ringio::CapacityLimiter& limiter) {
    const auto token = co_await limiter.scoped();
    co_await ringio::sleep(1s);
}
// [/limiter]

ringio::Task<> main_coroutine() {
    ringio::Lock lock;
    int mine = 10;
    int yours = 0;
    co_await ringio::gather(transfer(lock, mine, yours), transfer(lock, mine, yours));
    fmt::print("{} and {}\n", mine, yours);

    ringio::Event start;
    auto runners = ringio::gather(runner(start, 1), runner(start, 2));
    co_await ringio::sleep(1s);
    start.set();
    co_await runners;

    ringio::Condition condition;
    int cups = 0;
    co_await ringio::gather(drinker(condition, cups), drinker(condition, cups),
                            brewer(condition, cups));
    fmt::print("{} cups are left\n", cups);

    ringio::Barrier summit(2);
    co_await ringio::gather(hiker(summit, 1), hiker(summit, 2));

    ringio::CapacityLimiter limiter(2);
    co_await ringio::gather(convert(limiter), convert(limiter));
    fmt::print("{} tokens are free again\n", limiter.available_tokens());
}

int main() { ringio::testing::run_virtual(main_coroutine()); }
