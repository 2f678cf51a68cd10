// EventLog: what happened, in order. Tests compare it with what should have.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ringio::testing {

/// A recorded order of events.
class EventLog {
public:
    /// Records an event.
    void operator()(std::string event) { events_.push_back(std::move(event)); }

    const std::vector<std::string>& events() const noexcept { return events_; }

    /// Returns the events with `separator` between them: easy to compare, easy to read in a report.
    std::string joined(const std::string& separator = " ") const;

    void clear() noexcept { events_.clear(); }

private:
    std::vector<std::string> events_;
};

}  // namespace ringio::testing
