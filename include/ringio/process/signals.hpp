// Signals: the signals of the process, awaited one by one.
#pragma once

#include <ringio/core/format.hpp>
#include <ringio/core/signal_set.hpp>
#include <ringio/core/signal_taker.hpp>
#include <ringio/ring/own_process.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <concepts>
#include <string>
#include <vector>

namespace ringio {

class Signals;

namespace detail {

class SignalWait;

/// Keeps the signals that came and were not taken.
class SignalReceiver final : public SignalTaker {
public:
    SignalReceiver(EventLoop& loop, SignalSet signals);
    ~SignalReceiver() override;

    void take(int number) noexcept override;
    std::string repr() const;

private:
    friend class SignalWait;
    friend class ringio::Signals;

    /// Whether one is there that is not for a task that was woken for it.
    bool has_spare() const noexcept { return pending_.size() > waiters_.woken(); }
    int take_first() noexcept;

    OwnProcess process_;
    std::vector<int> pending_;  // in the order of their coming, each once; never grows
    LoopBinding binding_{"Signals"};
    WaitQueue waiters_{binding_, "Signals.next()"};
};

}  // namespace detail

/// Receives signals as long as it lives; trio.open_signal_receiver.
///
///     Signals signals({SIGINT, SIGTERM});
///     int number = co_await signals.next();
///
/// A signal that comes while nobody waits is kept, once per number, and each goes to one who waits.
/// Several objects that receive the same signal get it each. While one receives SIGINT, run() does
/// nothing at Ctrl-C.
///
/// *Lifetime*: on the thread of its loop; it outlives those who wait. When it is destroyed, the
/// process does with the signals what it did before, and those that nobody took are sent to it once
/// more: none is lost, and one whose default is to end the process does so. In the child of a
/// fork() it is without effect.
class Signals {
public:
    /// Receives signals for the running loop.
    /// *Errors*: std::runtime_error when no loop runs; std::invalid_argument for an empty set;
    /// those of EventLoop::add_signal_handler(), and when the loop has a handler for one of the
    /// signals. Then none is received.
    // A template, so that a braced list of one number cannot be taken for another Signals.
    template <std::same_as<SignalSet> Set = SignalSet>
    explicit Signals(Set signals) : Signals(get_running_loop(), signals) {}

    /// The same for a loop that need not run yet.
    template <std::same_as<SignalSet> Set = SignalSet>
    Signals(EventLoop& loop, Set signals) : receiver_(loop, signals) {}

    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// Awaited, gives the number of a signal that came, in the order of their coming; waits for one
    /// if there is none. Does not yield when there is one.
    ///
    /// *Errors*: std::runtime_error in another loop. *Cancellation*: takes no signal; one that was
    /// on the way to this task goes to the next, or is kept.
    detail::WaitOn<detail::SignalWait, detail::SignalReceiver> next() noexcept {
        return detail::WaitOn<detail::SignalWait, detail::SignalReceiver>(receiver_);
    }

    /// "<Signals [SIGINT, SIGTERM, pending:1]>".
    std::string repr() const { return receiver_.repr(); }

private:
    detail::SignalReceiver receiver_;
};

namespace detail {

/// Waits for a signal.
class SignalWait final : public QueuedWait {
public:
    explicit SignalWait(SignalReceiver& receiver) noexcept
        : QueuedWait(receiver.waiters_), receiver_(receiver) {}

    bool await_ready() const noexcept { return receiver_.has_spare(); }
    int await_resume();

private:
    SignalReceiver& receiver_;
};

}  // namespace detail
}  // namespace ringio

template <>
struct fmt::formatter<ringio::Signals> : ringio::detail::ReprFormatter<ringio::Signals> {};
