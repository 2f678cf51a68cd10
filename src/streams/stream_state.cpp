#include <ringio/streams/stream_state.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>
#include <utility>

namespace ringio::detail {
namespace {

// The peer may be gone already.
SocketAddress address_or_none(const Socket& socket, SocketAddress (Socket::*address)() const) {
    try {
        return (socket.*address)();
    } catch (const std::system_error&) {
        return {};
    }
}

}  // namespace

StreamAddresses::StreamAddresses(const Socket& socket) {
    const SocketAddress peer = address_or_none(socket, &Socket::getpeername);
    const SocketAddress own = address_or_none(socket, &Socket::getsockname);
    bytes_ = std::make_unique_for_overwrite<unsigned char[]>(peer.size() + own.size());
    peer_size_ = peer.size();
    own_size_ = own.size();
    std::memcpy(bytes_.get(), peer.data(), peer_size_);
    std::memcpy(bytes_.get() + peer_size_, own.data(), own_size_);
}

SocketAddress StreamAddresses::at(std::size_t offset, std::size_t size) const {
    if (size == 0) {
        return {};
    }
    return {reinterpret_cast<const sockaddr*>(bytes_.get() + offset), size};
}

StreamState::StreamState(EventLoop& loop, Socket socket, std::string peer, std::size_t limit)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      addresses_(socket_),
      inbound_(*this, loop, socket_.fd(), limit),
      outbound_(*this, loop, socket_, Medium::socket) {
    inbound_.start();
}

StreamState::StreamState(EventLoop& loop, UniqueFd fd, Medium medium, std::string name,
                         std::size_t limit)
    : socket_(std::move(fd)),
      peer_(std::move(name)),
      inbound_(*this, loop, socket_.fd(), limit, medium),
      outbound_(*this, loop, socket_, medium) {}

StreamState::StreamState(EventLoop& loop, std::unique_ptr<FarSide> far, std::string name,
                         std::size_t limit)
    : far_(std::move(far)),
      peer_(std::move(name)),
      inbound_(*this, loop, -1, limit),
      outbound_(*this, loop, socket_, far_.get()),
      is_fed_(far_ == nullptr) {}

StreamState::~StreamState() {
    if (!closed_ && owner_ != nullptr) {
        owner_->connection_closed(*this);
    }
    far_.reset();  // which looks at the rest
}

void StreamState::retire() noexcept { delete this; }

const StreamState& StreamState::bottom() const noexcept {
    const StreamState* stream = this;
    while (stream->far_ && stream->far_->lower() != nullptr) {
        stream = stream->far_->lower();
    }
    return *stream;
}

// What came is at rest, and goes along; what is to come, comes to the other one.
IntrusivePtr<StreamState> StreamState::split(EventLoop& loop, std::size_t limit) {
    RINGIO_ASSERT(may_split(), "a stream is split in the middle of something");
    const bool ended = inbound_.at_end();
    const ReadBuffer came = inbound_.give_up_descriptor();
    try {
        IntrusivePtr<StreamState> below(
            far_ ? new StreamState(loop, std::move(far_), peer_, limit)
                 : new StreamState(loop, std::move(socket_), peer_, limit));
        if (below->far_) {
            below->far_->serve(*below);
        }
        below->inbound_.feed(came.data());
        if (ended) {
            below->inbound_.feed_end();
        }
        return below;
    } catch (const std::bad_alloc&) {
        fail(std::current_exception());
        throw;
    }
}

void StreamState::set_far_side(std::unique_ptr<FarSide> far) noexcept {
    far_ = std::move(far);
    outbound_.set_far_side(*far_);
}

// The far side may end, and with it the stream, while it is asked.
bool StreamState::far_side_is_done() noexcept {
    return !far_ || far_finished_ || far_->finish(outbound_.is_aborted());
}

void StreamState::release_handle() noexcept {
    if (--handles_ == 0 && !closing_) {
        close();
    }
}

void StreamState::release_reader() noexcept {
    if (--readers_ == 0 && inbound_.medium() == Medium::read_end && !closing_) {
        close();
    }
}

void StreamState::begin_close() noexcept {
    closing_ = true;
    inbound_.refuse();
    input_has_room();  // for what nobody will read
}

void StreamState::close_output_first() noexcept {
    if (closing_) {
        return;
    }
    begin_close();
    if (outbound_.pending_bytes() == 0) {
        finish_close();
    } else if (!outbound_.is_sending()) {
        outbound_.flush();
    }
}

void StreamState::abort() noexcept {
    const IntrusivePtr<StreamState> keep(this);
    inbound_.forbid();
    begin_close();
    if (outbound_.abort()) {
        finish_close();
    }
}

// Without memory for its text, a failure is a std::bad_alloc.
void StreamState::fail(int error, const char* what) noexcept {
    if (failure_) {
        abort();
        return;
    }
    try {
        fail(std::make_exception_ptr(std::system_error(error, std::system_category(),
                                                       describe_failure(error, what + peer_))));
    } catch (const std::bad_alloc&) {
        fail(std::current_exception());
    }
}

void StreamState::fail(std::exception_ptr failure) noexcept {
    if (!failure_) {
        failure_ = std::move(failure);
    }
    abort();
}

// As in asyncio, it is no failure when nothing is to be written.
void StreamState::reader_gone(int error) noexcept {
    if (outbound_.pending_bytes() > 0) {
        fail(error, "write to ");
    } else {
        abort();
    }
}

// The descriptor is given back when no request names it any more: a receive is made to end first.
void StreamState::finish_close() noexcept {
    if (closed_ || outbound_.is_sending()) {
        return;
    }
    if (inbound_.is_bypassed()) {
        socket_.shutdown(SHUT_RD);
        return;
    }
    if (inbound_.has_reader() && !failure_) {
        inbound_.set_at_end();  // being closed is the end of the stream for the one who waits
    }
    if (!inbound_.stop() || !far_side_is_done() || closed_) {
        return;
    }
    const IntrusivePtr<StreamState> keep(this);  // a layer that hears of it may let go
    closed_ = true;
    close_socket();
    if (layer_ != nullptr) {
        layer_->stream_closed();
    }
    if (owner_ != nullptr) {
        std::exchange(owner_, nullptr)->connection_closed(*this);
    }
}

// Kernel: closing a TCP socket with unread bytes in it sends a reset, which destroys what the peer
// was sent and has not read yet. So those are taken first: in an orderly close nothing of ours is
// lost to what we did not want to read.
void StreamState::close_socket() noexcept {
    const bool may_hold_bytes = socket_ && inbound_.medium() == Medium::socket;
    if (may_hold_bytes && !failure_ && !outbound_.is_aborted() && !inbound_.ended_by_peer()) {
        socket_.discard_input();
    }
    inbound_.leave_descriptor();
    socket_.close();
    outbound_.close();
    if (far_ && !far_->stays()) {
        far_.reset();
    }
}

void StreamState::throw_lost() const {
    const int error = inbound_.medium() == Medium::write_end ? EPIPE : ECONNRESET;
    throw std::system_error(error, std::system_category(), "Connection lost to " + peer_);
}

SocketAddress StreamState::known(SocketAddress address, const char* call) const {
    if (address.family() == 0) {
        throw std::system_error(ENOTCONN, std::system_category(), call + (" of " + peer_));
    }
    return address;
}

}  // namespace ringio::detail
