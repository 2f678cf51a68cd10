// The environment of a program that is started.
#pragma once

#include <concepts>
#include <map>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

namespace ringio {

/// This process's environment as it is now; os.environ. *Errors*: std::bad_alloc. Not to be called
/// while another thread changes it.
std::map<std::string, std::string> current_environment();

/// Refers to a range of names and values, such as a std::map<std::string, std::string>; or to none,
/// and the program gets the environment of this process. *Lifetime*: the range must live until the
/// function that takes the options has been called.
class EnvironmentView {
public:
    constexpr EnvironmentView() noexcept = default;

    template <std::ranges::input_range Range>
        requires requires(const Range& range) {
            { std::ranges::begin(range)->first } -> std::convertible_to<std::string_view>;
            { std::ranges::begin(range)->second } -> std::convertible_to<std::string_view>;
        }
    constexpr EnvironmentView(const Range& range) noexcept
        : range_(std::addressof(range)), list_([](const void* object) {
              std::vector<Variable> variables;
              for (const auto& [name, value] : *static_cast<const Range*>(object)) {
                  variables.push_back({std::string_view(name), std::string_view(value)});
              }
              return variables;
          }) {}

    struct Variable {
        std::string_view name;
        std::string_view value;
    };

    constexpr explicit operator bool() const noexcept { return range_ != nullptr; }
    std::vector<Variable> variables() const { return list_(range_); }

private:
    const void* range_ = nullptr;
    std::vector<Variable> (*list_)(const void* object) = nullptr;
};

}  // namespace ringio
