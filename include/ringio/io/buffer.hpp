// ReadBuffer: bytes that came and were not asked for yet. Received into at the back, taken from the
// front; what is free in front is used again before it grows.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ringio {

/// A growing buffer of bytes between a receiver and a reader.
class ReadBuffer {
public:
    /// Returns the bytes that are there. Valid until prepare().
    std::string_view data() const noexcept { return {memory_.get() + begin_, end_ - begin_}; }
    std::size_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return begin_ == end_; }

    /// Returns at least `size` free bytes behind the data. Valid until the next prepare().
    std::span<char> prepare(std::size_t size);

    /// Returns the free bytes that prepare() returned.
    std::span<char> space() const noexcept { return {memory_.get() + end_, capacity_ - end_}; }

    /// Says that `size` bytes of what prepare() returned were written.
    void commit(std::size_t size) noexcept { end_ += size; }

    /// Keeps what prepare() returned in its place while bytes are taken, as long as somebody else
    /// writes there: from pin() to unpin() only data(), consume(), take() and commit() are allowed.
    void pin() noexcept { pinned_ = true; }
    bool is_pinned() const noexcept { return pinned_; }
    void unpin() noexcept {
        pinned_ = false;
        consume(0);
    }

    /// Drops bytes from the front.
    void consume(std::size_t size) noexcept;

    /// Takes up to `size` bytes from the front.
    std::string take(std::size_t size);

    void append(std::string_view bytes);
    void clear() noexcept { begin_ = end_ = 0; }

    /// Gives the memory away, with the bytes in it.
    std::unique_ptr<char[]> release() noexcept {
        capacity_ = begin_ = end_ = 0;
        return std::move(memory_);
    }

    /// Gives the memory back if no bytes are there, and it is more than a small piece of it.
    void release_memory() noexcept;

private:
    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool pinned_ = false;
};

}  // namespace ringio
