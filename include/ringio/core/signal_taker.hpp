// SignalTaker: who takes signals of an event loop, and whom it gives way to.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/core/signal_set.hpp>

#include <cstdint>

namespace ringio::detail {

class LoopSignals;

/// Takes some signals of a loop, from LoopSignals::add() until it is destroyed or removed. The loop
/// may be gone before.
class SignalTaker : public IntrusiveListHook {
public:
    /// Of those who take the same signal, the last kind counts: what the library does by itself
    /// gives way to the program, and comes back after it.
    enum class Kind : unsigned char { tool, ctrl_c, cancel_on, handler, receiver };

    Kind kind() const noexcept { return kind_; }
    bool is_programs() const noexcept { return kind_ >= Kind::handler; }
    /// Whether somebody said that he expects such a signal, so that a loop that only it can wake is
    /// no deadlock.
    bool is_expected() const noexcept { return kind_ >= Kind::cancel_on; }
    SignalSet signals() const noexcept { return signals_; }

    /// On the loop's thread, before the steps of a turn. Adds and removes no takers.
    virtual void take(int number) noexcept = 0;

    virtual ~SignalTaker();

protected:
    SignalTaker(Kind kind, SignalSet signals) noexcept : kind_(kind), signals_(signals) {}

    /// Null: not added, removed, or the loop is closed.
    LoopSignals* home() const noexcept { return home_; }

private:
    friend class LoopSignals;

    Kind kind_;
    SignalSet signals_;
    LoopSignals* home_ = nullptr;
};

}  // namespace ringio::detail
