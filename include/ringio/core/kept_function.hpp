// KeptFunction: a function of the user's that may replace or unset itself while it is called.
#pragma once

#include <memory>
#include <utility>

namespace ringio::detail {

/// Holds a `Function`, a std::function, or none. A call keeps the one that it calls.
template <class Function>
class KeptFunction {
public:
    /// Replaces the function; an empty one leaves none. What was held is destroyed last, or when
    /// the call that it is in returns.
    void set(Function function) {
        std::shared_ptr<const Function> next;
        if (function) {
            next = std::make_shared<const Function>(std::move(function));
        }
        function_.swap(next);
    }

    /// Returns the function, empty when there is none. *Lifetime*: until set() is called.
    const Function& get() const noexcept {
        static const Function none;
        return function_ ? *function_ : none;
    }
    explicit operator bool() const noexcept { return function_ != nullptr; }

    /// Calls the function, which there is.
    template <class... Args>
    void operator()(Args&&... args) const {
        const std::shared_ptr<const Function> kept = function_;
        (*kept)(std::forward<Args>(args)...);
    }

private:
    std::shared_ptr<const Function> function_;
};

}  // namespace ringio::detail
