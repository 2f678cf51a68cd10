// Hosts: where a server listens: one host, or several.
#pragma once

#include <concepts>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringio {

/// One host, or several: "localhost", {"127.0.0.1", "::1"}, a range of strings. An empty one stands
/// for every interface.
class Hosts {
public:
    template <class Text>
        requires std::convertible_to<const Text&, std::string_view>
    Hosts(const Text& host) : hosts_(1, std::string(std::string_view(host))) {}

    // GCC 12: a pack, for it makes a wrong temporary of a std::initializer_list in a co_await.
    template <class... More>
        requires(sizeof...(More) > 0 && (std::convertible_to<const More&, std::string_view> && ...))
    Hosts(std::string_view first, const More&... more) {
        hosts_.reserve(1 + sizeof...(More));
        hosts_.emplace_back(first);
        (hosts_.emplace_back(std::string_view(more)), ...);
    }

    template <std::ranges::input_range Range>
        requires(!std::convertible_to<const Range&, std::string_view> &&
                 std::convertible_to<std::ranges::range_reference_t<const Range>, std::string_view>)
    Hosts(const Range& hosts) {
        for (auto&& host : hosts) {
            hosts_.emplace_back(std::string_view(host));
        }
    }

    const std::vector<std::string>& all() const noexcept { return hosts_; }

private:
    std::vector<std::string> hosts_;
};

}  // namespace ringio
