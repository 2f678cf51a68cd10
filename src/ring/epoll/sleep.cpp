#include "sleep.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>

#include <sys/timerfd.h>

namespace ringio::detail {
namespace {

using std::chrono::nanoseconds;

// Kernel: epoll_pwait2(2) came with 5.11, and filters that are older than it refuse it. Once it was
// refused it is not asked for again.
std::atomic<bool> has_no_pwait2 = false;

bool is_refusal(int error) noexcept {
    return error == ENOSYS || error == EPERM || error == EACCES || error == EOPNOTSUPP;
}

timespec to_timespec(nanoseconds timeout) noexcept {
    constexpr nanoseconds most = std::chrono::hours(24 * 365);
    const auto count = std::clamp(timeout, nanoseconds::zero(), most).count();
    timespec result{};
    result.tv_sec = static_cast<time_t>(count / 1'000'000'000);
    result.tv_nsec = static_cast<long>(count % 1'000'000'000);
    return result;
}

int wait_plainly(const Descriptors& descriptors, epoll_event* events, int most,
                 int milliseconds) noexcept {
    const int count = ::epoll_wait(descriptors.epoll_fd(), events, most, milliseconds);
    return count >= 0 ? count : -errno;
}

}  // namespace

int Sleep::wait(Descriptors& descriptors, epoll_event* events, int most,
                std::optional<nanoseconds> timeout) noexcept {
    if (!timeout) {
        return wait_plainly(descriptors, events, most, -1);
    }
    if (timeout->count() <= 0) {
        return wait_plainly(descriptors, events, most, 0);
    }
    if (!has_no_pwait2.load(std::memory_order_relaxed)) {
        const timespec time = to_timespec(*timeout);
        const int count = ::epoll_pwait2(descriptors.epoll_fd(), events, most, &time, nullptr);
        if (count >= 0) {
            return count;
        }
        if (!is_refusal(errno)) {
            return -errno;
        }
        has_no_pwait2.store(true, std::memory_order_relaxed);
    }
    return wait_by_timer(descriptors, events, most, *timeout);
}

// The timer is one of the descriptors: its expiry is an event. One that was set for an earlier
// sleep may end this one early, once.
int Sleep::wait_by_timer(Descriptors& descriptors, epoll_event* events, int most,
                         nanoseconds timeout) noexcept {
    if (!timer_) {
        timer_ = UniqueFd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
        if (!timer_ || descriptors.add_own(timer_.get(), timer_token) != 0) {
            timer_ = UniqueFd();
            // Early rather than late: the loop asks for the rest, and the last millisecond is spent
            // awake.
            const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(timeout);
            constexpr auto longest = std::chrono::milliseconds(1'000'000);
            return wait_plainly(descriptors, events, most,
                                static_cast<int>(std::min(whole, longest).count()));
        }
    }
    itimerspec setting{};
    setting.it_value = to_timespec(timeout);
    ::timerfd_settime(timer_.get(), 0, &setting, nullptr);
    return wait_plainly(descriptors, events, most, -1);
}

}  // namespace ringio::detail
