// Sleep: waits for events, to the nanosecond.
#pragma once

#include <chrono>
#include <optional>

#include <sys/epoll.h>

#include "descriptors.hpp"

namespace ringio::detail {

class Sleep {
public:
    /// As epoll_wait(2): the number of events, 0 when `timeout` passed (nullopt: for ever), or
    /// -errno.
    int wait(Descriptors& descriptors, epoll_event* events, int most,
             std::optional<std::chrono::nanoseconds> timeout) noexcept;

    /// For what add_own() was told; an event that says nothing but that time passed.
    static constexpr std::uint64_t timer_token = ~std::uint64_t{0} - 1;

    void close() noexcept { timer_.reset(); }

private:
    int wait_by_timer(Descriptors& descriptors, epoll_event* events, int most,
                      std::chrono::nanoseconds timeout) noexcept;

    UniqueFd timer_;  // where epoll_pwait2(2) is missing
};

}  // namespace ringio::detail
