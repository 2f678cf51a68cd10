// What signals do to the main task of a Runner: Ctrl-C, and those of RunOptions::cancel_on.
#pragma once

#include <ringio/core/future.hpp>
#include <ringio/core/loop_signals.hpp>
#include <ringio/core/signal_set.hpp>

#include <optional>

namespace ringio::detail {

/// The main task that runs. Of all the signals that ask it to end, the first one cancels it.
struct CancelledOnce {
    AnyFuture main;
    bool asked = false;

    /// False when it was asked before, or is done.
    bool cancel(CancelCause cause, const std::string& message) noexcept;
};

/// Has the loop keep the signals of `cancel_on`, SIGINT excepted, from now on until it is closed:
/// one cancels the main task that runs or the next one.
/// *Errors*: as claim_signal().
void take_cancel_signals(EventLoop& loop, SignalSet cancel_on);

/// Takes Ctrl-C for as long as it lives: in the main thread and where nobody else handles it, or
/// wherever `cancel_on` has SIGINT. Tells the other signals which is the main task.
class MainSignals final : public SignalTaker {
public:
    MainSignals(EventLoop& loop, AnyFuture main, SignalSet cancel_on);
    ~MainSignals() override;

    /// Whether Ctrl-C came, looked at or not.
    bool interrupted() const noexcept;

    void take(int number) noexcept override;

private:
    EventLoop& loop_;
    CancelledOnce main_;
    bool interrupted_ = false;
};

}  // namespace ringio::detail
