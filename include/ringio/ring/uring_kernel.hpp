// UringKernel: the Kernel that is Linux's io_uring. A ring for which there is no memory is halved,
// and a refusal says what stands in the way and the command that changes it.
#pragma once

#include <chrono>
#include <optional>

#include <ringio/ring/features.hpp>
#include <ringio/ring/kernel.hpp>
#include <ringio/ring/own_process.hpp>

namespace ringio {

/// Sizes of the queues, which the kernel rounds up to powers of two and caps.
struct UringOptions {
    unsigned entries = 256;   // submission queue: requests per kernel entry, not a limit in flight
    unsigned cq_entries = 0;  // completion queue; 0: 4 x entries, at least 4096
    bool restricted = false;  // this ring allows no operation but those that ringio asks for
};

/// Answers requests through io_uring. Used and destroyed on the thread that created it.
class UringKernel final : public Kernel {
public:
    /// Sets up a ring.
    ///
    /// *Errors*: std::system_error whose what() names cause and remedy (explain_setup_failure);
    /// std::invalid_argument when `entries` is 0.
    explicit UringKernel(UringOptions options = {});
    ~UringKernel() override;

    int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept override;
    int try_now(const io_uring_sqe& request) noexcept override;
    int try_send(const SendRequest& request) noexcept override;
    int register_buffers(io_uring_buf_ring& ring, unsigned entries,
                         std::uint16_t group) noexcept override;
    void unregister_buffers(std::uint16_t group) noexcept override;
    bool shares_calls() const noexcept override { return true; }
    bool may_be_filtered() const noexcept override;
    std::string_view name() const noexcept override { return "io_uring"; }

    /// Returns the IORING_SETUP_* flags that were taken.
    unsigned setup_flags() const noexcept { return features_.setup_flags(); }

    /// Returns what this kernel can do.
    const Features& features() const noexcept { return features_; }

private:
    int first_use() noexcept;
    int enter_once(unsigned to_submit, bool wait,
                   std::optional<std::chrono::nanoseconds> timeout) noexcept;

    Features features_;
    OwnProcess process_;
    unsigned ring_fd_flag_ = 0;  // IORING_ENTER_REGISTERED_RING when the ring fd is registered
};

}  // namespace ringio
