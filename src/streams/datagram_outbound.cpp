#include <ringio/streams/datagram_state.hpp>

#include <ringio/ring/control_requests.hpp>
#include <ringio/ring/socket_requests.hpp>

#include <cerrno>
#include <chrono>
#include <exception>

#include <poll.h>

namespace ringio::detail {

void DatagramMessage::fill(const void* data, std::size_t size, const void* name,
                           std::size_t name_size) noexcept {
    part = {.iov_base = const_cast<void*>(data), .iov_len = size};
    header = {};
    header.msg_name = const_cast<void*>(name);
    header.msg_namelen = static_cast<socklen_t>(name_size);
    header.msg_iov = &part;
    header.msg_iovlen = 1;
}

void DatagramOutbound::send(std::string_view data, const SocketAddress& to) {
    if (waiting_.empty()) {
        const int result = try_now(data, to);
        if (result != -EAGAIN) {
            if (result < 0) {
                state_.note_send_error(-result, to);
            }
            return;
        }
    }
    if (state_.loop() == nullptr) {
        return;
    }
    waiting_.push_back({std::string(data), to});
    pending_bytes_ += data.size() + overhead;
    state_.pause_if_full();
    if (!rests_) {
        wait_for_room();
    }
}

// Kernel: that an earlier datagram was refused is told by whichever call comes next, which does
// nothing else. udp(7).
int DatagramOutbound::try_now(std::string_view data, const SocketAddress& to) noexcept {
    EventLoop* const loop = state_.loop();
    if (loop == nullptr || !loop->machine().take_immediate_budget()) {
        return -EAGAIN;
    }
    message_.fill(data.data(), data.size(), to.data(), to.size());
    Ring& ring = loop->machine().ring();
    const int result = ring.try_now(*this);
    if (result != -ECONNREFUSED || !state_.hears_of_refusals_later()) {
        return result;
    }
    state_.note_receive_error(ECONNREFUSED);
    return ring.try_now(*this);
}

// Kernel: a send of a datagram that io_uring makes again after EAGAIN may have lost its bytes: a
// Unix socket takes them before it finds no room, and an empty datagram is sent (seen with 6.18).
// So only calls send, and requests wait.
void DatagramOutbound::wait_for_room() noexcept {
    if (waiting_.front().to.family() == AF_UNIX && rest_a_while()) {
        return;
    }
    if (!in_flight() && state_.loop() != nullptr) {
        polls_ = true;
        intrusive_add_ref(&state_);  // the request's
        state_.loop()->machine().ring().submit(*this);
    }
}

// Kernel: a Unix socket that is not connected is always ready to be written to, however full the
// one that is sent to: asked at once again and again, the loop would do nothing else.
bool DatagramOutbound::rest_a_while() noexcept {
    constexpr std::chrono::milliseconds pause{1};
    try {
        retry_ = state_.loop()->call_later(
            pause, [this, keep = IntrusivePtr<DatagramState>(&state_)] { go_on(); });
    } catch (const std::exception&) {  // no memory
        return false;
    }
    rests_ = true;
    return true;
}

void DatagramOutbound::go_on() noexcept {
    rests_ = false;
    flush();
    state_.output_moved();
}

void DatagramOutbound::flush() noexcept {
    while (!waiting_.empty()) {
        const Waiting& first = waiting_.front();
        const int result = try_now(first.data, first.to);
        if (result == -EAGAIN) {
            wait_for_room();
            break;
        }
        if (result < 0) {
            state_.note_send_error(-result, first.to);
        }
        pending_bytes_ -= first.data.size() + overhead;
        waiting_.pop_front();
    }
}

void DatagramOutbound::drop() noexcept {
    waiting_.clear();
    pending_bytes_ = 0;
    retry_.cancel();
    rests_ = false;
}

void DatagramOutbound::prepare(io_uring_sqe& sqe) noexcept {
    if (polls_) {
        PollRequest{.fd = state_.socket().fd(), .mask = POLLOUT}.prepare(sqe);
    } else {
        SendMsgRequest{.fd = state_.socket().fd(), .message = &message_.header}.prepare(sqe);
    }
}

void DatagramOutbound::complete(int result, std::uint32_t) noexcept {
    const IntrusivePtr<DatagramState> in_flight(&state_, adopt);
    polls_ = false;
    // A loop that does not run is being closed: a poll that is always ready would not let it.
    if (result == -ECANCELED || state_.aborted() || !state_.loop()->is_running()) {
        state_.abort();
        return;
    }
    go_on();
}

}  // namespace ringio::detail
