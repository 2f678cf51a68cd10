// Intake: what comes in over a socket, received by one request for as long as anybody wants it. The
// bytes come in buffers of the ring; a reader that waits looks at them there, and what nobody takes
// in the same turn is copied aside. SocketReceiver and the streams stand on it.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/awaitable.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/io/buffer.hpp>
#include <ringio/ring/buffer_pool.hpp>
#include <ringio/ring/completion.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace ringio::detail {

class Intake;

/// Waits until something came in, or nothing more will. Cancelled, it is over at once: what comes
/// later waits in the intake.
class IntakeWait : public NativeAwaiter, public Wait {
public:
    explicit IntakeWait(Intake& intake) noexcept : intake_(intake) {}
    IntakeWait(const IntakeWait&) = delete;
    IntakeWait& operator=(const IntakeWait&) = delete;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine);
    /// *Errors*: CancelledError, also when data came in the same turn; the data stays.
    void await_resume();

    bool cancel(const std::string&) noexcept final;
    const char* what() const noexcept final { return "recv"; }

    // For the intake.

    /// Queues the task, once.
    void wake() noexcept {
        if (!std::exchange(woken_, true)) {
            task_->wake();
        }
    }
    bool is_woken() const noexcept { return woken_; }
    bool is_resumed() const noexcept { return resumed_; }

protected:
    ~IntakeWait() { detach(); }

    /// Is no reader of the intake any more.
    void detach() noexcept;

private:
    Intake& intake_;
    TaskStateBase* task_ = nullptr;
    bool woken_ = false;
    bool reads_ = false;  // is the reader of the intake
    bool resumed_ = false;
    bool cancelled_ = false;
};

/// A buffer of the ring on loan, with the bytes in it.
struct Loan {
    IntrusivePtr<BufferPool> pool;
    unsigned id;
    std::string_view bytes;
};

/// Receives from a socket. Legend of the request: idle -> (begin) in flight -> its terminal
/// completion -> idle, or in flight again. It is one of two kinds: `multishot`, the rule, brings
/// what comes until it is stopped; `single` receives once into the intake's own memory, for a
/// reader that waits. The latter serves kernels without buffer rings, and a sender that is faster
/// than the reader: then it moves more bytes at once, and the kernel holds the sender back.
class Intake : public Completion {
public:
    /// The bytes that came and were not taken. Valid until anything else is called.
    std::string_view data() const noexcept {
        return loan_.data() != nullptr ? loan_ : buffer_.data();
    }
    std::size_t size() const noexcept { return data().size(); }
    bool empty() const noexcept { return size() == 0; }

    /// Takes bytes from the front; what is left of a loan is copied aside.
    void consume(std::size_t size) noexcept;
    std::string take(std::size_t size);

    /// Gives a loan away, to be kept, if the bytes are one; else returns a null pool.
    Loan take_loan() noexcept;
    /// Takes all that was copied aside.
    ReadBuffer take_buffer();

    /// Copies a loan aside: no buffer of the ring is kept over the turn.
    void settle() noexcept {
        if (loan_.data() != nullptr) {
            copy_aside();
        }
    }

    /// Says that the peer has ended its direction, or the intake was stopped under a reader.
    bool at_end() const noexcept { return at_end_; }
    void set_at_end() noexcept { at_end_ = true; }

    /// Says whether a coroutine waits; only one may.
    bool has_reader() const noexcept { return wait_ != nullptr; }

    /// Says that the sender is faster: one that has memory for much may receive into it directly,
    /// when nothing is in flight, and tells how much that was.
    bool is_bulk() const noexcept { return bulk_ && !in_flight() && empty(); }
    void note_bulk(std::size_t received, std::size_t space) noexcept {
        bulk_ = received >= BufferPool::size || received == space;
    }

    /// Makes a coroutine the reader, and receives. *Errors*: std::bad_alloc; then it is not.
    void begin(IntakeWait& wait);
    void end(const IntakeWait& wait) noexcept;

    /// Makes the request end, for good; true when there is none. Else request_ended() follows.
    bool stop() noexcept;

    void prepare(io_uring_sqe& sqe) noexcept final;
    void complete(int result, std::uint32_t flags) noexcept final;

protected:
    /// Pauses the request when more than twice `limit` was copied aside.
    Intake(EventLoop& loop, int fd, std::size_t limit) noexcept
        : anchor_(loop.anchor()), fd_(fd), limit_(limit) {}
    ~Intake();

    EventLoop* loop_or_null() const noexcept { return anchor_->loop; }
    void wake_reader() noexcept {
        if (wait_ != nullptr) {
            wait_->wake();
        }
    }

private:
    /// Keeps the intake alive for the request, which names its memory and descriptor.
    virtual void retain() noexcept = 0;
    virtual void release() noexcept = 0;
    /// Hears, at most once, that receiving failed.
    virtual void failed(int error) noexcept = 0;
    /// Hears that after stop(), or when the loop closes, no request is left.
    virtual void request_ended() noexcept = 0;

    void submit();
    void resubmit() noexcept;
    void take_in(unsigned id, int result) noexcept;
    void on_terminal(int result) noexcept;
    bool wants_more() const noexcept;
    void commit_single(int result) noexcept;
    void copy_aside() noexcept;
    void append(std::string_view bytes) noexcept;
    void cancel() noexcept;
    void recycle_loan() noexcept;
    void fail(int error) noexcept;

    IntrusivePtr<LoopAnchor> anchor_;
    IntrusivePtr<BufferPool> pool_;
    std::string_view loan_;  // in a buffer of pool_; then buffer_ is empty
    ReadBuffer buffer_;      // copied aside, or received by `single`
    IntakeWait* wait_ = nullptr;
    int fd_;
    unsigned loan_id_ = 0;
    std::size_t limit_;
    std::size_t single_size_ = 64 * 1024;
    bool single_ = false;    // the kind of the request in flight
    bool bulk_ = false;      // the next one is to be single
    bool pausing_ = false;   // a cancel is under way, for too much was copied aside
    bool stopping_ = false;  // no request any more
    bool at_end_ = false;
    bool failed_ = false;
};

}  // namespace ringio::detail
