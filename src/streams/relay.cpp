#include <ringio/streams/relay.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace ringio {
namespace {

constexpr std::size_t first_capacity = 4 * 1024;   // of a relay that has little to do
constexpr std::size_t last_capacity = 256 * 1024;  // reached by doubling, when reads fill it

/// Memory that grows with what comes at a time.
class RelayBuffer {
public:
    std::span<char> space() const noexcept { return {memory_.get(), capacity_}; }

    void grow_if_filled_by(std::size_t size) {
        if (size == capacity_ && capacity_ < last_capacity) {
            memory_.reset();
            memory_ = std::make_unique_for_overwrite<char[]>(2 * capacity_);
            capacity_ *= 2;
        }
    }

private:
    std::unique_ptr<char[]> memory_ = std::make_unique_for_overwrite<char[]>(first_capacity);
    std::size_t capacity_ = first_capacity;
};

}  // namespace

Task<std::uint64_t> relay(StreamReader reader, StreamWriter writer, RelayOptions options) {
    RelayBuffer buffer;
    std::uint64_t total = 0;
    for (;;) {
        const std::size_t size = co_await reader.read(buffer.space());
        if (size == 0) {
            break;
        }
        writer.write(std::string_view(buffer.space().data(), size));
        total += size;
        buffer.grow_if_filled_by(size);
        co_await writer.drain();
    }
    if (options.write_eof && writer.can_write_eof()) {
        writer.write_eof();
    }
    co_await writer.drain();
    co_return total;
}

}  // namespace ringio
