// A kernel that goes on as a real one does, until it breaks, or is said to be filtered.
#pragma once

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include <ringio/ring.hpp>

#include <ring/kernel_from.hpp>
#include <ring/passing_kernel.hpp>

namespace ringio::testing {

/// Answers through a real kernel; once `broken`, every entry says that a completion was lost.
class BreakingKernel final : public PassingKernel {
public:
    static std::unique_ptr<Kernel> make(unsigned entries) {
        return std::make_unique<BreakingKernel>(entries);
    }
    explicit BreakingKernel(unsigned entries) : PassingKernel(default_kernel().make(entries)) {}

    int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept override {
        return broken ? -EBADR : PassingKernel::enter(wait, timeout);
    }
    std::string_view name() const noexcept override { return "breaking"; }
    bool may_be_filtered() const noexcept override { return filtered; }

    static inline bool broken = false;
    static inline bool filtered = false;
};

}  // namespace ringio::testing
