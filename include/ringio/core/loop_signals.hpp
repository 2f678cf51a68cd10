// LoopSignals: who takes the signals that came for an event loop. The handlers of
// add_signal_handler() are takers, Signals objects, the Ctrl-C of run(), and the dump of tasks.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/loop_books.hpp>
#include <ringio/core/signal_set.hpp>
#include <ringio/core/signal_taker.hpp>

namespace ringio::detail {

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
    /// Whether one of the takers expects a signal.
    bool expects_any() const noexcept;
    /// The signals that takers of a kind take.
    SignalSet taken_by(SignalTaker::Kind kind) const noexcept;

private:
    class Handler;

    Handler* find_handler(int number) noexcept;
    SignalSet taken() const noexcept;
    void claim(SignalTaker& taker);
    void say_who_counts_interrupts() noexcept;

    EventLoop* loop_ = nullptr;
    Mailbox* mailbox_ = nullptr;  // there as long as this, also in a child of fork(2)
    IntrusiveList<SignalTaker> takers_;
};

}  // namespace ringio::detail
