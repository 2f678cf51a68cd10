// WakeRead: how a ring is woken whose kernel knows nothing but requests.
#pragma once

#include <ringio/ring/completion.hpp>
#include <ringio/ring/file_requests.hpp>
#include <ringio/ring/waker.hpp>

#include <cstdint>
#include <memory>

namespace ringio {

/// A read of an eventfd, one after the other, until it is retired.
class Ring::WakeRead final : public Completion {
public:
    explicit WakeRead(Ring& ring) : ring_(ring), event_(std::make_shared<EventFd>()) {}

    void arm() noexcept {
        wanted_ = true;
        if (!in_flight()) {
            ring_.submit(*this);
        }
    }
    void retire() noexcept { wanted_ = false; }
    const std::shared_ptr<EventFd>& waker() const noexcept { return event_; }

    void prepare(io_uring_sqe& sqe) noexcept override {
        // Kernel: a read of an eventfd that is not O_NONBLOCK waits for the first write.
        ReadRequest{.fd = event_->fd(), .buffer = &count_, .size = sizeof(count_), .offset = 0}
            .prepare(sqe);
    }
    void complete(int result, std::uint32_t flags) noexcept override;

    WakeRead* next_left = nullptr;  // in the list of those that stay for ever

private:
    Ring& ring_;
    std::shared_ptr<EventFd> event_;
    bool wanted_ = false;
    std::uint64_t count_ = 0;  // written by the kernel
};

}  // namespace ringio
