// Intake: what comes in over a socket, received by one request whether anybody reads or not, up to
// a limit. The bytes come in buffers of the ring; a reader that waits looks at them there, and what
// nobody takes in the same turn is copied aside. SocketReceiver and the streams stand on it.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/awaitable.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/handle.hpp>
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

/// A buffer of the ring that is kept, with the bytes in it: to be given back to its pool.
struct Loan {
    BufferPool* pool = nullptr;
    unsigned id = 0;
    std::string_view bytes;
};

/// Receives from a socket. Legend of the request: idle -> (start, begin) in flight -> its terminal
/// completion -> in flight again; or idle, at the end of the stream, after a failure or stop(), and
/// while it pauses, for more than twice the limit was copied aside. It goes on when at most the
/// limit is left, or somebody waits for more.
///
/// The request is one of two kinds: `multishot`, the rule, brings what comes until it is stopped;
/// `single` receives once into the intake's own memory. The latter serves kernels without buffer
/// rings, and a sender that is faster than the reader who waits (`bulk`): then it moves more bytes
/// at once, and the kernel holds the sender back. As a TurnEnd it receives for the reader who did
/// not come back in the turn: what a faster sender has sent by a call of its own, or else by a
/// multishot. So a connection on which nothing comes holds no memory.
///
/// Without a descriptor (-1) nothing is asked of the kernel: what comes is fed, and fed_out() says
/// when to go on after is_full().
class Intake : public Completion, public TurnEnd {
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
    /// Says that the kernel told the end: nothing is left in the socket.
    bool ended_by_peer() const noexcept { return ended_by_peer_; }

    /// Says whether a coroutine waits; only one may.
    bool has_reader() const noexcept { return wait_ != nullptr; }

    /// Says that the sender is faster: one that has memory for much may receive into it directly,
    /// when nothing is in flight, and tells how much that was.
    bool is_bulk() const noexcept { return bulk_ && !in_flight() && empty(); }
    void note_bulk(std::size_t received, std::size_t space) noexcept {
        bulk_ = received >= BufferPool::size || received == space;
    }
    /// Between these two somebody receives past the intake, which asks for nothing meanwhile.
    void set_bypassed() noexcept { bypassed_ = true; }
    void end_bypass() noexcept {
        bypassed_ = false;
        go_on();
    }
    bool is_bypassed() const noexcept { return bypassed_; }

    EventLoop* loop_or_null() const noexcept { return anchor_->loop; }
    std::size_t limit() const noexcept { return limit_; }

    /// Receives from the end of this turn on, though nobody waits.
    void start() noexcept {
        begun_ = true;
        go_on();
    }

    /// Makes a coroutine the reader, and receives. *Errors*: std::bad_alloc; std::runtime_error for
    /// a task of another loop; then it is not.
    void begin(IntakeWait& wait);
    void end(const IntakeWait& wait) noexcept;

    /// Makes the request end, for good; true when there is none. Else request_ended() follows.
    bool stop() noexcept;

    /// For an intake without a descriptor: what comes, and the end of it. *Errors*: std::bad_alloc;
    /// then nothing came.
    void feed(std::string_view bytes);
    void feed_end() noexcept;
    /// Says that more than twice the limit was fed, and fed_out() is to come.
    bool is_full() const noexcept { return full_; }

    void prepare(io_uring_sqe& sqe) noexcept final;
    void complete(int result, std::uint32_t flags) noexcept final;
    void end_turn() noexcept final;

protected:
    /// Pauses the request when more than twice `limit` was copied aside.
    Intake(EventLoop& loop, int fd, std::size_t limit) noexcept
        : anchor_(loop.machine().anchor()), fd_(fd), limit_(limit) {}
    ~Intake();

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
    /// Hears, without a descriptor, that there is room again.
    virtual void fed_out() noexcept {}

    void submit();
    void prepare_single();
    void resubmit() noexcept;
    void take_in(unsigned id, int result) noexcept;
    void on_terminal(int result) noexcept;
    bool is_over() const noexcept { return stopping_ || at_end_ || failed_; }
    bool wants_more() const noexcept;
    void go_on() noexcept;
    void taken() noexcept;
    void receive_what_is_there() noexcept;
    void commit_single(int result) noexcept;
    void end_by_peer() noexcept;
    void pause() noexcept;
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
    std::size_t single_size_ = 0;
    bool begun_ = false;
    bool single_ = false;    // the kind of the request in flight
    bool bulk_ = false;      // the next one is to be single
    bool bypassed_ = false;  // somebody else receives
    bool full_ = false;      // without a descriptor: no more is to be fed
    bool pausing_ = false;   // a cancel is under way, for too much was copied aside
    bool stopping_ = false;  // no request any more
    bool at_end_ = false;
    bool ended_by_peer_ = false;
    bool failed_ = false;
};

}  // namespace ringio::detail
