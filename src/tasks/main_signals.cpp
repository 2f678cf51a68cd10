#include "main_signals.hpp"

#include <ringio/core/cancel_source.hpp>
#include <ringio/core/exceptions.hpp>
#include <ringio/core/signal_table.hpp>

#include <unistd.h>

#include <csignal>
#include <utility>

namespace ringio::detail {
namespace {

// Without SIGINT, which has the rules of Ctrl-C.
SignalSet without_interrupt(SignalSet signals) { return signals - SignalSet(SIGINT); }

class CancelOn final : public EndsWithLoop, public SignalTaker {
public:
    explicit CancelOn(SignalSet signals) noexcept : SignalTaker(Kind::cancel_on, signals) {}

    void begin(CancelledOnce& main) noexcept {
        main_ = &main;
        if (const int number = std::exchange(kept_, 0)) {
            take(number);
        }
    }
    void end() noexcept { main_ = nullptr; }

    void take(int number) noexcept override {
        if (main_ != nullptr && (main_->asked || !main_->main.done())) {
            main_->cancel(CancelCause::signal, signal_name(number));
        } else {
            kept_ = number;
        }
    }

private:
    CancelledOnce* main_ = nullptr;
    int kept_ = 0;  // came while no main task ran: it is for the next one
};

}  // namespace

bool CancelledOnce::cancel(CancelCause cause, const std::string& message) noexcept {
    if (asked || main.done()) {
        return false;
    }
    asked = true;
    const CancelOrigin origin(cause);
    main.cancel(message);
    return true;
}

void take_cancel_signals(EventLoop& loop, SignalSet cancel_on) {
    LoopBooks& books = loop.machine().books();
    const SignalSet signals = without_interrupt(cancel_on);
    if (signals.empty() || books.find<CancelOn>() != nullptr) {
        return;
    }
    auto taker = std::make_unique<CancelOn>(signals);
    LoopSignals::of(loop).add(*taker);
    books.ends_with_loop.push_back(std::move(taker));
}

MainSignals::MainSignals(EventLoop& loop, AnyFuture main, SignalSet cancel_on)
    : SignalTaker(Kind::ctrl_c, SignalSet(SIGINT)), loop_(loop), main_{std::move(main)} {
    LoopBooks& books = loop.machine().books();
    const bool is_main_thread = ::gettid() == ::getpid();
    if (cancel_on.contains(SIGINT) ||
        (is_main_thread && is_left_to_default(SIGINT, books.mailbox))) {
        restart_interrupts();
        try {
            LoopSignals::of(loop).add(*this);
        } catch (...) {
            main_.main.cancel();  // it must not run in the next run
            throw;
        }
    }
    if (CancelOn* const others = books.find<CancelOn>()) {
        others->begin(main_);
    }
}

MainSignals::~MainSignals() {
    if (CancelOn* const others = loop_.machine().books().find<CancelOn>()) {
        others->end();
    }
}

bool MainSignals::interrupted() const noexcept {
    return interrupted_ || (home() != nullptr && interrupts() > 0);
}

// Two that came before the loop looked are the second one.
void MainSignals::take(int) noexcept {
    interrupted_ = true;
    if (interrupts() > 1 || !main_.cancel(CancelCause::interrupt, "")) {
        loop_.machine().escape(std::make_exception_ptr(KeyboardInterrupt()));
    }
}

}  // namespace ringio::detail
