// StreamOutbound: the half of a stream that goes out. Bytes that were written and are not sent yet,
// the marks between which writers wait, and the end of the direction; what a StreamWriter stands
// on.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/io/intake.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/ring/completion.hpp>
#include <ringio/streams/stream_layer.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace ringio {

/// The default high-water mark of a writer, in bytes.
inline constexpr std::size_t default_high_water = 64 * 1024;

namespace detail {

/// Waits in one of a stream's queues. The frame of who waits holds the stream.
class StreamWait final : public QueuedWait {
public:
    explicit StreamWait(WaitQueue& queue) noexcept : QueuedWait(queue) {}
    bool await_ready() const noexcept { return false; }
    void await_resume() {
        if (leave() != WaitEnd::woken) {
            throw_ended();
        }
    }
};
using StreamWaitOn = WaitOn<StreamWait, WaitQueue>;

/// Those who wait for a stream. Made when the first one does: most connections are idle.
struct StreamWaits {
    explicit StreamWaits(EventLoop& loop) { binding.bind(loop); }

    LoopBinding binding{"StreamWriter"};
    WaitQueue drains{binding, "drain"};
    WaitQueue closes{binding, "wait_closed"};
};

/// What goes out over a stream; a part of its StreamState, which it tells of a failure and when all
/// is sent. As a Completion it is the request that sends what the kernel had no room for at once;
/// as a TurnEnd it sends what is to leave together.
///
/// Legend of the bytes: idle -> (write) buffered -> (flush) sent, and idle again; or, when there is
/// no room, sending (a request is in flight, or the far side is to say when, and what is written
/// meanwhile is buffered). Of the direction: open -> (end) ending -> ended, when all is sent; or
/// aborted (what is buffered is dropped).
///
/// When bytes leave: the first drain() of a turn sends at once, so that a reply does not wait for
/// other tasks. Further ones leave theirs to the end of the turn, and so does the first one when
/// there were several in the last turn that had any: tasks that share a connection send together.
/// Connections do so, too, where that is cheaper (SendRule): by requests at the end of the turn.
/// Above the high-water mark everything is sent at once.
class StreamOutbound final : public Completion, public TurnEnd {
public:
    StreamOutbound(StreamState& stream, EventLoop& loop, const Socket& socket,
                   Medium medium) noexcept
        : stream_(stream),
          anchor_(loop.machine().anchor()),
          socket_(socket),
          way_(medium == Medium::socket ? Way::socket : Way::pipe) {}
    StreamOutbound(StreamState& stream, EventLoop& loop, const Socket& socket,
                   FarSide* far) noexcept
        : stream_(stream),
          anchor_(loop.machine().anchor()),
          socket_(socket),
          far_(far),
          way_(Way::far_side) {}

    /// Buffers bytes, to be sent by drain() or at the end of the turn. *Errors*: std::runtime_error
    /// after end(), and while there is an Exclusive.
    void write(std::string_view data);
    /// *Errors*: std::runtime_error while there is an Exclusive.
    void require_shared() const {
        if (writes_ == Writes::only_by_sendfile) {
            refuse_to_write();
        }
    }
    /// While it lives nobody else writes.
    class Exclusive {
    public:
        /// *Errors*: as write().
        explicit Exclusive(StreamOutbound& output);
        Exclusive(const Exclusive&) = delete;
        Exclusive& operator=(const Exclusive&) = delete;
        ~Exclusive() { output_.writes_ = Writes::open; }
        void write(std::string_view data) const;

    private:
        StreamOutbound& output_;
    };
    /// Sends what was written, or leaves it to the end of the turn.
    void drain() noexcept {
        if (outgoing_.empty() && (writes_ != Writes::ended || ended_)) {
            return;
        }
        if (may_send_at_once() || paused_) {
            flush();
        }
    }
    /// Ends the direction once everything is sent. A pipe has no other: it is closed. *Errors*:
    /// std::runtime_error for a stream that cannot.
    void end();
    bool can_end() const noexcept { return far_ == nullptr || far_->can_end(); }
    /// Sends what it can at once; the rest is left to a request.
    void flush() noexcept;

    std::size_t pending_bytes() const noexcept {
        return outgoing_.size() + sending_.size() - sent_;
    }

    /// Says whether more than the high-water mark was buffered, and still is than the low one.
    bool is_paused() const noexcept { return paused_; }
    std::size_t high_water() const noexcept { return high_water_; }
    std::size_t low_water() const noexcept { return low_water_; }
    void set_water_marks(std::size_t high, std::size_t low);
    /// Waits until writing may go on, or the stream is closed. *Errors*: as waits().
    StreamWaitOn resumed() { return StreamWaitOn(waits().drains); }
    /// *Errors*: std::bad_alloc; std::runtime_error once the loop is closed.
    StreamWaits& waits();

    /// What is left when the loop closes is written then, which may take its time: as with stdio,
    /// no output of the program is lost.
    void finish_with_loop() noexcept { finishes_with_loop_ = true; }

    /// Drops what is buffered, and makes the request end; true when there is none. Else
    /// output_ended() of the stream follows.
    bool abort() noexcept;
    bool is_aborted() const noexcept { return aborted_; }
    /// Lets all who wait go on, for good: the stream is closed.
    void close() noexcept;

    /// Gives what is to be sent to another far side, or a first one. With nothing being sent.
    void set_far_side(FarSide& far) noexcept {
        far_ = &far;
        way_ = Way::far_side;
    }

    /// Says that something is being sent.
    bool is_sending() const noexcept { return in_flight() || waits_for_room_ || taking_; }
    /// Hears from the far side that it takes bytes again, or will take none any more.
    void has_room() noexcept;

    void prepare(io_uring_sqe& sqe) noexcept override;
    void complete(int result, std::uint32_t flags) noexcept override;
    void end_turn() noexcept override { leave(); }

private:
    enum class Way : unsigned char { socket, pipe, far_side };
    enum class Writes : unsigned char { open, ended, only_by_sendfile };

    void schedule_flush() noexcept;
    bool may_send_at_once() noexcept;
    void leave() noexcept;
    void hand_over(std::size_t sent) noexcept;
    [[gnu::noinline]] std::size_t write_through(std::string_view data) noexcept;
    std::size_t send_at_once(std::string_view data) noexcept;
    int try_send(EventLoop& loop, std::string_view data) noexcept;
    [[gnu::noinline]] int try_other_way(EventLoop& loop, std::string_view data) noexcept;
    int give_to_far_side(std::string_view data) noexcept;
    void flush_to_far_side() noexcept;
    void fail(int error) noexcept;
    void submit_rest() noexcept;
    void on_sent(int result) noexcept;
    void after_send() noexcept;
    void resume_writers() noexcept;
    void drop() noexcept;
    void write_the_rest() noexcept;
    [[noreturn]] void refuse_to_write() const;

    StreamState& stream_;
    IntrusivePtr<LoopAnchor> anchor_;
    const Socket& socket_;
    FarSide* far_ = nullptr;  // instead of the socket
    std::string outgoing_;    // written, and not given to the kernel yet
    std::string sending_;     // what a send is about; its memory stays until the send is over
    std::size_t sent_ = 0;    // of sending_
    std::unique_ptr<StreamWaits> waits_;
    std::size_t high_water_ = default_high_water;
    std::size_t low_water_ = default_high_water / 4;
    std::uint32_t turn_ = 0;   // in which somebody last wanted bytes to be sent
    std::uint32_t calls_ = 0;  // how often in that turn
    bool together_ = false;    // in that turn: they leave with those of other connections
    bool paused_ = false;
    Writes writes_ = Writes::open;
    bool ended_ = false;
    bool aborted_ = false;
    bool waits_for_room_ = false;  // of the far side
    bool taking_ = false;          // the far side is being asked
    bool finishes_with_loop_ = false;
    Way way_;
};

// Counts who wants bytes to be sent at once; he may, unless he is not the first, or there were
// several in the last turn, or other connections send, too.
inline bool StreamOutbound::may_send_at_once() noexcept {
    EventLoop* const loop = anchor_->loop;
    if (loop == nullptr || loop->machine().turn() == turn_) {
        ++calls_;
        return false;
    }
    turn_ = loop->machine().turn();
    together_ = !loop->machine().may_send_at_once();
    return std::exchange(calls_, 1) <= 1 && !together_;
}

}  // namespace detail
}  // namespace ringio
