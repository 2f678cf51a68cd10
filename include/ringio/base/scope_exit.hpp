// Runs an action at the end of a scope, however the scope is left.
#pragma once

#include <type_traits>
#include <utility>

namespace ringio {

/// Calls `action()` when destroyed, unless released before: `ScopeExit guard([&] { ... });`.
/// *Errors*: an action that throws terminates the program.
template <class Action>
class [[nodiscard]] ScopeExit {
    static_assert(std::is_nothrow_move_constructible_v<Action>,
                  "arming a ScopeExit must not fail: the action would never run");

public:
    explicit ScopeExit(Action action) noexcept : action_(std::move(action)) {}
    ScopeExit(const ScopeExit&) = delete;
    ScopeExit& operator=(const ScopeExit&) = delete;
    ~ScopeExit() {
        if (armed_) {
            action_();
        }
    }

    /// Calls the action off.
    void release() noexcept { armed_ = false; }

private:
    Action action_;
    bool armed_ = true;
};

}  // namespace ringio
