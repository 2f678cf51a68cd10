#include <ringio/sync/barrier.hpp>

#include <ringio/base/intrusive_list.hpp>
#include <ringio/sync/condition.hpp>

namespace ringio {
namespace detail {

enum class BarrierPhase : unsigned char { filling, draining, resetting, broken };

/// A task in the barrier; lies in its frame.
struct BarrierPlace : IntrusiveListHook {
    std::size_t index = 0;
};

struct BarrierState {
    explicit BarrierState(std::size_t of) : parties(of) {}

    void change(BarrierPhase next) {
        phase = next;
        condition.notify_all();
    }

    // Numbers those who are there. Not as they come: one of them may be cancelled before the last
    // one is there, and then a number would be given twice, and another one to nobody.
    void let_go() {
        std::size_t index = 0;
        for (BarrierPlace& place : places) {
            place.index = index++;
        }
        change(BarrierPhase::draining);
    }

    // The last to leave opens the barrier for the next round.
    void leave(BarrierPlace& place) {
        place.unlink();
        if (--count == 0) {
            change(phase == BarrierPhase::broken ? phase : BarrierPhase::filling);
        }
    }

    std::size_t parties;
    std::size_t count = 0;  // tasks in the barrier
    IntrusiveList<BarrierPlace> places;
    BarrierPhase phase = BarrierPhase::filling;
    Condition condition;  // for every change of phase
};

namespace {

Task<> enter(BarrierState& state) {
    auto may_enter = [&state]() {
        return state.phase == BarrierPhase::filling || state.phase == BarrierPhase::broken;
    };
    static_cast<void>(co_await state.condition.wait_for(may_enter));
    if (state.phase == BarrierPhase::broken) {
        throw BrokenBarrierError("Barrier aborted");
    }
}

Task<> wait_for_others(BarrierState& state) {
    auto may_go = [&state]() { return state.phase != BarrierPhase::filling; };
    static_cast<void>(co_await state.condition.wait_for(may_go));
    if (state.phase != BarrierPhase::draining) {
        throw BrokenBarrierError("Abort or reset of barrier");
    }
}

Task<std::size_t> wait_at(std::shared_ptr<BarrierState> state) {
    const auto held = co_await state->condition.scoped();
    co_await enter(*state);
    BarrierPlace place;
    state->places.push_back(place);
    ++state->count;
    try {
        if (state->count == state->parties) {
            state->let_go();
        } else {
            co_await wait_for_others(*state);
        }
    } catch (...) {
        state->leave(place);
        throw;
    }
    state->leave(place);
    co_return place.index;
}

Task<> reset_at(std::shared_ptr<BarrierState> state) {
    const auto held = co_await state->condition.scoped();
    state->change(state->count > 0 ? BarrierPhase::resetting : BarrierPhase::filling);
}

Task<> abort_at(std::shared_ptr<BarrierState> state) {
    const auto held = co_await state->condition.scoped();
    state->change(BarrierPhase::broken);
}

const char* name_of(BarrierPhase phase) {
    switch (phase) {
        case BarrierPhase::filling:
            return "filling";
        case BarrierPhase::draining:
            return "draining";
        case BarrierPhase::resetting:
            return "resetting";
        case BarrierPhase::broken:
            break;
    }
    return "broken";
}

}  // namespace
}  // namespace detail

Barrier::Barrier(std::ptrdiff_t parties) {
    if (parties < 1) {
        throw std::invalid_argument("parties must be > 0");
    }
    state_ = std::make_shared<detail::BarrierState>(static_cast<std::size_t>(parties));
}

Task<std::size_t> Barrier::wait() { return detail::wait_at(state_); }
Task<> Barrier::reset() { return detail::reset_at(state_); }
Task<> Barrier::abort() { return detail::abort_at(state_); }

std::size_t Barrier::parties() const noexcept { return state_->parties; }

std::size_t Barrier::n_waiting() const noexcept {
    return state_->phase == detail::BarrierPhase::filling ? state_->count : 0;
}

bool Barrier::broken() const noexcept { return state_->phase == detail::BarrierPhase::broken; }

std::string Barrier::repr() const {
    std::string text = std::string("<Barrier [") + detail::name_of(state_->phase);
    if (!broken()) {
        text += ", waiters:" + std::to_string(n_waiting()) + "/" + std::to_string(parties());
    }
    return text + "]>";
}

}  // namespace ringio
