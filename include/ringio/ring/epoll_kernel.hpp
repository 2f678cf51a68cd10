// EpollKernel: the Kernel for hosts that forbid io_uring. It answers the same requests in the same
// queues, by system calls that do not block and, where they must wait, by epoll; files are read
// and written by a few threads. Any Linux since 5.10.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <ringio/ring/kernel.hpp>
#include <ringio/ring/own_process.hpp>

namespace ringio {

namespace detail {

class EpollState;

}  // namespace detail

/// Sizes of the queues, rounded up to powers of two, and why it is this kernel.
struct EpollOptions {
    unsigned entries = 256;   // submission queue: requests per entry, not a limit in flight
    unsigned cq_entries = 0;  // completion queue; 0: 4 x entries, at least 4096
    std::string remark;       // what remark() returns
};

/// Answers requests through epoll. Used on one thread.
///
/// What is otherwise than with io_uring: a descriptor must not be closed while a request waits on
/// it, for the request does not hold the file; a file operation that has begun cannot be
/// interrupted, and the destructor waits for it.
class EpollKernel final : public Kernel {
public:
    /// *Errors*: std::system_error when there is no descriptor or memory left;
    /// std::invalid_argument when `entries` is 0.
    explicit EpollKernel(EpollOptions options = {});
    ~EpollKernel() override;

    int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept override;
    int try_now(const io_uring_sqe& request) noexcept override;
    int try_send(const SendRequest& request) noexcept override;
    int register_buffers(io_uring_buf_ring& ring, unsigned entries,
                         std::uint16_t group) noexcept override;
    void unregister_buffers(std::uint16_t group) noexcept override;
    std::shared_ptr<Waker> waker() override;
    std::string_view name() const noexcept override { return "epoll"; }
    std::string_view remark() const noexcept override { return remark_; }

    /// Returns how many calls of epoll_ctl(2) there were, for the books of tests and benchmarks.
    std::uint64_t registrations() const noexcept;

private:
    OwnProcess process_;
    std::string remark_;
    std::unique_ptr<detail::EpollState> state_;
};

}  // namespace ringio
