// What is known of a socket of libcurl's, and the poll that waits for it. The number of a socket
// may be another's as soon as it is closed: so it is closed only when no poll is left that knows
// it.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/base/unique_fd.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/handle.hpp>
#include <ringio/ring/completion.hpp>

#include <cstdint>
#include <string>

namespace ringio::http::detail {

class CurlMulti;
class SocketPoll;

/// A socket of libcurl's. Its polls keep it, and the table of the CurlMulti as long as it is open.
struct CurlSocket {
    CurlSocket(CurlMulti& multi, int fd) noexcept;
    CurlSocket(const CurlSocket&) = delete;
    CurlSocket& operator=(const CurlSocket&) = delete;
    ~CurlSocket();

    /// Ends the wait, if there is one.
    void end_wait() noexcept;

    friend void intrusive_add_ref(CurlSocket* socket) noexcept { ++socket->references; }
    friend void intrusive_release(CurlSocket* socket) noexcept;

    CurlMulti* multi;
    const int fd;
    UniqueFd closing = {};          // once libcurl has closed it: goes with the last poll
    int wanted = 0;                 // POLLIN, POLLOUT: what libcurl waits for
    IntrusivePtr<SocketPoll> poll;  // the one that counts; others are on their way out
    bool is_changed = false;        // in CurlMulti::changed_
    unsigned idle_rounds = 0;       // since it last did anything; see CurlMulti::is_spinning()
    EventLoop::TimePoint idle_since = {};
    unsigned references = 0;
};

/// One wait for a socket, repeated as long as the same is wanted.
///
/// Legend: idle -> waiting in the kernel -> queued to be told -> idle ...; dropped at any time:
/// what is still to come for it passes unnoticed.
class SocketPoll final : public Completion, public Runnable {
public:
    SocketPoll(EventLoop& loop, CurlSocket& socket, int events) noexcept
        : loop_(loop), socket_(&socket), events_(events) {}

    int events() const noexcept { return events_; }
    bool is_idle() const noexcept { return !in_flight() && !is_queued_; }
    void arm() noexcept;
    void drop() noexcept;

    void prepare(io_uring_sqe& sqe) noexcept override;
    void complete(int result, std::uint32_t flags) noexcept override;
    void run() override;
    void discard() noexcept override { intrusive_release(this); }
    std::string repr() const override;

    friend void intrusive_add_ref(SocketPoll* poll) noexcept { ++poll->references_; }
    friend void intrusive_release(SocketPoll* poll) noexcept {
        if (--poll->references_ == 0) {
            delete poll;
        }
    }

private:
    ~SocketPoll() = default;

    EventLoop& loop_;
    IntrusivePtr<CurlSocket> socket_;
    int events_;
    int result_ = 0;
    bool is_queued_ = false;
    bool is_dropped_ = false;
    unsigned references_ = 0;
};

}  // namespace ringio::http::detail
