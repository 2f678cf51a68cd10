// StreamOutbound: the half of a stream that goes out. Bytes that were written and are not sent yet,
// the marks between which writers wait, and the end of the direction; what a StreamWriter stands
// on.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/promise.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/ring/completion.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringio {

/// The default high-water mark of a writer, in bytes.
inline constexpr std::size_t default_high_water = 64 * 1024;

namespace detail {

class StreamState;

/// Wakes everybody who waits for one of these.
void wake_all(std::vector<Promise<>>& waiters) noexcept;

/// What goes out over a stream; a part of its StreamState, which it tells of a failure and when all
/// is sent. As a Completion it is the request that sends what the kernel had no room for at once;
/// as a TurnEnd it sends what nobody waited for with drain().
///
/// Legend of the bytes: idle -> (write) buffered -> (flush) sent, and idle again; or, when there is
/// no room, sending (a request is in flight, and what is written meanwhile is buffered). Of the
/// direction: open -> (end) ending -> ended, when all is sent; or aborted (what is buffered is
/// dropped).
class StreamOutbound final : public Completion, public TurnEnd {
public:
    StreamOutbound(StreamState& stream, EventLoop& loop, const Socket& socket) noexcept
        : stream_(stream), anchor_(loop.anchor()), socket_(socket) {}

    /// Buffers bytes, to be sent in this turn's drain() or by the next turn.
    void write(std::string_view data);
    /// Ends the direction once everything is sent.
    void end() noexcept;
    /// Sends what it can at once; the rest is left to a request.
    void flush() noexcept;

    std::size_t pending_bytes() const noexcept {
        return outgoing_.size() + sending_.size() - sent_;
    }

    /// Says whether more than the high-water mark was buffered, and still is than the low one.
    bool is_paused() const noexcept { return paused_; }
    void set_water_marks(std::size_t high, std::size_t low);
    /// A future that is done when writing may go on, or the connection is lost.
    Future<> resumed();

    /// Drops what is buffered, and makes the request end; true when there is none. Else
    /// output_ended() of the stream follows.
    bool abort() noexcept;
    /// Lets every writer go on, for good: the stream is closed.
    void close() noexcept;

    void prepare(io_uring_sqe& sqe) noexcept override;
    void complete(int result, std::uint32_t flags) noexcept override;
    void end_turn() noexcept override { flush(); }

private:
    void schedule_flush() noexcept;
    std::size_t send_at_once(std::string_view data) noexcept;
    void submit_rest() noexcept;
    void on_sent(int result) noexcept;
    void after_send() noexcept;
    void resume_writers() noexcept;
    void drop() noexcept;

    StreamState& stream_;
    IntrusivePtr<LoopAnchor> anchor_;
    const Socket& socket_;
    std::string outgoing_;  // written, and not given to the kernel yet
    std::string sending_;   // what a send is about; its memory stays until the send is over
    std::size_t sent_ = 0;  // of sending_
    std::vector<Promise<>> drains_;
    std::size_t high_water_ = default_high_water;
    std::size_t low_water_ = default_high_water / 4;
    bool paused_ = false;
    bool end_wanted_ = false;
    bool aborted_ = false;
};

}  // namespace detail
}  // namespace ringio
