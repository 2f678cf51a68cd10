#include <ringio/core/signal_set.hpp>

#include <charconv>
#include <csignal>
#include <cstring>
#include <stdexcept>

namespace ringio {

void detail::throw_invalid_signal(int number) {
    throw std::invalid_argument("invalid signal number " + std::to_string(number));
}

std::string detail::signal_name(int number) {
    const char* const name = ::sigabbrev_np(number);
    return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(number);
}

int detail::signal_number(std::string_view text) noexcept {
    int number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && stop == end) {
        return number >= 1 && number <= SignalSet::highest ? number : 0;
    }
    if (text.starts_with("SIG")) {
        text.remove_prefix(3);
    }
    for (number = 1; number <= SignalSet::highest; ++number) {
        const char* const name = ::sigabbrev_np(number);
        if (name != nullptr && text == name) {
            return number;
        }
    }
    return 0;
}

std::string SignalSet::repr() const {
    std::string text;
    SignalSet left = *this;
    while (const int number = left.take_lowest()) {
        text += (text.empty() ? "" : ", ") + detail::signal_name(number);
    }
    return text;
}

}  // namespace ringio
