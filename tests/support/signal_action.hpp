// What the process does with a signal, as a test sets it up and looks at it.
#pragma once

#include <csignal>

namespace ringio::test_support {

using SignalFunction = void (*)(int);

inline SignalFunction signal_action(int number) {
    struct sigaction now = {};
    ::sigaction(number, nullptr, &now);
    return now.sa_handler;
}

/// Sets the action of a signal, and restores it at its end. Catch2 handles some itself.
class SignalAction {
public:
    explicit SignalAction(int number, SignalFunction function = SIG_DFL) : number_(number) {
        struct sigaction action = {};
        action.sa_handler = function;
        ::sigaction(number, &action, &before_);
    }
    SignalAction(const SignalAction&) = delete;
    SignalAction& operator=(const SignalAction&) = delete;
    ~SignalAction() { ::sigaction(number_, &before_, nullptr); }

private:
    int number_;
    struct sigaction before_ = {};
};

}  // namespace ringio::test_support
