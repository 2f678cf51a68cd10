// What became of an awaited thing: a value, or the exception that was raised instead. The element
// type of gather(return_exceptions, ...) and the result of as_outcome().
#pragma once

#include <ringio/base/assert.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace ringio {
namespace detail {

// Returns the argument; throws std::invalid_argument when it is null.
std::exception_ptr require_exception(std::exception_ptr exception);

}  // namespace detail

/// A value of type `T`, or an exception.
/// *Errors*: `value()` raises the exception; `*` and `->` on an exception abort; a null
/// `exception_ptr` given to a constructor is a `std::invalid_argument`.
/// *Lifetime*: an outcome that was moved from keeps its value, moved from, or its exception.
template <class T>
class [[nodiscard]] Outcome {
    static_assert(std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T> &&
                      !std::is_volatile_v<T>,
                  "the value of an Outcome is a plain object: no reference, array or const type");

public:
    using value_type = T;

    /// Holds a value.
    Outcome(const T& value)
        requires std::is_copy_constructible_v<T>
        : value_(value) {}
    Outcome(T&& value) noexcept(std::is_nothrow_move_constructible_v<T>)
        : value_(std::move(value)) {}

    /// Holds a value made of `args`.
    template <class... Args>
        requires std::is_constructible_v<T, Args...>
    explicit Outcome(std::in_place_t, Args&&... args) : value_(std::forward<Args>(args)...) {}

    /// Holds an exception. (A value when `T` is `std::exception_ptr` itself: see failure().)
    template <std::same_as<std::exception_ptr> E>
        requires(!std::same_as<T, E>)
    explicit Outcome(E exception) : Outcome(Failure(), std::move(exception)) {}

    /// Returns an outcome that holds an exception.
    static Outcome failure(std::exception_ptr exception) {
        return Outcome(Failure(), std::move(exception));
    }

    Outcome(const Outcome& other)
        requires std::is_copy_constructible_v<T>
        : exception_(other.exception_) {
        if (has_value()) {
            std::construct_at(std::addressof(value_), other.value_);
        }
    }
    // The exception is copied: null would claim that the other has a value.
    Outcome(Outcome&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
        : exception_(other.exception_) {
        if (has_value()) {
            std::construct_at(std::addressof(value_), std::move(other.value_));
        }
    }

    Outcome& operator=(const Outcome& other)
        requires std::is_copy_constructible_v<T>
    {
        return *this = Outcome(other);
    }
    /// Assigns; when moving the value throws, this outcome holds that exception.
    Outcome& operator=(Outcome&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
        if (this != &other) {
            destroy_value();
            exception_ = other.exception_;
            if (has_value()) {
                replace_value(std::move(other.value_));
            }
        }
        return *this;
    }

    ~Outcome() { destroy_value(); }

    /// Tells whether there is a value.
    bool has_value() const noexcept { return exception_ == nullptr; }
    explicit operator bool() const noexcept { return has_value(); }

    /// Returns the value, or raises the exception.
    T& value() & {
        rethrow_exception();
        return value_;
    }
    const T& value() const& {
        rethrow_exception();
        return value_;
    }
    T&& value() && {
        rethrow_exception();
        return std::move(value_);
    }

    /// Returns the exception, null when there is a value.
    std::exception_ptr exception() const noexcept { return exception_; }

    /// Returns the value, which there is.
    T& operator*() & noexcept {
        require_value();
        return value_;
    }
    const T& operator*() const& noexcept {
        require_value();
        return value_;
    }
    T&& operator*() && noexcept {
        require_value();
        return std::move(value_);
    }
    T* operator->() noexcept { return std::addressof(**this); }
    const T* operator->() const noexcept { return std::addressof(**this); }

    /// Returns the value, or `otherwise` in place of an exception.
    template <class U>
    T value_or(U&& otherwise) const& {
        return has_value() ? value_ : static_cast<T>(std::forward<U>(otherwise));
    }
    template <class U>
    T value_or(U&& otherwise) && {
        return has_value() ? std::move(value_) : static_cast<T>(std::forward<U>(otherwise));
    }

private:
    struct Failure {};

    Outcome(Failure, std::exception_ptr exception)
        : exception_(detail::require_exception(std::move(exception))) {}

    void rethrow_exception() const {
        if (!has_value()) {
            std::rethrow_exception(exception_);
        }
    }
    void require_value() const noexcept {
        RINGIO_ASSERT(has_value(), "an outcome that holds an exception has no value");
    }
    void destroy_value() noexcept {
        if (has_value()) {
            std::destroy_at(std::addressof(value_));
        }
    }
    void replace_value(T&& value) noexcept(std::is_nothrow_move_constructible_v<T>) {
        if constexpr (std::is_nothrow_move_constructible_v<T>) {
            std::construct_at(std::addressof(value_), std::move(value));
        } else {
            try {
                std::construct_at(std::addressof(value_), std::move(value));
            } catch (...) {
                exception_ = std::current_exception();
                throw;
            }
        }
    }

    std::exception_ptr exception_;  // null: value_ is alive
    union {
        T value_;
    };
};

/// Success, or an exception.
template <>
class [[nodiscard]] Outcome<void> {
public:
    using value_type = void;

    /// Holds success.
    Outcome() noexcept {}

    /// Holds an exception.
    explicit Outcome(std::exception_ptr exception)
        : exception_(detail::require_exception(std::move(exception))) {}

    /// Returns an outcome that holds an exception.
    static Outcome failure(std::exception_ptr exception) { return Outcome(std::move(exception)); }

    // Copied even when moved from: null would claim success.
    Outcome(const Outcome&) noexcept = default;
    Outcome& operator=(const Outcome&) noexcept = default;

    /// Tells whether there is no exception.
    bool has_value() const noexcept { return exception_ == nullptr; }
    explicit operator bool() const noexcept { return has_value(); }

    /// Raises the exception, if any.
    void value() const {
        if (!has_value()) {
            std::rethrow_exception(exception_);
        }
    }

    /// Returns the exception, null when there is none.
    std::exception_ptr exception() const noexcept { return exception_; }

    void operator*() const noexcept {
        RINGIO_ASSERT(has_value(), "an outcome that holds an exception has no value");
    }

private:
    std::exception_ptr exception_;  // null: success
};

}  // namespace ringio
