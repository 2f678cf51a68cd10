#include <ringio/ring/epoll_kernel.hpp>

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

#include <liburing.h>

#include "epoll/epoll_state.hpp"
#include "posix_now.hpp"

namespace ringio {
namespace {

constexpr unsigned most_entries = 1U << 15U;  // as io_uring's

unsigned entries_of(const EpollOptions& options) {
    if (options.entries == 0) {
        throw std::invalid_argument("a kernel's queue has at least one entry");
    }
    return std::bit_ceil(std::min(options.entries, most_entries));
}

unsigned completions_of(const EpollOptions& options) {
    const unsigned entries = entries_of(options);
    const unsigned wanted =
        options.cq_entries == 0 ? std::max(4096U, 4 * entries) : options.cq_entries;
    return std::bit_ceil(std::clamp(wanted, entries, 2 * most_entries));
}

}  // namespace

EpollKernel::EpollKernel(EpollOptions options)
    : remark_(std::move(options.remark)),
      state_(std::make_unique<detail::EpollState>(queues(), entries_of(options),
                                                  completions_of(options))) {}

EpollKernel::~EpollKernel() {
    if (process_.is_left()) {
        state_->leave_to_parent();
        static_cast<void>(state_.release());  // it holds threads that are not there
    }
}

int EpollKernel::enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept {
    return state_->enter(publish(), wait, timeout);
}

int EpollKernel::try_now(const io_uring_sqe& request) noexcept {
    return detail::answer_now(request);
}

int EpollKernel::try_send(const SendRequest& request) noexcept { return detail::send_now(request); }

int EpollKernel::register_buffers(io_uring_buf_ring& ring, unsigned entries,
                                  std::uint16_t group) noexcept {
    state_->set_buffers(&ring, entries, group);
    return 0;
}

void EpollKernel::unregister_buffers(std::uint16_t) noexcept { state_->set_buffers(nullptr, 1, 0); }

std::shared_ptr<Waker> EpollKernel::waker() { return state_->waker(); }

std::uint64_t EpollKernel::registrations() const noexcept { return state_->registrations(); }

}  // namespace ringio
