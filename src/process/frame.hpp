// Frames: the messages between a pool and a worker process, on a stream socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ringio::detail {

/// Legend. To a worker: start (whose program it must be, and its initializer), then calls. From it:
/// ready or refused, once; then for each call, in their order, a result or an exception.
enum class FrameKind : std::uint32_t { start = 1, call, ready, refused, result, exception };

struct FrameHeader {
    static constexpr std::uint32_t magic_number = 0x6f676e72;

    std::uint32_t magic = magic_number;
    FrameKind kind = FrameKind::start;
    std::uint64_t id = 0;  // of the call
    std::uint64_t length = 0;
};

/// The body of a frame that is coming. It takes memory as bytes come, for what a header says of its
/// length need not be true.
class FrameBody {
public:
    void append(std::string_view bytes);
    /// Room for some of the `wanted` bytes that come next, for recv(2).
    char* room(std::size_t wanted, std::size_t& size);
    void add(std::size_t size) noexcept { size_ += size; }
    /// Drops the bytes, and memory that was for a long body.
    void clear() noexcept;
    std::size_t size() const noexcept { return size_; }
    std::string_view view() const noexcept { return {bytes_.get(), size_}; }

private:
    struct Free {
        void operator()(char* bytes) const noexcept { std::free(bytes); }
    };
    void grow(std::size_t capacity);

    std::unique_ptr<char, Free> bytes_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

/// A frame that is whole. *Lifetime*: what a reader gives, until it fills itself again.
struct Frame {
    FrameHeader header;
    std::string_view body;
};

/// Takes frames from a socket.
class FrameReader {
public:
    /// `max_length` is of a body, in bytes.
    explicit FrameReader(std::uint64_t max_length = std::numeric_limits<std::uint64_t>::max());

    enum class Filled : unsigned char { some, nothing_yet, end };

    /// Receives once what there is; waits for it unless `flags` say MSG_DONTWAIT.
    /// *Errors*: std::system_error; an error of a lost peer is the end.
    Filled fill(int fd, int flags);

    /// The next frame that is whole. *Errors*: ArchiveError for what is no frame.
    std::optional<Frame> next();
    /// Gives the body of that frame away. To be called before anything else.
    FrameBody take_body(const Frame& frame);
    /// Whether there is something that next() may give without another fill().
    bool has_buffered() const noexcept { return begin_ != end_; }

    /// Whether the last fill() took all that there was.
    bool is_drained() const noexcept { return is_drained_; }

private:
    static constexpr std::size_t buffer_size = 65536;

    FrameHeader take_header();
    void take_from_buffer(std::size_t size) noexcept { begin_ += size; }
    std::string_view buffered() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }

    std::uint64_t max_length_;
    std::unique_ptr<char[]> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool is_drained_ = false;
    std::optional<FrameHeader> coming_;  // of a frame whose body is not whole yet
    FrameBody body_;                     // its beginning, or that of the last one
};

/// Frames on their way to a socket.
class FrameWriter {
public:
    /// A short body is copied, a long one moved.
    void push(FrameKind kind, std::uint64_t id, std::string&& body);
    bool empty() const noexcept { return frames_.empty(); }

    enum class Flushed : unsigned char { all, some, lost };

    /// Sends what can be sent; waits for room unless `flags` say MSG_DONTWAIT. `lost`: nobody reads
    /// any more.
    Flushed flush(int fd, int flags);

    /// Takes back the body of the last frame, which nobody has read.
    std::string take_back();

private:
    struct Outgoing {
        std::string head;  // the header, and a short body
        std::string body;  // a long one
    };

    std::deque<Outgoing> frames_;
    std::size_t sent_ = 0;  // of the first one
};

}  // namespace ringio::detail
