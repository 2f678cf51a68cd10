#include <ringio/core/timers.hpp>

namespace ringio {

void Timers::expire(TimePoint now, ReadyQueue& ready) noexcept {
    while (!heap_.empty() && heap_.top_key().deadline() <= now) {
        ready.push_back(*heap_.pop());
    }
}

}  // namespace ringio
