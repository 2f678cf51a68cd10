// Guards the functions that take a callable inside a co_await expression against g++ 12, which
// destroys a closure written there twice.
#pragma once

#include <ringio/base/config.hpp>

#include <type_traits>
#include <utility>

namespace ringio {

/// Hands over a callable that was named before, by move: `co_await timeout(1s, by_move(work))`.
/// *Lifetime*: refers to `callable` until the function that takes it has been called.
template <class Fn>
class ByMove {
public:
    explicit ByMove(Fn& callable) noexcept : callable_(&callable) {}
    Fn take() const noexcept(std::is_nothrow_move_constructible_v<Fn>) {
        return std::move(*callable_);
    }

private:
    Fn* callable_;
};

template <class Fn>
    requires(!std::is_const_v<Fn>)
ByMove<Fn> by_move(Fn& callable) noexcept {
    return ByMove<Fn>(callable);
}

namespace detail {

template <class F>
inline constexpr bool is_by_move = false;
template <class Fn>
inline constexpr bool is_by_move<ByMove<Fn>> = true;

/// What is behind a forwarded callable: of a ByMove, the callable it refers to.
template <class F>
struct CallableOf {
    using type = std::decay_t<F>;
};
template <class Fn>
struct CallableOf<ByMove<Fn>> {
    using type = Fn;
};
template <class F>
using Callable = typename CallableOf<std::remove_cvref_t<F>>::type;

/// What calling a decayed copy of `Fn` with decayed copies of `Args` returns, as a value.
template <class Fn, class... Args>
using CallResult = std::remove_cvref_t<std::invoke_result_t<Callable<Fn>, std::decay_t<Args>...>>;

template <class F>
decltype(auto) unwrap_callable(F&& callable) {
    if constexpr (is_by_move<std::remove_cvref_t<F>>) {
        return callable.take();
    } else {
        return std::forward<F>(callable);
    }
}

// GCC 12: a temporary closure with a destructor, in a co_await operand, is destroyed twice,
// whatever the function does with it (reference: PR99576). So it is refused.
template <class F>
constexpr void require_safe_callable() {
    static_assert(RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE == 0 || std::is_lvalue_reference_v<F> ||
                      std::is_trivially_destructible_v<std::remove_cvref_t<F>>,
                  "ringio: g++ before 13 destroys this temporary closure twice; name it first "
                  "(`auto work = [...]{...};`) and pass `work`, or `by_move(work)` to move it");
}

// GCC 12: so are the temporary of an aggregate with a destructor and a closure that is converted,
// in a co_yield operand. `T` is the type of the operand, `Target` what is made of it.
template <class T, class Target>
constexpr void require_safe_operand() {
    using Operand = std::remove_cvref_t<T>;
    constexpr bool dangerous =
        std::is_aggregate_v<Operand> || (!std::is_same_v<Operand, std::remove_cvref_t<Target>> &&
                                         requires { &Operand::operator(); });
    static_assert(RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE == 0 || std::is_lvalue_reference_v<T> ||
                      std::is_trivially_destructible_v<Operand> || !dangerous,
                  "ringio: g++ before 13 destroys this temporary twice; name it first and yield "
                  "`name`, or `by_move(name)` to move it");
}

}  // namespace detail
}  // namespace ringio
