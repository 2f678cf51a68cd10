#include <ringio/core/ignored_signals.hpp>

#include <array>
#include <atomic>
#include <csignal>

namespace ringio::detail {
namespace {

constinit std::array<std::atomic<bool>, SignalSet::highest + 1> ignored;

bool has_disposition(int number, void (*handler)(int)) noexcept {
    struct sigaction action = {};
    ::sigaction(number, nullptr, &action);
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == handler;
}

}  // namespace

void ignore_if_default(int number) noexcept {
    std::atomic<bool>& done = ignored[static_cast<std::size_t>(number)];
    if (has_disposition(number, SIG_DFL)) {
        struct sigaction action = {};
        action.sa_handler = SIG_IGN;
        ::sigaction(number, &action, nullptr);
        done.store(true);
    }
}

// One that has a handler by now is not ignored any more.
SignalSet ignored_by_ringio() noexcept {
    SignalSet set;
    for (int number = 1; number <= SignalSet::highest; ++number) {
        if (ignored[static_cast<std::size_t>(number)].load() && has_disposition(number, SIG_IGN)) {
            set.add(number);
        }
    }
    return set;
}

}  // namespace ringio::detail
