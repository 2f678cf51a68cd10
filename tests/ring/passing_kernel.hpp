// PassingKernel: does all as another kernel does; the base of those that differ in one thing.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <liburing.h>

#include <ringio/ring/kernel.hpp>
#include <ringio/ring/waker.hpp>

namespace ringio::testing {

class PassingKernel : public Kernel {
public:
    explicit PassingKernel(std::unique_ptr<Kernel> real) : real_(std::move(real)) {
        queues() = real_->queues();
    }

    int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept override {
        real_->queues() = queues();
        const int result = real_->enter(wait, timeout);
        queues() = real_->queues();
        return result;
    }
    int try_now(const io_uring_sqe& request) noexcept override { return real_->try_now(request); }
    std::shared_ptr<Waker> waker() override { return real_->waker(); }
    std::string_view name() const noexcept override { return real_->name(); }
    std::string_view remark() const noexcept override { return real_->remark(); }

private:
    std::unique_ptr<Kernel> real_;
};

}  // namespace ringio::testing
