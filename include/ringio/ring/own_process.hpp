// OwnProcess: remembers the process that made something. A child of fork(2) has a copy of its
// memory, but the kernel knows nothing of the copy.
#pragma once

#include <ringio/base/config.hpp>

#include <atomic>

namespace ringio {

namespace detail {

/// How many forks led from the first process that used ringio to this one.
RINGIO_VARIABLE(std::atomic<unsigned> forks, = 0);

}  // namespace detail

/// A member of what only the process that made it may use.
class OwnProcess {
public:
    OwnProcess() noexcept;

    /// Tells whether this is a child of that process.
    bool is_left() const noexcept {
        return detail::forks.load(std::memory_order_relaxed) != forks_;
    }

    /// What any use says then.
    static constexpr const char* refusal =
        "an event loop is used in the child of a fork(); make a new one there, or exec";

private:
    unsigned forks_;
};

}  // namespace ringio
