#include <ringio/io/socket_receiver.hpp>

#include <ringio/core/op.hpp>

#include <memory>
#include <stdexcept>

namespace ringio {

Received::Received(ReadBuffer own) noexcept : bytes_(own.data()) {
    if (!bytes_.empty()) {
        id_ = static_cast<std::size_t>(bytes_.data() - own.release().release());
    }
}

void Received::free_own() noexcept {
    const std::unique_ptr<char[]> memory(const_cast<char*>(bytes_.data()) - id_);
}

namespace detail {

void ReceiverState::refuse() const {
    if (has_reader()) {
        throw std::runtime_error(
            "next() called while another coroutine is already waiting for incoming data");
    }
    throw std::runtime_error("next() on a SocketReceiver that was closed");
}

Received ReceiverState::next_of_own() {
    if (empty() && error_ != 0) {
        throw_system_error(error_, "recv");
    }
    return Received(take_buffer());
}

void ReceiverState::close() noexcept {
    if (std::exchange(closed_, true)) {
        return;
    }
    if (has_reader()) {
        set_at_end();
    }
    if (stop()) {
        close_socket();
    }
}

void ReceiverState::close_socket() noexcept {
    leave_descriptor();
    socket_.close();
}

void ReceiverState::request_ended() noexcept {
    wake_reader();
    if (closed_) {
        close_socket();
    }
}

}  // namespace detail
}  // namespace ringio
