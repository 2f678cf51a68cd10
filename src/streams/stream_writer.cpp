#include <ringio/streams/stream_writer.hpp>

#include <ringio/tasks/sleep.hpp>

#include <chrono>
#include <stdexcept>

namespace ringio {
namespace {

using State = IntrusivePtr<detail::StreamState>;

Task<> drain_stream(State state) {
    state->throw_failure();
    if (state->closing()) {
        // One turn, so that a loop of write() and drain() sees that the connection is gone.
        co_await sleep(std::chrono::seconds(0));
    } else {
        state->flush();
    }
    if (state->closed()) {
        state->throw_failure();
        state->throw_lost();
    }
    if (state->write_paused()) {
        co_await state->resumed();
    }
    state->throw_failure();
}

Task<> wait_until_closed(State state) {
    co_await state->when_closed();
    state->throw_failure();
}

}  // namespace

Task<> StreamWriter::drain() { return drain_stream(state_); }

Task<> StreamWriter::wait_closed() { return wait_until_closed(state_); }

void StreamWriter::set_write_buffer_limits(std::optional<std::size_t> high,
                                           std::optional<std::size_t> low) {
    const std::size_t high_mark = high ? *high : (low ? 4 * *low : default_stream_limit);
    const std::size_t low_mark = low ? *low : high_mark / 4;
    if (low_mark > high_mark) {
        throw std::invalid_argument("high (" + std::to_string(high_mark) + ") must be >= low (" +
                                    std::to_string(low_mark) + ") must be >= 0");
    }
    state_->set_water_marks(high_mark, low_mark);
}

}  // namespace ringio
