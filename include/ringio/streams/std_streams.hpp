// The standard streams of the process, awaited: stdin_reader, stdout_writer, stderr_writer.
#pragma once

#include <ringio/streams/stream_reader.hpp>
#include <ringio/streams/stream_writer.hpp>

namespace ringio {

/// Reads from the standard input: a terminal, a pipe, a file. All calls of one loop give the same
/// stream, which reads ahead up to 64 KiB, and lasts as long as the loop.
///
/// The descriptors 0, 1 and 2 stay open and as they are: these streams have copies, and O_NONBLOCK
/// is not touched, for other processes share it.
/// *Errors*: std::system_error that names the stream, when it is closed; std::runtime_error when no
/// loop runs. *Cancellation*: a read of a file may take as long as the disk.
StreamReader stdin_reader();

/// Writes to the standard output, in the order of write(). What was written and has not gone out
/// when the loop closes is written then, as what is left in the buffers of stdio is. SIGPIPE is
/// ignored from now on, if it would still end the process: drain() says EPIPE. *Errors*: as
/// stdin_reader().
StreamWriter stdout_writer();

/// Writes to the standard error output, likewise.
StreamWriter stderr_writer();

}  // namespace ringio
