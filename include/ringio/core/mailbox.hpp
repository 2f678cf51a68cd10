// Mailbox: what other threads and signal handlers touch of an event loop. They leave calls in it,
// and wake the loop if it sleeps.
#pragma once

#include <ringio/core/handle.hpp>
#include <ringio/core/posted_call.hpp>
#include <ringio/core/signal_set.hpp>
#include <ringio/ring/own_process.hpp>
#include <ringio/ring/waker.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace ringio::detail {

/// Stands among the posted calls for the signals that came.
class SignalCall final : public Runnable {
public:
    void run() override {}
    void discard() noexcept override {}
};

class Mailbox {
public:
    Mailbox() = default;

    // On any thread. *Lifetime*: the loop may end while a call is being left: the caller holds the
    // mailbox.

    /// False when the loop is closed.
    bool post(std::unique_ptr<PostedCall> call) noexcept;
    std::shared_ptr<void> expect_wakeup();
    /// Notes a signal for the loop. Async-signal-safe.
    void notify_signal(int number) noexcept;

    /// Tells whether this process is the child of a fork(2), and the loop its parent's.
    bool is_inherited() const noexcept { return process_.is_left(); }

    // On the loop's thread.

    /// Tells whether something was posted, or a signal came.
    bool has_news() const noexcept { return posted_.load(std::memory_order_acquire) != nullptr; }
    /// What other threads posted since the last time, in the order of their coming.
    ReadyQueue take_calls() noexcept;
    /// Whether there were signals among it, until the next time.
    bool brought_signals() const noexcept { return brought_signals_; }
    /// Takes the signals that came, or those of them that are in `wanted`; each stands for any
    /// number of the same.
    SignalSet take_signals(SignalSet wanted = all_signals) noexcept {
        return SignalSet::from_bits(signals_.fetch_and(~wanted.bits())) & wanted;
    }
    bool nobody_will_post() const noexcept { return *expected_ == 0 && !has_news(); }
    /// Refuses what comes from now on, and discards what came. Idempotent.
    void refuse_posts() noexcept;

    /// Announces that the loop is going to sleep; false when there is news already.
    bool fall_asleep() noexcept;
    void wake_up() noexcept { asleep_.store(false, std::memory_order_relaxed); }

    /// Says what wakes the loop. Before it sleeps.
    void set_waker(std::shared_ptr<Waker> waker) noexcept {
        if (waker_ != waker) {
            waker_ = std::move(waker);
        }
    }

private:
    static constexpr SignalSet all_signals = SignalSet::from_bits(~std::uint64_t{0});

    bool push(Runnable& call) noexcept;

    OwnProcess process_;
    std::shared_ptr<Waker> waker_;  // set by the loop's thread while nobody finds it asleep
    // What was posted, the newest first, linked by next_ready: any thread pushes, and the loop
    // takes all of it. Once the loop is closed it is &no_more, for good.
    std::atomic<Runnable*> posted_ = nullptr;
    std::atomic<bool> asleep_ = false;        // whoever brings news must call the waker
    std::atomic<std::uint64_t> signals_ = 0;  // that came: bits of a SignalSet
    std::atomic<bool> signal_call_is_posted_ = false;
    SignalCall signal_call_;
    bool brought_signals_ = false;
    // Outlives the loop in the hands of those who promised to wake it.
    std::shared_ptr<std::atomic<int>> expected_ = std::make_shared<std::atomic<int>>(0);
};

/// Queues a call from any thread, as call_soon_threadsafe() does, on a loop that may be gone.
/// False, with the call destroyed here, when it is closed.
bool post_to(const std::weak_ptr<Mailbox>& mailbox, std::unique_ptr<PostedCall> call) noexcept;

}  // namespace ringio::detail
