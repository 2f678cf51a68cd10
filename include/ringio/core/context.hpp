// ContextVar and Context: values that follow a task and its callbacks, whoever runs in between. A
// context shares its map of values with the one that it was copied from until one of them changes.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/base/intrusive_ptr.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio {

class Context;
template <class T>
class ContextVar;

namespace detail {

/// The values of a context. It never changes once it is shared, and may be shared across threads.
class ContextMap {
public:
    using Value = std::shared_ptr<const void>;

    /// Returns the value of a variable, or null.
    const Value* find(std::uint64_t variable) const noexcept;
    std::size_t size() const noexcept { return entries_.size(); }

    /// The map `from` (null: empty) with one variable changed; a null value takes it out.
    static IntrusivePtr<const ContextMap> changed(const ContextMap* from, std::uint64_t variable,
                                                  Value value);

    friend void intrusive_add_ref(const ContextMap* map) noexcept {
        map->references_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_release(const ContextMap* map) noexcept {
        if (map->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            retire(map);
        }
    }

private:
    struct Entry {
        std::uint64_t variable;
        Value value;
    };

    static void retire(const ContextMap* map) noexcept;

    std::vector<Entry> entries_;  // sorted by variable
    mutable std::atomic<std::uint32_t> references_ = 0;
};

/// The place of a context's values: in a task, in a callback, in a Context, or in the thread. A
/// copy is another context with the same values.
struct ContextSlot {
    ContextSlot() = default;
    ContextSlot(const ContextSlot& other) noexcept : map(other.map) {}
    ContextSlot& operator=(const ContextSlot& other) noexcept {
        map = other.map;
        return *this;
    }

    IntrusivePtr<const ContextMap> map;  // null: no variable is set
    // What a token knows the context by: in a task, the number of the task; elsewhere drawn by the
    // first set(), and 0 before.
    std::uint64_t identity = 0;
};

class EnterContext;

/// The block that this thread runs in; null: none.
RINGIO_VARIABLE(thread_local const EnterContext* innermost_context, = nullptr);

/// Runs the rest of a block in a context, or in several, one after the other.
class EnterContext {
public:
    /// Stays in the context around the block until it is changed.
    EnterContext() noexcept : before_(std::exchange(innermost_context, this)) { change_back(); }
    explicit EnterContext(ContextSlot& slot) noexcept
        : slot_(&slot), before_(std::exchange(innermost_context, this)) {}
    EnterContext(const EnterContext&) = delete;
    EnterContext& operator=(const EnterContext&) = delete;
    ~EnterContext() { innermost_context = before_; }

    /// Goes on in another context, or in the one around the block.
    void change(ContextSlot& slot) noexcept { slot_ = &slot; }
    void change_back() noexcept { slot_ = before_ != nullptr ? before_->slot_ : nullptr; }

    /// The context that code on this thread runs in; null: the thread's own.
    static ContextSlot* current() noexcept {
        return innermost_context != nullptr ? innermost_context->slot_ : nullptr;
    }

    /// Moves a context to another place; who runs in it on this thread goes on there.
    static void move(ContextSlot& from, ContextSlot& to) noexcept;

private:
    mutable ContextSlot* slot_;  // move() changes it; null: the thread's own
    const EnterContext* before_;
};

/// The context of a thread outside of tasks and callbacks.
ContextSlot& outermost_context() noexcept;

inline ContextSlot& current_context() noexcept {
    ContextSlot* const entered = EnterContext::current();
    return entered != nullptr ? *entered : outermost_context();
}

/// What the handles to a Context share. The count is atomic: to_thread() hands contexts on.
struct ContextState {
    ContextSlot slot;
    bool entered = false;
    std::atomic<std::uint32_t> references = 0;

    friend void intrusive_add_ref(ContextState* state) noexcept {
        state->references.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_release(ContextState* state) noexcept {
        if (state->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete state;
        }
    }
};

/// Numbers the variables of the process.
std::uint64_t next_context_variable() noexcept;

/// What a token of the current context knows it by; never 0, and never that of another context.
std::uint64_t current_context_identity() noexcept;

/// Sets a variable in the current context; returns what was there, or null.
ContextMap::Value exchange_context_value(std::uint64_t variable, ContextMap::Value value);

/// Marks a context as entered for a block. *Errors*: std::runtime_error when it is entered already.
class RunInContext {
public:
    explicit RunInContext(ContextState& state);
    ~RunInContext() { state_.entered = false; }

private:
    ContextState& state_;
    EnterContext enter_;
};

[[noreturn]] void throw_context_variable_unset(const std::string& name);
[[noreturn]] void throw_token_of_other_variable();
[[noreturn]] void throw_token_of_other_context();
[[noreturn]] void throw_token_used();

}  // namespace detail

/// A set of values of ContextVars; contextvars.Context. Copies of the handle mean the same context;
/// copy() makes another one.
///
/// A task runs in a copy of the context that it was created in; a callback, in the one that it was
/// scheduled in.
class Context {
public:
    /// Makes an empty context.
    Context() : state_(new detail::ContextState) {}
    explicit Context(IntrusivePtr<detail::ContextState> state) noexcept
        : state_(std::move(state)) {}

    /// Calls `function(args...)` in this context, and keeps what that sets.
    /// *Errors*: std::runtime_error when this context is entered already.
    template <class Fn, class... Args>
    std::invoke_result_t<Fn, Args...> run(Fn&& function, Args&&... args) const {
        const detail::RunInContext inside(*state_);
        return std::invoke(std::forward<Fn>(function), std::forward<Args>(args)...);
    }

    /// Makes a context with the same values. O(1).
    Context copy() const;

    /// Returns how many variables are set.
    std::size_t size() const noexcept { return state_->slot.map ? state_->slot.map->size() : 0; }
    template <class T>
    bool contains(const ContextVar<T>& variable) const noexcept {
        return variable.is_in(state_->slot);
    }
    /// Returns the value of a variable here, or nothing when it is not set.
    template <class T>
    std::optional<T> get(const ContextVar<T>& variable) const {
        const detail::ContextMap::Value value = variable.keep(state_->slot);
        return value ? std::optional<T>(*static_cast<const T*>(value.get())) : std::nullopt;
    }

    friend bool operator==(const Context& a, const Context& b) noexcept {
        return a.state_ == b.state_;
    }

    const IntrusivePtr<detail::ContextState>& shared_state() const noexcept { return state_; }

private:
    IntrusivePtr<detail::ContextState> state_;
};

/// Returns a copy of the current context; contextvars.copy_context. O(1).
Context copy_context();

/// Takes one ContextVar::set() back; contextvars.Token.
template <class T>
class ContextToken {
public:
    /// Returns the value from before set(), or nothing when there was none.
    std::optional<T> old_value() const {
        const detail::ContextMap::Value kept = old_;  // the copy may use this token
        return kept ? std::optional<T>(*static_cast<const T*>(kept.get())) : std::nullopt;
    }

private:
    friend class ContextVar<T>;
    ContextToken(std::uint64_t variable, std::uint64_t context,
                 detail::ContextMap::Value old) noexcept
        : variable_(variable), context_(context), old_(std::move(old)) {}

    std::uint64_t variable_;
    std::uint64_t context_;
    detail::ContextMap::Value old_;
    bool used_ = false;
};

/// A variable with a value for each context; contextvars.ContextVar. Usually a global.
///
/// Any thread may use it: what is read and set is the context that runs there. *Python*: get()
/// gives a copy of the value, for the context may change under a reference.
template <class T>
class ContextVar {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "ringio: a ContextVar cannot hold a reference; use a pointer or "
                  "std::reference_wrapper");

public:
    using Token = ContextToken<T>;

    /// Makes a variable without a default.
    explicit ContextVar(std::string name)
        : name_(std::move(name)), id_(detail::next_context_variable()) {}
    ContextVar(std::string name, T default_value)
        : name_(std::move(name)),
          id_(detail::next_context_variable()),
          default_(std::move(default_value)) {}
    ContextVar(const ContextVar&) = delete;
    ContextVar& operator=(const ContextVar&) = delete;

    const std::string& name() const noexcept { return name_; }

    /// Returns the value in the current context, else the default of the variable.
    /// *Errors*: std::out_of_range (LookupError) when there is neither.
    T get() const {
        if (const detail::ContextMap::Value value = keep(detail::current_context())) {
            return *static_cast<const T*>(value.get());
        }
        if (!default_) {
            detail::throw_context_variable_unset(name_);
        }
        return *default_;
    }
    /// The same, with `fallback` before the default of the variable.
    T get(T fallback) const {
        const detail::ContextMap::Value value = keep(detail::current_context());
        return value ? *static_cast<const T*>(value.get()) : std::move(fallback);
    }

    /// Sets the value in the current context. The token may take it back, once, in this context.
    Token set(T value) {
        detail::ContextMap::Value old =
            detail::exchange_context_value(id_, std::make_shared<const T>(std::move(value)));
        return Token(id_, detail::current_context_identity(), std::move(old));
    }

    /// Restores the value from before the set() that gave the token.
    /// *Errors*: std::invalid_argument (ValueError) for a token of another variable or context;
    /// std::runtime_error when it was used before.
    void reset(Token& token) {
        if (token.used_) {
            detail::throw_token_used();
        }
        if (token.variable_ != id_) {
            detail::throw_token_of_other_variable();
        }
        if (token.context_ != detail::current_context_identity()) {
            detail::throw_token_of_other_context();
        }
        token.used_ = true;
        detail::exchange_context_value(id_, token.old_);
    }
    void reset(Token&& token) { reset(token); }

private:
    friend class Context;

    bool is_in(const detail::ContextSlot& slot) const noexcept {
        return slot.map && slot.map->find(id_) != nullptr;
    }
    /// Null when it is not set. Kept, for copying the value may set the variable.
    detail::ContextMap::Value keep(const detail::ContextSlot& slot) const noexcept {
        const detail::ContextMap::Value* value = slot.map ? slot.map->find(id_) : nullptr;
        return value != nullptr ? *value : nullptr;
    }

    std::string name_;
    std::uint64_t id_;
    std::optional<T> default_;
};

}  // namespace ringio
