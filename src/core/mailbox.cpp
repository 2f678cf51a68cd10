#include <ringio/core/mailbox.hpp>

#include <utility>

namespace ringio::detail {
namespace {

/// Stands in the place of what was posted to a loop that is closed.
class NoMore final : public Runnable {
public:
    void run() override {}
    void discard() noexcept override {}
};
constinit NoMore no_more;

ReadyQueue in_order(Runnable* newest) noexcept {
    ReadyQueue queue;
    while (newest != nullptr) {
        Runnable* const next = newest->next_ready;
        queue.push_front(*newest);
        newest = next;
    }
    return queue;
}

}  // namespace

// The loop stores asleep_ and then looks for news; who brings news stores it and then looks at
// asleep_. Both in the single total order, so at least one of them sees the other.
bool Mailbox::fall_asleep() noexcept {
    asleep_.store(true);
    return posted_.load() == nullptr;
}

ReadyQueue Mailbox::take_calls() noexcept {
    ReadyQueue calls;
    brought_signals_ = false;
    for (Runnable* newest = posted_.exchange(nullptr, std::memory_order_acquire);
         newest != nullptr;) {
        Runnable* const call = std::exchange(newest, newest->next_ready);
        if (call == &signal_call_) {
            brought_signals_ = true;
        } else {
            calls.push_front(*call);
        }
    }
    if (brought_signals_) {
        signal_call_is_posted_.store(false);  // from here on it may be posted again
    }
    return calls;
}

void Mailbox::refuse_posts() noexcept {
    Runnable* const newest = posted_.exchange(&no_more);
    if (newest == &no_more) {
        return;
    }
    ReadyQueue dropped = in_order(newest);
    while (Runnable* const call = dropped.pop_front()) {
        call->discard();
    }
}

bool Mailbox::push(Runnable& call) noexcept {
    Runnable* newest = posted_.load(std::memory_order_relaxed);
    do {
        if (newest == &no_more) {
            return false;
        }
        call.next_ready = newest;
    } while (!posted_.compare_exchange_weak(newest, &call));
    if (asleep_.load() && asleep_.exchange(false)) {  // the first one wakes for all
        waker_->wake();
    }
    return true;
}

bool Mailbox::post(std::unique_ptr<PostedCall> call) noexcept {
    if (!push(*call)) {
        return false;
    }
    static_cast<void>(call.release());
    return true;
}

std::shared_ptr<void> Mailbox::expect_wakeup() {
    expected_->fetch_add(1);
    return std::shared_ptr<void>(nullptr, [expected = expected_](void*) { --*expected; });
}

// The loop lets the call be posted again before it takes the signals: one that finds the call
// posted still has been noted before that.
void Mailbox::notify_signal(int number) noexcept {
    if (is_inherited()) {
        return;
    }
    signals_.fetch_or(SignalSet(number).bits());
    if (!signal_call_is_posted_.exchange(true)) {
        push(signal_call_);
    }
}

bool post_to(const std::weak_ptr<Mailbox>& mailbox, std::unique_ptr<PostedCall> call) noexcept {
    const std::shared_ptr<Mailbox> alive = mailbox.lock();
    return alive && alive->post(std::move(call));
}

}  // namespace ringio::detail
