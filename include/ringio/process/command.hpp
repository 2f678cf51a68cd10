// Command: the program to run, and its arguments.
#pragma once

#include <concepts>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringio {

/// A program with its arguments, each an argument of its own, which no shell looks at:
/// {"git", "log", "--oneline"}, "true", a range of strings.
class Command {
public:
    Command() noexcept = default;

    // GCC 12: a pack, for it makes a wrong temporary of a std::initializer_list in a co_await.
    template <class... Texts>
        requires(sizeof...(Texts) > 0 &&
                 (std::convertible_to<const Texts&, std::string_view> && ...))
    Command(const Texts&... texts) {
        arguments_.reserve(sizeof...(Texts));
        (arguments_.emplace_back(std::string_view(texts)), ...);
    }

    template <std::ranges::input_range Range>
        requires(!std::convertible_to<const Range&, std::string_view> &&
                 std::convertible_to<std::ranges::range_reference_t<const Range>, std::string_view>)
    Command(const Range& arguments) {
        for (auto&& argument : arguments) {
            arguments_.emplace_back(std::string_view(argument));
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
