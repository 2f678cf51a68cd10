// when_any: several awaitables at once, the first that ends. Structured: when the statement is
// over, so are the others.
#pragma once

#include <ringio/tasks/siblings.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ringio {

/// What when_any() gives: `auto [index, value] = co_await when_any(f(), g());`.
template <class T>
class WhenAnyResult {
public:
    WhenAnyResult(std::size_t first, T first_value) : index(first), value(std::move(first_value)) {}

    /// Which was first, in the order given.
    std::size_t index;
    T value;

    /// The others that had a value, too, and could not be stopped any more: the kernel had done
    /// what they asked for, or they went on in spite of the cancellation. In the order given.
    std::vector<std::pair<std::size_t, T>> runners_up;
};

// The protocol of structured bindings: an index and a value.

template <std::size_t I, class T>
auto& get(WhenAnyResult<T>& result) noexcept {
    if constexpr (I == 0) {
        return result.index;
    } else {
        return result.value;
    }
}
template <std::size_t I, class T>
const auto& get(const WhenAnyResult<T>& result) noexcept {
    if constexpr (I == 0) {
        return result.index;
    } else {
        return result.value;
    }
}
template <std::size_t I, class T>
auto&& get(WhenAnyResult<T>&& result) noexcept {
    return std::move(get<I>(result));
}

}  // namespace ringio

template <class T>
struct std::tuple_size<ringio::WhenAnyResult<T>> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I, class T>
struct std::tuple_element<I, ringio::WhenAnyResult<T>> {
    using type = std::conditional_t<I == 0, std::size_t, T>;
};

namespace ringio {
namespace detail {

/// The type of the first's value: the one that all have, or a std::variant of them all.
template <class... Ts>
struct OneOf;
template <class T, class... Ts>
struct OneOf<T, Ts...> {
    static constexpr bool all_same = (std::is_same_v<T, Ts> && ...);
    using Value = std::conditional_t<all_same, T, std::variant<T, Ts...>>;
};

template <class... As>
class WhenAnyPack : public SiblingPack<As...> {
    using Values = OneOf<SiblingValue<SiblingResult<As>>...>;
    using Value = typename Values::Value;

protected:
    explicit WhenAnyPack(std::tuple<As...>& awaitables) noexcept
        : SiblingPack<As...>(Siblings::Rule::any, awaitables) {}
    ~WhenAnyPack() = default;

    Value take_at(std::size_t index) { return take_at(index, std::index_sequence_for<As...>()); }

private:
    template <std::size_t... I>
    Value take_at(std::size_t index, std::index_sequence<I...>) {
        using Take = Value (*)(WhenAnyPack&);
        static constexpr std::array<Take, sizeof...(As)> takes = {&WhenAnyPack::take_as<I>...};
        return takes[index](*this);
    }

    template <std::size_t I>
    static Value take_as(WhenAnyPack& pack) {
        if constexpr (Values::all_same) {
            return pack.template take<I>();
        } else {
            return Value(std::in_place_index<I>, pack.template take<I>());
        }
    }
};

template <class A>
class WhenAnyList : public SiblingList<A> {
protected:
    explicit WhenAnyList(std::vector<A>& awaitables) noexcept
        : SiblingList<A>(Siblings::Rule::any, awaitables) {}
    ~WhenAnyList() = default;

    auto take_at(std::size_t index) { return this->take(this->children()[index]); }
};

/// Makes the result of a pack or list of children: the first, and who had a value all the same.
template <class Children>
class FirstOf : public Children {
public:
    template <class Awaitables>
    explicit FirstOf(Awaitables& awaitables) noexcept : Children(awaitables) {}

    auto result() {
        const std::size_t first = this->index_of(this->winner());
        WhenAnyResult result(first, this->take_at(first));
        for (std::size_t index = 0; index < this->children().size(); ++index) {
            if (index != first && this->has_value(this->children()[index])) {
                result.runners_up.emplace_back(index, this->take_at(index));
            }
        }
        return result;
    }

protected:
    ~FirstOf() = default;
};

}  // namespace detail

/// Awaits all of them at once, and gives index and value of the first that ends. In that instant
/// the others are cancelled, and they have ended when the statement is over. The value is of the
/// type that all of them give, or else a std::variant (void becomes std::monostate).
///
/// Nothing that the kernel did is lost: one that had its value all the same is among runners_up;
/// where that is dropped, the value is destroyed (an accepted connection is closed). Bytes that a
/// loser waited for stay in their stream.
/// *Errors*: of the first, if that is how it ended (the first success: staggered_race()); as well
/// when somebody else cancelled it and none has a value. Values are then destroyed. Errors of those
/// that lost go to the loop's exception handler, in one report; a KeyboardInterrupt comes out.
/// std::invalid_argument for an empty range.
/// *Cancellation*: each request goes to all children, which are waited for. If one has a value or
/// an error in spite of it, that is given, and CancelledError is thrown at the next wait.
/// *Lifetime*: as when_all(): handles and futures are cancelled with the rest.
/// *Python*: not in asyncio, whose wait(return_when=FIRST_COMPLETED) leaves the others running.
template <class... As>
    requires(!(sizeof...(As) == 1 && (detail::SiblingRange<As> && ...)))
auto when_any(As&&... awaitables) {
    static_assert(sizeof...(As) > 0, "ringio: when_any() of nothing would never end");
    if constexpr (sizeof...(As) > 0 && detail::accept_siblings<As...>()) {
        using Awaitables = std::tuple<detail::SiblingArgument<As>...>;
        using Children = detail::WhenAnyPack<detail::SiblingArgument<As>...>;
        return detail::Statement<detail::FirstOf<Children>, Awaitables>(
            Awaitables(std::forward<As>(awaitables)...));
    } else {
        return detail::Refused();
    }
}

/// The same for a range of awaitables of one type. Tasks are taken out of it.
template <detail::SiblingRange Range>
auto when_any(Range&& range) {
    using A = detail::SiblingElement<Range>;
    return detail::Statement<detail::FirstOf<detail::WhenAnyList<A>>, std::vector<A>>(
        detail::take_siblings(std::forward<Range>(range)));
}

}  // namespace ringio
