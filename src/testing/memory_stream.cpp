#include <ringio/testing/memory_stream.hpp>

#include <ringio/ring/max_transfer.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <stdexcept>

namespace ringio::testing {
namespace {

using detail::StreamState;

/// What one end sees of the other. Owned by the stream of its end; the two know each other until
/// one is destroyed, with its stream's end.
class MemorySide final : public detail::FarSide {
public:
    static void connect(MemorySide& first, StreamState& first_stream, MemorySide& second,
                        StreamState& second_stream) noexcept {
        first.peer_ = &second;
        first.own_ = &first_stream;
        second.peer_ = &first;
        second.own_ = &second_stream;
    }

    MemorySide() noexcept = default;
    MemorySide(const MemorySide&) = delete;
    MemorySide& operator=(const MemorySide&) = delete;
    ~MemorySide() override {
        if (peer_ != nullptr) {
            peer_->peer_ = nullptr;
            const IntrusivePtr<StreamState> stream(peer_->own_);
            stream->input().feed_end();
            stream->output().has_room();  // to hear that there is nobody
        }
    }

    int take(std::string_view bytes) noexcept override {
        if (peer_ == nullptr) {
            return -EPIPE;
        }
        bytes = bytes.substr(0, max_transfer);
        detail::StreamInbound& input = peer_->own_->input();
        if (peer_->own_->closing()) {
            return static_cast<int>(bytes.size());  // nobody will read it
        }
        if (input.is_full()) {
            return -EAGAIN;
        }
        const std::size_t limit = input.limit();
        const std::size_t room = std::max(2 * limit + 1 - std::min(input.size(), 2 * limit), limit);
        const std::size_t size = std::min(bytes.size(), room);
        try {
            input.feed(bytes.substr(0, size));
        } catch (...) {
            return -ENOMEM;
        }
        return static_cast<int>(size);
    }

    void take_end() noexcept override {
        if (peer_ != nullptr) {
            peer_->own_->input().feed_end();
        }
    }

    void serve(StreamState& stream) noexcept override { own_ = &stream; }

    void go_on() noexcept override {
        if (peer_ != nullptr) {
            peer_->own_->output().has_room();
        }
    }

private:
    MemorySide* peer_ = nullptr;
    StreamState* own_ = nullptr;
};

}  // namespace

std::pair<Connection, Connection> memory_stream_pair(std::size_t limit) {
    if (limit == 0) {
        throw std::invalid_argument("memory_stream_pair: the limit is 0; a reader needs a buffer");
    }
    EventLoop& loop = get_running_loop();
    const auto make = [&](MemorySide*& side) {
        auto owned = std::make_unique<MemorySide>();
        side = owned.get();
        return IntrusivePtr<StreamState>(
            new StreamState(loop, std::move(owned), "the other end in memory", limit));
    };
    MemorySide* first_side = nullptr;
    MemorySide* second_side = nullptr;
    const IntrusivePtr<StreamState> first = make(first_side);
    const IntrusivePtr<StreamState> second = make(second_side);
    MemorySide::connect(*first_side, *first, *second_side, *second);
    return {Connection(StreamReader(first), StreamWriter(first)),
            Connection(StreamReader(second), StreamWriter(second))};
}

}  // namespace ringio::testing
