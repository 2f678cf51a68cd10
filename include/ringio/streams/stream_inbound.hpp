// StreamInbound: the half of a stream that comes in. Bytes, an end, and the one who waits for them;
// what a StreamReader stands on.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/op.hpp>
#include <ringio/io/intake.hpp>
#include <ringio/ring/socket_requests.hpp>

#include <cstddef>
#include <span>

namespace ringio {

/// The default limit of a reader's buffer, and the default high-water mark of a writer, in bytes.
inline constexpr std::size_t default_stream_limit = 64 * 1024;

namespace detail {

class StreamInbound;
class StreamState;
void intrusive_add_ref(StreamState* state) noexcept;
void intrusive_release(StreamState* state) noexcept;

/// Waits for more, or for the end of the stream. The reader's frame holds the stream.
class FillAwaiter final : public IntakeWait {
public:
    explicit FillAwaiter(StreamInbound& inbound) noexcept;
    /// What came is looked at in the same step.
    void await_resume();

private:
    StreamInbound& inbound_;
};

class [[nodiscard]] Fill {
public:
    explicit Fill(StreamInbound& inbound) noexcept : inbound_(inbound) {}
    FillAwaiter operator co_await() const noexcept { return FillAwaiter(inbound_); }

private:
    StreamInbound& inbound_;
};

/// The same with memory of the caller for what is fed meanwhile.
class FillMemoryAwaiter final : public IntakeWait {
public:
    FillMemoryAwaiter(StreamInbound& inbound, std::span<char> target) noexcept;
    void await_suspend(std::coroutine_handle<> coroutine);
    /// Returns how many bytes are in the target; what came into the buffer is not among them.
    std::size_t await_resume();

private:
    StreamInbound& inbound_;
    ReaderMemory memory_;
};

class [[nodiscard]] FillMemory {
public:
    FillMemory(StreamInbound& inbound, std::span<char> target) noexcept
        : inbound_(inbound), target_(target) {}
    FillMemoryAwaiter operator co_await() const noexcept { return {inbound_, target_}; }

private:
    StreamInbound& inbound_;
    std::span<char> target_;
};

/// Receives once into memory of the caller, for a large transfer.
class DirectFillAwaiter final : public RequestWait<RecvRequest> {
public:
    DirectFillAwaiter(StreamInbound& inbound, std::span<char> target) noexcept;
    ~DirectFillAwaiter();

    /// Returns the number of bytes; 0 is the end of the stream.
    std::size_t await_resume();

private:
    StreamInbound& inbound_;
    IntrusivePtr<StreamState> keep_;
    std::size_t space_;
};

class [[nodiscard]] DirectFill {
public:
    DirectFill(StreamInbound& inbound, std::span<char> target) noexcept
        : inbound_(inbound), target_(target) {}
    DirectFillAwaiter operator co_await() const noexcept { return {inbound_, target_}; }

private:
    StreamInbound& inbound_;
    std::span<char> target_;
};

/// What comes in over a stream; a part of its StreamState, which it tells of a failure.
///
/// Legend: open -> ended (at_end(): by the peer, or by a close() under the one who reads); or open
/// -> refusing (the stream is closing, and no read waits any more) or forbidden (it was closed by
/// its own side or failed, and no read begins). In each of them the intake may have a request in
/// flight, and stop() makes it end. It receives from the start, so that an end or a failure is
/// noticed whether anybody reads or not.
class StreamInbound final : public Intake {
public:
    StreamInbound(StreamState& stream, EventLoop& loop, int fd, std::size_t limit,
                  Medium medium = Medium::socket) noexcept
        : Intake(loop, fd, limit, medium), stream_(stream) {}

    /// Waits until more came in or the stream ended. What came is the intake's even if the task is
    /// cancelled then. `reader` names the method for the texts of errors.
    Fill fill(const char* reader) {
        require_readable(reader);
        return Fill(*this);
    }
    /// As fill(), and what is fed goes into `target` first.
    FillMemory fill_memory(const char* reader, std::span<char> target) {
        require_readable(reader);
        return FillMemory(*this, target);
    }
    /// Receives once into `target`; only when the intake says that it is bulk.
    DirectFill fill(const char* reader, std::span<char> target) {
        require_readable(reader);
        return DirectFill(*this, target);
    }

    /// *Errors*: std::runtime_error when another coroutine waits, or after close(); the failure.
    void require_readable(const char* reader) const {
        if (is_bypassed() || has_reader() || refusing_) [[unlikely]] {
            refuse_to_read(reader);
        }
    }

    /// From now on no read waits.
    void refuse() noexcept { refusing_ = true; }
    /// From now on no read begins, not even for what came already.
    void forbid() noexcept { forbidden_ = true; }
    bool is_forbidden() const noexcept { return forbidden_; }
    /// *Errors*: the failure, or std::runtime_error after close().
    void require_open(const char* reader) const {
        if (forbidden_) [[unlikely]] {
            refuse_to_read(reader);
        }
    }

private:
    friend class FillAwaiter;
    friend class FillMemoryAwaiter;
    friend class DirectFillAwaiter;

    void retain() noexcept override;
    void release() noexcept override;
    void failed(int error) noexcept override;
    void request_ended() noexcept override;
    void fed_out() noexcept override;
    void news() noexcept override;

    [[noreturn]] void refuse_to_read(const char* reader) const;
    std::size_t received_directly(int result, std::size_t space);

    StreamState& stream_;
    bool refusing_ = false;
    bool forbidden_ = false;
};

inline FillAwaiter::FillAwaiter(StreamInbound& inbound) noexcept
    : IntakeWait(inbound), inbound_(inbound) {}

}  // namespace detail
}  // namespace ringio
