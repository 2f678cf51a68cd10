// Waiting until a descriptor of somebody else's is ready: what curl, libpq, inotify, timerfd and
// the like are served by. Nothing is read or written, and O_NONBLOCK is left as it is.
#pragma once

#include <ringio/core/op.hpp>
#include <ringio/ring/control_requests.hpp>

#include <coroutine>
#include <utility>

#include <poll.h>
#include <sys/types.h>

namespace ringio {
namespace detail {

/// Which file a descriptor is of: a number may become another's.
struct FileIdentity {
    dev_t device = 0;
    ino_t inode = 0;

    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

/// Refuses what has no readiness. *Errors*: std::invalid_argument for a negative number;
/// std::system_error: EBADF when it is not open, EPERM for a regular file or a directory.
FileIdentity require_pollable(int fd);

}  // namespace detail

/// Waits until one of `events` (POLLIN, POLLOUT, POLLPRI, POLLRDHUP; ors) is there, and gives those
/// that are; POLLERR and POLLHUP are told unasked, and by io_uring POLLRDHUP.
///
/// *Errors*: std::invalid_argument for a negative `fd`; std::system_error: EBADF when it is not
/// open, EPERM for a regular file or a directory, which is always ready. *Cancellation*: at once;
/// readiness stays where it is. *Lifetime*: `fd` must stay open until the await is over: while it
/// waits, the kernel keeps the file, and closing the descriptor neither ends the wait nor tells the
/// peer.
[[nodiscard]] inline Op<PollRequest> poll(int fd, int events) {
    detail::require_pollable(fd);
    return Op<PollRequest>({.fd = fd, .mask = static_cast<unsigned>(events)});
}

/// The same until something can be read, or the end of it; until something can be written.
[[nodiscard]] inline Op<PollRequest> wait_readable(int fd) { return poll(fd, POLLIN); }
[[nodiscard]] inline Op<PollRequest> wait_writable(int fd) { return poll(fd, POLLOUT); }

class Watch;

namespace detail {

/// One wait for a Watch, which may end it.
class WatchWait final : public RequestWait<PollRequest> {
public:
    explicit WatchWait(Watch& watch);
    ~WatchWait();

    bool await_ready() const noexcept { return watch_ == nullptr; }
    /// Gives 0 when the Watch ended the wait.
    int await_resume();

    /// Called by the Watch: the wait ends, and knows it no more.
    void end() noexcept;
    void move_to(Watch& watch) noexcept { watch_ = &watch; }

private:
    void leave() noexcept;

    Watch* watch_;  // null: it ended the wait
};

class [[nodiscard]] WatchNext {
public:
    explicit WatchNext(Watch& watch) noexcept : watch_(&watch) {}
    WatchWait operator co_await() const { return WatchWait(*watch_); }

private:
    Watch* watch_;
};

}  // namespace detail

/// A descriptor that is waited for again and again, by whoever talks to a library that owns it.
///
///     Watch watch(PQsocket(connection), POLLIN);
///     while (co_await watch.next()) {
///         PQconsumeInput(connection);
///         …
///     }
///
/// *Lifetime*: once close() or the destructor has returned, the descriptor may be closed: a wait
/// that the kernel does not know of yet never becomes known to it, and of one that it knows it lets
/// go before the loop sleeps.
class Watch {
public:
    /// *Errors*: as poll().
    Watch(int fd, int events);
    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { close(); }

    /// Waits until one of the events is there, and gives those that are. It asks anew each time: as
    /// long as nobody reads what can be read, it comes back at once. 0: the Watch was closed, or
    /// its events were set while this waited.
    /// *Errors*: std::system_error; std::runtime_error when another coroutine waits.
    /// *Cancellation*: at once.
    detail::WatchNext next() noexcept { return detail::WatchNext(*this); }

    /// Changes what is waited for; a next() that waits gives 0, and is to be called again.
    void set_events(int events) noexcept;

    /// Ends the wait, if there is one, and every later one at once. Idempotent.
    void close() noexcept;

    int fd() const noexcept { return fd_; }
    int events() const noexcept { return events_; }

private:
    friend class detail::WatchWait;

    void end_wait() noexcept;

    int fd_ = -1;  // -1: closed
    int events_ = 0;
    detail::WatchWait* wait_ = nullptr;
};

}  // namespace ringio
