// walk: a tree of directories, one after the other; many of them by each call in a worker thread.
#pragma once

#include <ringio/tasks/async_generator.hpp>

#include <string>
#include <vector>

namespace ringio::fs {

/// A directory, and the names of what is in it, in the order of their bytes.
struct WalkedDirectory {
    std::string path;
    std::vector<std::string> directories;
    std::vector<std::string> files;  // and all else that is no directory
};

struct WalkOptions {
    bool follow_symlinks = false;  // into each directory once, whatever leads to it
    bool skip_errors = false;      // leaves out directories that cannot be read
};

/// Gives a directory, and then those in it, each before what is in it, in the order of their names.
///
///     auto tree = fs::walk("/etc");
///     while (auto directory = co_await tree.next()) { … }
///
/// A symbolic link to a directory is among `files`, unless they are followed. A directory that goes
/// while it is walked is left out. *Errors*: std::system_error that names the path of what cannot
/// be read. *Cancellation*: at once; what the thread has read meanwhile is dropped. *Python*:
/// pathlib.Path.walk(), which leaves out what cannot be read unless asked, and reads a directory
/// only when its turn has come: so one can say there which to leave out.
AsyncGenerator<WalkedDirectory> walk(std::string root, WalkOptions options = {});

}  // namespace ringio::fs
