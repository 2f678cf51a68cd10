// A kernel that goes on as a real one does, until it breaks.
#pragma once

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>

#include <liburing.h>

#include <ringio/ring/uring_kernel.hpp>

namespace ringio::testing {

/// Answers through a real ring; once `broken`, every entry says that a completion was lost.
class BreakingKernel final : public Kernel {
public:
    static std::unique_ptr<Kernel> make(unsigned entries) {
        return std::make_unique<BreakingKernel>(entries);
    }
    explicit BreakingKernel(unsigned entries) : real_(UringOptions{.entries = entries}) {
        queues() = real_.queues();
    }

    int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept override {
        if (broken) {
            return -EBADR;
        }
        real_.queues() = queues();
        const int result = real_.enter(wait, timeout);
        queues() = real_.queues();
        return result;
    }
    int try_now(const io_uring_sqe& request) noexcept override { return real_.try_now(request); }

    static inline bool broken = false;

private:
    UringKernel real_;
};

}  // namespace ringio::testing
