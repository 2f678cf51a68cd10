// Generator: a coroutine that yields values to plain code, as a range and as Python's generator.
// Delegation makes a chain of coroutines; the outermost one resumes the innermost one directly, so
// a value costs the same at any depth, and the stack does not grow.
#pragma once

#include <ringio/base/assert.hpp>
#include <ringio/base/scope_exit.hpp>
#include <ringio/core/callable.hpp>
#include <ringio/core/frame_allocator.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace ringio {

template <class T>
class Generator;

/// What elements_of() gives.
template <class R>
struct ElementsOf {
    R&& range;
};

/// Yields everything that a generator or another range has: `co_yield elements_of(f())` is Python's
/// `yield from f()`.
///
/// A temporary or moved generator of the same type is run in place, at no cost for each value. One
/// that is given by its name is a range like any other: it stays with its owner, half-consumed if
/// the outer generator is.
/// *Lifetime*: refers to the range, which outlives the co_yield if it is given by its name.
template <std::ranges::input_range R>
ElementsOf<R> elements_of(R&& range) noexcept {
    return {std::forward<R>(range)};
}

namespace detail {

template <class>
inline constexpr bool never = false;

template <class T>
struct GeneratorPromise final : Pooled {
    using Coroutine = std::coroutine_handle<GeneratorPromise>;
    using Reference = std::conditional_t<std::is_reference_v<T>, T, T&&>;
    using Value = std::remove_cvref_t<T>;
    using Pointer = std::add_pointer_t<Reference>;

    /// Leaves a pointer to the operand of co_yield, which lives until the generator is resumed.
    struct Yield {
        bool await_ready() const noexcept { return false; }
        void await_suspend(Coroutine) const noexcept {}
        void await_resume() const noexcept {}
    };

    /// Yields a value of its own: of a named operand that the consumer must not move from, or of
    /// one that had to be converted.
    class YieldOwn {
    public:
        template <class U>
        explicit YieldOwn(U&& operand) : own_(std::forward<U>(operand)) {}
        YieldOwn(const YieldOwn&) = delete;
        YieldOwn& operator=(const YieldOwn&) = delete;

        bool await_ready() const noexcept { return false; }
        void await_suspend(Coroutine coroutine) noexcept {
            coroutine.promise().value = std::addressof(own_);
        }
        void await_resume() const noexcept {}

    private:
        Value own_;
    };

    /// Puts another generator in the place of this one until it ends.
    class Delegation {
    public:
        explicit Delegation(Generator<T> inner) noexcept : inner_(std::move(inner)) {}
        Delegation(const Delegation&) = delete;
        Delegation& operator=(const Delegation&) = delete;

        bool await_ready() const noexcept { return !inner_.coroutine_; }
        void await_suspend(Coroutine outer) noexcept {
            inner_.coroutine_.promise().parent = &outer.promise();
            outer.promise().inner = &inner_;
        }
        void await_resume() const {
            if (inner_.coroutine_ && inner_.coroutine_.promise().exception) {
                std::rethrow_exception(std::move(inner_.coroutine_.promise().exception));
            }
        }

    private:
        Generator<T> inner_;
    };

    Generator<T> get_return_object() noexcept { return Generator<T>(handle(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { exception = std::current_exception(); }
    void return_void() const noexcept {}

    template <class U = Value>
    auto yield_value(U&& operand) {
        constexpr bool fits = std::is_convertible_v<std::add_pointer_t<U>, Pointer> &&
                              std::is_convertible_v<U&&, Reference>;
        constexpr bool may_own =
            !std::is_lvalue_reference_v<T> || std::is_const_v<std::remove_reference_t<T>>;
        require_safe_operand<U, Value>();
        if constexpr (fits) {
            value = std::addressof(operand);
            return Yield();
        } else if constexpr (may_own && is_by_move<std::remove_cvref_t<U>>) {
            return YieldOwn(operand.take());
        } else {
            static_assert(may_own && std::is_convertible_v<U, Value>,
                          "ringio: this Generator cannot yield an operand of this type");
            return YieldOwn(std::forward<U>(operand));
        }
    }

    template <class R>
    Delegation yield_value(ElementsOf<R> elements) {
        require_safe_operand<R, R>();
        if constexpr (std::is_same_v<R, Generator<T>>) {
            return Delegation(std::move(elements.range));
        } else {
            return Delegation(yield_each(std::forward<R>(elements.range)));
        }
    }

    template <class A>
    std::suspend_never await_transform(A&&) const noexcept {
        static_assert(
            never<A>,
            "ringio: a Generator cannot co_await, it runs outside the event loop; make it "
            "an AsyncGenerator");
        return {};
    }

    static Coroutine handle(GeneratorPromise& promise) noexcept {
        return Coroutine::from_promise(promise);
    }

    /// Runs to the next value of the innermost coroutine; false at the end. Called at the root.
    bool advance() {
        if (running) {
            throw std::invalid_argument("generator already executing");
        }
        if (handle(*this).done()) {
            return false;
        }
        running = true;
        const ScopeExit stop([this] { running = false; });
        for (;;) {
            handle(*leaf).resume();
            if (leaf->inner != nullptr) {
                // It is no root any more; one that had begun brings its own delegates along.
                GeneratorPromise& adopted = leaf->inner->coroutine_.promise();
                leaf = std::exchange(adopted.leaf, &adopted);
                if (!handle(*leaf).done()) {
                    continue;
                }
            } else if (!handle(*leaf).done()) {
                return true;
            }
            if (leaf == this) {
                break;
            }
            leaf = leaf->parent;
            leaf->inner = nullptr;
        }
        if (exception) {
            std::rethrow_exception(std::move(exception));
        }
        return false;
    }

    /// Destroys the chain from its innermost coroutine on. Called at the root.
    void destroy() noexcept {
        RINGIO_ASSERT(!running, "a generator is destroyed while it runs");
        while (leaf != this) {
            GeneratorPromise* const outer = leaf->parent;
            std::exchange(outer->inner->coroutine_, nullptr).destroy();
            leaf = outer;
        }
        handle(*this).destroy();
    }

    Pointer value = nullptr;          // what was yielded last, by this coroutine
    GeneratorPromise* leaf = this;    // root: the innermost coroutine, the one to resume
    GeneratorPromise* parent = this;  // who delegates to this one
    Generator<T>* inner = nullptr;    // whom this one delegates to
    bool running = false;             // root
    std::exception_ptr exception;     // it ended with

private:
    template <class R>
    static Generator<T> yield_each(R&& range) {
        for (auto&& element : range) {
            co_yield std::forward<decltype(element)>(element);
        }
    }
};

/// Goes over a generator once; the generator must outlive it.
template <class T>
class GeneratorIterator {
    using Promise = GeneratorPromise<T>;

public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = typename Promise::Value;
    using difference_type = std::ptrdiff_t;

    GeneratorIterator() noexcept = default;
    explicit GeneratorIterator(Promise* root) noexcept : root_(root) {}

    typename Promise::Reference operator*() const noexcept {
        return static_cast<typename Promise::Reference>(*root_->leaf->value);
    }
    GeneratorIterator& operator++() {
        root_->advance();
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const GeneratorIterator& at, std::default_sentinel_t) noexcept {
        return at.root_ == nullptr || Promise::handle(*at.root_).done();
    }

private:
    Promise* root_ = nullptr;
};

}  // namespace detail

/// A function that yields a series of values, each one computed when it is asked for.
///
/// `for (int n : numbers())` or `numbers.next()`; both go on where the other has stopped. Nothing
/// runs before the first value is asked for. As in std::generator, `T` may be a reference; if not,
/// the loop gets a `T&&`, so that `auto value` moves what was yielded as a temporary and has a copy
/// of what was yielded by its name. An input range and a view: `numbers() | std::views::take(3)`.
///
/// *Errors*: what the body throws comes out of begin(), ++ or next(), and ends the generator.
/// std::invalid_argument "generator already executing" when the body asks for its own next value.
/// *Lifetime*: owns the coroutine; arguments taken by reference must outlive it. To destroy one
/// that has not ended destroys what its body holds, that of the innermost delegate first.
/// *Python*: no send() or throw(): pass an object that both sides know.
template <class T>
class [[nodiscard]] Generator {
public:
    using promise_type = detail::GeneratorPromise<T>;
    using iterator = detail::GeneratorIterator<T>;

    /// What next() returns: a std::optional, or a pointer if `T` is an lvalue reference.
    using Next = std::conditional_t<std::is_lvalue_reference_v<T>, std::add_pointer_t<T>,
                                    std::optional<std::remove_cvref_t<T>>>;

    /// Has ended.
    Generator() noexcept = default;
    explicit Generator(std::coroutine_handle<promise_type> coroutine) noexcept
        : coroutine_(coroutine) {}
    Generator(Generator&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
    Generator& operator=(Generator&& other) noexcept {
        Generator(std::move(other)).swap(*this);
        return *this;
    }
    ~Generator() {
        if (coroutine_) {
            coroutine_.promise().destroy();
        }
    }
    void swap(Generator& other) noexcept { std::swap(coroutine_, other.coroutine_); }

    /// Runs to the next value and gives it; empty, or null, at the end and ever after.
    /// *Python*: `next(generator)`, where the end is StopIteration.
    Next next() {
        promise_type* const root = coroutine_ ? &coroutine_.promise() : nullptr;
        if (root == nullptr || !root->advance()) {  // the body may move this handle
            return Next();
        }
        const iterator at(root);
        if constexpr (std::is_lvalue_reference_v<T>) {
            return std::addressof(*at);
        } else {
            return Next(*at);
        }
    }

    /// Runs to the next value. Once for each loop: a second loop goes on after the first.
    iterator begin() {
        if (!coroutine_) {
            return iterator();
        }
        promise_type& root = coroutine_.promise();
        root.advance();
        return iterator(&root);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    friend promise_type;

    std::coroutine_handle<promise_type> coroutine_;
};

}  // namespace ringio

template <class T>
inline constexpr bool std::ranges::enable_view<ringio::Generator<T>> = true;
