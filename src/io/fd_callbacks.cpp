#include "fd_callbacks.hpp"

#include <ringio/core/report.hpp>
#include <ringio/io/poll.hpp>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <sys/stat.h>

namespace ringio {
namespace detail {

FdCallback::FdCallback(EventLoop& loop, int fd, unsigned events, Callback&& callback)
    : ScheduledCallback(&loop, callback.where()),
      function_(std::move(callback).function()),
      fd_(fd),
      events_(events) {
    hold(&function_, callable_table<UniqueFunction<void()>>);
}

// The ring of a loop that does not run may not be there yet, or be another thread's.
void FdCallback::start(const FileIdentity& file) noexcept {
    file_ = file;
    if (loop_->is_running()) {
        arm();
    } else {
        queue();
    }
}

void FdCallback::queue() noexcept {
    intrusive_add_ref(this);
    loop_->machine().schedule_here(*this);
}

void FdCallback::arm() noexcept {
    intrusive_add_ref(this);
    loop_->machine().ring().submit(*this);
}

void FdCallback::prepare(io_uring_sqe& sqe) noexcept {
    PollRequest{.fd = fd_, .mask = events_}.prepare(sqe);
}

void FdCallback::remove() noexcept {
    mark_cancelled();
    if (in_flight()) {
        loop_->machine().ring().cancel(*this);
    }
    if (!is_called_) {
        drop();
    }
}

void FdCallback::complete(int result, std::uint32_t) noexcept {
    const IntrusivePtr<FdCallback> kept(this, adopt);  // by the kernel until now
    if (cancelled() || result == -ECANCELED) {
        return;
    }
    // Without memory for the wait it is asked for again in the next turn.
    has_result_ = result != -EINTR && result != -ENOMEM;
    result_ = result;
    queue();
}

void FdCallback::run() {
    const IntrusivePtr<FdCallback> queued(this, adopt);
    if (cancelled()) {
        return;
    }
    if (std::exchange(has_result_, false)) {
        if (result_ < 0) {
            give_up(-result_, "A descriptor with a callback cannot be waited for");
            return;
        }
        if (loop_->get_debug() && !is_still_the_same()) {
            give_up(EBADF, "A descriptor was closed before its callback was removed");
            return;
        }
        call();
    }
    if (!cancelled()) {
        arm();
    }
}

bool FdCallback::is_still_the_same() const noexcept {
    struct stat status{};
    return ::fstat(fd_, &status) == 0 && FileIdentity{status.st_dev, status.st_ino} == file_;
}

void FdCallback::call() {
    is_called_ = true;
    call_and_keep();
    is_called_ = false;
    if (cancelled()) {
        drop();
    }
}

void FdCallback::give_up(int error, const char* message) noexcept {
    EventLoop& loop = *loop_;
    mark_cancelled();
    report(&loop, message, nullptr, [&] {
        const std::string subject = "file descriptor " + std::to_string(fd_);
        return ExceptionContext{
            .message = message,
            .exception = make_system_error(error, subject.c_str()),
            .details = {{"handle", repr()},
                        {"remedy", "call remove_reader() and remove_writer(), then close it"}}};
    });
    drop();
}

FdCallbacks::~FdCallbacks() {
    for (auto& [fd, pair] : std::exchange(pairs_, {})) {
        for (const Direction direction : {Direction::read, Direction::write}) {
            if (const auto callback = std::exchange(pair.at(direction), nullptr)) {
                callback->remove();
            }
        }
    }
}

void FdCallbacks::add(int fd, Direction direction, IntrusivePtr<FdCallback> added,
                      const FileIdentity& file) {
    const auto before = std::exchange(pairs_[fd].at(direction), added);
    added->start(file);
    if (before) {
        before->remove();
    }
}

bool FdCallbacks::remove(int fd, Direction direction) noexcept {
    const auto found = pairs_.find(fd);
    if (found == pairs_.end()) {
        return false;
    }
    const auto removed = std::exchange(found->second.at(direction), nullptr);
    if (!found->second.reader && !found->second.writer) {
        pairs_.erase(found);
    }
    if (removed) {
        removed->remove();
    }
    return removed != nullptr;
}

namespace {

// The callback is moved before the checks: that is the user's code.
void add_callback(EventLoop& loop, int fd, FdCallbacks::Direction direction, Callback&& callback) {
    const unsigned events = direction == FdCallbacks::Direction::read ? POLLIN : POLLOUT;
    IntrusivePtr<FdCallback> added(new FdCallback(loop, fd, events, std::move(callback)));
    loop.machine().check_call();
    const FileIdentity file = require_pollable(fd);
    LoopBooks& books = loop.machine().books();
    if (books.stream_descriptors.contains(fd)) {
        throw std::runtime_error("File descriptor " + std::to_string(fd) +
                                 " is used by a stream of this loop");
    }
    books.find_or_make<FdCallbacks>().add(fd, direction, std::move(added), file);
}

bool remove_callback(EventLoop& loop, int fd, FdCallbacks::Direction direction) {
    if (loop.is_closed()) {
        return false;
    }
    loop.machine().check_call();
    FdCallbacks* const callbacks = loop.machine().books().find<FdCallbacks>();
    return callbacks != nullptr && callbacks->remove(fd, direction);
}

}  // namespace
}  // namespace detail

using Direction = detail::FdCallbacks::Direction;

void EventLoop::add_reader(int fd, Callback callback) {
    detail::add_callback(*this, fd, Direction::read, std::move(callback));
}

void EventLoop::add_writer(int fd, Callback callback) {
    detail::add_callback(*this, fd, Direction::write, std::move(callback));
}

bool EventLoop::remove_reader(int fd) {
    return detail::remove_callback(*this, fd, Direction::read);
}

bool EventLoop::remove_writer(int fd) {
    return detail::remove_callback(*this, fd, Direction::write);
}

}  // namespace ringio
