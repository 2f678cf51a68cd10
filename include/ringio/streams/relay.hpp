// relay: all that comes over one connection goes out over another.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/streams/stream_reader.hpp>
#include <ringio/streams/stream_writer.hpp>

#include <cstdint>

namespace ringio {

struct RelayOptions {
    bool write_eof = true;  ///< at the end of what is read, end the stream of the writer too
};

/// Moves bytes from `reader` to `writer` until the end; gives how many. Then it ends the stream for
/// the writer's peer as well, who may go on answering: so a relay for each direction makes a proxy.
/// Neither connection is closed, so a writer that cannot end its stream alone, under TLS, goes on.
///
/// At most the high-water mark of the writer is held up here: a peer that does not read makes the
/// other one wait. *Errors*: as StreamReader::read() and StreamWriter::drain(); the text names the
/// connection that failed. *Cancellation*: ends at once; what was read is sent all the same.
/// *Python*: has none.
Task<std::uint64_t> relay(StreamReader reader, StreamWriter writer, RelayOptions options = {});

}  // namespace ringio
