// LoopSignals: who takes the signals that came for an event loop. The handlers of
// add_signal_handler() are takers, Signals objects, the Ctrl-C of run(), and the dump of tasks.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/loop_books.hpp>
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

/// The takers of one loop. A signal belongs to the loop as long as one of them takes it.
class LoopSignals final : public EndsWithLoop {
public:
    /// Those of `loop`, made at first use.
    static LoopSignals& of(EventLoop& loop);
    ~LoopSignals() override;

    /// Adds a taker, behind the others. *Errors*: as claim_signal(), and then nothing has changed.
    void add(SignalTaker& taker);

    /// Gives back what no other one takes. Returns those of its signals that have come and not been
    /// looked at, of which nobody else is going to hear.
    SignalSet remove(SignalTaker& taker) noexcept;

    /// Hands on what came, in the order in which the takers were added.
    void deliver() noexcept;

    /// Gives all back, and knows no taker any more.
    void give_back() noexcept;

    // EventLoop::add_signal_handler() and its opposite.

    static void set_handler(EventLoop& loop, int number, Callback&& callback);
    static bool remove_handler(EventLoop& loop, int number);

    EventLoop& loop() const noexcept { return *loop_; }
    /// The signals that takers of a kind take.
    SignalSet taken_by(SignalTaker::Kind kind) const noexcept;

private:
    class Handler;

    Mailbox& mailbox() const noexcept;
    Handler* find_handler(int number) noexcept;
    SignalSet taken() const noexcept;
    void claim(SignalTaker& taker);
    void update() noexcept;

    EventLoop* loop_ = nullptr;
    IntrusiveList<SignalTaker> takers_;
};

}  // namespace ringio::detail
