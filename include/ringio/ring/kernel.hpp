// Kernel: what answers requests. The seam below the ring: submission entries go in, sooner or later
// completion entries come out, by the memory layout of io_uring whoever answers. One virtual call
// per loop turn, never one per request.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

struct io_uring;
struct io_uring_buf_ring;
struct io_uring_sqe;

namespace ringio {

struct SendRequest;
class Waker;

/// The clock of deadlines and timeouts.
using Clock = std::chrono::steady_clock;

/// Answers the requests written to its queues. Implementations: UringKernel, EpollKernel, and those
/// of tests.
///
/// An implementation fills queues() in its constructor: memory, masks and sizes of both queues and
/// the flag words (sq.khead, ktail, kflags, sqes, ring_mask, ring_entries; cq.khead, ktail, cqes,
/// ring_mask, ring_entries; sizes are powers of two). It reads what publish() made visible, moves
/// *sq.khead, writes completions and moves *cq.ktail. It obeys IOSQE_CQE_SKIP_SUCCESS, and
/// IORING_OP_ASYNC_CANCEL by user_data and by ANY|ALL. When something is pending that only enter()
/// would bring to the completion queue, it sets IORING_SQ_TASKRUN or IORING_SQ_CQ_OVERFLOW in
/// *sq.kflags; when enter() might find something, the flag `look`. All calls come from one thread.
class Kernel {
public:
    /// In *sq.kflags: a loop that does not sleep is to enter in each of its turns. It is no promise
    /// of news, which would keep a loop from sleeping.
    static constexpr unsigned look = 1U << 31U;

    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;
    virtual ~Kernel();

    /// Hands over all written submission entries and collects what is complete. With `wait` it then
    /// sleeps until the completion queue is not empty, somebody called waker(), or `timeout` passed
    /// (nullopt: for ever); when not all entries were accepted it may sleep shorter, for the caller
    /// is to try again.
    ///
    /// Returns the number of entries accepted, or -errno when it is none: -ETIME and -EINTR are
    /// ends of the sleep, -EAGAIN and -EBUSY leave the entries in the queue for another try, others
    /// are fatal (-EBADR: a completion was lost).
    virtual int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept = 0;

    /// Tells whether a negative result of enter() is an ordinary one, after which one enters again.
    static bool is_transient(int result) noexcept;

    /// Answers a request at once, as a non-blocking system call would: a value >= 0, -errno, or
    /// -EAGAIN when it is not possible now or not for this kind of request. Its user_data is unset.
    virtual int try_now(const io_uring_sqe& request) noexcept = 0;

    /// The same for a send, the one that matters, without an entry in between.
    virtual int try_send(const SendRequest& request) noexcept;

    /// Takes a ring of buffers that requests with IOSQE_BUFFER_SELECT and this group draw from,
    /// first in, first out; or stops using it. `entries` is a power of two; the memory,
    /// page-aligned, is empty, the caller's, and stays until unregister_buffers(). Returns 0 or
    /// -errno; a kernel that cannot do it (the default) is served without.
    virtual int register_buffers(io_uring_buf_ring& ring, unsigned entries,
                                 std::uint16_t group) noexcept;
    virtual void unregister_buffers(std::uint16_t group) noexcept;

    /// Returns the time by which the timeouts of enter() pass.
    virtual Clock::time_point now() const noexcept;

    /// Tells whether now() is another time than Clock's, which passes while enter() sleeps; then it
    /// is the loop's time, too. The same for the life of the kernel.
    virtual bool keeps_time() const noexcept;

    /// Returns what ends a sleep of enter(). Null, the default: it needs none, for a request that
    /// reads an eventfd does it. *Errors*: std::system_error when there is no descriptor left.
    virtual std::shared_ptr<Waker> waker();

    /// Tells whether requests that are handed over together cost less than a system call each.
    virtual bool shares_calls() const noexcept;

    /// Tells whether a request's EACCES or EPERM may mean that a filter refuses the operation, and
    /// not what it was about. False, the default: there are no such filters.
    virtual bool may_be_filtered() const noexcept;

    /// What answers: "io_uring", "epoll", "simulated".
    virtual std::string_view name() const noexcept = 0;

    /// What a person should know of the choice: why no better kernel answers, and the remedy.
    /// Mostly empty.
    virtual std::string_view remark() const noexcept;

    /// Returns the queues, in the layout of liburing.
    io_uring& queues() noexcept { return *queues_; }
    const io_uring& queues() const noexcept { return *queues_; }

protected:
    /// Creates zeroed queues, for the implementation to fill.
    Kernel();

    /// Moves *sq.ktail behind the last written submission entry and returns how many entries stand
    /// between *sq.khead and it.
    unsigned publish() noexcept;

private:
    std::unique_ptr<io_uring> queues_;
};

}  // namespace ringio
