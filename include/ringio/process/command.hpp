// Command: the program to run, and its arguments.
#pragma once

#include <concepts>
#include <filesystem>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio {
namespace detail {

/// A text, or a std::filesystem::path.
template <class T>
concept Argument = std::convertible_to<const T&, std::string_view> ||
                   std::same_as<std::remove_cvref_t<T>, std::filesystem::path>;

template <Argument T>
std::string argument_text(const T& argument) {
    if constexpr (std::same_as<T, std::filesystem::path>) {
        return argument.native();
    } else {
        return std::string(std::string_view(argument));
    }
}

}  // namespace detail

/// A program with its arguments, each an argument of its own, which no shell looks at:
/// {"git", "log", "--oneline"}, "true", a range of strings. A path may be a std::filesystem::path.
class Command {
public:
    Command() noexcept = default;

    // GCC 12: a pack, for it makes a wrong temporary of a std::initializer_list in a co_await.
    template <class... Texts>
        requires(sizeof...(Texts) > 0 && (detail::Argument<Texts> && ...))
    Command(const Texts&... texts) {
        arguments_.reserve(sizeof...(Texts));
        (arguments_.push_back(detail::argument_text(texts)), ...);
    }

    template <std::ranges::input_range Range>
        requires(!detail::Argument<Range> &&
                 detail::Argument<std::ranges::range_reference_t<const Range>>)
    Command(const Range& arguments) {
        for (const auto& argument : arguments) {
            arguments_.push_back(detail::argument_text(argument));
        }
    }

    // GCC 12: a temporary in the operand of a co_await is destroyed twice where these are implicit.
    Command(const Command& other) : arguments_(other.arguments_) {}
    Command(Command&& other) noexcept : arguments_(std::move(other.arguments_)) {}
    Command& operator=(const Command&) = default;
    Command& operator=(Command&&) noexcept = default;
    ~Command() {}

    /// The program's name or path first.
    const std::vector<std::string>& arguments() const noexcept { return arguments_; }

    /// "git log --oneline", for texts; an argument with spaces in it is quoted.
    std::string to_string() const;

private:
    std::vector<std::string> arguments_;
};

}  // namespace ringio
