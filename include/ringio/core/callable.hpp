// Guards the functions that take a callable or a value inside a co_await expression against g++ 12,
// which destroys a closure or an aggregate written there twice.
#pragma once

#include <ringio/base/config.hpp>

#include <type_traits>
#include <utility>

namespace ringio {

/// Hands over a callable or a value that was named before, by move: `co_await timeout(1s,
/// by_move(work))`, `co_await queue.put(by_move(job))`. *Lifetime*: refers to `callable` until the
/// function that takes it has been called.
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
    using type = F;
};
template <class Fn>
struct CallableOf<ByMove<Fn>> {
    using type = Fn;
};
template <class F>
using Callable = typename CallableOf<std::decay_t<F>>::type;

/// What calling a decayed copy of `Fn` with decayed copies of `Args` returns, as a value.
template <class Fn, class... Args>
using CallResult = std::remove_cvref_t<std::invoke_result_t<Callable<Fn>, Callable<Args>...>>;

/// What may be given where a `T` is taken by value: something that becomes one, or a ByMove of it.
template <class U, class T>
concept Gives = std::is_convertible_v<U, T> ||
                (is_by_move<std::remove_cvref_t<U>> && std::is_convertible_v<Callable<U>, T>);

/// Marks the overload with the body: what it takes went through the guards.
struct Guarded {};

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

// GCC 12: so are the temporary of an aggregate with a destructor and a closure that is converted.
// `T` is the type of the operand, `Target` what is made of it. What a function gives is right, and
// std::move(name) too, but neither can be told from a temporary.
template <class T, class Target, class Operand = std::remove_cvref_t<T>>
inline constexpr bool is_safe_operand =
    RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE == 0 || std::is_lvalue_reference_v<T> ||
    std::is_trivially_destructible_v<Operand> ||
    !(std::is_aggregate_v<Operand> || (!std::is_same_v<Operand, std::remove_cvref_t<Target>> &&
                                       requires { &Operand::operator(); }));

/// Of the operand of a co_yield.
template <class T, class Target>
constexpr void require_safe_operand() {
    static_assert(is_safe_operand<T, Target>,
                  "ringio: g++ before 13 destroys this temporary twice; name it first and yield "
                  "`name`, or `by_move(name)` to move it");
}

/// Of a value that a function within a co_await expression takes.
template <class T, class Target = std::decay_t<T>>
constexpr void require_safe_value() {
    static_assert(is_safe_operand<T, Target>,
                  "ringio: g++ before 13 destroys this temporary twice; name it first and pass "
                  "`name`, or `by_move(name)` to move it (std::move(name) looks like a temporary)");
}

}  // namespace detail
}  // namespace ringio
