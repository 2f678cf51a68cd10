// Initializer: what each thread of a pool does first.
#pragma once

#include <ringio/base/unique_function.hpp>
#include <ringio/core/callable.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

/// The call that an Initializer describes, with what it needs. Several threads make it at once.
class InitialCall {
public:
    InitialCall() = default;
    InitialCall(const InitialCall&) = delete;
    InitialCall& operator=(const InitialCall&) = delete;
    virtual ~InitialCall() = default;
    virtual void run() const = 0;
};

template <class Fn, class... Args>
class InitialCallOf final : public InitialCall {
public:
    template <class F, class... A>
    explicit InitialCallOf(F&& function, A&&... args)
        : function_(std::forward<F>(function)), arguments_(std::forward<A>(args)...) {}
    void run() const override { static_cast<void>(std::apply(function_, arguments_)); }

private:
    Fn function_;
    std::tuple<Args...> arguments_;
};

/// Something that has a name, to be copied later.
template <class T>
struct Named {
    const T* object;
};

}  // namespace detail

namespace concurrent {

/// A call for each thread of a pool, or none: `{.initializer = log_in}`, or with arguments
/// `{.initializer = {log_in, "host"}}`. Threads may make it at the same time, of one function with
/// one set of arguments: so they are const. A reference is passed as std::ref.
///
/// *Lifetime*: what is trivially copied (functions, closures of references, numbers, pointers) is
/// kept. Anything else has a name, and is referred to until the pool is made, which copies it then,
/// or moves it with by_move(name).
/// *Errors*: std::invalid_argument for null.
/// *Python*: `initializer` and `initargs`.
class Initializer {
public:
    constexpr Initializer() noexcept = default;

    template <class Fn, class... Args>
        requires(!std::same_as<std::remove_cvref_t<Fn>, Initializer>)
    Initializer(Fn&& function, Args&&... args) {
        static_assert(
            std::is_invocable_v<const detail::Callable<Fn>&, const detail::Callable<Args>&...>,
            "ringio: an initializer is called with its arguments, and by several threads at the "
            "same time: it takes no T&, and changes nothing of its own (a `mutable` lambda does)");
        if constexpr (!std::is_function_v<std::remove_reference_t<Fn>>) {
            if (detail::is_null_callable<std::decay_t<Fn>>(function)) {
                throw std::invalid_argument("initializer must be a callable");
            }
        }
        auto parts = [function = keep(std::forward<Fn>(function)),
                      ... args = keep(std::forward<Args>(args))] {
            using Call = detail::InitialCallOf<detail::Callable<Fn>, detail::Callable<Args>...>;
            return std::shared_ptr<const detail::InitialCall>(
                std::make_shared<const Call>(give(function), give(args)...));
        };
        using Parts = decltype(parts);
        static_assert(sizeof(Parts) <= capacity && alignof(Parts) <= alignof(void*),
                      "ringio: the arguments of an initializer are too large; pass pointers");
        ::new (static_cast<void*>(parts_)) Parts(parts);
        make_ = [](const std::byte* kept) {
            return (*std::launder(reinterpret_cast<const Parts*>(kept)))();
        };
    }

    explicit operator bool() const noexcept { return make_ != nullptr; }

    /// For executors: makes the call; null when there is none.
    std::shared_ptr<const detail::InitialCall> make() const {
        return make_ != nullptr ? make_(parts_) : nullptr;
    }

private:
    static constexpr std::size_t capacity = 8 * sizeof(void*);

    template <class T>
    static auto keep(T&& value) {
        using Value = std::decay_t<T>;
        if constexpr (std::is_trivially_copyable_v<Value>) {
            return static_cast<Value>(value);
        } else {
            static_assert(std::is_lvalue_reference_v<T>,
                          "ringio: options own nothing; name what the initializer is made of, and "
                          "pass `name`, or `by_move(name)` to move it");
            return detail::Named<Value>{&value};
        }
    }
    template <class T>
    static const T& give(const detail::Named<T>& named) {
        return *named.object;
    }
    template <class T>
    static T give(const ByMove<T>& by_move) {
        return by_move.take();
    }
    template <class T>
    static const T& give(const T& kept) {
        return kept;
    }

    // GCC 12: options are trivially destroyed, for it destroys their temporaries twice.
    std::shared_ptr<const detail::InitialCall> (*make_)(const std::byte* parts) = nullptr;
    alignas(void*) std::byte parts_[capacity] = {};
};

}  // namespace concurrent
}  // namespace ringio
