// A test of code that waits: in virtual time an hour takes none, and the order of events is the
// same each time. Python: no counterpart in asyncio; trio's MockClock.
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/testing.hpp>

using namespace std::chrono_literals;

ringio::Task<> remind(ringio::testing::EventLog& log, std::string what, ringio::Delay delay) {
    co_await ringio::sleep(delay);
    log(what);
}

// [test]
ringio::Task<> test_reminders(ringio::testing::EventLog& log) {
    co_await ringio::gather(remind(log, "lunch", 4h), remind(log, "tea", 8h),
                            remind(log, "standup", 15min));
    log("end of the day");
}

int main() {
    const ringio::testing::Balance balance;
    ringio::testing::EventLog log;
    ringio::testing::run_virtual(test_reminders(log));
    fmt::print("{}\n", log.joined(", "));
    fmt::print("left over: '{}'\n", balance.difference());
}
// [/test]
