#include <ringio/testing/event_log.hpp>

namespace ringio::testing {

std::string EventLog::joined(const std::string& separator) const {
    std::string text;
    for (const std::string& event : events_) {
        if (!text.empty()) {
            text += separator;
        }
        text += event;
    }
    return text;
}

}  // namespace ringio::testing
