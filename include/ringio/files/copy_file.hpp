// copy_file: the bytes of one file into another, by one call in a worker thread, and mostly without
// that they leave the kernel.
#pragma once

#include <ringio/core/task.hpp>

#include <cstdint>
#include <string>

namespace ringio::fs {

struct CopyFileOptions {
    bool overwrite = true;      // else EEXIST when `to` is there
    bool keep_partial = false;  // leaves what was copied when it fails or is cancelled
};

/// Copies a file, and its permissions if it makes a new one; gives the number of bytes. File
/// systems that can share the bytes do; others copy them within the kernel; else they are read and
/// written.
///
/// *Errors*: std::system_error that names both paths, EINVAL for what is no regular file and for a
/// file onto itself; std::invalid_argument for a path with a zero byte in it. What was copied is
/// removed. *Cancellation*: at once; the thread stops within 64 MiB, and then removes it.
/// *Python*: shutil.copy(), which takes a directory for `to` as well.
Task<std::uint64_t> copy_file(std::string from, std::string to, CopyFileOptions options = {});

}  // namespace ringio::fs
