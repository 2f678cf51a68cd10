#include <ringio/streams/sendfile.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/op.hpp>
#include <ringio/ring/file_requests.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <string_view>
#include <system_error>

namespace ringio {

/// Sees behind a writer what it takes to send a file.
class detail::FileSending {
public:
    static StreamOutbound& output_of(const StreamWriter& writer) {
        return writer.state()->output();
    }
};

namespace {

constexpr std::size_t piece_size = 128 * 1024;

/// What is sent of a file, and how far it is.
class FilePart {
public:
    FilePart(int file, const SendfileOptions& options) : file_(file), at_(options.offset) {
        left_ = options.count.value_or(std::numeric_limits<std::uint64_t>::max());
        struct stat status{};
        if (::fstat(file, &status) != 0) {
            throw std::system_error(errno, std::system_category(),
                                    "sendfile of file descriptor " + std::to_string(file));
        }
        has_position_ = S_ISREG(status.st_mode);
        if (!has_position_ && !options.fallback) {
            throw SendfileNotAvailableError("not a regular file");
        }
    }
    FilePart(const FilePart&) = delete;
    FilePart& operator=(const FilePart&) = delete;
    ~FilePart() {
        if (has_position_) {
            ::lseek(file_, static_cast<off_t>(at_), SEEK_SET);
        }
    }

    /// The next piece of it, for as much memory as there is.
    ReadRequest next(void* memory, std::size_t size) const noexcept {
        return {.fd = file_,
                .buffer = memory,
                .size = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_)),
                .offset = has_position_ ? at_ : current_position};
    }
    void advance(std::uint64_t size) noexcept {
        at_ += size;
        left_ -= size;
        sent_ += size;
    }
    bool is_over() const noexcept { return left_ == 0; }
    std::uint64_t sent() const noexcept { return sent_; }

private:
    int file_;
    std::uint64_t at_;
    std::uint64_t left_;
    std::uint64_t sent_ = 0;
    bool has_position_ = false;
};

Task<std::uint64_t> send_part(StreamWriter writer, detail::StreamOutbound& output,
                              std::unique_ptr<FilePart> part) {
    const detail::StreamOutbound::Exclusive mine(output);
    const auto memory = std::make_unique_for_overwrite<char[]>(piece_size);
    while (!part->is_over()) {
        const int size = co_await Op<ReadRequest>(part->next(memory.get(), piece_size));
        if (size == 0) {
            break;
        }
        mine.write(std::string_view(memory.get(), static_cast<std::size_t>(size)));
        part->advance(static_cast<std::uint64_t>(size));
        co_await writer.drain();
    }
    co_return part->sent();
}

}  // namespace

Task<std::uint64_t> sendfile(StreamWriter writer, int file, SendfileOptions options) {
    if (writer.is_closing()) {
        throw std::runtime_error("Transport is closing");
    }
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (options.offset > most) {
        throw std::invalid_argument("sendfile: the offset is beyond any file");
    }
    detail::StreamOutbound& output = detail::FileSending::output_of(writer);
    auto part = std::make_unique<FilePart>(file, options);
    return send_part(std::move(writer), output, std::move(part));
}

}  // namespace ringio
