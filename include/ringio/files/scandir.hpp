// scandir: what is in a directory, by one call in a worker thread.
#pragma once

#include <ringio/core/task.hpp>
#include <ringio/files/file_status.hpp>

#include <string>
#include <vector>

namespace ringio::fs {

/// A name in a directory.
struct DirectoryEntry {
    std::string name;
    FileType type = FileType::unknown;  // of a symbolic link: symlink

    bool is_file() const noexcept { return type == FileType::regular; }
    bool is_directory() const noexcept { return type == FileType::directory; }
    bool is_symlink() const noexcept { return type == FileType::symlink; }
};

/// Gives what is in a directory, without "." and "..", in the order of the names' bytes.
/// *Errors*: std::system_error that names the path; std::invalid_argument for one with a zero byte
/// in it. *Cancellation*: at once; the thread's answer is dropped. *Python*: in no order there.
Task<std::vector<DirectoryEntry>> scandir(std::string path = ".");

}  // namespace ringio::fs
