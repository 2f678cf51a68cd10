#include <ringio/process/command.hpp>

namespace ringio {

std::string Command::to_string() const {
    std::string text;
    for (const std::string& argument : arguments_) {
        const bool plain = !argument.empty() &&
                           argument.find_first_of(" \t\n'\"\\$`*?;&|<>()") == std::string::npos;
        text.append(text.empty() ? "" : " ");
        if (plain) {
            text += argument;
            continue;
        }
        text += '\'';
        for (const char each : argument) {
            text += each == '\'' ? "'\\''" : std::string(1, each);
        }
        text += '\'';
    }
    return text;
}

}  // namespace ringio
