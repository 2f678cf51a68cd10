// sendfile: the content of a file over a connection; loop.sendfile.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/io/socket.hpp>
#include <ringio/streams/stream_writer.hpp>

#include <concepts>
#include <cstdint>
#include <utility>

namespace ringio {

/// Sends a file's content after what was written before, and gives the number of bytes. The file is
/// read a piece at a time, when the peer has taken most of the last one. Afterwards the position of
/// the file is behind what was sent, if it was anything, also after a failure. What has no
/// position, such as a pipe, is read from where it is.
///
/// *Errors*: std::runtime_error "Transport is closing"; while it runs, a write() by another is one,
/// too, and so is another sendfile(); std::system_error when reading or the connection fails.
/// *Cancellation*: at the end of a piece, or at once while it waits for the peer; what was sent is
/// sent, and the position tells how much was handed to the connection. *Lifetime*: `file` must stay
/// open until the await is over.
Task<std::uint64_t> sendfile(StreamWriter writer, int file, SendfileOptions options = {});

/// The same for what has a descriptor.
template <class File>
    requires requires(const File& file) {
        { file.fileno() } -> std::convertible_to<int>;
    }
Task<std::uint64_t> sendfile(StreamWriter writer, const File& file, SendfileOptions options = {}) {
    return sendfile(std::move(writer), file.fileno(), options);
}

}  // namespace ringio
