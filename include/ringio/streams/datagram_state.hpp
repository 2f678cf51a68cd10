// DatagramState: what the handles of a DatagramEndpoint share: the socket, the datagram that came
// and was not taken, those that wait to be sent, and the order in which it all ends.
#pragma once

#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/io/address.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/ring/completion.hpp>
#include <ringio/streams/bound_path.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>

namespace ringio {

/// What recv() of a DatagramEndpoint gives.
struct Datagram {
    std::string data;
    SocketAddress from;      ///< none when the sender has no name
    bool truncated = false;  ///< it was longer than DatagramEndpointOptions::limit
};

namespace detail {

class DatagramState;
void intrusive_add_ref(DatagramState* state) noexcept;
void intrusive_release(DatagramState* state) noexcept;

/// One datagram for the kernel: the header, and where it points.
struct DatagramMessage {
    void fill(const void* data, std::size_t size, const void* name, std::size_t name_size) noexcept;

    msghdr header = {};
    iovec part = {};
};

/// Receives into memory of its own, so that the one who waits may go.
class DatagramInbound final : public Completion {
public:
    DatagramInbound(DatagramState& state, std::size_t limit) noexcept
        : state_(state), limit_(limit) {}

    /// *Errors*: std::bad_alloc.
    void make_buffer() {
        if (!buffer_) {
            buffer_ = std::make_unique_for_overwrite<char[]>(limit_);
        }
    }
    void prepare(io_uring_sqe& sqe) noexcept override;
    void complete(int result, std::uint32_t flags) noexcept override;
    /// Keeps what a receive gave.
    void note(int result) noexcept;

    bool has_datagram() const noexcept { return has_datagram_; }
    std::string_view data() const noexcept { return {buffer_.get(), size_}; }
    bool truncated() const noexcept { return (message_.header.msg_flags & MSG_TRUNC) != 0; }
    SocketAddress from() const;
    void consume() noexcept { has_datagram_ = false; }

private:
    DatagramState& state_;
    std::size_t limit_;
    std::unique_ptr<char[]> buffer_;  // made at the first receive
    DatagramMessage message_;
    sockaddr_storage name_ = {};
    std::size_t size_ = 0;
    bool has_datagram_ = false;  // that nobody has taken yet
};

/// Sends datagrams, each at once, or when there is room again; as a Completion it is the request
/// that waits for that.
class DatagramOutbound final : public Completion {
public:
    struct Waiting {
        std::string data;
        SocketAddress to;  // none: the socket is connected
    };
    static constexpr std::size_t overhead = 8;  // of each datagram, in the count of bytes

    explicit DatagramOutbound(DatagramState& state) noexcept : state_(state) {}

    /// *Errors*: std::bad_alloc.
    void send(std::string_view data, const SocketAddress& to);
    /// Forgets what waits.
    void drop() noexcept;
    bool empty() const noexcept { return waiting_.empty(); }
    std::size_t pending_bytes() const noexcept { return pending_bytes_; }
    void prepare(io_uring_sqe& sqe) noexcept override;
    void complete(int result, std::uint32_t flags) noexcept override;

private:
    /// Sends those that wait, as far as there is room.
    void flush() noexcept;
    int try_now(std::string_view data, const SocketAddress& to) noexcept;
    void wait_for_room() noexcept;
    bool rest_a_while() noexcept;
    void go_on() noexcept;

    DatagramState& state_;
    std::list<Waiting> waiting_;
    std::size_t pending_bytes_ = 0;
    DatagramMessage message_;
    TimerHandle retry_;   // of rest_a_while()
    bool rests_ = false;  // the other side of a Unix socket has no room
    bool polls_ = false;  // what prepare() asks for: room, or to send message_
};

/// Waits in a queue of an endpoint, which it keeps alive.
class DatagramWait : public QueuedWait {
protected:
    DatagramWait(const IntrusivePtr<DatagramState>& state, WaitQueue& queue) noexcept
        : QueuedWait(queue), state_(state) {}
    ~DatagramWait() { withdraw(); }  // before the state goes

    /// *Errors*: CancelledError.
    void end();

    IntrusivePtr<DatagramState> state_;
};

class DatagramReceiveWait : public DatagramWait {
public:
    explicit DatagramReceiveWait(const IntrusivePtr<DatagramState>& state);
    bool await_ready();
    void await_suspend(std::coroutine_handle<> coroutine);

protected:
    ~DatagramReceiveWait() = default;

    /// Leaves the queue; a datagram is there. *Errors*: as DatagramEndpoint::recv().
    DatagramInbound& arrived();
};

class DatagramReceiveAwaiter final : public DatagramReceiveWait {
public:
    using DatagramReceiveWait::DatagramReceiveWait;
    Datagram await_resume();
};

class DatagramReceiveIntoAwaiter final : public DatagramReceiveWait {
public:
    DatagramReceiveIntoAwaiter(const IntrusivePtr<DatagramState>& state, std::span<char> buffer)
        : DatagramReceiveWait(state), buffer_(buffer) {}
    ReceivedFrom await_resume();

private:
    std::span<char> buffer_;
};

class DatagramDrainAwaiter final : public DatagramWait {
public:
    explicit DatagramDrainAwaiter(const IntrusivePtr<DatagramState>& state);
    bool await_ready() const noexcept;
    void await_resume();
};

class DatagramCloseAwaiter final : public DatagramWait {
public:
    explicit DatagramCloseAwaiter(const IntrusivePtr<DatagramState>& state);
    bool await_ready() const noexcept;
    void await_resume();
};

/// What recv() and drain() return.
template <class Awaiter>
class [[nodiscard]] DatagramAwaitable {
public:
    explicit DatagramAwaitable(IntrusivePtr<DatagramState> state) noexcept
        : state_(std::move(state)) {}
    Awaiter operator co_await() const { return Awaiter(state_); }

private:
    IntrusivePtr<DatagramState> state_;
};
using DatagramReceive = DatagramAwaitable<DatagramReceiveAwaiter>;
using DatagramDrain = DatagramAwaitable<DatagramDrainAwaiter>;
using DatagramClose = DatagramAwaitable<DatagramCloseAwaiter>;

class [[nodiscard]] DatagramReceiveInto {
public:
    DatagramReceiveInto(IntrusivePtr<DatagramState> state, std::span<char> buffer) noexcept
        : state_(std::move(state)), buffer_(buffer) {}
    DatagramReceiveIntoAwaiter operator co_await() const { return {state_, buffer_}; }

private:
    IntrusivePtr<DatagramState> state_;
    std::span<char> buffer_;
};

/// Legend: open -> closing (nothing more is received; what waits is sent) -> closed, when no
/// request names the descriptor any more; or aborted, which drops what waits.
class DatagramState {
public:
    struct Setup {
        Socket socket;
        SocketAddress remote;       // none: each datagram says where it goes
        bool is_connected = false;  // so that the kernel knows the remote address
        bool ignore_refused = false;
        std::size_t limit = 0;
        BoundPath path;
    };

    DatagramState(EventLoop& loop, Setup setup);
    DatagramState(const DatagramState&) = delete;
    DatagramState& operator=(const DatagramState&) = delete;
    ~DatagramState();

    void send(std::string_view data);
    void sendto(std::string_view data, const SocketAddress& address);
    std::size_t pending_bytes() const noexcept { return outbound_.pending_bytes(); }
    bool is_paused() const noexcept { return paused_; }
    void set_water_marks(std::size_t high, std::size_t low) noexcept;

    DatagramInbound& input() noexcept { return inbound_; }
    WaitQueue& receivers() noexcept { return receivers_; }
    WaitQueue& drains() noexcept { return drains_; }
    WaitQueue& closes() noexcept { return closes_; }
    /// Receives if nothing is there and it can be done at once; true when recv() need not wait.
    /// *Errors*: std::bad_alloc.
    bool receive_at_once();
    /// Has the kernel receive, unless it does.
    void begin_receive() noexcept;

    void close() noexcept;
    void abort() noexcept;
    bool closing() const noexcept { return closing_; }
    bool closed() const noexcept { return closed_; }
    void add_handle() noexcept { ++handles_; }
    void release_handle() noexcept;

    const Socket& socket() const noexcept { return socket_; }
    SocketAddress own_address() const { return closed_ ? own_ : socket_.getsockname(); }
    const SocketAddress& peer_address() const;
    /// Says whether who reads is told later that a datagram was refused: UDP, not Unix sockets.
    bool hears_of_refusals_later() const noexcept { return own_.family() != AF_UNIX; }

    /// Throws what recv(), or drain(), has to tell, once. *Errors*: std::system_error.
    void throw_receive_failure();
    void throw_send_failure();
    /// *Errors*: std::runtime_error.
    void require_open() const;

    // What the halves tell.

    EventLoop* loop() const noexcept { return anchor_->loop; }
    void note_receive_error(int error) noexcept;
    void note_send_error(int error, const SocketAddress& to) noexcept;
    /// A receive is over: wakes who waits, or receives again.
    void input_ended(int result) noexcept;
    bool aborted() const noexcept { return aborted_; }
    void pause_if_full() noexcept { paused_ = paused_ || pending_bytes() > high_water_; }
    void output_moved() noexcept;
    void request_ended() noexcept;

    friend void intrusive_add_ref(DatagramState* state) noexcept { ++state->references_; }
    friend void intrusive_release(DatagramState* state) noexcept {
        if (--state->references_ == 0) {
            delete state;
        }
    }

private:
    void begin_close() noexcept;
    void finish_close() noexcept;

    IntrusivePtr<LoopAnchor> anchor_;
    Socket socket_;
    SocketAddress own_;
    SocketAddress remote_;
    BoundPath path_;
    DatagramInbound inbound_;
    DatagramOutbound outbound_;
    LoopBinding binding_{"DatagramEndpoint"};
    WaitQueue receivers_{binding_, "recv"};
    WaitQueue drains_{binding_, "drain"};
    WaitQueue closes_{binding_, "wait_closed"};
    SocketAddress unsent_to_;  // where send_error_ is about
    int receive_error_ = 0;    // to be told by recv()
    int send_error_ = 0;       // to be told by recv() or drain()
    std::size_t high_water_ = 64 * 1024;
    std::size_t low_water_ = 16 * 1024;
    std::uint32_t references_ = 0;
    std::uint32_t handles_ = 0;
    bool is_connected_;
    bool ignore_refused_;
    bool paused_ = false;
    bool closing_ = false;
    bool closed_ = false;
    bool aborted_ = false;
};

}  // namespace detail
}  // namespace ringio
