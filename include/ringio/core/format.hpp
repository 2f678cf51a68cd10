// fmt::formatter for tasks, futures and groups: what Python's repr() shows.
#pragma once

#include <ringio/core/task.hpp>

#include <fmt/core.h>

namespace ringio::detail {

/// Formats by a type's repr(); takes no format specification.
template <class T>
struct ReprFormatter {
    constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }

    template <class Context>
    auto format(const T& value, Context& context) const {
        // Copied by hand: clang 19 mangles fmt 9's vformat_to() unlike g++, which built Debian's.
        auto out = context.out();
        for (const char character : text(value)) {
            *out++ = character;
        }
        return out;
    }

private:
    static std::string text(const AnyFuture& future) {
        // Kept, for the formatter of its value may drop the handle.
        const IntrusivePtr<FutureStateBase> state = future.shared_state();
        return state ? state->repr() : "<Future none>";
    }
    template <class U>
        requires requires(const U& value) { value.repr(); }
    static std::string text(const U& value) {
        return value.repr();
    }
};

}  // namespace ringio::detail

template <>
struct fmt::formatter<ringio::AnyFuture> : ringio::detail::ReprFormatter<ringio::AnyFuture> {};
template <>
struct fmt::formatter<ringio::AnyTask> : ringio::detail::ReprFormatter<ringio::AnyFuture> {};
template <class T>
struct fmt::formatter<ringio::Future<T>> : ringio::detail::ReprFormatter<ringio::AnyFuture> {};
template <class T>
struct fmt::formatter<ringio::TaskHandle<T>> : ringio::detail::ReprFormatter<ringio::AnyFuture> {};
