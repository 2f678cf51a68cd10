#include <ringio/streams/stream_writer.hpp>

#include <ringio/tasks/sleep.hpp>

#include "water_marks.hpp"

#include <chrono>

namespace ringio {
namespace {

Task<> wait_until_closed(IntrusivePtr<detail::StreamState> state) {
    if (!state->closed()) {
        co_await state->when_closed();
    }
    state->throw_failure();
}

}  // namespace

Task<> detail::drain_with_patience(IntrusivePtr<StreamState> stream) {
    stream->throw_failure();
    if (stream->closing()) {
        // One turn, so that a loop of write() and drain() sees that the connection is gone.
        co_await sleep(std::chrono::seconds(0));
    } else {
        stream->output().drain();
    }
    if (stream->closed()) {
        stream->throw_failure();
        stream->throw_lost();
    }
    if (stream->output().is_paused()) {
        co_await stream->output().resumed();
    }
    stream->throw_failure();
}

Task<> StreamWriter::wait_closed() { return wait_until_closed(state_); }

void StreamWriter::set_write_buffer_limits(std::optional<std::size_t> high,
                                           std::optional<std::size_t> low) {
    const detail::WaterMarks marks = detail::water_marks_of(high, low);
    state_->output().set_water_marks(marks.high, marks.low);
}

}  // namespace ringio
