// open_file: from a path to a File.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/files/file.hpp>

#include <string>

#include <fcntl.h>
#include <sys/types.h>

namespace ringio {

/// What a file is opened for: ors of these, as those of std::ios_base. Python's modes are
///
///     "r"   read                      "r+"  read_write
///     "w"   write                     "w+"  read_write | truncate
///     "a"   append                    "a+"  read | append
///     "x"   exclusive                 "x+"  read | exclusive
enum class OpenMode : unsigned {
    read = 1,
    write = 2,       // alone: what is there is lost
    append = 4,      // writes at the end, wherever that is by then
    truncate = 8,    // what is there is lost
    create = 16,     // makes a file that is not there; write, append and truncate do, too
    exclusive = 32,  // makes a file, which must not be there, and writes
    read_write = read | write,
};

constexpr OpenMode operator|(OpenMode left, OpenMode right) noexcept {
    return static_cast<OpenMode>(static_cast<unsigned>(left) | static_cast<unsigned>(right));
}

/// The same in terms of open(2).
struct OpenOptions {
    int flags = O_RDONLY;      // O_*; O_CLOEXEC is added
    mode_t mode = 0666;        // of a file that is made, less the umask
    int directory = AT_FDCWD;  // where a relative path begins: a descriptor
    // The path may not lead out of the directory: not by "..", not by a symbolic link, not by being
    // absolute. For names that others chose.
    bool beneath = false;
};

/// Opens a file. A FIFO is opened without waiting for its other side.
///
/// *Errors*: std::system_error that names the path: ENXIO for writing to a FIFO that nobody reads,
/// EXDEV for one that leads out of the directory that it must stay `beneath`; std::invalid_argument
/// for a path with a zero byte in it, or a mode that says nothing or contradicts itself.
/// *Cancellation*: a file that was opened all the same is closed, or given to who asked; it may
/// have been made, or emptied. *Python*: anyio.open_file(), with bytes: mode "rb" and so on.
Task<File> open_file(std::string path, OpenMode mode = OpenMode::read);
Task<File> open_file(std::string path, OpenOptions options);

namespace detail {

/// The O_* of a mode. *Errors*: std::invalid_argument.
int open_flags_of(OpenMode mode);

}  // namespace detail
}  // namespace ringio
