// What a StreamReader and a StreamWriter of one connection share: the socket, the bytes that came,
// the bytes that are to go, and the order in which it all ends.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/op.hpp>
#include <ringio/core/promise.hpp>
#include <ringio/core/task.hpp>
#include <ringio/io/intake.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/ring/completion.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringio {

/// The default limit of a reader's buffer, and the default high-water mark of a writer, in bytes.
inline constexpr std::size_t default_stream_limit = 64 * 1024;

namespace detail {

class StreamState;

/// Whoever keeps the books of open connections: a Server.
class StreamOwner {
public:
    virtual void connection_closed(StreamState& stream) noexcept = 0;

protected:
    ~StreamOwner() = default;
};

/// The request that sends what the kernel had no room for at once.
class SendOperation final : public Completion {
public:
    explicit SendOperation(StreamState& stream) noexcept : stream_(stream) {}
    void prepare(io_uring_sqe& sqe) noexcept override;
    void complete(int result, std::uint32_t flags) noexcept override;

private:
    StreamState& stream_;
};

/// What comes in over the stream's socket.
class StreamIntake final : public Intake {
public:
    StreamIntake(StreamState& stream, EventLoop& loop, int fd, std::size_t limit) noexcept
        : Intake(loop, fd, limit), stream_(stream) {}

private:
    void retain() noexcept override;
    void release() noexcept override;
    void failed(int error) noexcept override;
    void request_ended() noexcept override;

    StreamState& stream_;
};

/// Sends, at the end of the turn, what nobody waited for with drain().
class FlushAtTurnEnd final : public TurnEnd {
public:
    explicit FlushAtTurnEnd(StreamState& stream) noexcept : stream_(stream) {}
    void end_turn() noexcept override;

private:
    StreamState& stream_;
};

/// Waits for more, or for the end of the stream. The reader's frame holds the stream.
class FillAwaiter final : public IntakeWait {
public:
    explicit FillAwaiter(StreamState& stream) noexcept;
    void await_resume();

private:
    StreamState& stream_;
};

class [[nodiscard]] Fill {
public:
    explicit Fill(StreamState& stream) noexcept : stream_(stream) {}
    FillAwaiter operator co_await() const noexcept { return FillAwaiter(stream_); }

private:
    StreamState& stream_;
};

/// Receives once into memory of the caller, for a large transfer.
class DirectFillAwaiter final : public RequestWait<RecvRequest> {
public:
    DirectFillAwaiter(StreamState& stream, std::span<char> target) noexcept;
    ~DirectFillAwaiter();

    /// Returns the number of bytes; 0 is the end of the stream.
    std::size_t await_resume();

private:
    IntrusivePtr<StreamState> stream_;
    std::size_t space_;
};

class [[nodiscard]] DirectFill {
public:
    DirectFill(StreamState& stream, std::span<char> target) noexcept
        : stream_(stream), target_(target) {}
    DirectFillAwaiter operator co_await() const noexcept { return {stream_, target_}; }

private:
    StreamState& stream_;
    std::span<char> target_;
};

/// The state of one connection. Counted; the requests in flight hold it too.
///
/// Legend of the end: open -> closing (close(): what is buffered still goes out) -> closed (the
/// descriptor is given back, which waits for every request that names it). failure() says why, if
/// it was not asked for.
class StreamState final : public IntrusiveListHook, public Pooled {
public:
    StreamState(EventLoop& loop, Socket socket, std::string peer, std::size_t limit);
    ~StreamState();

    // Receiving.

    /// Waits until more came in or the stream ended. What came is the intake's even if the task is
    /// cancelled then. `reader` names the method for the texts of errors.
    Fill fill(const char* reader) {
        require_readable(reader);
        return Fill(*this);
    }
    /// Receives once into `target`; only when the intake says that it is bulk.
    DirectFill fill(const char* reader, std::span<char> target) {
        require_readable(reader);
        return DirectFill(*this, target);
    }

    /// *Errors*: std::runtime_error when another coroutine waits, or after close(); the failure.
    void require_readable(const char* reader) const {
        if (receiving_directly_ || intake_.has_reader() || failure_ || closing_) [[unlikely]] {
            refuse_to_read(reader);
        }
    }

    Intake& input() noexcept { return intake_; }
    const Intake& input() const noexcept { return intake_; }
    bool at_end() const noexcept { return intake_.at_end(); }
    std::size_t limit() const noexcept { return limit_; }

    // Sending.

    /// Buffers bytes, to be sent in this turn's drain() or by the next turn.
    void write(std::string_view data);
    /// Sends what it can at once; the rest is left to a request.
    void flush() noexcept;
    /// Sends what it can; false when there is more to drain() than that.
    bool drain_at_once() noexcept {
        if (failure_ || closing_) [[unlikely]] {
            return false;
        }
        flush();
        return !failure_ && !closed_ && !paused_;
    }
    void write_end();
    void set_water_marks(std::size_t high, std::size_t low);
    std::size_t pending_bytes() const noexcept {
        return outgoing_.size() + sending_.size() - sent_;
    }
    bool write_paused() const noexcept { return paused_; }
    /// A future that is done when writing may go on, or the connection is lost.
    Future<> resumed();

    // The end.

    void close() noexcept;
    /// The same, by another than the one who reads: for him it is the end of the stream.
    void close_from_outside() noexcept {
        intake_.set_at_end();
        close();
    }
    void abort() noexcept;
    bool closing() const noexcept { return closing_; }
    bool closed() const noexcept { return closed_; }
    const std::exception_ptr& failure() const noexcept { return failure_; }
    /// Throws what ended the connection, if it was not asked for.
    void throw_failure() const {
        if (failure_) [[unlikely]] {
            std::rethrow_exception(failure_);
        }
    }
    /// The same for a reader that waited: what it does not take holds no buffer of the ring.
    void throw_failure_to_reader() {
        if (failure_) [[unlikely]] {
            intake_.settle();
            throw_failure();
        }
    }
    /// Throws that the connection is lost, as drain() does.
    [[noreturn]] void throw_lost() const;
    Future<> when_closed();

    /// Handles of a writer: when the last one goes, the connection is closed.
    void add_handle() noexcept { ++handles_; }
    void release_handle() noexcept;

    const Socket& socket() const noexcept { return socket_; }
    const std::string& peer() const noexcept { return peer_; }
    EventLoop* loop_or_null() const noexcept { return anchor_->loop; }
    void set_owner(StreamOwner* owner) noexcept { owner_ = owner; }

    friend void intrusive_add_ref(StreamState* state) noexcept { ++state->references_; }
    friend void intrusive_release(StreamState* state) noexcept {
        if (--state->references_ == 0) {
            state->retire();
        }
    }

private:
    friend class SendOperation;
    friend class StreamIntake;
    friend class DirectFillAwaiter;

    void retire() noexcept;
    [[noreturn]] void refuse_to_read(const char* reader) const;
    std::size_t received_directly(int result, std::size_t space);

    void schedule_flush() noexcept;
    std::size_t send_at_once(std::string_view data) noexcept;
    void submit_rest() noexcept;
    void on_sent(int result) noexcept;
    void after_send() noexcept;
    void resume_writers() noexcept;
    void fail(int error, const char* what) noexcept;
    void drop_output() noexcept;
    void finish_close() noexcept;
    void wake(std::vector<Promise<>>& waiters) noexcept;

    IntrusivePtr<LoopAnchor> anchor_;
    Socket socket_;
    std::string peer_;  // "127.0.0.1:80", for texts of errors
    StreamIntake intake_;
    FlushAtTurnEnd flush_at_turn_end_;
    std::string outgoing_;  // written, and not given to the kernel yet
    std::string sending_;   // what a send is about; its memory stays until the send is over
    std::size_t sent_ = 0;  // of sending_
    SendOperation send_;
    std::vector<Promise<>> drains_;
    std::vector<Promise<>> close_waiters_;
    std::exception_ptr failure_;
    StreamOwner* owner_ = nullptr;
    std::size_t limit_;
    std::size_t high_water_ = default_stream_limit;
    std::size_t low_water_ = default_stream_limit / 4;
    std::uint32_t references_ = 0;
    std::uint32_t handles_ = 0;
    bool receiving_directly_ = false;
    bool paused_ = false;
    bool write_end_wanted_ = false;
    bool closing_ = false;
    bool aborted_ = false;  // what is buffered is not to be sent any more
    bool closed_ = false;
};

inline FillAwaiter::FillAwaiter(StreamState& stream) noexcept
    : IntakeWait(stream.input()), stream_(stream) {}

}  // namespace detail
}  // namespace ringio
