// remove_tree: a directory with all that is in it, by one call in a worker thread.
#pragma once

#include <ringio/core/task.hpp>

#include <string>

namespace ringio::fs {

struct RemoveTreeOptions {
    bool missing_ok = false;  // no such directory is no error
};

/// Removes a directory and all that is in it. Symbolic links are removed, not followed, also if
/// somebody puts one in place of a directory meanwhile; a file that somebody else removes is no
/// error. Any depth takes one descriptor.
///
/// *Errors*: std::system_error that names the path which could not be removed, ENOTDIR when `path`
/// is no directory; what came before it in the order of names is gone. std::invalid_argument for a
/// path with a zero byte in it. *Cancellation*: at once; the thread stops soon after.
/// *Python*: shutil.rmtree().
Task<> remove_tree(std::string path, RemoveTreeOptions options = {});

}  // namespace ringio::fs
