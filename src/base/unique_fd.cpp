#include <ringio/base/assert.hpp>
#include <ringio/base/system_calls.hpp>
#include <ringio/base/unique_fd.hpp>

#include <atomic>
#include <cerrno>

namespace ringio {
namespace {

// Statistics only, hence relaxed. One for the process: descriptors move between threads.
constinit std::atomic<std::size_t> live_descriptors{0};

}  // namespace

int UniqueFd::release() noexcept {
    if (fd_ >= 0) {
        live_descriptors.fetch_sub(1, std::memory_order_relaxed);
    }
    return std::exchange(fd_, -1);
}

void UniqueFd::reset(int fd) noexcept {
    RINGIO_ASSERT(fd < 0 || fd != fd_, "a descriptor has one owner, once");
    if (fd >= 0) {
        live_descriptors.fetch_add(1, std::memory_order_relaxed);
    }
    const int old = std::exchange(fd_, fd >= 0 ? fd : -1);
    if (old < 0) {
        return;
    }
    live_descriptors.fetch_sub(1, std::memory_order_relaxed);
    const int saved_errno = errno;
    // Kernel: close(2) frees the number whatever it returns, EINTR included; closing again would
    // hit whoever was given the number meanwhile.
    const int result = detail::system_calls->close(old);
    RINGIO_ASSERT(result == 0 || errno != EBADF, "a descriptor is closed by its owner only");
    errno = saved_errno;
}

std::size_t UniqueFd::live_count() noexcept {
    return live_descriptors.load(std::memory_order_relaxed);
}

}  // namespace ringio
