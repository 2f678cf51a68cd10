// Pipes, terminals and the like as streams: connect_read_pipe, connect_write_pipe, open_pipe.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <ringio/core/task.hpp>
#include <ringio/streams/stream_reader.hpp>
#include <ringio/streams/stream_writer.hpp>

#include <cstddef>
#include <utility>

namespace ringio {

struct PipeOptions {
    std::size_t limit = default_stream_limit;  ///< of the reader's buffer, in bytes
};

/// Reads from a pipe, a FIFO, a terminal or another character device, or a socket; takes the
/// descriptor, and closes it when the last copy of the reader goes. It reads on, up to the limit,
/// whether anybody waits or not. That a terminal's other side was closed (EIO) is the end.
///
/// O_NONBLOCK stays as it is: other processes may share it.
/// *Errors*: std::invalid_argument for a file of another kind, or a limit of 0; std::system_error
/// for what is no open descriptor. *Lifetime*: `fd` is closed when it is refused. *Python*: a
/// method of the loop, which wants a protocol.
Task<StreamReader> connect_read_pipe(UniqueFd fd, const PipeOptions& options = {});

/// Writes to one; takes the descriptor. write_eof() is close(): a pipe ends when it is closed.
///
/// That nobody reads any more is noticed at once: the stream is closed, and drain() says EPIPE.
/// From the first call on SIGPIPE is ignored in this process, if it would still end it. *Errors*,
/// *Lifetime*: as connect_read_pipe().
Task<StreamWriter> connect_write_pipe(UniqueFd fd);

/// The reading end of an open_pipe(): a StreamReader, or, as long as nothing was read, a descriptor
/// to give away: `connect_read_pipe(std::move(reader))`, `{.std_in = std::move(reader)}`.
class PipeReader : public StreamReader {
public:
    explicit PipeReader(IntrusivePtr<detail::StreamState> state) noexcept
        : StreamReader(std::move(state)) {}

    /// Takes the descriptor, in blocking mode; the stream is closed. *Errors*: std::runtime_error
    /// when something was read; std::system_error.
    UniqueFd detach() &&;
    operator UniqueFd() && { return std::move(*this).detach(); }
};

/// The writing end of one, likewise, as long as nothing was written.
class PipeWriter : public StreamWriter {
public:
    explicit PipeWriter(IntrusivePtr<detail::StreamState> state) noexcept
        : StreamWriter(std::move(state)) {}

    UniqueFd detach() &&;
    operator UniqueFd() && { return std::move(*this).detach(); }
};

/// What open_pipe() gives: `auto [reader, writer] = open_pipe();`.
struct Pipe {
    Pipe(PipeReader reading_end, PipeWriter writing_end)
        : reader(std::move(reading_end)), writer(std::move(writing_end)) {}

    PipeReader reader;
    PipeWriter writer;
};

/// Makes a pipe with both ends as streams. The reader reads ahead from its first read on; the
/// writer notices that its reader went when it writes. *Errors*: std::system_error;
/// std::runtime_error when no loop runs.
Pipe open_pipe(const PipeOptions& options = {});

}  // namespace ringio
