#include <ringio/streams/stream_outbound.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/ring/file_requests.hpp>
#include <ringio/ring/socket_requests.hpp>
#include <ringio/streams/stream_state.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace ringio::detail {
namespace {

constexpr std::size_t write_through_min = 2 * 1024;  // below this, a copy is cheaper than a call
constexpr std::size_t write_through_always = 16 * 1024;
constexpr std::size_t spare_capacity_max = 256 * 1024;  // kept by an idle writer

void empty(std::string& buffer) noexcept {
    buffer.clear();
    if (buffer.capacity() > spare_capacity_max) [[unlikely]] {
        std::string().swap(buffer);
    }
}

}  // namespace

void StreamOutbound::prepare(io_uring_sqe& sqe) noexcept {
    const std::string_view rest = std::string_view(sending_).substr(sent_);
    if (way_ == Way::pipe) [[unlikely]] {
        WriteRequest{.fd = socket_.fd(), .buffer = rest.data(), .size = rest.size()}.prepare(sqe);
    } else {
        SendRequest{.fd = socket_.fd(), .buffer = rest.data(), .size = rest.size()}.prepare(sqe);
    }
}

void StreamOutbound::complete(int result, std::uint32_t) noexcept {
    const IntrusivePtr<StreamState> in_flight(&stream_, adopt);
    on_sent(result);
}

RINGIO_INLINE int StreamOutbound::try_send(EventLoop& loop, std::string_view data) noexcept {
    if (way_ != Way::socket) [[unlikely]] {
        return try_other_way(loop, data);
    }
    return loop.machine().ring().try_now(
        SendRequest{.fd = socket_.fd(), .buffer = data.data(), .size = data.size()});
}

int StreamOutbound::try_other_way(EventLoop& loop, std::string_view data) noexcept {
    if (way_ == Way::far_side) {
        return give_to_far_side(data);
    }
    return loop.machine().ring().try_now(
        WriteRequest{.fd = socket_.fd(), .buffer = data.data(), .size = data.size()});
}

// What the far side does with it may come back to this stream: it writes, it closes, it aborts.
int StreamOutbound::give_to_far_side(std::string_view data) noexcept {
    if (far_ == nullptr) {
        return -EPIPE;
    }
    taking_ = true;
    const int taken = far_->take(data);
    taking_ = false;
    paused_ = paused_ || far_->is_congested();
    return taken;
}

void StreamOutbound::fail(int error) noexcept {
    stream_.fail(error, way_ == Way::pipe ? "write to " : "send to ");
}

// Sends what the kernel has room for, straight from the caller's memory; returns how much. A far
// side is asked as long as it takes some, for only when it takes none it says when to ask again.
RINGIO_INLINE std::size_t StreamOutbound::send_at_once(std::string_view data) noexcept {
    EventLoop* const loop = anchor_->loop;
    const std::size_t size = data.size();
    while (!data.empty() && loop != nullptr &&
           (way_ == Way::far_side || loop->machine().take_immediate_budget())) {
        const int result = try_send(*loop, data);
        if (result < 0) [[unlikely]] {
            if (result != -EAGAIN) {
                fail(-result);
            }
            break;
        }
        data.remove_prefix(static_cast<std::size_t>(result));
    }
    return size - data.size();
}

void StreamOutbound::write(std::string_view data) {
    if (writes_ != Writes::open) [[unlikely]] {
        refuse_to_write();
    }
    if (stream_.closing()) [[unlikely]] {
        return;  // as in asyncio, what is written to a closed or lost connection is dropped
    }
    if (data.size() >= write_through_min) [[unlikely]] {
        data.remove_prefix(write_through(data));
        if (stream_.closing()) {
            stream_.output_ended();  // which could not be while the far side took it
            return;
        }
    }
    if (data.empty()) [[unlikely]] {
        return;
    }
    outgoing_.append(data);
    if (pending_bytes() > high_water_) [[unlikely]] {
        paused_ = true;
    }
    schedule_flush();
}

// Much data goes to the kernel without a copy, as long as that makes no more calls than it must.
// Returns how much of it did.
std::size_t StreamOutbound::write_through(std::string_view data) noexcept {
    const bool may = pending_bytes() == 0 && !is_sending() &&
                     (may_send_at_once() || data.size() >= write_through_always);
    return may ? send_at_once(data) : 0;
}

void StreamOutbound::end() {
    if (!can_end()) {
        throw std::runtime_error("write_eof() on the stream to " + stream_.peer() +
                                 ": TLS ends in both directions; close() it");
    }
    if (stream_.closing() || writes_ == Writes::ended) {
        return;
    }
    if (way_ == Way::pipe) {
        stream_.close();
        return;
    }
    writes_ = Writes::ended;
    schedule_flush();
}

void StreamOutbound::schedule_flush() noexcept {
    if (anchor_->loop != nullptr) {
        anchor_->loop->machine().at_turn_end(*this);
    }
}

void StreamOutbound::flush() noexcept {
    TurnEnd::unlink();
    if (is_sending() || stream_.closed()) [[unlikely]] {
        return;
    }
    if (far_ != nullptr) [[unlikely]] {
        flush_to_far_side();
        return;
    }
    if (!outgoing_.empty()) [[likely]] {
        const std::size_t sent = send_at_once(outgoing_);
        if (aborted_) [[unlikely]] {
            return;
        }
        if (sent == outgoing_.size()) [[likely]] {
            empty(outgoing_);
            if (!paused_ && writes_ != Writes::ended && !stream_.closing()) [[likely]] {
                return;  // nobody waits for it
            }
        } else {
            hand_over(sent);
        }
    }
    after_send();
}

// What is written meanwhile does not move what is being taken. Without a loop nobody takes it.
void StreamOutbound::flush_to_far_side() noexcept {
    const IntrusivePtr<StreamState> keep(&stream_);
    while (!outgoing_.empty() && !is_sending() && !aborted_ && anchor_->loop != nullptr) {
        sending_.swap(outgoing_);
        sent_ = send_at_once(sending_);
        if (sent_ < sending_.size() && !aborted_) {
            submit_rest();
        } else {
            sent_ = 0;
            empty(sending_);
        }
    }
    if (aborted_) {
        drop();
    }
    after_send();
}

// Sends, at the end of a turn or after a request, at once or with other connections.
void StreamOutbound::leave() noexcept {
    EventLoop* const loop = anchor_->loop;
    if (loop == nullptr || far_ != nullptr || outgoing_.empty() || is_sending() ||
        stream_.closed()) {
        flush();
        return;
    }
    const bool together =
        turn_ == loop->machine().turn() ? together_ : !loop->machine().may_send_at_once();
    if (!together) {
        flush();
        return;
    }
    TurnEnd::unlink();
    hand_over(0);
    after_send();
}

// Leaves what is written, of which `sent` bytes are gone, to a request.
void StreamOutbound::hand_over(std::size_t sent) noexcept {
    sending_.swap(outgoing_);
    sent_ = sent;
    submit_rest();
}

void StreamOutbound::on_sent(int result) noexcept {
    if (aborted_ || result == -ECANCELED) {  // the latter when the loop closes
        if (!aborted_ && finishes_with_loop_) {
            write_the_rest();
        }
        drop();
        stream_.loop_closes();
        return;
    }
    if (result == -EINTR) {
        result = 0;
    }
    if (result < 0) {
        fail(-result);
        return;
    }
    sent_ += static_cast<std::size_t>(result);
    if (sent_ < sending_.size()) {
        submit_rest();
        after_send();
    } else {
        sent_ = 0;
        empty(sending_);
        leave();
    }
}

void StreamOutbound::after_send() noexcept {
    resume_writers();
    if (pending_bytes() > 0) {
        return;
    }
    if (writes_ == Writes::ended && !ended_ && !stream_.closing()) {
        ended_ = true;
        if (far_ != nullptr) {
            far_->take_end();
        } else {
            socket_.shutdown(SHUT_WR);
        }
    }
    stream_.output_ended();
}

void StreamOutbound::submit_rest() noexcept {
    if (is_sending() || anchor_->loop == nullptr) {
        return;
    }
    intrusive_add_ref(&stream_);  // the request's, or the far side's
    if (far_ != nullptr) {
        waits_for_room_ = true;
    } else {
        anchor_->loop->machine().ring().submit(*this);
    }
}

void StreamOutbound::has_room() noexcept {
    if (!std::exchange(waits_for_room_, false)) {
        resume_writers();
        return;
    }
    const IntrusivePtr<StreamState> waited(&stream_, adopt);
    int taken = 0;
    do {  // room that there is again while it takes is not told of
        sent_ += static_cast<std::size_t>(taken);
        taken = give_to_far_side(std::string_view(sending_).substr(sent_));
    } while (taken > 0 && !aborted_ && sent_ + static_cast<std::size_t>(taken) < sending_.size());
    on_sent(taken == -EAGAIN ? 0 : taken);
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
    if (paused_ && pending_bytes() <= low_water_ && (far_ == nullptr || !far_->is_congested())) {
        paused_ = false;
        if (waits_) {
            waits_->drains.wake_all();
        }
        stream_.output_resumed();
    }
}

StreamWaits& StreamOutbound::waits() {
    if (!waits_) {
        if (anchor_->loop == nullptr) {
            throw std::runtime_error("Event loop is closed");
        }
        waits_ = std::make_unique<StreamWaits>(*anchor_->loop);
    }
    return *waits_;
}

bool StreamOutbound::abort() noexcept {
    aborted_ = true;
    if (in_flight()) {
        if (anchor_->loop != nullptr) {
            anchor_->loop->machine().ring().cancel(*this);
        }
        return false;
    }
    drop();
    if (std::exchange(waits_for_room_, false)) {
        intrusive_release(&stream_);  // which abort() of the stream holds
    }
    return true;
}

void StreamOutbound::close() noexcept {
    paused_ = false;
    far_ = nullptr;
    if (waits_) {
        waits_->drains.wake_all();
        waits_->closes.wake_all();
    }
}

void StreamOutbound::write_the_rest() noexcept {
    for (std::string_view rest :
         {std::string_view(sending_).substr(sent_), std::string_view(outgoing_)}) {
        while (!rest.empty()) {
            const ssize_t written = ::write(socket_.fd(), rest.data(), rest.size());
            if (written >= 0) {
                rest.remove_prefix(static_cast<std::size_t>(written));
            } else if (errno == EAGAIN) {  // somebody else has put it into that mode
                pollfd entry{socket_.fd(), POLLOUT, 0};
                ::poll(&entry, 1, -1);
            } else if (errno != EINTR) {
                return;
            }
        }
    }
}

void StreamOutbound::refuse_to_write() const {
    throw std::runtime_error(writes_ == Writes::ended ? "Cannot call write() after write_eof()"
                                                      : "unable to write; sendfile is in progress");
}

StreamOutbound::Exclusive::Exclusive(StreamOutbound& output) : output_(output) {
    if (output.writes_ != Writes::open) {
        output.refuse_to_write();
    }
    output.writes_ = Writes::only_by_sendfile;
}

void StreamOutbound::Exclusive::write(std::string_view data) const {
    output_.writes_ = Writes::open;
    const ScopeExit mine([this] { output_.writes_ = Writes::only_by_sendfile; });
    output_.write(data);
}

void StreamOutbound::drop() noexcept {
    if (taking_) {
        return;  // the far side looks at it; whoever asked it to drops the bytes
    }
    outgoing_.clear();
    sending_.clear();
    sent_ = 0;
}

}  // namespace ringio::detail
