#include <ringio/process/signals.hpp>

#include <ringio/core/loop_signals.hpp>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

namespace ringio::detail {

SignalReceiver::SignalReceiver(EventLoop& loop, SignalSet signals)
    : SignalTaker(Kind::receiver, signals) {
    if (signals.empty()) {
        throw std::invalid_argument("Signals needs at least one signal to receive");
    }
    loop.machine().check_call();
    pending_.reserve(static_cast<std::size_t>(signals.size()));
    binding_.bind(loop);
    LoopSignals::of(loop).add(*this);
}

// What came and was not taken is for whoever handles it now, unless another receiver has it too. It
// was sent to the process, and is again.
SignalReceiver::~SignalReceiver() {
    if (process_.is_left()) {
        return;
    }
    SignalSet left;
    for (const int number : pending_) {
        left.add(number);
    }
    if (LoopSignals* const signals = home()) {
        const SignalSet unseen = signals->remove(*this);
        left = (left - signals->taken_by(Kind::receiver)) | unseen;
    }
    while (const int number = left.take_lowest()) {
        ::kill(::getpid(), number);
    }
}

void SignalReceiver::take(int number) noexcept {
    if (std::ranges::find(pending_, number) == pending_.end()) {
        pending_.push_back(number);
        waiters_.wake_next();
    }
}

int SignalReceiver::take_first() noexcept {
    const int number = pending_.front();
    pending_.erase(pending_.begin());
    return number;
}

std::string SignalReceiver::repr() const {
    return "<Signals [" + signals().repr() +
           (pending_.empty() ? "" : ", pending:" + std::to_string(pending_.size())) +
           waiters_.repr_suffix() + "]>";
}

int SignalWait::await_resume() {
    if (!has_waited()) {
        return receiver_.take_first();
    }
    const WaitEnd end = leave();
    if (end == WaitEnd::woken) {
        return receiver_.take_first();
    }
    if (end == WaitEnd::passed_over && receiver_.has_spare()) {
        receiver_.waiters_.wake_next();
    }
    throw_ended();
}

}  // namespace ringio::detail
