// StreamReader: the bytes that come over a connection, read in the shapes that programs want.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/streams/stream_state.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringio {

/// Reads from a connection; asyncio.StreamReader. A handle: copies read from the same connection.
///
/// One coroutine may read at a time; a second one is a std::runtime_error.
/// *Errors*: std::system_error that names the peer when the connection fails, also for data that
/// came before; std::runtime_error for a read that begins after StreamWriter::close().
/// *Cancellation*: loses no byte: what was received is there for the next read.
/// *Lifetime*: the connection is closed when its last StreamWriter goes; a read then gets the end.
class StreamReader {
public:
    explicit StreamReader(IntrusivePtr<detail::StreamState> state) noexcept
        : state_(std::move(state)) {}

    /// Reads up to `n` bytes, at least one; an empty text is the end. `n` < 0 (the default) reads
    /// to the end, without a limit.
    Task<std::string> read(std::ptrdiff_t n = -1);

    /// The same into `target`; gives the number of bytes. *Lifetime*: `target` must live until
    /// then.
    Task<std::size_t> read(std::span<char> target);

    /// Reads exactly `n` bytes. *Errors*: IncompleteReadError with what came before the end;
    /// std::invalid_argument when `n` is negative.
    Task<std::string> readexactly(std::ptrdiff_t n);

    /// Fills `target`. *Errors*: IncompleteReadError. *Cancellation*: nothing is taken until all of
    /// it is there.
    Task<> readexactly(std::span<char> target);

    /// Reads up to and with `separator`, or the earliest of several.
    /// *Errors*: IncompleteReadError at the end; LimitOverrunError when it is not within the limit,
    /// and the data stays; std::invalid_argument when it is empty.
    Task<std::string> readuntil(std::string separator = "\n");
    Task<std::string> readuntil(std::vector<std::string> separators);

    /// Reads a line with its '\n'; the last one may lack it; an empty text is the end.
    /// *Errors*: std::invalid_argument (ValueError) for a line beyond the limit, which is dropped.
    Task<std::string> readline();

    /// Says whether everything was read and the peer has ended.
    bool at_eof() const noexcept { return state_->at_end() && state_->input().empty(); }

    /// Returns what made the connection fail, or null.
    std::exception_ptr exception() const noexcept { return state_->failure(); }

private:
    IntrusivePtr<detail::StreamState> state_;
};

}  // namespace ringio
