// when_all: several awaitables at once, all their results. Structured: when the statement is over,
// however it ends, so are they.
#pragma once

#include <ringio/tasks/siblings.hpp>

#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

namespace ringio {
namespace detail {

template <class... As>
class WhenAllPack : public SiblingPack<As...> {
public:
    explicit WhenAllPack(std::tuple<As...>& awaitables) noexcept
        : SiblingPack<As...>(Siblings::Rule::all, awaitables) {}

    auto result() { return take_all(std::index_sequence_for<As...>()); }

protected:
    ~WhenAllPack() = default;

private:
    template <std::size_t... I>
    auto take_all(std::index_sequence<I...>) {
        return std::tuple<SiblingValue<SiblingResult<As>>...>(this->template take<I>()...);
    }
};

template <class A>
class WhenAllList : public SiblingList<A> {
public:
    explicit WhenAllList(std::vector<A>& awaitables) noexcept
        : SiblingList<A>(Siblings::Rule::all, awaitables) {}

    auto result() {
        std::vector<SiblingValue<SiblingResult<A>>> results;
        results.reserve(this->children().size());
        for (Sibling& child : this->children()) {
            results.push_back(this->take(child));
        }
        return results;
    }

protected:
    ~WhenAllList() = default;
};

}  // namespace detail

/// Awaits all of them at once, and gives their results in the order of the arguments, as a
/// std::tuple (void becomes std::monostate). Coroutines become tasks when it is awaited; when it is
/// over, all of them have ended: they may refer to the locals of whoever awaits.
///
/// *Errors*: the first one, by time. In that instant the others are cancelled; it is thrown when
/// they have ended, and what they gave or threw meanwhile does not come out: values are destroyed
/// (a descriptor is closed, bytes that were not yet taken stay in their stream), errors go to the
/// loop's exception handler, in one report. A child that somebody else cancelled counts as failed,
/// yet an error goes before its CancelledError, and a KeyboardInterrupt before all. For each
/// outcome by itself: when_all(as_outcome(f()), as_outcome(g())).
/// *Cancellation*: each request goes to all children, which are waited for. If all have a result in
/// spite of it, or one an error, that is given, and CancelledError is thrown at the next wait.
/// *Lifetime*: handles and futures are children like coroutines: they are cancelled with the rest.
/// *Python*: not in asyncio; a TaskGroup whose results come out, and whose first error does, alone.
template <class... As>
    requires(!(sizeof...(As) == 1 && (detail::SiblingRange<As> && ...)))
auto when_all(As&&... awaitables) {
    if constexpr (detail::accept_siblings<As...>()) {
        using Awaitables = std::tuple<detail::SiblingArgument<As>...>;
        return detail::Statement<detail::WhenAllPack<detail::SiblingArgument<As>...>, Awaitables>(
            Awaitables(std::forward<As>(awaitables)...));
    } else {
        return detail::Refused();
    }
}

/// The same for a range of awaitables of one type; gives a std::vector. Tasks are taken out of it.
template <detail::SiblingRange Range>
auto when_all(Range&& range) {
    using A = detail::SiblingElement<Range>;
    return detail::Statement<detail::WhenAllList<A>, std::vector<A>>(
        detail::take_siblings(std::forward<Range>(range)));
}

}  // namespace ringio
