#include <ringio/core/loop_signals.hpp>

#include <ringio/core/signal_table.hpp>

#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>

namespace ringio::detail {
namespace {

using Kind = SignalTaker::Kind;

[[noreturn]] void throw_taken(int number, const char* by) {
    throw std::runtime_error("sig " + std::to_string(number) + " has " + by +
                             " on this event loop already");
}

}  // namespace

// A handler of add_signal_handler(). Arrivals before it runs are one call.
class LoopSignals::Handler final : public SignalTaker, public Runnable, public ScheduledCallback {
public:
    Handler(EventLoop& loop, int number, Callback&& callback)
        : SignalTaker(SignalTaker::Kind::handler, SignalSet(number)),
          ScheduledCallback(&loop, callback.where()),
          function_(std::move(callback).function()) {
        hold(&function_, callable_table<UniqueFunction<void()>>);
    }
    ~Handler() override { drop(); }

    void take(int) noexcept override { queue(); }
    void queue() noexcept {
        if (!is_queued_) {
            is_queued_ = true;
            intrusive_add_ref(this);  // the queue's
            loop_->machine().schedule_here(*this);
        }
    }
    bool is_queued() const noexcept { return is_queued_; }
    /// It is not called any more. The callable goes with the last reference, which a call holds.
    void retire() noexcept { mark_cancelled(); }

    void run() override {
        const IntrusivePtr<Handler> queued(this, adopt);
        is_queued_ = false;
        call_and_keep();
    }
    void discard() noexcept override {
        is_queued_ = false;
        intrusive_release(this);
    }
    void outlive_loop() noexcept override { forget_loop(); }
    std::string repr() const override { return describe("Handle"); }

    friend void intrusive_add_ref(Handler* handler) noexcept { ++handler->references_; }
    friend void intrusive_release(Handler* handler) noexcept {
        if (--handler->references_ == 0) {
            delete handler;
        }
    }

private:
    union {
        UniqueFunction<void()> function_;  // destroyed by drop()
    };
    bool is_queued_ = false;
};

LoopSignals& LoopSignals::of(EventLoop& loop) {
    LoopSignals& signals = loop.machine().books().find_or_make<LoopSignals>();
    signals.loop_ = &loop;
    signals.mailbox_ = &loop.machine().books().mailbox;
    return signals;
}

LoopSignals::~LoopSignals() { give_back(); }

SignalSet LoopSignals::taken_by(Kind kind) const noexcept {
    SignalSet taken;
    for (const SignalTaker& taker : takers_) {
        if (taker.kind() == kind) {
            taken = taken | taker.signals();
        }
    }
    return taken;
}

SignalSet LoopSignals::taken() const noexcept {
    SignalSet taken;
    for (const SignalTaker& taker : takers_) {
        taken = taken | taker.signals();
    }
    return taken;
}

// Those that the loop has are claimed again, too: for a handler that the program has put over ours.
void LoopSignals::claim(SignalTaker& taker) {
    const SignalSet before = taken();
    SignalSet claimed;
    SignalSet left = taker.signals();
    try {
        while (const int number = left.take_lowest()) {
            claim_signal(number, *mailbox_);
            claimed.add(number);
        }
    } catch (...) {
        SignalSet undone = claimed - before;
        while (const int number = undone.take_lowest()) {
            release_signal(number, *mailbox_);
        }
        throw;
    }
}

void LoopSignals::add(SignalTaker& taker) {
    if (mailbox_->is_inherited()) {
        throw std::runtime_error(OwnProcess::refusal);
    }
    if (taker.is_programs()) {
        const Kind other = taker.kind() == Kind::handler ? Kind::receiver : Kind::handler;
        SignalSet twice = taker.signals() & taken_by(other);
        if (const int number = twice.take_lowest()) {
            throw_taken(number, other == Kind::handler ? "a handler" : "a Signals object");
        }
    }
    claim(taker);
    takers_.push_back(taker);
    taker.home_ = this;
    say_who_counts_interrupts();
}

SignalSet LoopSignals::remove(SignalTaker& taker) noexcept {
    taker.unlink();
    taker.home_ = nullptr;
    if (mailbox_->is_inherited()) {
        return {};
    }
    const SignalSet given_back = taker.signals() - taken();
    say_who_counts_interrupts();
    SignalSet left = given_back;
    while (const int number = left.take_lowest()) {
        release_signal(number, *mailbox_);
    }
    return mailbox_->take_signals(given_back);
}

void LoopSignals::give_back() noexcept {
    while (!takers_.empty()) {
        SignalTaker& taker = *takers_.front();
        remove(taker);
        if (taker.kind() == Kind::handler) {
            Handler& handler = static_cast<Handler&>(taker);
            handler.retire();
            intrusive_release(&handler);  // the user's: books are in order, and he may add another
        }
    }
}

bool LoopSignals::expects_any() const noexcept {
    for (const SignalTaker& taker : takers_) {
        if (taker.is_expected()) {
            return true;
        }
    }
    return false;
}

// Of another loop's SIGINT it is not for this one to say.
void LoopSignals::say_who_counts_interrupts() noexcept {
    if (taken().contains(SIGINT)) {
        const SignalSet programs = taken_by(Kind::handler) | taken_by(Kind::receiver);
        count_interrupts(taken_by(Kind::ctrl_c).contains(SIGINT) && !programs.contains(SIGINT));
    }
}

void LoopSignals::deliver() noexcept {
    const SignalSet came = mailbox_->take_signals();
    SignalSet by_kind[static_cast<int>(Kind::receiver) + 1];
    for (const SignalTaker& taker : takers_) {
        by_kind[static_cast<int>(taker.kind())] =
            by_kind[static_cast<int>(taker.kind())] | taker.signals();
    }
    for (SignalTaker& taker : takers_) {
        SignalSet mine = came & taker.signals();
        for (int above = static_cast<int>(taker.kind()) + 1;
             above <= static_cast<int>(Kind::receiver); ++above) {
            mine = mine - by_kind[above];
        }
        while (const int number = mine.take_lowest()) {
            taker.take(number);
        }
    }
}

LoopSignals::Handler* LoopSignals::find_handler(int number) noexcept {
    for (SignalTaker& taker : takers_) {
        if (taker.kind() == Kind::handler && taker.signals().contains(number)) {
            return static_cast<Handler*>(&taker);
        }
    }
    return nullptr;
}

// The callable is moved before the checks: that is the user's code.
void LoopSignals::set_handler(EventLoop& loop, int number, Callback&& callback) {
    check_signal(number);
    const IntrusivePtr<Handler> next(new Handler(loop, number, std::move(callback)));
    loop.machine().check_call();
    LoopSignals& signals = of(loop);
    Handler* const before = signals.find_handler(number);
    signals.add(*next);
    intrusive_add_ref(next.get());  // the list's
    if (before != nullptr) {
        const IntrusivePtr<Handler> old(before, adopt);
        if (before->is_queued()) {
            next->queue();
        }
        before->retire();
        signals.remove(*before);
    }
}

bool LoopSignals::remove_handler(EventLoop& loop, int number) {
    static_cast<void>(SignalSet(number));  // refuses what is no signal
    LoopSignals* const signals = loop.machine().books().find<LoopSignals>();
    Handler* const handler = signals != nullptr ? signals->find_handler(number) : nullptr;
    if (handler == nullptr) {
        return false;
    }
    const IntrusivePtr<Handler> removed(handler, adopt);
    handler->retire();
    signals->remove(*handler);
    return true;
}

}  // namespace ringio::detail
