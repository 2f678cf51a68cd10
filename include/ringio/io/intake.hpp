// Intake: what comes in over a socket or a pipe, received by one request whether anybody reads or
// not, up to a limit. A socket's bytes come in buffers of the ring; a reader that waits looks at
// them there, and what nobody takes in the same turn is copied aside. SocketReceiver and the
// streams stand on it.
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
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ringio::detail {

/// What the descriptor of a stream is, and so by which requests its bytes move: a socket is
/// received from and sent to; the end of a pipe that is read, or a terminal, is read from; of the
/// end that is written nothing comes but the news that nobody reads any more.
enum class Medium : unsigned char { socket, read_end, write_end };

/// A buffer of the ring that is kept, with the bytes in it: to be given back to its pool.
struct Loan {
    BufferPool* pool = nullptr;
    unsigned id = 0;
    std::string_view bytes;
};

/// Memory of a reader that waits, and how much of it was written to.
struct ReaderMemory {
    std::span<char> free() const noexcept { return space.subspan(size); }

    std::span<char> space;
    std::size_t size = 0;
};

/// Receives from a socket, and is itself what its reader waits in, for there is at most one.
///
/// Legend of the request: fresh -> (start, or a reader) receiving: in flight -> its terminal
/// completion -> in flight again, or idle at the end of the stream, after a failure, and while much
/// was copied aside. For more than twice the limit it pauses: pausing -> (terminal) receiving, but
/// idle; it goes on when at most the limit is left, or somebody waits for more. bypassed: somebody
/// receives past the intake. stopped: by stop() or because the loop closes, for good.
///
/// The request is one of two kinds: `multishot`, the rule, brings what comes until it is stopped;
/// `single` receives once into the intake's own memory. The latter serves kernels without buffer
/// rings, pipes, and a sender that is faster than the reader who waits (`bulk`): then it moves more
/// bytes at once, and the kernel holds the sender back. As a TurnEnd it receives for the reader who
/// did not come back in the turn: what a faster sender has sent by a call of its own, or else by a
/// multishot. So a connection on which nothing comes holds no memory. On the end of a pipe that is
/// written, `single` is a poll that ends when nobody reads there any more.
///
/// Without a descriptor (-1) nothing is asked of the kernel: what comes is fed, and fed_out() says
/// when to go on after is_full(), which is `pausing`.
///
/// In place of a task a layer above may read, which hears by news() of all that comes (stand_by()).
/// Before the descriptor goes to another intake, this one comes to rest: resting -> (terminal) at
/// rest, with what came in its buffer.
class Intake : public Completion, public TurnEnd, public Wait {
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
    Loan take_loan() noexcept {
        if (loan_.data() == nullptr) {
            return {};
        }
        if (!pool_->try_keep()) [[unlikely]] {
            end_loan();
            return {};
        }
        return {pool_.get(), loan_id_, std::exchange(loan_, {})};
    }
    /// Takes all that was copied aside.
    ReadBuffer take_buffer();

    /// Copies a loan aside: no buffer of the ring is kept over the turn.
    void end_loan() noexcept {
        if (loan_.data() != nullptr) [[unlikely]] {
            copy_aside();
        }
    }

    /// Says that the peer has ended its direction, or the intake was stopped under a reader.
    bool at_end() const noexcept {
        return outcome_ == Outcome::ended || outcome_ == Outcome::ended_by_peer;
    }
    void set_at_end() noexcept {
        if (outcome_ == Outcome::open) {
            outcome_ = Outcome::ended;
        }
    }
    Medium medium() const noexcept { return medium_; }
    /// Says that nothing was asked of the descriptor yet.
    bool is_fresh() const noexcept { return phase_ == Phase::fresh; }

    /// Says that the kernel told the end: nothing is left in the socket.
    bool ended_by_peer() const noexcept { return outcome_ == Outcome::ended_by_peer; }

    /// Says whether a coroutine waits, or was woken and has not gone on; only one may. Or a layer
    /// above reads.
    bool has_reader() const noexcept { return reader_ != Reader::none; }

    /// From now on what comes is told by news(), whether it is bytes or the end.
    void stand_by() noexcept {
        reader_ = Reader::standing;
        go_on();
    }
    /// The layer above has no room: more than the limits is not received.
    void stand_back() noexcept { reader_ = Reader::none; }
    bool is_stopped() const noexcept { return phase_ == Phase::stopped; }

    /// Asks the kernel for nothing from now on; a request in flight ends.
    void rest() noexcept;
    bool is_at_rest() const noexcept { return phase_ == Phase::resting && !in_flight(); }
    /// Goes on after rest().
    void end_rest() noexcept;
    /// At rest, becomes one without a descriptor, and gives away the bytes that came; the end, if
    /// it came, is forgotten.
    ReadBuffer give_up_descriptor() noexcept;

    /// Says that the sender is faster: one that has memory for much may receive into it directly,
    /// when nothing is in flight, and tells how much that was.
    bool is_bulk() const noexcept { return bulk_ && !in_flight() && empty(); }
    void note_bulk(std::size_t received, std::size_t space) noexcept {
        bulk_ = (received >= BufferPool::size || received == space) && medium_ == Medium::socket;
    }
    /// Between these two somebody receives past the intake, which asks for nothing meanwhile.
    void set_bypassed() noexcept { phase_ = Phase::bypassed; }
    void end_bypass() noexcept {
        phase_ = Phase::receiving;
        go_on();
    }
    bool is_bypassed() const noexcept { return phase_ == Phase::bypassed; }

    std::size_t limit() const noexcept { return limit_; }

    /// Receives from the end of this turn on, though nobody waits.
    void start() noexcept {
        begin();
        go_on();
    }

    // For the one who reads: begin_read(), and, when the task goes on, check_read() before it takes
    // anything, and end_read() at last; or abandon_read().

    /// Suspends the running task until something came in, or nothing more will, and receives.
    /// *Errors*: std::bad_alloc; std::runtime_error for a task of another loop; then nobody waits.
    void begin_read(std::coroutine_handle<> coroutine);
    /// *Errors*: CancelledError, also when data came in the same turn; the data stays.
    void check_read() {
        if (static_cast<unsigned>(reader_ == Reader::cancelled) |
            static_cast<unsigned>(task_->has_cancellation())) [[unlikely]] {
            throw_cancelled();
        }
    }
    void end_read() noexcept {
        reader_ = Reader::none;
        if (memory_ != nullptr) [[unlikely]] {
            memory_ = nullptr;
            go_on();
        }
    }
    /// Ends a read whose frame is destroyed, or that throws, perhaps with data at hand.
    void abandon_read() noexcept {
        end_read();
        end_loan();
    }
    /// After begin_read(), without a descriptor: what is fed until the read ends goes into that
    /// memory first. A cancelled read gives the bytes back; one that is destroyed does not, for the
    /// memory may have gone before it.
    void lend_memory(ReaderMemory& memory) noexcept { memory_ = &memory; }
    bool has_filled_memory() const noexcept { return memory_ != nullptr && memory_->size > 0; }
    bool has_descriptor() const noexcept { return fd_ >= 0; }

    /// Ends the wait at once: what comes later stays here.
    bool cancel(const std::string&) noexcept final;
    const char* what() const noexcept final { return medium_ == Medium::socket ? "recv" : "read"; }

    /// Makes the request end, for good; true when there is none. Else request_ended() follows.
    bool stop() noexcept;

    /// Says that the descriptor is about to be closed. To be called once.
    void leave_descriptor() noexcept;

    /// For an intake without a descriptor: what comes, and the end of it. *Errors*: std::bad_alloc;
    /// then nothing came.
    void feed(std::string_view bytes);
    void feed_end() noexcept;
    /// The same in two steps: memory for at most `size` bytes to be written to, that of a waiting
    /// reader if it has some, and the part of it that was. *Errors*: std::bad_alloc.
    std::span<char> feed_space(std::size_t size);
    void fed(std::span<const char> bytes) noexcept;
    /// Says that more than twice the limit was fed, or all the memory of a reader: fed_out() is to
    /// come.
    bool is_full() const noexcept { return fd_ < 0 && phase_ == Phase::pausing; }

    void prepare(io_uring_sqe& sqe) noexcept final;
    void complete(int result, std::uint32_t flags) noexcept final;
    void end_turn() noexcept final;

protected:
    /// Pauses the request when more than twice `limit` was copied aside.
    Intake(EventLoop& loop, int fd, std::size_t limit, Medium medium = Medium::socket) noexcept;
    ~Intake();

    /// Queues the task that waits, once; or tells the layer above.
    void wake_reader() noexcept {
        if (reader_ == Reader::waiting) {
            reader_ = Reader::woken;
            task_->wake();
        } else if (reader_ == Reader::standing) [[unlikely]] {
            news();
        }
    }

private:
    enum class Phase : unsigned char { fresh, receiving, pausing, bypassed, resting, stopped };
    /// How the stream ends for the reader.
    enum class Outcome : unsigned char { open, ended, ended_by_peer, failed };
    /// Legend: none -> waiting -> woken or cancelled -> (it goes on) none; standing is the layer
    /// above. From `waiting` on somebody takes what comes at once.
    enum class Reader : unsigned char { none, woken, cancelled, waiting, standing };
    enum class Kind : unsigned char { multishot, single };

    /// Keeps the intake alive for the request, which names its memory and descriptor.
    virtual void retain() noexcept = 0;
    virtual void release() noexcept = 0;
    /// Hears, at most once, that receiving failed.
    virtual void failed(int error) noexcept = 0;
    /// Hears that after stop(), or when the loop closes, no request is left.
    virtual void request_ended() noexcept = 0;
    /// Hears, without a descriptor, that there is room again.
    virtual void fed_out() noexcept {}
    /// Hears, for the layer above, that something came, or nothing more will. It may end the
    /// stream.
    virtual void news() noexcept {}

    void begin() noexcept {
        if (phase_ == Phase::fresh) {
            phase_ = Phase::receiving;
        }
    }
    void came(std::size_t size) noexcept;
    void take_back() noexcept;
    void receive_for_reader();
    [[noreturn]] RINGIO_NOINLINE void throw_cancelled();
    void submit();
    void prepare_single();
    int meaning_of(int result) const noexcept;
    void resubmit() noexcept;
    void lend(unsigned id, std::size_t size) noexcept;
    [[gnu::noinline]] void keep(unsigned id, int result) noexcept;
    [[gnu::noinline]] void on_terminal(int result) noexcept;
    bool is_over() const noexcept {
        return phase_ == Phase::stopped || phase_ == Phase::resting || outcome_ != Outcome::open;
    }
    bool is_awaited() const noexcept { return reader_ >= Reader::waiting; }
    bool wants_more() const noexcept;
    void go_on() noexcept;
    void schedule() noexcept;
    void taken() noexcept;
    void receive_what_is_there() noexcept;
    void commit_single(int result) noexcept;
    void end_by_peer() noexcept;
    void pause() noexcept;
    void copy_aside() noexcept;
    void append(std::string_view bytes) noexcept;
    void cancel_request() noexcept;
    void recycle_loan() noexcept;
    void fail(int error) noexcept;

    IntrusivePtr<LoopAnchor> anchor_;
    IntrusivePtr<BufferPool> pool_;
    std::string_view loan_;           // in a buffer of pool_; then buffer_ is empty
    ReadBuffer buffer_;               // copied aside, or received by `single`
    ReaderMemory* memory_ = nullptr;  // the reader's; what is in it came before buffer_
    TaskStateBase* task_ = nullptr;   // the reader's
    int fd_;
    unsigned loan_id_ = 0;
    std::size_t limit_;
    std::size_t single_size_ = 0;
    Phase phase_ = Phase::fresh;
    Outcome outcome_ = Outcome::open;
    Reader reader_ = Reader::none;
    Kind kind_ = Kind::multishot;  // of the request in flight
    bool bulk_ = false;            // the next one is to be single
    Medium medium_;
};

/// What awaiters that read an intake have in common. Who derives keeps the intake alive.
class IntakeWait : public NativeAwaiter {
public:
    explicit IntakeWait(Intake& intake) noexcept : intake_(intake) {}
    IntakeWait(const IntakeWait&) = delete;
    IntakeWait& operator=(const IntakeWait&) = delete;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) {
        intake_.begin_read(coroutine);
        reads_ = true;
    }

protected:
    ~IntakeWait() { leave(); }

    /// *Errors*: as Intake::check_read().
    void check() {
        if (reads_) [[likely]] {
            intake_.check_read();
        }
    }
    /// What came was taken, or is about to be in the same step.
    void end() noexcept {
        if (std::exchange(reads_, false)) [[likely]] {
            intake_.end_read();
        }
    }
    /// To be called before the intake may go.
    void leave() noexcept {
        if (std::exchange(reads_, false)) [[unlikely]] {
            intake_.abandon_read();
        }
    }

private:
    Intake& intake_;
    bool reads_ = false;
};

}  // namespace ringio::detail
