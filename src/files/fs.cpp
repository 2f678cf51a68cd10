#include <ringio/files/fs.hpp>

#include "path_errors.hpp"
#include "path_parts.hpp"

#include <ringio/core/op.hpp>
#include <ringio/ring/file_requests.hpp>
#include <ringio/ring/path_requests.hpp>
#include <ringio/tasks/run_in_executor.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

namespace ringio::fs {
namespace {

using detail::path_error;
using detail::require_path;

// Gives -errno.
Task<int> ask(const std::string& path, int flags, struct ::statx& answer) {
    const StatxRequest request{.path = path.c_str(),
                               .flags = flags,
                               .mask = STATX_BASIC_STATS | STATX_BTIME,
                               .result = &answer};
    co_return co_await Op<StatxRequest>(request).as_code();
}

Task<bool> is_directory(const std::string& path) {
    struct ::statx answer{};
    const int result = co_await ask(path, 0, answer);
    co_return result == 0 && detail::file_type_of(answer.stx_mode) == FileType::directory;
}

Task<int> make(std::string path, mode_t mode) {
    const MkdirAtRequest request{.path = path.c_str(), .mode = mode};
    co_return co_await Op<MkdirAtRequest>(request).as_code();
}

// Makes what is missing on the way to `path`: up to a directory that is there, and down again.
Task<> make_parents(const std::string& path) {
    std::vector<std::size_t> missing;
    for (std::size_t length = detail::directory_length(path); length > 0;
         length = detail::directory_length(std::string_view(path).substr(0, length))) {
        const int result = co_await make(path.substr(0, length), 0777);
        if (result != -ENOENT) {
            break;  // whatever it was, it comes out at the next one
        }
        missing.push_back(length);
    }
    for (; !missing.empty(); missing.pop_back()) {
        std::string parent = path.substr(0, missing.back());
        const int result = co_await make(parent, 0777);
        if (result < 0 && result != -EEXIST) {
            throw path_error(-result, "mkdir", parent);
        }
    }
}

Task<> unlink(std::string path, int flags, const char* call, bool missing_ok) {
    require_path(path);
    const UnlinkAtRequest request{.path = path.c_str(), .flags = flags};
    const int result = co_await Op<UnlinkAtRequest>(request).as_code();
    if (result < 0 && !(missing_ok && result == -ENOENT)) {
        throw path_error(-result, call, path);
    }
}

struct LinkText {
    int error = 0;
    std::string text;
};

// Called on a worker thread.
LinkText read_link(const std::string& path) {
    LinkText link;
    for (std::size_t size = 256;; size *= 2) {
        link.text.resize(size);
        const ssize_t length = ::readlink(path.c_str(), link.text.data(), size);
        if (length < 0) {
            link.error = errno;
            return link;
        }
        if (static_cast<std::size_t>(length) < size) {
            link.text.resize(static_cast<std::size_t>(length));
            return link;
        }
    }
}

}  // namespace

Task<FileStatus> stat(std::string path, StatOptions options) {
    require_path(path);
    struct ::statx answer{};
    const int result =
        co_await ask(path, options.follow_symlinks ? 0 : AT_SYMLINK_NOFOLLOW, answer);
    if (result < 0) {
        throw path_error(-result, "stat", path);
    }
    co_return detail::file_status_of(answer);
}

Task<bool> exists(std::string path) {
    require_path(path);
    struct ::statx answer{};
    const int result = co_await ask(path, 0, answer);
    if (result < 0 && result != -ENOENT && result != -ENOTDIR && result != -ELOOP) {
        throw path_error(-result, "stat", path);
    }
    co_return result == 0;
}

Task<> mkdir(std::string path, MkdirOptions options) {
    require_path(path);
    int result = co_await make(path, options.mode);
    if (result == -ENOENT && options.parents) {
        co_await make_parents(path);
        result = co_await make(path, options.mode);
    }
    if (result == 0) {
        co_return;
    }
    // Whatever the error: a file system that cannot be written to may say that first.
    bool is_there = false;
    if (options.exist_ok) {
        is_there = co_await is_directory(path);
    }
    if (!is_there) {
        throw path_error(-result, "mkdir", path);
    }
}

Task<> remove(std::string path, RemoveOptions options) {
    return unlink(std::move(path), 0, "remove", options.missing_ok);
}

Task<> rmdir(std::string path) { return unlink(std::move(path), AT_REMOVEDIR, "rmdir", false); }

Task<> rename(std::string from, std::string to) {
    require_path(from);
    require_path(to);
    const RenameAtRequest request{.path = from.c_str(), .new_path = to.c_str()};
    const int result = co_await Op<RenameAtRequest>(request).as_code();
    if (result < 0) {
        throw path_error(-result, "rename", from, to, {});
    }
}

Task<> symlink(std::string target, std::string path) {
    require_path(target);
    require_path(path);
    const SymlinkAtRequest request{.target = target.c_str(), .path = path.c_str()};
    const int result = co_await Op<SymlinkAtRequest>(request).as_code();
    if (result < 0) {
        throw path_error(-result, "symlink", target, path, {});
    }
}

Task<> link(std::string from, std::string to) {
    require_path(from);
    require_path(to);
    const LinkAtRequest request{.path = from.c_str(), .new_path = to.c_str()};
    const int result = co_await Op<LinkAtRequest>(request).as_code();
    if (result < 0) {
        throw path_error(-result, "link", from, to, {});
    }
}

Task<std::string> readlink(std::string path) {
    require_path(path);
    Future<LinkText> reading = get_running_loop().run_in_executor(nullptr, read_link, path);
    LinkText link = co_await std::move(reading);
    if (link.error != 0) {
        throw path_error(link.error, "readlink", path);
    }
    co_return std::move(link.text);
}

Task<> chmod(std::string path, mode_t mode) {
    require_path(path);
    const auto change = [](const std::string& name, mode_t wanted) {
        return ::chmod(name.c_str(), wanted) == 0 ? 0 : errno;
    };
    Future<int> changing = get_running_loop().run_in_executor(nullptr, change, path, mode);
    const int error = co_await std::move(changing);
    if (error != 0) {
        throw path_error(error, "chmod", path);
    }
}

}  // namespace ringio::fs
