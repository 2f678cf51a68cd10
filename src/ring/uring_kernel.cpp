#include <ringio/ring/uring_kernel.hpp>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <system_error>

#include <liburing.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ringio/base/scope_exit.hpp>
#include <ringio/ring/setup_failure.hpp>

#include "posix_now.hpp"
#include "uring_probe.hpp"

namespace ringio {
namespace {

using std::chrono::nanoseconds;

struct Sizes {
    unsigned entries;
    unsigned cq_entries;
};

Sizes wanted_sizes(const UringOptions& options) {
    if (options.entries == 0) {
        throw std::invalid_argument("a ring has at least one entry");
    }
    // Kernel: sizes beyond its caps are clamped to them (IORING_SETUP_CLAMP, 5.6); these are above.
    constexpr unsigned most = 1U << 20;
    const unsigned entries = std::bit_ceil(std::min(options.entries, most));
    const unsigned cq_entries =
        options.cq_entries == 0 ? std::max(4096U, 4 * entries) : std::min(options.cq_entries, most);
    // Kernel: a completion queue smaller than the submission queue is EINVAL.
    return {entries, std::max(cq_entries, entries)};
}

// Kernel: ENOMEM may mean fragmented memory, where a smaller ring still fits.
bool halve(Sizes& sizes) {
    constexpr unsigned least = 64;
    if (sizes.entries <= least) {
        return false;
    }
    sizes.entries = std::max(least, sizes.entries / 2);
    sizes.cq_entries = std::max(sizes.entries, sizes.cq_entries / 2);
    return true;
}

int set_up_with(io_uring& ring, Sizes sizes, unsigned flags) {
    io_uring_params params{};
    params.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = sizes.cq_entries;
    return io_uring_queue_init_params(sizes.entries, &ring, &params);
}

int set_up(io_uring& ring, Sizes& sizes, bool restricted) {
    // Kernel: SUBMIT_ALL 5.18, TASKRUN_FLAG 5.19, SINGLE_ISSUER 6.0, DEFER_TASKRUN 6.1; an older
    // one says EINVAL. Without TASKRUN_FLAG a loop that is never idle would miss completions.
    const unsigned flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG |
                           IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                           (restricted ? unsigned{IORING_SETUP_R_DISABLED} : 0U);
    int result = 0;
    do {
        result = set_up_with(ring, sizes, flags);
    } while (result == -ENOMEM && halve(sizes));
    return result;
}

std::uint64_t soft_limit(decltype(RLIMIT_NOFILE) resource) {
    rlimit limit{};
    return ::getrlimit(resource, &limit) == 0 ? std::uint64_t{limit.rlim_cur} : 0;
}

[[noreturn]] void throw_refusal(int error, unsigned entries, const char* operation = "") {
    const SetupLimits limits{.entries = entries,
                             .memlock = soft_limit(RLIMIT_MEMLOCK),
                             .open_files = soft_limit(RLIMIT_NOFILE),
                             .operation = operation};
    throw std::system_error(error, std::system_category(),
                            explain_setup_failure(error, read_io_uring_sysctl(), limits));
}

// Saturates: the kernel adds the timeout to its clock, and the sum must not overflow.
__kernel_timespec to_timespec(nanoseconds timeout) {
    constexpr nanoseconds most = std::chrono::hours(24 * 365);
    const auto count = std::clamp(timeout, nanoseconds::zero(), most).count();
    __kernel_timespec result{};
    result.tv_sec = count / 1'000'000'000;
    result.tv_nsec = count % 1'000'000'000;
    return result;
}

}  // namespace

UringKernel::UringKernel(UringOptions options) {
    Sizes sizes = wanted_sizes(options);
    io_uring& ring = queues();
    if (const int result = set_up(ring, sizes, options.restricted); result < 0) {
        throw_refusal(-result, sizes.entries);
    }
    ScopeExit give_back([&ring] { io_uring_queue_exit(&ring); });
    if (options.restricted) {
        if (const int result = detail::restrict_ring(ring); result < 0) {
            throw_refusal(-result, sizes.entries);
        }
    }
    features_ = Features(ring);
    if (const int result = first_use(); result < 0) {
        throw_refusal(-result, sizes.entries);
    }
    if (const char* const operation = detail::find_refused_operation(*this)) {
        throw_refusal(*operation == '\0' ? ENOSYS : EACCES, sizes.entries, operation);
    }
    give_back.release();

    // The rest is for speed and hygiene: a ring serves without it. Kernel: by default as many
    // unbounded workers as RLIMIT_NPROC allows, and only four bounded ones a processor. An open
    // that waits (for the other end of a FIFO, for a server that is gone) holds a bounded one, and
    // with all of them held no file is read any more. Workers that idle go after five seconds.
    unsigned workers[] = {64, 64};  // bounded (files), unbounded (everything else)
    io_uring_register_iowq_max_workers(&ring, workers);
    io_uring_ring_dontfork(&ring);
    if (io_uring_register_ring_fd(&ring) == 1) {
        ring_fd_flag_ = IORING_ENTER_REGISTERED_RING;
    }
}

// A filter may let the set-up pass and stop the use.
int UringKernel::first_use() noexcept {
    if (!features_.supports(IORING_OP_NOP)) {
        return -EPERM;  // io_uring_register is refused
    }
    return features_.sufficient() ? enter_once(0, false, std::nullopt) : -EINVAL;
}

UringKernel::~UringKernel() {
    if (process_.is_left()) {
        // Kernel: the queues are not mapped in the child, and others may be where they were; but
        // the descriptor keeps the parent's ring, and the files in it, from being closed.
        ::close(queues().ring_fd);
        return;
    }
    io_uring_queue_exit(&queues());
}

int UringKernel::enter(bool wait, std::optional<nanoseconds> timeout) noexcept {
    if (timeout && *timeout <= nanoseconds::zero()) {
        wait = false;
    }
    unsigned left = publish();
    unsigned accepted = 0;
    int result = enter_once(left, wait, timeout);
    while (result > 0 && static_cast<unsigned>(result) < left) {
        // Kernel: an entry stops early when memory for requests is short; it did not sleep then.
        accepted += static_cast<unsigned>(result);
        left -= static_cast<unsigned>(result);
        result = enter_once(left, wait, timeout);
    }
    if (result >= 0) {
        return static_cast<int>(accepted) + result;
    }
    if (accepted != 0 && is_transient(result)) {
        return static_cast<int>(accepted);
    }
    if (wait && (result == -EAGAIN || result == -EBUSY)) {
        // Sleeps without submitting; not for long, for memory may come back without a completion.
        constexpr nanoseconds retry = std::chrono::milliseconds(10);
        const int slept = enter_once(0, true, std::min(timeout.value_or(retry), retry));
        return slept >= 0 || is_transient(slept) ? result : slept;
    }
    return result;
}

int UringKernel::enter_once(unsigned to_submit, bool wait,
                            std::optional<nanoseconds> timeout) noexcept {
    // Kernel: under DEFER_TASKRUN completions appear only in entries with GETEVENTS (6.1).
    unsigned flags = IORING_ENTER_GETEVENTS | ring_fd_flag_;
    const auto fd = static_cast<unsigned>(queues().enter_ring_fd);
    if (!wait || !timeout) {
        return io_uring_enter2(fd, to_submit, wait ? 1 : 0, flags, nullptr, _NSIG / 8);
    }
    // Kernel: the timeout in the argument came with 5.11 (IORING_FEAT_EXT_ARG).
    flags |= IORING_ENTER_EXT_ARG;
    const __kernel_timespec time = to_timespec(*timeout);
    io_uring_getevents_arg argument{};
    argument.sigmask_sz = _NSIG / 8;
    argument.ts = reinterpret_cast<std::uintptr_t>(&time);
    return io_uring_enter2(fd, to_submit, 1, flags, reinterpret_cast<sigset_t*>(&argument),
                           sizeof argument);
}

// Kernel: buffer rings came with 5.19.
bool UringKernel::may_be_filtered() const noexcept {
    utsname system{};
    return ::uname(&system) == 0 && has_request_filters(system.release);
}

int UringKernel::register_buffers(io_uring_buf_ring& ring, unsigned entries,
                                  std::uint16_t group) noexcept {
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(&ring);
    registration.ring_entries = entries;
    registration.bgid = group;
    return io_uring_register_buf_ring(&queues(), &registration, 0);
}

void UringKernel::unregister_buffers(std::uint16_t group) noexcept {
    io_uring_unregister_buf_ring(&queues(), group);
}

int UringKernel::try_now(const io_uring_sqe& request) noexcept {
    return detail::answer_now(request);
}

int UringKernel::try_send(const SendRequest& request) noexcept { return detail::send_now(request); }

}  // namespace ringio
