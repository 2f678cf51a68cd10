// A kernel that goes on as a real one does, until it breaks, or is said to be filtered.
#pragma once

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include <liburing.h>

#include <ringio/ring.hpp>

#include <ring/kernel_from.hpp>

namespace ringio::testing {

/// Answers through a real kernel; once `broken`, every entry says that a completion was lost.
class BreakingKernel final : public Kernel {
public:
    static std::unique_ptr<Kernel> make(unsigned entries) {
        return std::make_unique<BreakingKernel>(entries);
    }
    explicit BreakingKernel(unsigned entries) : real_(default_kernel().make(entries)) {
        queues() = real_->queues();
    }

    int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept override {
        if (broken) {
            return -EBADR;
        }
        real_->queues() = queues();
        const int result = real_->enter(wait, timeout);
        queues() = real_->queues();
        return result;
    }
    int try_now(const io_uring_sqe& request) noexcept override { return real_->try_now(request); }

    std::shared_ptr<Waker> waker() override { return real_->waker(); }
    std::string_view name() const noexcept override { return "breaking"; }
    bool may_be_filtered() const noexcept override { return filtered; }

    static inline bool broken = false;
    static inline bool filtered = false;

private:
    std::unique_ptr<Kernel> real_;
};

}  // namespace ringio::testing
