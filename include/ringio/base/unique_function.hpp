// A move-only function object of any origin behind one type: callbacks that own a Task, a Promise
// or a descriptor cannot be copied, so std::function cannot hold them.
#pragma once

#include <ringio/base/assert.hpp>

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace ringio {

template <class Signature>
class UniqueFunction;

namespace detail {

// std::function, UniqueFunction and their like: a class template over a function type.
template <class F>
inline constexpr bool is_function_wrapper = false;
template <template <class> class Wrapper, class Signature>
inline constexpr bool is_function_wrapper<Wrapper<Signature>> = std::is_function_v<Signature>;

template <class F>
bool is_null_callable(const F& callable) noexcept {
    if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>) {
        return callable == nullptr;
    } else if constexpr (is_function_wrapper<F>) {
        return !static_cast<bool>(callable);
    } else {
        return false;
    }
}

template <class Member, class Class, class Object, class... Args>
decltype(auto) invoke_member(Member Class::* member, Object&& object, Args&&... args) {
    if constexpr (std::is_base_of_v<Class, std::remove_cvref_t<Object>>) {
        if constexpr (std::is_function_v<Member>) {
            return (std::forward<Object>(object).*member)(std::forward<Args>(args)...);
        } else {
            return (std::forward<Object>(object).*member);
        }
    } else if constexpr (requires { *std::forward<Object>(object); }) {
        return invoke_member(member, *std::forward<Object>(object), std::forward<Args>(args)...);
    } else {  // std::reference_wrapper
        return invoke_member(member, object.get(), std::forward<Args>(args)...);
    }
}

// std::invoke_r without <functional>; that the result converts implicitly is checked before.
template <class R, class F, class... Args>
R invoke_as(F& callable, Args&&... args) {
    if constexpr (std::is_member_pointer_v<F> && std::is_void_v<R>) {
        static_cast<void>(invoke_member(callable, std::forward<Args>(args)...));
    } else if constexpr (std::is_member_pointer_v<F>) {
        return static_cast<R>(invoke_member(callable, std::forward<Args>(args)...));
    } else if constexpr (std::is_void_v<R>) {
        static_cast<void>(callable(std::forward<Args>(args)...));
    } else {
        return static_cast<R>(callable(std::forward<Args>(args)...));
    }
}

}  // namespace detail

/// Owns a callable of signature `R(Args...)`, or none. Callables of at most three words that move
/// without throwing are held in place, others on the heap. Null function pointers, null member
/// pointers and empty function wrappers give an empty object.
/// *Errors*: calling an empty one aborts.
template <class R, class... Args>
class [[nodiscard]] UniqueFunction<R(Args...)> {
public:
    /// Holds nothing.
    UniqueFunction() noexcept = default;
    UniqueFunction(std::nullptr_t) noexcept {}

    /// Holds `callable`, moved or copied from the argument.
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> &&
                 std::is_constructible_v<std::decay_t<F>, F> &&
                 std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
    UniqueFunction(F&& callable) {
        using Callable = std::decay_t<F>;
        // The decayed pointer, not the reference to a function, which is never null.
        if constexpr (!std::is_function_v<std::remove_reference_t<F>>) {
            if (detail::is_null_callable<Callable>(callable)) {
                return;
            }
        }
        if constexpr (fits_in_place<Callable>) {
            ::new (static_cast<void*>(storage_)) Callable(std::forward<F>(callable));
            table_ = &in_place_table<Callable>;
        } else {
            ::new (static_cast<void*>(storage_)) Callable*(new Callable(std::forward<F>(callable)));
            table_ = &on_heap_table<Callable>;
        }
    }

    UniqueFunction(UniqueFunction&& other) noexcept { take(other); }

    /// Assigns; what was held is destroyed last, so that its destructor may look at this object.
    UniqueFunction& operator=(UniqueFunction&& other) noexcept {
        if (this != &other) {
            UniqueFunction old(std::move(*this));
            take(other);
        }
        return *this;
    }

    ~UniqueFunction() {
        if (table_ != nullptr && table_->destroy != nullptr) {
            table_->destroy(storage_);
        }
    }

    /// Tells whether there is a callable.
    explicit operator bool() const noexcept { return table_ != nullptr; }

    /// Calls the callable, which there is.
    R operator()(Args... args) {
        RINGIO_ASSERT(table_ != nullptr, "an empty UniqueFunction is not called");
        return table_->invoke(storage_, std::forward<Args>(args)...);
    }

    /// Holds nothing any more; what was held is destroyed last.
    void reset() noexcept {
        if (table_ != nullptr && table_->destroy != nullptr) {
            const UniqueFunction old(std::move(*this));
        } else {
            table_ = nullptr;
        }
    }

    void swap(UniqueFunction& other) noexcept { std::swap(*this, other); }

private:
    static constexpr std::size_t capacity = 3 * sizeof(void*);

    struct Table {
        R (*invoke)(std::byte* storage, Args&&... args);
        // Moves, then destroys; null: copying the bytes does that.
        void (*relocate)(std::byte* from, std::byte* to) noexcept;
        void (*destroy)(std::byte* storage) noexcept;  // null: nothing to do
    };

    template <class F>
    static constexpr bool fits_in_place = sizeof(F) <= capacity && alignof(F) <= alignof(void*) &&
                                          std::is_nothrow_move_constructible_v<F>;

    template <class F>
    static F& stored(std::byte* storage) noexcept {
        return *std::launder(reinterpret_cast<F*>(storage));
    }

    template <class F>
    static void relocate_in_place(std::byte* from, std::byte* to) noexcept {
        F& callable = stored<F>(from);
        ::new (static_cast<void*>(to)) F(std::move(callable));
        callable.~F();
    }
    template <class F>
    static void destroy_in_place(std::byte* storage) noexcept {
        stored<F>(storage).~F();
    }

    template <class F>
    static constexpr Table in_place_table{
        [](std::byte* storage, Args&&... args) -> R {
            return detail::invoke_as<R>(stored<F>(storage), std::forward<Args>(args)...);
        },
        std::is_trivially_copyable_v<F> ? nullptr : &relocate_in_place<F>,
        std::is_trivially_destructible_v<F> ? nullptr : &destroy_in_place<F>,
    };

    template <class F>
    static constexpr Table on_heap_table{
        [](std::byte* storage, Args&&... args) -> R {
            return detail::invoke_as<R>(*stored<F*>(storage), std::forward<Args>(args)...);
        },
        nullptr,
        [](std::byte* storage) noexcept { delete stored<F*>(storage); },
    };

    // Takes the callable of `other`, while this object holds none.
    void take(UniqueFunction& other) noexcept {
        table_ = std::exchange(other.table_, nullptr);
        if (table_ == nullptr) {
            return;
        }
        if (table_->relocate != nullptr) {
            table_->relocate(other.storage_, storage_);
        } else {
            std::memcpy(storage_, other.storage_, capacity);
        }
    }

    const Table* table_ = nullptr;  // null: empty
    alignas(void*) std::byte storage_[capacity];
};

}  // namespace ringio
