#include <ringio/files/open_file.hpp>

#include "path_errors.hpp"

#include <ringio/base/system_calls.hpp>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace ringio {
namespace {

Task<int> open_code(const char* path, int flags, const OpenOptions& options) {
    if (options.beneath) {
        const bool makes = (flags & (O_CREAT | O_TMPFILE)) != 0;
        const OpenAt2Request request{.directory = options.directory,
                                     .path = path,
                                     .how = {.flags = static_cast<unsigned>(flags | O_CLOEXEC),
                                             .mode = makes ? options.mode : 0,
                                             .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS}};
        co_return co_await Op<OpenAt2Request>(request).as_code();
    }
    const OpenAtRequest request{
        .directory = options.directory, .path = path, .flags = flags, .mode = options.mode};
    co_return co_await Op<OpenAtRequest>(request).as_code();
}

const char* remark_on(int error, const OpenOptions& options) {
    if (error == ENXIO && (options.flags & O_ACCMODE) == O_WRONLY) {
        return " (a FIFO that nobody reads?)";
    }
    return error == EXDEV && options.beneath ? " (it leads out of its directory)" : "";
}

}  // namespace

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
    // Kernel: io_uring opens without waiting, save with these flags: then a worker would wait for
    // the other side of a FIFO.
    const bool might_wait =
        (options.flags & (O_CREAT | O_TRUNC)) != 0 && (options.flags & (O_NONBLOCK | O_PATH)) == 0;
    const int flags = might_wait ? options.flags | O_NONBLOCK : options.flags;
    int result = co_await open_code(path.c_str(), flags, options);
    if (might_wait && result >= 0) {
        detail::system_calls->fcntl(result, F_SETFL, options.flags);
    } else if (might_wait && result == -EAGAIN) {  // who has a lease on the file is told by now
        result = co_await open_code(path.c_str(), options.flags, options);
    }
    if (result < 0) {
        throw detail::path_error(-result, "open", path, remark_on(-result, options));
    }
    co_return File(UniqueFd(result), std::move(path));
}

// The mode is looked at by the coroutine, which throws where it is awaited.
Task<File> open_file(std::string path, OpenMode mode) {
    const OpenOptions options{.flags = detail::open_flags_of(mode)};
    co_return co_await open_file(std::move(path), options);
}

}  // namespace ringio
