#include <ringio/streams/stream_outbound.hpp>

#include <ringio/ring/socket_requests.hpp>
#include <ringio/streams/stream_state.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace ringio::detail {
namespace {

constexpr std::size_t write_through_min = 2 * 1024;     // below this, a copy is cheaper than a call
constexpr std::size_t spare_capacity_max = 256 * 1024;  // kept by an idle writer

void empty(std::string& buffer) noexcept {
    buffer.clear();
    if (buffer.capacity() > spare_capacity_max) [[unlikely]] {
        std::string().swap(buffer);
    }
}

}  // namespace

void wake_all(std::vector<Promise<>>& waiters) noexcept {
    for (Promise<>& waiter : std::exchange(waiters, {})) {
        if (!waiter.done()) {
            waiter.set_result();
        }
    }
}

void StreamOutbound::prepare(io_uring_sqe& sqe) noexcept {
    const std::string_view rest = std::string_view(sending_).substr(sent_);
    SendRequest{.fd = socket_.fd(), .buffer = rest.data(), .size = rest.size()}.prepare(sqe);
}

void StreamOutbound::complete(int result, std::uint32_t) noexcept {
    const IntrusivePtr<StreamState> in_flight(&stream_, adopt);
    on_sent(result);
}

void StreamOutbound::write(std::string_view data) {
    if (end_wanted_) {
        throw std::runtime_error("Cannot call write() after write_eof()");
    }
    if (stream_.closing()) {
        return;  // as in asyncio, what is written to a closed or lost connection is dropped
    }
    if (data.size() >= write_through_min && pending_bytes() == 0 && !in_flight()) {
        data.remove_prefix(send_at_once(data));
    }
    if (data.empty() || stream_.closing()) {
        return;
    }
    outgoing_.append(data);
    if (pending_bytes() > high_water_) {
        paused_ = true;
    }
    schedule_flush();
}

void StreamOutbound::end() noexcept {
    if (stream_.closing() || end_wanted_) {
        return;
    }
    end_wanted_ = true;
    schedule_flush();
}

void StreamOutbound::schedule_flush() noexcept {
    if (anchor_->loop != nullptr) {
        anchor_->loop->at_turn_end(*this);
    }
}

// Sends what the kernel has room for, straight from the caller's memory; returns how much.
std::size_t StreamOutbound::send_at_once(std::string_view data) noexcept {
    EventLoop* loop = anchor_->loop;
    std::size_t sent = 0;
    while (sent < data.size() && loop != nullptr && loop->take_immediate_budget()) {
        const std::string_view rest = data.substr(sent);
        const int result = loop->ring().try_now(
            SendRequest{.fd = socket_.fd(), .buffer = rest.data(), .size = rest.size()});
        if (result == -EAGAIN) {
            break;
        }
        if (result < 0) {
            stream_.fail(-result, "send to ");
            break;
        }
        sent += static_cast<std::size_t>(result);
    }
    return sent;
}

void StreamOutbound::flush() noexcept {
    TurnEnd::unlink();
    if (in_flight() || stream_.closed()) {
        return;
    }
    if (!outgoing_.empty()) {
        const std::size_t sent = send_at_once(outgoing_);
        if (aborted_) {
            return;
        }
        if (sent == outgoing_.size()) {
            empty(outgoing_);
        } else {
            sending_.swap(outgoing_);
            sent_ = sent;
            submit_rest();
        }
    }
    after_send();
}

void StreamOutbound::on_sent(int result) noexcept {
    if (aborted_ || result == -ECANCELED) {  // the latter when the loop closes
        drop();
        stream_.loop_closes();
        return;
    }
    if (result == -EINTR) {
        result = 0;
    }
    if (result < 0) {
        stream_.fail(-result, "send to ");
        return;
    }
    sent_ += static_cast<std::size_t>(result);
    if (sent_ < sending_.size()) {
        submit_rest();
        after_send();
    } else {
        sent_ = 0;
        empty(sending_);
        flush();
    }
}

void StreamOutbound::after_send() noexcept {
    resume_writers();
    if (pending_bytes() > 0) {
        return;
    }
    if (end_wanted_ && !stream_.closing()) {
        socket_.shutdown(SHUT_WR);
    }
    stream_.output_ended();
}

void StreamOutbound::submit_rest() noexcept {
    if (!in_flight() && anchor_->loop != nullptr) {
        intrusive_add_ref(&stream_);  // the request's
        anchor_->loop->ring().submit(*this);
    }
}

void StreamOutbound::set_water_marks(std::size_t high, std::size_t low) {
    high_water_ = high;
    low_water_ = low;
    if (pending_bytes() > high_water_) {
        paused_ = true;
    } else {
        resume_writers();
    }
}

void StreamOutbound::resume_writers() noexcept {
    if (paused_ && pending_bytes() <= low_water_) {
        paused_ = false;
        wake_all(drains_);
    }
}

Future<> StreamOutbound::resumed() {
    Promise<> promise = get_running_loop().create_future<void>();
    drains_.push_back(promise);
    return promise.get_future();
}

bool StreamOutbound::abort() noexcept {
    aborted_ = true;
    if (in_flight()) {
        if (anchor_->loop != nullptr) {
            anchor_->loop->ring().cancel(*this);
        }
        return false;
    }
    drop();
    return true;
}

void StreamOutbound::close() noexcept {
    paused_ = false;
    wake_all(drains_);
}

void StreamOutbound::drop() noexcept {
    outgoing_.clear();
    sending_.clear();
    sent_ = 0;
}

}  // namespace ringio::detail
