// Initializer: what each thread of a pool does first.
#pragma once

#include <ringio/base/unique_function.hpp>
#include <ringio/core/callable.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ringio::concurrent {

/// A call for each thread of a pool, or none: `{.initializer = log_in}`, or with arguments
/// `{.initializer = {log_in, "host"}}`. All threads share one function and its arguments, which
/// are moved or copied here, as for std::thread; a reference is passed as std::ref. Threads may
/// call it at the same time: so it is called as const.
/// *Errors*: std::invalid_argument for null.
/// *Python*: `initializer` and `initargs`.
class Initializer {
public:
    Initializer() noexcept = default;

    template <class Fn, class... Args>
        requires(!std::same_as<std::remove_cvref_t<Fn>, Initializer>)
    Initializer(Fn&& function, Args&&... args)
        : call_(make(detail::unwrap_callable(std::forward<Fn>(function)),
                     detail::unwrap_callable(std::forward<Args>(args))...)) {}

    // GCC 12: a temporary in the operand of a co_await is destroyed twice where these are implicit.
    Initializer(const Initializer& other) noexcept : call_(other.call_) {}
    Initializer(Initializer&& other) noexcept : call_(std::move(other.call_)) {}
    Initializer& operator=(const Initializer&) = default;
    Initializer& operator=(Initializer&&) noexcept = default;
    ~Initializer() {}

    explicit operator bool() const noexcept { return call_ != nullptr; }
    /// Calls what there is. *Errors*: what that throws.
    void operator()() const { call_->run(); }

private:
    struct Call {
        Call() = default;
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;
        virtual ~Call() = default;
        virtual void run() const = 0;
    };

    template <class Fn, class... Args>
    struct CallOf final : Call {
        template <class F, class... A>
        explicit CallOf(F&& f, A&&... a)
            : function(std::forward<F>(f)), arguments(std::forward<A>(a)...) {}
        void run() const override { static_cast<void>(std::apply(function, arguments)); }

        Fn function;
        std::tuple<Args...> arguments;
    };

    template <class Fn, class... Args>
    static std::shared_ptr<const Call> make(Fn&& function, Args&&... args) {
        using Function = std::decay_t<Fn>;
        static_assert(std::is_invocable_v<const Function&, const std::decay_t<Args>&...>,
                      "ringio: an initializer is called with its arguments, and by several threads "
                      "at the same time: it takes no T&, and changes nothing of its own (a "
                      "`mutable` lambda does)");
        if constexpr (!std::is_function_v<std::remove_reference_t<Fn>>) {
            if (detail::is_null_callable<Function>(function)) {
                throw std::invalid_argument("initializer must be a callable");
            }
        }
        return std::make_shared<const CallOf<Function, std::decay_t<Args>...>>(
            std::forward<Fn>(function), std::forward<Args>(args)...);
    }

    std::shared_ptr<const Call> call_;
};

}  // namespace ringio::concurrent
