#include <ringio/streams/sendfile.hpp>

#include "../io/file_part.hpp"

#include <memory>
#include <stdexcept>
#include <utility>

namespace ringio {

/// Sees behind a writer what it takes to send a file.
class detail::FileSending {
public:
    static StreamOutbound& output_of(const StreamWriter& writer) {
        return writer.state()->output();
    }
};

namespace {

Task<std::uint64_t> send_part(StreamWriter writer, detail::StreamOutbound& output,
                              std::unique_ptr<detail::FilePart> part) {
    const detail::StreamOutbound::Exclusive mine(output);
    while (!part->is_over()) {
        const int size = co_await part->read();
        if (size == 0) {
            break;
        }
        mine.write(part->piece(size));
        part->count_sent(static_cast<std::size_t>(size));
        co_await writer.drain();
    }
    co_return part->sent();
}

}  // namespace

Task<std::uint64_t> sendfile(StreamWriter writer, int file, SendfileOptions options) {
    if (writer.is_closing()) {
        throw std::runtime_error("Transport is closing");
    }
    detail::StreamOutbound& output = detail::FileSending::output_of(writer);
    auto part = std::make_unique<detail::FilePart>(file, options);
    return send_part(std::move(writer), output, std::move(part));
}

}  // namespace ringio
