#include <ringio/streams/datagram_state.hpp>

#include <ringio/core/loop_books.hpp>
#include <ringio/ring/socket_requests.hpp>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace ringio::detail {
namespace {

[[noreturn]] void throw_error(int error, const std::string& what) {
    throw std::system_error(error, std::system_category(), describe_failure(error, what));
}

// The ring, when a receive of the running task may be answered at once.
Ring* ring_that_receives_at_once() noexcept {
    if (running_loop == nullptr) {
        return nullptr;
    }
    Machine& machine = running_loop->machine();
    const TaskStateBase* const task = machine.current_task();
    const bool may =
        task != nullptr && !task->has_undelivered_cancellation() && machine.take_immediate_budget();
    return may ? &machine.ring() : nullptr;
}

}  // namespace

DatagramState::DatagramState(EventLoop& loop, Setup setup)
    : anchor_(loop.machine().anchor()),
      socket_(std::move(setup.socket)),
      own_(socket_.getsockname()),
      remote_(setup.remote),
      path_(std::move(setup.path)),
      inbound_(*this, setup.limit),
      outbound_(*this),
      is_connected_(setup.is_connected),
      ignore_refused_(setup.ignore_refused) {
    binding_.bind(loop);
    loop.machine().books().stream_descriptors.insert(socket_.fd());
}

DatagramState::~DatagramState() {
    if (!closed_ && loop() != nullptr) {
        loop()->machine().books().stream_descriptors.erase(socket_.fd());
    }
}

const SocketAddress& DatagramState::peer_address() const {
    if (remote_.family() == AF_UNSPEC) {
        throw std::system_error(ENOTCONN, std::system_category(),
                                "getpeername of a datagram endpoint");
    }
    return remote_;
}

void DatagramState::require_open() const {
    if (closing_) {
        throw std::runtime_error("The datagram endpoint is closed");
    }
}

// Receiving.

bool DatagramState::receive_at_once() {
    const auto has_news = [this] {
        return closing_ || inbound_.has_datagram() || receive_error_ != 0 || send_error_ != 0;
    };
    if (has_news() || inbound_.in_flight()) {
        return has_news();
    }
    inbound_.make_buffer();
    while (!has_news()) {  // again when a refusal is ignored
        Ring* const ring = ring_that_receives_at_once();
        const int result = ring != nullptr ? ring->try_now(inbound_) : -EAGAIN;
        if (result == -EAGAIN) {
            return false;
        }
        inbound_.note(result);
    }
    return true;
}

void DatagramState::begin_receive() noexcept {
    if (!closing_ && !inbound_.in_flight() && loop() != nullptr) {
        intrusive_add_ref(this);  // the request's
        loop()->machine().ring().submit(inbound_);
    }
}

void DatagramState::input_ended(int result) noexcept {
    if (closing_) {
        finish_close();
    } else if (inbound_.has_datagram()) {
        receivers_.wake_all();
    } else if (result != -ECANCELED && receivers_.first_waiting() != nullptr) {
        begin_receive();
    }
}

void DatagramState::note_receive_error(int error) noexcept {
    if (error != ECONNREFUSED || !ignore_refused_) {
        receive_error_ = error;
        receivers_.wake_all();
    }
}

void DatagramState::note_send_error(int error, const SocketAddress& to) noexcept {
    if (error != ECONNREFUSED || !ignore_refused_) {
        send_error_ = error;
        unsent_to_ = to.family() != AF_UNSPEC ? to : remote_;
        receivers_.wake_all();
    }
}

void DatagramState::throw_receive_failure() {
    if (const int error = std::exchange(receive_error_, 0)) {
        throw_error(error, is_connected_ ? "recv from " + remote_.to_string()
                                         : "recv on " + own_address().to_string());
    }
    if (const int error = std::exchange(send_error_, 0)) {
        throw_error(error, "sendto " + unsent_to_.to_string());
    }
}

// One who waits to receive is told first.
void DatagramState::throw_send_failure() {
    if (send_error_ != 0 && !receivers_.has_live()) {
        throw_error(std::exchange(send_error_, 0), "sendto " + unsent_to_.to_string());
    }
}

void DatagramInbound::prepare(io_uring_sqe& sqe) noexcept {
    message_.fill(buffer_.get(), limit_, &name_, sizeof(name_));
    RecvMsgRequest{.fd = state_.socket().fd(), .message = &message_.header}.prepare(sqe);
}

void DatagramInbound::complete(int result, std::uint32_t) noexcept {
    const IntrusivePtr<DatagramState> in_flight(&state_, adopt);
    note(result);
    state_.input_ended(result);
}

void DatagramInbound::note(int result) noexcept {
    if (result >= 0) {
        size_ = std::min(static_cast<std::size_t>(result), limit_);
        has_datagram_ = true;
    } else if (result != -EINTR && result != -ECANCELED) {
        state_.note_receive_error(-result);
    }
}

SocketAddress DatagramInbound::from() const {
    const std::size_t size = std::min<std::size_t>(message_.header.msg_namelen, sizeof(name_));
    return {reinterpret_cast<const sockaddr*>(&name_), size};
}

// Sending.

void DatagramState::send(std::string_view data) {
    if (remote_.family() == AF_UNSPEC) {
        throw std::invalid_argument(
            "send() without an address: the endpoint has no remote one; use sendto()");
    }
    if (!closing_) {
        outbound_.send(data, is_connected_ ? SocketAddress() : remote_);
    }
}

void DatagramState::sendto(std::string_view data, const SocketAddress& address) {
    if (address.family() == AF_UNSPEC || address == remote_) {
        send(data);
        return;
    }
    if (remote_.family() != AF_UNSPEC) {
        throw std::invalid_argument("Invalid address: must be None or " + remote_.to_string());
    }
    if (!closing_) {
        outbound_.send(data, address);
    }
}

void DatagramState::set_water_marks(std::size_t high, std::size_t low) noexcept {
    high_water_ = high;
    low_water_ = low;
    pause_if_full();
    output_moved();
}

void DatagramState::output_moved() noexcept {
    if (paused_ && pending_bytes() <= low_water_) {
        paused_ = false;
        drains_.wake_all();
    }
    if (closing_ && outbound_.empty()) {
        finish_close();
    }
}

// The end.

void DatagramState::release_handle() noexcept {
    if (--handles_ == 0 && !closing_) {
        close();
    }
}

void DatagramState::begin_close() noexcept {
    closing_ = true;
    receivers_.wake_all();
}

void DatagramState::close() noexcept {
    if (!closing_) {
        const IntrusivePtr<DatagramState> keep(this);
        begin_close();
        if (loop() == nullptr) {
            outbound_.drop();
        }
        output_moved();
    }
}

void DatagramState::abort() noexcept {
    const IntrusivePtr<DatagramState> keep(this);
    begin_close();
    aborted_ = true;
    outbound_.drop();
    if (outbound_.in_flight() && loop() != nullptr) {
        loop()->machine().ring().cancel(outbound_);
    }
    output_moved();
}

// The descriptor is given back when no request names it any more.
void DatagramState::finish_close() noexcept {
    if (closed_ || outbound_.in_flight()) {
        return;
    }
    if (inbound_.in_flight()) {
        loop()->machine().ring().cancel(inbound_);
        return;
    }
    try {
        own_ = socket_.getsockname();
    } catch (const std::system_error&) {  // it stays what it was
    }
    closed_ = true;
    if (loop() != nullptr) {
        loop()->machine().books().stream_descriptors.erase(socket_.fd());
    }
    socket_.close();
    path_.remove();
    drains_.wake_all();
    closes_.wake_all();
}

// Waiting.

void DatagramWait::end() {
    if (has_waited() && leave() != WaitEnd::woken) {
        throw_ended();
    }
}

DatagramReceiveWait::DatagramReceiveWait(const IntrusivePtr<DatagramState>& state)
    : DatagramWait(state, state->receivers()) {
    state_->require_open();
    if (state_->receivers().has_live()) {
        throw std::runtime_error(
            "recv() called while another coroutine is already waiting for a datagram");
    }
}

bool DatagramReceiveWait::await_ready() { return state_->receive_at_once(); }

void DatagramReceiveWait::await_suspend(std::coroutine_handle<> coroutine) {
    QueuedWait::await_suspend(coroutine);
    state_->begin_receive();
}

DatagramInbound& DatagramReceiveWait::arrived() {
    end();
    state_->throw_receive_failure();
    if (!state_->input().has_datagram()) {
        state_->require_open();
    }
    return state_->input();
}

Datagram DatagramReceiveAwaiter::await_resume() {
    DatagramInbound& input = arrived();
    Datagram datagram{std::string(input.data()), input.from(), input.truncated()};
    input.consume();
    return datagram;
}

ReceivedFrom DatagramReceiveIntoAwaiter::await_resume() {
    DatagramInbound& input = arrived();
    const std::size_t size = std::min(input.data().size(), buffer_.size());
    std::copy_n(input.data().begin(), size, buffer_.begin());
    input.consume();
    return {size, input.from(), input.truncated() || size < input.data().size()};
}

DatagramDrainAwaiter::DatagramDrainAwaiter(const IntrusivePtr<DatagramState>& state)
    : DatagramWait(state, state->drains()) {
    state_->require_open();
}

bool DatagramDrainAwaiter::await_ready() const noexcept { return !state_->is_paused(); }

void DatagramDrainAwaiter::await_resume() {
    end();
    state_->throw_send_failure();
    if (state_->aborted()) {
        state_->require_open();
    }
}

DatagramCloseAwaiter::DatagramCloseAwaiter(const IntrusivePtr<DatagramState>& state)
    : DatagramWait(state, state->closes()) {}

bool DatagramCloseAwaiter::await_ready() const noexcept { return state_->closed(); }

void DatagramCloseAwaiter::await_resume() { end(); }

}  // namespace ringio::detail
