#include <ringio/core/context.hpp>

#include <algorithm>
#include <stdexcept>

namespace ringio {
namespace detail {
namespace {

std::atomic<std::uint64_t> variables_made = 0;

// Numbers the contexts that are not those of tasks, from where no number of a task comes.
std::atomic<std::uint64_t> contexts_made = std::uint64_t(1) << 63;

}  // namespace

const ContextMap::Value* ContextMap::find(std::uint64_t variable) const noexcept {
    const auto place = std::ranges::lower_bound(entries_, variable, {}, &Entry::variable);
    return place != entries_.end() && place->variable == variable ? &place->value : nullptr;
}

IntrusivePtr<const ContextMap> ContextMap::changed(const ContextMap* from, std::uint64_t variable,
                                                   Value value) {
    auto map = std::make_unique<ContextMap>();
    if (from != nullptr) {
        map->entries_ = from->entries_;
    }
    const auto place = std::ranges::lower_bound(map->entries_, variable, {}, &Entry::variable);
    const bool present = place != map->entries_.end() && place->variable == variable;
    if (!value) {
        if (present) {
            map->entries_.erase(place);
        }
    } else if (present) {
        place->value = std::move(value);
    } else {
        map->entries_.insert(place, Entry{variable, std::move(value)});
    }
    return map->entries_.empty() ? IntrusivePtr<const ContextMap>()
                                 : IntrusivePtr<const ContextMap>(map.release());
}

void ContextMap::retire(const ContextMap* map) noexcept { delete map; }

void EnterContext::move(ContextSlot& from, ContextSlot& to) noexcept {
    to.map = std::move(from.map);
    to.identity = from.identity;
    for (const EnterContext* entered = innermost_context; entered != nullptr;
         entered = entered->before_) {
        if (entered->slot_ == &from) {
            entered->slot_ = &to;
        }
    }
}

ContextSlot& outermost_context() noexcept {
    // At the thread's end values go one after the other, and their destructors may set variables.
    struct Outermost : ContextSlot {
        ~Outermost() {
            while (map) {
                const IntrusivePtr<const ContextMap> last = std::move(map);
            }
        }
    };
    thread_local Outermost slot;
    return slot;
}

std::uint64_t next_context_variable() noexcept {
    return variables_made.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::uint64_t current_context_identity() noexcept {
    ContextSlot& slot = current_context();
    if (slot.identity == 0) {
        slot.identity = contexts_made.fetch_add(1, std::memory_order_relaxed);
    }
    return slot.identity;
}

ContextMap::Value exchange_context_value(std::uint64_t variable, ContextMap::Value value) {
    ContextSlot& slot = current_context();
    ContextMap::Value old;
    if (const ContextMap::Value* found = slot.map ? slot.map->find(variable) : nullptr) {
        old = *found;
    }
    slot.map = ContextMap::changed(slot.map.get(), variable, std::move(value));
    return old;
}

RunInContext::RunInContext(ContextState& state) : state_(state), enter_(state.slot) {
    if (std::exchange(state.entered, true)) {
        throw std::runtime_error("cannot enter context: it is already entered");
    }
}

void throw_context_variable_unset(const std::string& name) {
    throw std::out_of_range("ContextVar '" + name + "' has no value in this context");
}

void throw_token_of_other_variable() {
    throw std::invalid_argument("the token was created by a different ContextVar");
}

void throw_token_of_other_context() {
    throw std::invalid_argument("the token was created in a different Context");
}

void throw_token_used() { throw std::runtime_error("the token has already been used once"); }

}  // namespace detail

Context Context::copy() const {
    Context copy;
    copy.state_->slot.map = state_->slot.map;
    return copy;
}

Context copy_context() {
    Context copy;
    copy.shared_state()->slot.map = detail::current_context().map;
    return copy;
}

}  // namespace ringio
