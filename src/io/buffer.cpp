#include <ringio/io/buffer.hpp>

#include <algorithm>
#include <cstring>

namespace ringio {

std::span<char> ReadBuffer::prepare(std::size_t size) {
    if (capacity_ - end_ < size) {
        const std::size_t used = this->size();
        if (capacity_ - used < size || used > capacity_ / 2) {
            const std::size_t capacity = std::max(used + size, capacity_ * 2);
            std::unique_ptr<char[]> memory = std::make_unique_for_overwrite<char[]>(capacity);
            if (used > 0) {
                std::memcpy(memory.get(), memory_.get() + begin_, used);
            }
            memory_ = std::move(memory);
            capacity_ = capacity;
        } else if (used > 0) {
            std::memmove(memory_.get(), memory_.get() + begin_, used);
        }
        begin_ = 0;
        end_ = used;
    }
    return {memory_.get() + end_, capacity_ - end_};
}

void ReadBuffer::consume(std::size_t size) noexcept {
    begin_ += size;
    if (begin_ == end_ && !pinned_) {
        clear();
    }
}

void ReadBuffer::release_memory() noexcept {
    constexpr std::size_t small = 256;  // not worth to be allocated again and again
    if (empty() && !pinned_ && capacity_ > small) {
        memory_.reset();
        capacity_ = 0;
    }
}

std::string ReadBuffer::take(std::size_t size) {
    std::string bytes(data().substr(0, size));
    consume(bytes.size());
    return bytes;
}

void ReadBuffer::append(std::string_view bytes) {
    if (!bytes.empty()) {
        std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
        commit(bytes.size());
    }
}

}  // namespace ringio
