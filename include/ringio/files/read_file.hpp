// read_file, write_file: a whole file at once.
#pragma once

#include <ringio/base/byte_range.hpp>
#include <ringio/core/task.hpp>

#include <string>
#include <string_view>
#include <utility>

#include <sys/types.h>

namespace ringio {

/// Reads a whole file. What it says of its size is not relied on: files of /proc say 0.
/// *Errors*: std::system_error that names the path; std::invalid_argument for a path with a zero
/// byte in it.
Task<std::string> read_file(std::string path);

/// Options of write_file().
struct WriteFileOptions {
    bool atomic = false;  // the file is as before or as asked, whatever happens in between
    mode_t mode = 0666;   // of a file that is made, less the umask
};

/// Makes a file of `bytes`, or replaces what is in it.
///
/// With `.atomic` they go into a new file beside it, on to the disk, and then under its name: who
/// reads it has the old bytes or the new ones, also after the power went. It keeps the permissions
/// of the one that was there, not its owner; a symbolic link is replaced by a file. *Errors*:
/// std::system_error that names the path, also of what only close(2) tells. *Cancellation*: without
/// `.atomic` the file may have a part of the bytes. With it, it is as before unless it has its name
/// already, and nothing is left beside it. *Lifetime*: `bytes` must live until the await is over.
Task<> write_file(std::string path, std::string_view bytes, WriteFileOptions options = {});
template <ByteRange Range>
Task<> write_file(std::string path, const Range& bytes, WriteFileOptions options = {}) {
    return write_file(std::move(path), detail::as_text(bytes), options);
}

}  // namespace ringio
