// StreamWriter: the bytes that go over a connection, buffered, and its end.
#pragma once

#include <ringio/base/byte_range.hpp>
#include <ringio/core/task.hpp>
#include <ringio/io/address.hpp>
#include <ringio/io/socket_fds.hpp>
#include <ringio/streams/stream_state.hpp>
#include <ringio/streams/tls_info.hpp>
#include <ringio/streams/tls_option.hpp>

#include <coroutine>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <string_view>
#include <utility>

namespace ringio {

namespace detail {

class FileSending;

Task<> drain_with_patience(IntrusivePtr<StreamState> stream);

/// Mostly there is nothing to wait for, and then it takes no coroutine.
class DrainAwaiter final : public NativeAwaiter {
public:
    explicit DrainAwaiter(IntrusivePtr<StreamState> stream) noexcept : stream_(std::move(stream)) {}

    bool await_ready() noexcept { return stream_->drain_at_once(); }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> coroutine) {
        return patience_.emplace(std::move(stream_)).waiting.await_suspend(coroutine);
    }
    void await_resume() const {
        if (patience_) [[unlikely]] {
            patience_->waiting.await_resume();
        }
    }

private:
    struct Patience {
        explicit Patience(IntrusivePtr<StreamState> stream)
            : draining(drain_with_patience(std::move(stream))),
              waiting(draining.operator co_await()) {}

        Task<> draining;
        TaskAwaiter<void> waiting;
    };

    IntrusivePtr<StreamState> stream_;
    std::optional<Patience> patience_;
};

/// What drain() returns.
class [[nodiscard]] Drain {
public:
    explicit Drain(IntrusivePtr<StreamState> stream) noexcept : stream_(std::move(stream)) {}
    DrainAwaiter operator co_await() const& noexcept { return DrainAwaiter(stream_); }
    DrainAwaiter operator co_await() && noexcept { return DrainAwaiter(std::move(stream_)); }
    operator Task<>() const { return drain_with_patience(stream_); }

private:
    IntrusivePtr<StreamState> stream_;
};

}  // namespace detail

/// Writes to a connection; asyncio.StreamWriter. A handle: copies write to the same connection.
///
/// *Lifetime*: when the last handle goes without close(), the connection is closed as by close().
class StreamWriter {
public:
    explicit StreamWriter(IntrusivePtr<detail::StreamState> state) noexcept
        : state_(std::move(state)) {
        state_->add_handle();
    }
    StreamWriter(const StreamWriter& other) noexcept : StreamWriter(other.state_) {}
    StreamWriter(StreamWriter&& other) noexcept = default;
    StreamWriter& operator=(StreamWriter other) noexcept {
        state_.swap(other.state_);
        return *this;
    }
    ~StreamWriter() {
        if (state_) {
            state_->release_handle();
        }
    }

    /// Buffers `data`; it is sent at drain(), or at the end of this turn of the loop. (2 KiB and
    /// more may go out at once, without a copy.) Follow it by `co_await writer.drain()`, lest the
    /// buffer grow without bound. What is written to a closed or lost connection is dropped;
    /// drain() tells. *Errors*: std::runtime_error after write_eof().
    void write(std::string_view data) { state_->output().write(data); }
    /// The same for any contiguous range of bytes: std::span<const std::byte>, a vector of unsigned
    /// char.
    template <ByteRange Range>
    void write(const Range& bytes) {
        write(detail::as_text(bytes));
    }

    /// Buffers every text, or range of bytes, of a range: `writelines(lines)`,
    /// `writelines({"a\r\n", "b\r\n"})`.
    template <std::ranges::input_range Range>
    void writelines(Range&& texts) {
        for (auto&& text : texts) {
            write(text);
        }
    }
    void writelines(std::initializer_list<std::string_view> texts) {
        for (const std::string_view text : texts) {
            write(text);
        }
    }

    /// Waits while more than the high-water mark is buffered, until it is below the low one.
    ///
    /// When bytes leave: the first drain() of a turn of the loop sends at once. Further ones in the
    /// same turn leave theirs to its end, and after a turn with several the first one does, too:
    /// tasks that share a connection send together, once a turn. So do several connections where a
    /// system call is dear (LoopOptions::send_together). Above the high-water mark all is sent at
    /// once.
    /// *Errors*: std::system_error that names the peer, when the connection failed or is lost.
    /// *Cancellation*: at once; what is buffered is sent all the same.
    detail::Drain drain() const noexcept { return detail::Drain(state_); }

    /// Ends the stream for the peer once everything is sent; reading may go on. *Errors*:
    /// std::runtime_error under TLS, which cannot.
    void write_eof() {
        state_->output().require_shared();
        state_->output().end();
    }
    bool can_write_eof() const noexcept { return state_->output().can_end(); }

    /// Sends what was written, and goes on under TLS: `co_await writer.start_tls(context,
    /// {.server_hostname = "a.org"})`. Which side it is, the context says. What came and was not
    /// read counts as TLS. The reader stays the same, and nobody may read meanwhile.
    /// *Errors*: TlsError, or what made the connection fail; it is closed then.
    /// std::invalid_argument as open_connection(); std::runtime_error while a task reads, or when
    /// the stream is closed. *Cancellation*: before the handshake began the stream goes on as it
    /// was; then it is closed.
    Task<> start_tls(TlsOption tls, const StartTlsOptions& options = {});
    /// How the connection is secured; none when it is not. get_extra_info("ssl_object") in Python.
    std::optional<TlsInfo> tls_info() const;

    /// Closes the connection once everything is sent. Returns at once. Idempotent.
    void close() noexcept { state_->close(); }
    bool is_closing() const noexcept { return state_->closing(); }

    /// Waits until the connection is closed, by its own side, or because it failed; that is noticed
    /// whether anybody reads and writes or not. *Errors*: what made it fail. *Cancellation*: at
    /// once; the connection is not touched.
    Task<> wait_closed();

    /// Closes at once; what is buffered is lost. *Python*: writer.transport.abort().
    void abort() noexcept { state_->abort(); }

    /// Sets the marks, in bytes: drain() waits above `high` (default 64 KiB) until at most `low`
    /// (default: a quarter of `high`). With only `low` given, high is 4 times that. 0 waits for
    /// all. *Errors*: std::invalid_argument when low is above high.
    void set_write_buffer_limits(std::optional<std::size_t> high = {},
                                 std::optional<std::size_t> low = {});
    std::size_t get_write_buffer_size() const noexcept { return state_->output().pending_bytes(); }

    /// The addresses of the connection as they were when it was made, also once it is closed;
    /// get_extra_info("peername") and ("sockname") in Python. *Errors*: std::system_error when the
    /// peer was gone before they were asked for.
    SocketAddress getpeername() const { return state_->peer_address(); }
    SocketAddress getsockname() const { return state_->own_address(); }

    /// The descriptor, for ioctl(2), getsockopt(2) and their like; -1 once it is closed. Not to be
    /// closed, read or written. get_extra_info("socket").fileno() in Python.
    int fileno() const noexcept { return state_->socket().fd(); }
    /// Sets an option of the socket, such as SOL_SOCKET, SO_KEEPALIVE.
    /// get_extra_info("socket").setsockopt() in Python. *Errors*: std::system_error.
    void setsockopt(int level, int option, int value) const {
        state_->socket().setsockopt(level, option, value);
    }

    /// The process at the other side of a Unix connection: `pid uid gid`. *Errors*:
    /// std::system_error when it is no such connection, or closed.
    PeerCredentials peer_credentials() const { return ringio::peer_credentials(state_->socket()); }

protected:
    friend class detail::FileSending;
    const IntrusivePtr<detail::StreamState>& state() const noexcept { return state_; }

private:
    IntrusivePtr<detail::StreamState> state_;
};

}  // namespace ringio
