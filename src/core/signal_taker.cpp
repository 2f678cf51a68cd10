#include <ringio/core/signal_taker.hpp>

#include <ringio/core/loop_signals.hpp>

namespace ringio::detail {

SignalTaker::~SignalTaker() {
    if (home_ != nullptr) {
        home_->remove(*this);
    }
}

}  // namespace ringio::detail
