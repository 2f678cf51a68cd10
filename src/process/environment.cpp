#include <ringio/process/environment.hpp>

#include <unistd.h>

namespace ringio {

std::map<std::string, std::string> current_environment() {
    std::map<std::string, std::string> variables;
    for (char** each = ::environ; each != nullptr && *each != nullptr; ++each) {
        const std::string_view entry(*each);
        const std::size_t end = entry.find('=', 1);
        if (end != std::string_view::npos) {
            variables.emplace(entry.substr(0, end), entry.substr(end + 1));
        }
    }
    return variables;
}

}  // namespace ringio
