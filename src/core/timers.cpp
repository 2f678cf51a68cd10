#include <ringio/core/timers.hpp>

namespace ringio {

void Timers::expire(TimePoint now, ReadyQueue& ready) noexcept {
    while (!heap_.empty() && next_deadline() <= now) {
        Timer* const timer = heap_.pop();
        if (const Timer* const next = heap_.top()) {
            prefetch(*next);
        }
        ready.push_back(*timer);
    }
}

}  // namespace ringio
