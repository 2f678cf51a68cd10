// The requests that move no data: waiting until a descriptor is ready, and doing nothing. See
// socket_requests.hpp for what dispose and retry_on_eintr mean. Cancelling is Ring's own.
#pragma once

#include <cstdint>

struct io_uring_sqe;

namespace ringio {

/// Waits once until one of the events in `mask` (POLLIN, POLLOUT ...) is there; the result is the
/// events that are.
struct PollRequest {
    int fd = -1;
    unsigned mask = 0;

    static constexpr const char* name = "poll";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: readiness stays where it is.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

/// Completes with 0, by way of the kernel.
struct NopRequest {
    static constexpr const char* name = "nop";
    static constexpr bool retry_on_eintr = true;
    void prepare(io_uring_sqe& sqe) const noexcept;
    /// Nothing to do: nothing was done.
    static void dispose(int result, std::uint32_t flags) noexcept;
};

}  // namespace ringio
