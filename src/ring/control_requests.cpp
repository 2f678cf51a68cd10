#include <ringio/ring/control_requests.hpp>

#include <liburing.h>

namespace ringio {

void PollRequest::prepare(io_uring_sqe& sqe) const noexcept {
    io_uring_prep_poll_add(&sqe, fd, mask);
}

void PollRequest::dispose(int, std::uint32_t) noexcept {}

void NopRequest::prepare(io_uring_sqe& sqe) const noexcept { io_uring_prep_nop(&sqe); }

void NopRequest::dispose(int, std::uint32_t) noexcept {}

}  // namespace ringio
