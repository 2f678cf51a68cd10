#include <ringio/io/poll.hpp>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include <sys/stat.h>

namespace ringio {
namespace detail {

// Kernel: io_uring calls a regular file ready whatever is asked for, which would be a busy loop.
FileIdentity require_pollable(int fd) {
    if (fd < 0) {
        throw std::invalid_argument("Invalid file descriptor: " + std::to_string(fd));
    }
    struct stat status{};
    int error = ::fstat(fd, &status) == 0 ? 0 : errno;
    if (error == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))) {
        error = EPERM;
    }
    if (error != 0) {
        throw std::system_error(error, std::system_category(),
                                "file descriptor " + std::to_string(fd) + " cannot be waited for");
    }
    return {status.st_dev, status.st_ino};
}

WatchWait::WatchWait(Watch& watch)
    : RequestWait<PollRequest>({.fd = watch.fd_, .mask = static_cast<unsigned>(watch.events_)}),
      watch_(&watch) {
    if (watch.wait_ != nullptr) {
        throw std::runtime_error("next() called while another coroutine is already waiting");
    }
    if (watch.fd_ < 0) {
        watch_ = nullptr;
    } else {
        watch.wait_ = this;
    }
}

WatchWait::~WatchWait() { leave(); }

void WatchWait::leave() noexcept {
    if (watch_ != nullptr) {
        std::exchange(watch_, nullptr)->wait_ = nullptr;
    }
}

void WatchWait::end() noexcept {
    watch_ = nullptr;
    if (phase_ == Phase::submitted) {
        ring_->cancel(*this);
    }
}

int WatchWait::await_resume() {
    const bool ended = watch_ == nullptr;
    leave();
    if (ring_ == nullptr) {  // it was closed before
        return 0;
    }
    const int result = take();
    if (ended) {
        return 0;
    }
    if (result < 0) {
        throw_system_error(-result, PollRequest::name);
    }
    return result;
}

}  // namespace detail

Watch::Watch(int fd, int events) : fd_(fd), events_(events) { detail::require_pollable(fd); }

Watch::Watch(Watch&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      events_(other.events_),
      wait_(std::exchange(other.wait_, nullptr)) {
    if (wait_ != nullptr) {
        wait_->move_to(*this);
    }
}

Watch& Watch::operator=(Watch&& other) noexcept {
    Watch taken(std::move(other));
    close();
    fd_ = std::exchange(taken.fd_, -1);
    events_ = taken.events_;
    wait_ = std::exchange(taken.wait_, nullptr);
    if (wait_ != nullptr) {
        wait_->move_to(*this);
    }
    return *this;
}

void Watch::set_events(int events) noexcept {
    if (std::exchange(events_, events) != events) {
        end_wait();
    }
}

void Watch::close() noexcept {
    fd_ = -1;
    end_wait();
}

void Watch::end_wait() noexcept {
    if (wait_ != nullptr) {
        std::exchange(wait_, nullptr)->end();
    }
}

}  // namespace ringio
