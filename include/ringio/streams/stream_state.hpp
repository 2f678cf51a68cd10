// What a StreamReader and a StreamWriter of one connection share: the socket, the bytes that came,
// the bytes that are to go, and the order in which it all ends.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/op.hpp>
#include <ringio/core/promise.hpp>
#include <ringio/core/task.hpp>
#include <ringio/io/buffer.hpp>
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

/// Receives once, awaited. It marks the stream as being read for as long as it takes.
class FillAwaiter final : public RequestWait<RecvRequest> {
public:
    FillAwaiter(StreamState& stream, std::span<char> space, bool into_buffer) noexcept;
    ~FillAwaiter();

    /// Returns the number of bytes; 0 is the end of the stream.
    std::size_t await_resume();

private:
    IntrusivePtr<StreamState> stream_;
    std::size_t space_;
    bool into_buffer_;
};

class [[nodiscard]] Fill {
public:
    Fill(StreamState& stream, std::span<char> space, bool into_buffer) noexcept
        : stream_(&stream), space_(space), into_buffer_(into_buffer) {}
    FillAwaiter operator co_await() const noexcept { return {*stream_, space_, into_buffer_}; }

private:
    StreamState* stream_;
    std::span<char> space_;
    bool into_buffer_;
};

/// The state of one connection. Counted; the requests in flight hold it too.
///
/// Legend of the end: open -> closing (close(): what is buffered still goes out) -> closed (the
/// descriptor is given back, which waits for every request that names it). failure() says why, if
/// it was not asked for.
class StreamState final : public IntrusiveListHook, public Runnable, public Pooled {
public:
    StreamState(EventLoop& loop, Socket socket, std::string peer, std::size_t limit);
    ~StreamState();

    // Receiving.

    /// Receives once into the buffer, which has the bytes even if the task is cancelled then.
    /// Gives false when the stream has ended. `reader` names the method for the texts of errors.
    Fill fill(const char* reader);
    /// Receives once into `target`; the buffer must be empty. Gives the number of bytes.
    Fill fill(const char* reader, std::span<char> target);

    ReadBuffer& buffer() noexcept { return buffer_; }
    bool at_end() const noexcept { return end_of_file_; }
    std::size_t limit() const noexcept { return limit_; }

    // Sending.

    /// Buffers bytes, to be sent in this turn's drain() or by the next turn.
    void write(std::string_view data);
    /// Sends what it can at once; the rest is left to a request.
    void flush() noexcept;
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
        end_of_file_ = true;
        close();
    }
    void abort() noexcept;
    bool closing() const noexcept { return closing_; }
    bool closed() const noexcept { return closed_; }
    const std::exception_ptr& failure() const noexcept { return failure_; }
    /// Throws what ended the connection, if it was not asked for.
    void throw_failure() const;
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

    // A scheduled flush.
    void run() override;
    void discard() noexcept override;

    friend void intrusive_add_ref(StreamState* state) noexcept { ++state->references_; }
    friend void intrusive_release(StreamState* state) noexcept {
        if (--state->references_ == 0) {
            state->retire();
        }
    }

private:
    friend class SendOperation;
    friend class FillAwaiter;

    void retire() noexcept;
    void require_readable(const char* reader) const;
    std::size_t received(int result, std::size_t space, bool into_buffer);

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
    ReadBuffer buffer_;
    std::string outgoing_;  // written, and not given to the kernel yet
    std::string sending_;   // what a send is about; its memory stays until the send is over
    std::size_t sent_ = 0;  // of sending_
    SendOperation send_;
    std::vector<Promise<>> drains_;
    std::vector<Promise<>> close_waiters_;
    std::exception_ptr failure_;
    StreamOwner* owner_ = nullptr;
    std::size_t limit_;
    std::size_t receive_size_;  // grows with what comes
    std::size_t high_water_ = default_stream_limit;
    std::size_t low_water_ = default_stream_limit / 4;
    std::uint32_t references_ = 0;
    std::uint32_t handles_ = 0;
    bool receiving_ = false;
    bool end_of_file_ = false;
    bool paused_ = false;
    bool flush_scheduled_ = false;
    bool write_end_wanted_ = false;
    bool closing_ = false;
    bool aborted_ = false;  // what is buffered is not to be sent any more
    bool closed_ = false;
};

}  // namespace detail
}  // namespace ringio
