#include <ringio/files/open_file.hpp>

#include "path_errors.hpp"

#include <ringio/base/system_calls.hpp>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace ringio {

int detail::open_flags_of(OpenMode mode) {
    const auto has = [mode](OpenMode bit) {
        return (static_cast<unsigned>(mode) & static_cast<unsigned>(bit)) != 0;
    };
    const bool reads = has(OpenMode::read);
    const bool appends = has(OpenMode::append);
    const bool makes = has(OpenMode::exclusive);
    const bool writes = has(OpenMode::write) || appends || makes;
    if (!reads && !writes) {
        throw std::invalid_argument("OpenMode says neither read, write, append nor exclusive");
    }
    if (has(OpenMode::truncate) && (appends || !writes)) {
        throw std::invalid_argument("OpenMode::truncate goes with write, and not with append");
    }
    int flags = reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY;
    if (has(OpenMode::truncate) || (!reads && !appends && !makes)) {
        flags |= O_CREAT | O_TRUNC;
    }
    if (appends) {
        flags |= O_CREAT | O_APPEND;
    }
    if (makes) {
        flags |= O_CREAT | O_EXCL;
    }
    if (has(OpenMode::create)) {
        flags |= O_CREAT;
    }
    return flags;
}

Task<File> open_file(std::string path, OpenOptions options) {
    detail::require_path(path);
    OpenAtRequest request{.directory = options.directory,
                          .path = path.c_str(),
                          .flags = options.flags,
                          .mode = options.mode};
    // Kernel: io_uring opens without waiting, save with these flags: then a worker would wait for
    // the other side of a FIFO.
    const bool might_wait =
        (options.flags & (O_CREAT | O_TRUNC)) != 0 && (options.flags & (O_NONBLOCK | O_PATH)) == 0;
    if (might_wait) {
        request.flags |= O_NONBLOCK;
    }
    int result = co_await Op<OpenAtRequest>(request).as_code();
    if (might_wait && result >= 0) {
        detail::system_calls->fcntl(result, F_SETFL, options.flags);
    } else if (might_wait && result == -EAGAIN) {  // who has a lease on the file is told by now
        request.flags = options.flags;
        result = co_await Op<OpenAtRequest>(request).as_code();
    }
    if (result < 0) {
        const bool is_fifo = result == -ENXIO && (options.flags & O_ACCMODE) == O_WRONLY;
        throw detail::path_error(-result, "open", path,
                                 is_fifo ? " (a FIFO that nobody reads?)" : "");
    }
    co_return File(UniqueFd(result), std::move(path));
}

// The mode is looked at by the coroutine, which throws where it is awaited.
Task<File> open_file(std::string path, OpenMode mode) {
    const OpenOptions options{.flags = detail::open_flags_of(mode)};
    co_return co_await open_file(std::move(path), options);
}

}  // namespace ringio
