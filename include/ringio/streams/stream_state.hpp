// What a StreamReader and a StreamWriter of one connection share: the socket, its two halves, and
// the order in which it all ends.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/promise.hpp>
#include <ringio/core/task.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/streams/stream_inbound.hpp>
#include <ringio/streams/stream_outbound.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

namespace ringio::detail {

/// Whoever keeps the books of open connections: a Server.
class StreamOwner {
public:
    virtual void connection_closed(StreamState& stream) noexcept = 0;

protected:
    ~StreamOwner() = default;
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

    StreamInbound& input() noexcept { return inbound_; }
    const StreamInbound& input() const noexcept { return inbound_; }
    StreamOutbound& output() noexcept { return outbound_; }
    const StreamOutbound& output() const noexcept { return outbound_; }

    /// Sends what it can; false when there is more to drain() than that.
    bool drain_at_once() noexcept {
        if (failure_ || closing_) [[unlikely]] {
            return false;
        }
        outbound_.flush();
        return !failure_ && !closed_ && !outbound_.is_paused();
    }

    // The end.

    void close() noexcept;
    /// The same, by another than the one who reads: for him it is the end of the stream.
    void close_from_outside() noexcept {
        inbound_.set_at_end();
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
            inbound_.settle();
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
    void set_owner(StreamOwner* owner) noexcept { owner_ = owner; }

    // What the halves tell.

    /// The connection failed: `what` names the call.
    void fail(int error, const char* what) noexcept;
    /// A receive is over that may have kept the descriptor.
    void input_ended() noexcept {
        if (closing_) {
            finish_close();
        }
    }
    /// Everything is sent, or dropped.
    void output_ended() noexcept { input_ended(); }
    /// The loop closes under a request that sends.
    void loop_closes() noexcept {
        begin_close();
        finish_close();
    }

    friend void intrusive_add_ref(StreamState* state) noexcept { ++state->references_; }
    friend void intrusive_release(StreamState* state) noexcept {
        if (--state->references_ == 0) {
            state->retire();
        }
    }

private:
    void retire() noexcept;
    void begin_close() noexcept;
    void finish_close() noexcept;

    Socket socket_;
    std::string peer_;  // "127.0.0.1:80", for texts of errors
    StreamInbound inbound_;
    StreamOutbound outbound_;
    std::vector<Promise<>> close_waiters_;
    std::exception_ptr failure_;
    StreamOwner* owner_ = nullptr;
    std::uint32_t references_ = 0;
    std::uint32_t handles_ = 0;
    bool closing_ = false;
    bool closed_ = false;
};

}  // namespace ringio::detail
