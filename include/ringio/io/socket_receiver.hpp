// SocketReceiver: everything that comes over one connection, for programs that want the last
// nanosecond. One request to the kernel brings many results, and the bytes are looked at where the
// kernel put them.
//
//     SocketReceiver receiver{Socket(std::move(fd))};
//     for (;;) {
//         const Received received = co_await receiver.next();
//         if (received.empty()) break;
//         co_await send_all(receiver.socket(), received.data());
//     }
#pragma once

#include <ringio/io/intake.hpp>
#include <ringio/io/socket.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

namespace ringio {

/// Bytes that were received; move-only. They lie in a buffer that all connections share, which goes
/// back to the kernel when this is destroyed: do not keep it for long. (When many are kept,
/// further bytes come in memory of their own.) It may be moved to another thread and destroyed
/// there, and may outlive the SocketReceiver and the loop.
class Received {
public:
    /// Holds no bytes.
    Received() noexcept = default;
    explicit Received(detail::Loan loan) noexcept
        : bytes_(loan.bytes), pool_(loan.pool), id_(loan.id) {}
    /// Takes the memory of a buffer, with the bytes that are in it.
    explicit Received(ReadBuffer own) noexcept;
    Received(Received&& other) noexcept
        : bytes_(std::exchange(other.bytes_, {})), pool_(other.pool_), id_(other.id_) {}
    Received& operator=(Received&& other) noexcept {
        Received(std::move(other)).swap(*this);
        return *this;
    }
    ~Received() {
        if (!bytes_.empty()) {
            if (pool_ != nullptr) [[likely]] {
                pool_->give_back(static_cast<unsigned>(id_));
            } else {
                free_own();
            }
        }
    }

    /// The bytes, as long as this lives; none is the end of the stream.
    std::string_view data() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return bytes_.size(); }
    bool empty() const noexcept { return bytes_.empty(); }

    void swap(Received& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(pool_, other.pool_);
        std::swap(id_, other.id_);
    }

private:
    void free_own() noexcept;

    std::string_view bytes_;      // not empty while something is owned
    BufferPool* pool_ = nullptr;  // stays until its buffer is given back; null: they are own bytes
    std::size_t id_ = 0;          // of the buffer, or how far behind the begin of their memory
                                  // own bytes lie
};

namespace detail {

/// The state of a SocketReceiver: it owns the socket for as long as a request names it.
class ReceiverState final : public Intake, public Pooled {
public:
    ReceiverState(Socket socket, std::size_t limit)
        : Intake(get_running_loop(), socket.fd(), limit), socket_(std::move(socket)) {}

    const Socket& socket() const noexcept { return socket_; }
    bool has_news() const noexcept { return !empty() || at_end() || error_ != 0; }
    /// *Errors*: std::runtime_error when another coroutine waits, or after close().
    void require_usable() const {
        if (has_reader() || closed_) [[unlikely]] {
            refuse();
        }
    }
    /// *Errors*: std::system_error; std::bad_alloc.
    Received next() {
        if (const Loan loan = take_loan(); loan.pool != nullptr) [[likely]] {
            return Received(loan);
        }
        return next_of_own();
    }
    void close() noexcept;

    friend void intrusive_add_ref(ReceiverState* state) noexcept { ++state->references_; }
    friend void intrusive_release(ReceiverState* state) noexcept {
        if (--state->references_ == 0) {
            state->retire();
        }
    }

private:
    [[noreturn]] RINGIO_NOINLINE void refuse() const;
    Received next_of_own();
    void retire() noexcept { delete this; }
    void retain() noexcept override { ++references_; }
    void release() noexcept override { intrusive_release(this); }
    void failed(int error) noexcept override { error_ = error; }
    void request_ended() noexcept override;
    void close_socket() noexcept;

    Socket socket_;
    int error_ = 0;
    std::uint32_t references_ = 0;
    bool closed_ = false;
};

class ReceiverWait final : public IntakeWait {
public:
    explicit ReceiverWait(IntrusivePtr<ReceiverState> state)
        : IntakeWait(*state), state_(std::move(state)) {
        state_->require_usable();
    }
    ~ReceiverWait() { leave(); }  // before the state goes

    bool await_ready() const noexcept { return state_->has_news(); }
    Received await_resume() {
        check();
        Received received = state_->next();
        end();
        return received;
    }

private:
    IntrusivePtr<ReceiverState> state_;
};

class [[nodiscard]] ReceiverNext {
public:
    explicit ReceiverNext(const IntrusivePtr<ReceiverState>& state) noexcept
        : state_(state.get()) {}
    ReceiverWait operator co_await() const {
        return ReceiverWait(IntrusivePtr<ReceiverState>(state_));
    }

private:
    ReceiverState* state_;
};

}  // namespace detail

/// Receives from a socket for as long as it lives. Begins with the first next(), and goes on
/// between the calls: what comes meanwhile is copied aside until twice `limit` is there; then the
/// peer is held back until it was taken.
///
/// *Lifetime*: the socket is closed when the SocketReceiver is destroyed and the kernel has let go
/// of it, which takes another turn of the loop.
class SocketReceiver {
public:
    static constexpr std::size_t default_limit = 64 * 1024;

    /// *Errors*: std::runtime_error when no loop runs.
    explicit SocketReceiver(Socket socket, std::size_t limit = default_limit)
        : state_(new detail::ReceiverState(std::move(socket), limit)) {}
    SocketReceiver(SocketReceiver&&) noexcept = default;
    SocketReceiver& operator=(SocketReceiver&& other) noexcept {
        SocketReceiver(std::move(other)).state_.swap(state_);
        return *this;
    }
    ~SocketReceiver() { close(); }

    /// Waits for bytes; does not wait when some are there. None is the end of the stream. One
    /// coroutine may wait at a time.
    /// *Errors*: std::system_error, after all bytes that came before; std::runtime_error when
    /// another coroutine waits, or after close(). *Cancellation*: at once; no byte is lost, for
    /// what comes waits here for the next call.
    detail::ReceiverNext next() const noexcept { return detail::ReceiverNext(state_); }

    /// The socket, to send over and to ask for its addresses.
    const Socket& socket() const noexcept { return state_->socket(); }

    /// Ends the receiving and closes the socket; a next() that waits gets the end of the stream.
    void close() noexcept {
        if (state_) {
            state_->close();
        }
    }

private:
    IntrusivePtr<detail::ReceiverState> state_;
};

}  // namespace ringio
