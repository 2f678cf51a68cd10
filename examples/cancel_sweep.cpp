// What a cancellation breaks, found at each await of two functions that move money between
// accounts: one takes the lock and forgets it when it is cancelled, the other does not.
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/testing.hpp>

#include <ringio/testing/failing_new.hpp>

using namespace std::chrono_literals;

// [code]
struct Bank {
    ringio::Lock lock;
    int from = 10;
    int to = 0;
};

ringio::Task<> transfer_badly(Bank& bank) {
    co_await bank.lock.acquire();
    --bank.from;
    co_await ringio::sleep(1ms);
    ++bank.to;
    bank.lock.release();
}

ringio::Task<> transfer_well(Bank& bank) {
    const auto held = co_await bank.lock.scoped();
    co_await ringio::sleep(1ms);
    --bank.from;
    ++bank.to;
}
// [/code]

// [cancel]
template <auto transfer>
ringio::Task<> two_transfers(ringio::testing::Sweep& sweep) {
    auto& bank = sweep.make<Bank>();
    sweep.check("the lock is free", [&bank] { return !bank.lock.locked(); });
    sweep.check("no money is lost", [&bank] { return bank.from + bank.to == 10; });
    auto first = sweep.victim(ringio::create_task(transfer(bank)));
    auto second = ringio::create_task(transfer(bank));
    const std::vector both = {first, second};
    co_await ringio::wait(both);
}

void sweep_cancellations() {
    const auto bad = ringio::testing::cancel_sweep(two_transfers<transfer_badly>);
    fmt::print("badly: {}\n", bad.summary());
    const auto good = ringio::testing::cancel_sweep(two_transfers<transfer_well>);
    fmt::print("well: {}\n{}", good.summary(), good.report());
}
// [/cancel]

// [allocation]
void sweep_allocations() {
    const auto result = ringio::testing::allocation_sweep(two_transfers<transfer_well>);
    fmt::print("without memory: {} failures\n{}", result.failures().size(), result.report());
}
// [/allocation]

int main() {
    sweep_cancellations();
    sweep_allocations();
}
