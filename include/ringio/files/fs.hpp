// fs: single calls on what is in directories. What the ring has an operation for goes through it;
// the rest is a call in a worker thread. Whole trees are in scandir.hpp, walk.hpp, remove_tree.hpp.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/files/file_status.hpp>

#include <string>

#include <sys/types.h>

/// Of all of them: *Errors*: std::system_error that names the path, or both; std::invalid_argument
/// for a path with a zero byte in it. *Cancellation*: what was asked for may have happened.
namespace ringio::fs {

struct StatOptions {
    bool follow_symlinks = true;
};

/// Says what is known about a file.
Task<FileStatus> stat(std::string path, StatOptions options = {});

/// Says whether there is such a file; not a symbolic link to none. *Errors*: where that cannot be
/// told, EACCES for instance. *Python*: pathlib.Path.exists().
Task<bool> exists(std::string path);

struct MkdirOptions {
    mode_t mode = 0777;     // less the umask
    bool parents = false;   // makes those that are missing on the way, with 0777
    bool exist_ok = false;  // a directory that is there is no error
};

/// Makes a directory. *Python*: pathlib.Path.mkdir().
Task<> mkdir(std::string path, MkdirOptions options = {});

struct RemoveOptions {
    bool missing_ok = false;  // no such file is no error
};

/// Removes a file, or a symbolic link; not what it says. *Errors*: EISDIR for a directory.
Task<> remove(std::string path, RemoveOptions options = {});

/// Removes an empty directory.
Task<> rmdir(std::string path);

/// Gives a file another name, in place of one that has it. *Errors*: EXDEV on another file system:
/// copy_file() and remove() then. *Python*: os.replace().
Task<> rename(std::string from, std::string to);

/// Makes a symbolic link at `path` that says `target`, whether there is such a file or not.
Task<> symlink(std::string target, std::string path);

/// Gives the file at `from` one more name. Of a symbolic link, the link gets it.
Task<> link(std::string from, std::string to);

/// Gives what a symbolic link says. *Errors*: EINVAL when it is none.
Task<std::string> readlink(std::string path);

/// Changes the permissions, 0644 for instance; of a symbolic link those of what it says.
Task<> chmod(std::string path, mode_t mode);

}  // namespace ringio::fs
