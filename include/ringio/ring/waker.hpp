// Waker: ends the sleep of a kernel from outside its thread.
#pragma once

#include <ringio/base/unique_fd.hpp>

namespace ringio {

/// What other threads and signal handlers call to end the sleep of a Kernel; nothing happens when
/// it does not sleep, save that its next sleep may be short. Shared, for it may be called when the
/// kernel is gone.
class Waker {
public:
    Waker() = default;
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;
    virtual ~Waker();

    /// On any thread; async-signal-safe; leaves errno as it was.
    virtual void wake() noexcept = 0;
};

/// The Waker that is an eventfd: the kernel sleeps until the descriptor is readable, or longer.
class EventFd final : public Waker {
public:
    /// *Errors*: std::system_error when there is no descriptor left.
    EventFd();

    void wake() noexcept override;
    int fd() const noexcept { return fd_.get(); }

private:
    UniqueFd fd_;
};

}  // namespace ringio
