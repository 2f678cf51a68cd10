#include <ringio/streams/stream_inbound.hpp>

#include <ringio/streams/stream_state.hpp>

#include <stdexcept>
#include <string>

namespace ringio::detail {

void FillAwaiter::await_resume() {
    check();
    inbound_.stream_.throw_failure();
    end();
}

FillMemoryAwaiter::FillMemoryAwaiter(StreamInbound& inbound, std::span<char> target) noexcept
    : IntakeWait(inbound), inbound_(inbound), memory_{.space = target} {}

void FillMemoryAwaiter::await_suspend(std::coroutine_handle<> coroutine) {
    IntakeWait::await_suspend(coroutine);
    inbound_.lend_memory(memory_);
}

std::size_t FillMemoryAwaiter::await_resume() {
    check();
    inbound_.stream_.throw_failure();
    end();
    return memory_.size;
}

DirectFillAwaiter::DirectFillAwaiter(StreamInbound& inbound, std::span<char> target) noexcept
    : RequestWait(
          {.fd = inbound.stream_.socket().fd(), .buffer = target.data(), .size = target.size()}),
      inbound_(inbound),
      keep_(&inbound.stream_),
      space_(target.size()) {
    inbound.set_bypassed();
}

DirectFillAwaiter::~DirectFillAwaiter() {
    inbound_.end_bypass();
    keep_->input_ended();
}

std::size_t DirectFillAwaiter::await_resume() { return inbound_.received_directly(take(), space_); }

void StreamInbound::retain() noexcept { intrusive_add_ref(&stream_); }

void StreamInbound::release() noexcept { intrusive_release(&stream_); }

void StreamInbound::failed(int error) noexcept {
    switch (medium()) {
        case Medium::socket:
            stream_.fail(error, "recv from ");
            break;
        case Medium::read_end:
            stream_.fail(error, "read from ");
            break;
        case Medium::write_end:
            stream_.reader_gone(error);
            break;
    }
}

void StreamInbound::request_ended() noexcept {
    wake_reader();
    stream_.input_ended();
}

void StreamInbound::fed_out() noexcept { stream_.input_has_room(); }

void StreamInbound::news() noexcept { stream_.input_came(); }

void StreamInbound::refuse_to_read(const char* reader) const {
    if (is_bypassed() || has_reader()) {
        throw std::runtime_error(std::string(reader) +
                                 "() called while another coroutine is already waiting for "
                                 "incoming data");
    }
    stream_.throw_failure();
    throw std::runtime_error(std::string(reader) + "() on the stream to " + stream_.peer() +
                             ", which was closed");
}

std::size_t StreamInbound::received_directly(int result, std::size_t space) {
    if (result < 0) {
        stream_.fail(-result, "recv from ");
        stream_.throw_failure();
    }
    const auto size = static_cast<std::size_t>(result);
    note_bulk(size, space);
    if (size == 0) {
        set_at_end();
    }
    stream_.throw_failure();  // of a send meanwhile, which made this receive end
    return size;
}

}  // namespace ringio::detail
