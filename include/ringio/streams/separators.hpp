// Separators: what readuntil() reads up to; one text, or several of which the earliest counts.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringio {

/// One text or several: `readuntil("\n")`, `readuntil({"\r\n", "\n"})`, `readuntil(texts)` of a
/// std::vector<std::string>.
class Separators {
public:
    Separators(std::vector<std::string> texts) noexcept : texts_(std::move(texts)) {}
    template <class... Texts>
        requires(sizeof...(Texts) > 0 &&
                 (std::convertible_to<const Texts&, std::string_view> && ...))
    Separators(const Texts&... texts) {
        texts_.reserve(sizeof...(Texts));
        (texts_.emplace_back(std::string_view(texts)), ...);
    }

    // GCC 12: a temporary in the operand of a co_await is destroyed twice where these are implicit.
    Separators(const Separators& other) : texts_(other.texts_) {}
    Separators(Separators&& other) noexcept : texts_(std::move(other.texts_)) {}
    Separators& operator=(const Separators&) = default;
    Separators& operator=(Separators&&) noexcept = default;
    ~Separators() {}

    const std::vector<std::string>& texts() const noexcept { return texts_; }

    /// Gives the texts away.
    std::vector<std::string> take() noexcept { return std::move(texts_); }

private:
    std::vector<std::string> texts_;
};

}  // namespace ringio
