// What a StreamReader and a StreamWriter of one connection share: the socket, or what stands for
// it, the two halves, and the order in which it all ends. The end of a pipe is a stream of which
// one half has nothing to do.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/task.hpp>
#include <ringio/io/address.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/streams/stream_inbound.hpp>
#include <ringio/streams/stream_outbound.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

namespace ringio::detail {

/// The two addresses of a connection as they were at its start, in as few bytes as they take.
class StreamAddresses {
public:
    /// Those of no connection.
    StreamAddresses() noexcept = default;
    /// Asks the kernel. *Errors*: std::bad_alloc.
    explicit StreamAddresses(const Socket& socket);

    /// None when it was not known any more.
    SocketAddress peer() const { return at(0, peer_size_); }
    SocketAddress own() const { return at(peer_size_, own_size_); }

private:
    SocketAddress at(std::size_t offset, std::size_t size) const;

    std::unique_ptr<unsigned char[]> bytes_;  // the peer's, then the own
    std::uint32_t peer_size_ = 0;
    std::uint32_t own_size_ = 0;
};

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
    /// Takes over a connection, and receives from the end of the turn on.
    StreamState(EventLoop& loop, Socket socket, std::string peer, std::size_t limit);
    /// Takes over an end of a pipe, a terminal, or another file without a position; `name` is for
    /// texts of errors. Begins with start().
    StreamState(EventLoop& loop, UniqueFd fd, Medium medium, std::string name, std::size_t limit);
    /// A stream without a socket: what comes is fed to input(), what goes is taken by `far`.
    /// Without `far` nothing may be written.
    StreamState(EventLoop& loop, std::unique_ptr<FarSide> far, std::string name, std::size_t limit);
    ~StreamState();

    StreamInbound& input() noexcept { return inbound_; }
    const StreamInbound& input() const noexcept { return inbound_; }
    StreamOutbound& output() noexcept { return outbound_; }
    const StreamOutbound& output() const noexcept { return outbound_; }

    /// Sends what it can; false when there is more to drain() than that.
    bool drain_at_once() noexcept {
        if (closing_) [[unlikely]] {  // or failed
            return false;
        }
        outbound_.drain();
        return !closing_ && !outbound_.is_paused();
    }

    /// Says that nothing more is to be read: the peer's end was reached, or the stream was closed
    /// by its own side. A stream that failed is not at its end.
    bool at_eof() const noexcept {
        return inbound_.is_forbidden()
                   ? failure_ == nullptr
                   : inbound_.at_end() && inbound_.empty() && !inbound_.has_filled_memory();
    }

    // The end.

    void close() noexcept {
        inbound_.forbid();
        close_output_first();
    }
    /// The same, by another than the one who reads: for him it is the end of the stream.
    void close_from_outside() noexcept {
        inbound_.set_at_end();
        close_output_first();
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
    /// Throws that the connection is lost, as drain() does.
    [[noreturn]] void throw_lost() const;
    /// Waits until it is closed. *Errors*: as StreamOutbound::waits().
    StreamWaitOn when_closed() { return StreamWaitOn(outbound_.waits().closes); }

    /// Receives from the end of the turn on; what is written to, notices that its reader goes.
    void start() noexcept { inbound_.start(); }

    /// Handles of a writer: when the last one goes, the connection is closed.
    void add_handle() noexcept { ++handles_; }
    void release_handle() noexcept;
    /// Handles of a reader: when the last one goes, a pipe that is read is closed.
    void add_reader() noexcept { ++readers_; }
    void release_reader() noexcept;

    /// The socket, also one at the bottom of the layers below.
    const Socket& socket() const noexcept { return far_ ? bottom().socket_ : socket_; }
    /// Says that it has neither a socket nor a far side: a reader made by hand.
    bool is_fed() const noexcept { return is_fed_; }
    const std::string& peer() const noexcept { return peer_; }
    /// The addresses, as they were at the start. *Errors*: std::system_error (ENOTCONN) when the
    /// peer was gone by then, or there is no socket.
    SocketAddress peer_address() const { return known(addresses_.peer(), "getpeername"); }
    SocketAddress own_address() const { return known(addresses_.own(), "getsockname"); }
    void set_owner(StreamOwner* owner) noexcept { owner_ = owner; }

    // For a layer that is put in between: what was the stream becomes another one, which `layer`
    // reads and writes from then on, and this stream has `far` at its other side.

    /// Says that nothing is read and nothing is sent, and the input is at rest.
    bool may_split() const noexcept {
        return !closing_ && inbound_.is_at_rest() && !outbound_.is_sending() &&
               outbound_.pending_bytes() == 0;
    }
    /// What came so far goes along. *Errors*: std::bad_alloc; then the stream has failed.
    IntrusivePtr<StreamState> split(EventLoop& loop, std::size_t limit);
    void set_far_side(std::unique_ptr<FarSide> far) noexcept;
    void set_layer(StreamLayer* layer) noexcept { layer_ = layer; }
    /// How the stream is secured, if it is.
    bool describe(TlsInfo& info) const { return far_ && far_->describe(info); }

    // What the halves tell.

    /// The connection failed: `what` names the call.
    void fail(int error, const char* what) noexcept;
    void fail(std::exception_ptr failure) noexcept;
    /// Nobody reads any more what is written to a pipe.
    void reader_gone(int error) noexcept;
    /// More may be fed.
    void input_has_room() noexcept {
        if (far_) {
            far_->go_on();
        }
    }
    /// The far side has finished.
    void far_side_ended() noexcept {
        far_finished_ = true;
        input_ended();
    }
    void input_came() noexcept {
        if (layer_ != nullptr) {
            layer_->input_came();
        }
    }
    void output_resumed() noexcept {
        if (layer_ != nullptr) {
            layer_->output_has_room();
        }
    }
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
    const StreamState& bottom() const noexcept;
    bool far_side_is_done() noexcept;
    void retire() noexcept;
    void begin_close() noexcept;
    void close_output_first() noexcept;
    void finish_close() noexcept;
    void close_socket() noexcept;
    SocketAddress known(SocketAddress address, const char* call) const;

    Socket socket_;  // or an end of a pipe
    std::unique_ptr<FarSide> far_;
    std::string peer_;  // "127.0.0.1:80", for texts of errors
    StreamAddresses addresses_;
    StreamInbound inbound_;
    StreamOutbound outbound_;
    std::exception_ptr failure_;
    StreamOwner* owner_ = nullptr;
    StreamLayer* layer_ = nullptr;  // which stands upon it
    std::uint32_t references_ = 0;
    std::uint32_t handles_ = 0;
    std::uint32_t readers_ = 0;
    bool is_fed_ = false;
    bool far_finished_ = false;
    bool closing_ = false;
    bool closed_ = false;
};

}  // namespace ringio::detail
