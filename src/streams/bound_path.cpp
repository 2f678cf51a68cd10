#include <ringio/streams/bound_path.hpp>

#include <ringio/core/event_loop.hpp>
#include <ringio/core/op.hpp>
#include <ringio/core/report.hpp>

#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

namespace ringio::detail {
namespace {

void remove_left_over(const std::string& path) {
    struct stat status{};
    const int error = ::stat(path.c_str(), &status) != 0                        ? errno
                      : S_ISSOCK(status.st_mode) && ::unlink(path.c_str()) != 0 ? errno
                                                                                : 0;
    if (error != 0 && error != ENOENT) {
        const char* const message = "Unable to check or remove stale UNIX socket";
        report(running_loop, message, nullptr, [&] {
            return ExceptionContext{.message = message,
                                    .exception = make_system_error(error, path.c_str()),
                                    .details = {{"path", path}}};
        });
    }
}

}  // namespace

BoundPath BoundPath::bind(const Socket& socket, const SocketAddress& address) {
    std::string path = address.path();
    if (path.empty() || path.front() == '\0') {
        socket.bind(address);
        return {};
    }
    remove_left_over(path);
    socket.bind(address);
    return at(std::move(path));
}

BoundPath BoundPath::of(const Socket& socket) {
    std::string path = socket.getsockname().path();
    return path.empty() || path.front() == '\0' ? BoundPath() : at(std::move(path));
}

BoundPath BoundPath::at(std::string path) {
    BoundPath bound;
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) {
        bound.path_ = std::move(path);
        bound.device_ = status.st_dev;
        bound.inode_ = status.st_ino;
    }
    return bound;
}

void BoundPath::remove() noexcept {
    struct stat status{};
    if (!path_.empty() && !process_.is_left() && ::stat(path_.c_str(), &status) == 0 &&
        status.st_dev == device_ && status.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
    path_.clear();
}

}  // namespace ringio::detail
