// StreamReader: the bytes that come over a connection, read in the shapes that programs want.
#pragma once

#include <ringio/base/byte_range.hpp>
#include <ringio/core/task.hpp>
#include <ringio/streams/separators.hpp>
#include <ringio/streams/stream_state.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringio {

namespace detail {

/// Reads to the end.
Task<std::string> read_all(IntrusivePtr<StreamState> stream);

/// Reads what is there, or what comes first; it takes no coroutine. Without a bound it does.
class ReadAwaiter final : public IntakeWait {
public:
    ReadAwaiter(IntrusivePtr<StreamState> stream, std::ptrdiff_t most) noexcept
        : IntakeWait(stream->input()), stream_(std::move(stream)), most_(most) {}
    ~ReadAwaiter() { leave(); }  // before the stream goes

    bool await_ready() const {
        if (most_ <= 0) [[unlikely]] {
            return most_ == 0;
        }
        stream_->input().require_open("read");
        return !stream_->input().empty() || stream_->input().at_end();
    }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> coroutine) {
        if (most_ < 0) [[unlikely]] {
            return all_.emplace(stream_).waiting.await_suspend(coroutine);
        }
        stream_->input().require_readable("read");
        IntakeWait::await_suspend(coroutine);
        return std::noop_coroutine();
    }
    std::string await_resume();

private:
    struct All {
        explicit All(const IntrusivePtr<StreamState>& stream)
            : reading(read_all(stream)), waiting(reading.operator co_await()) {}

        Task<std::string> reading;
        TaskAwaiter<std::string> waiting;
    };

    IntrusivePtr<StreamState> stream_;
    std::ptrdiff_t most_;
    std::optional<All> all_;
};

/// What read() returns.
class [[nodiscard]] Read {
public:
    Read(IntrusivePtr<StreamState> stream, std::ptrdiff_t most) noexcept
        : stream_(std::move(stream)), most_(most) {}
    ReadAwaiter operator co_await() const& noexcept { return ReadAwaiter(stream_, most_); }
    ReadAwaiter operator co_await() && noexcept { return ReadAwaiter(std::move(stream_), most_); }
    operator Task<std::string>() const;

private:
    IntrusivePtr<StreamState> stream_;
    std::ptrdiff_t most_;
};

}  // namespace detail

/// Reads from a connection; asyncio.StreamReader. A handle: copies read from the same connection.
///
/// One coroutine may read at a time; a second one is a std::runtime_error.
/// *Errors*: std::system_error that names the peer when the connection fails, also for data that
/// came before; std::runtime_error for a read that begins after StreamWriter::close().
/// *Cancellation*: loses no byte: what was received is there for the next read.
/// *Lifetime*: the connection is closed when its last StreamWriter goes; a read then gets the end.
/// A pipe is closed when its last StreamReader goes.
class StreamReader {
public:
    explicit StreamReader(IntrusivePtr<detail::StreamState> state) noexcept
        : state_(std::move(state)) {
        state_->add_reader();
    }
    StreamReader(const StreamReader& other) noexcept : StreamReader(other.state_) {}
    StreamReader(StreamReader&& other) noexcept = default;
    StreamReader& operator=(StreamReader other) noexcept {
        state_.swap(other.state_);
        return *this;
    }
    ~StreamReader() {
        if (state_) {
            state_->release_reader();
        }
    }

    /// Makes a reader without a connection, to be fed by hand: for tests of protocols, or bytes
    /// that come another way. *Errors*: std::runtime_error when no loop runs; std::invalid_argument
    /// for a limit of 0.
    explicit StreamReader(std::size_t limit = default_stream_limit);

    /// Reads up to `n` bytes, at least one; an empty text is the end. `n` < 0 (the default) reads
    /// to the end, without a limit.
    detail::Read read(std::ptrdiff_t n = -1) const noexcept { return detail::Read(state_, n); }

    /// The same into `target`; gives the number of bytes. *Lifetime*: `target` must live until
    /// then.
    Task<std::size_t> read(std::span<char> target);

    /// Reads exactly `n` bytes. *Errors*: IncompleteReadError with what came before the end;
    /// std::invalid_argument when `n` is negative.
    Task<std::string> readexactly(std::ptrdiff_t n);

    /// Fills `target`. *Errors*: IncompleteReadError. *Cancellation*: nothing is taken until all of
    /// it is there.
    Task<> readexactly(std::span<char> target);

    /// Reads up to and with `separator`, or the earliest of several.
    /// *Errors*: IncompleteReadError at the end; LimitOverrunError when it is not within the limit,
    /// and the data stays; std::invalid_argument when it is empty.
    Task<std::string> readuntil(Separators separators = "\n");

    /// Reads a line with its '\n'; the last one may lack it; an empty text is the end.
    /// *Errors*: std::invalid_argument (ValueError) for a line beyond the limit, which is dropped.
    Task<std::string> readline();

    /// Says whether there is nothing more to read: everything was read and the peer has ended, or
    /// the connection was closed by its own side. One that failed is not at its end.
    bool at_eof() const noexcept { return state_->at_eof(); }

    /// Returns what made the connection fail, or null.
    std::exception_ptr exception() const noexcept { return state_->failure(); }

    /// Gives bytes to a reader that was made by hand, any number of them. *Errors*:
    /// std::runtime_error for a reader that has a connection, and after feed_eof().
    void feed_data(std::string_view bytes);
    template <ByteRange Range>
    void feed_data(const Range& bytes) {
        feed_data(detail::as_text(bytes));
    }
    /// Ends what is fed.
    void feed_eof();
    /// Makes every read throw this, also one that waits. *Errors*: std::invalid_argument for null.
    void set_exception(std::exception_ptr exception);

protected:
    const IntrusivePtr<detail::StreamState>& state() const noexcept { return state_; }

private:
    detail::StreamInbound& fed_input(const char* call) const;

    IntrusivePtr<detail::StreamState> state_;
};

}  // namespace ringio
