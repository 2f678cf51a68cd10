#include <ringio/files/copy_file.hpp>

#include "path_errors.hpp"
#include "stop_flag.hpp"

#include <ringio/base/unique_fd.hpp>
#include <ringio/core/ignored_signals.hpp>
#include <ringio/tasks/run_in_executor.hpp>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringio::fs {
namespace {

constexpr std::size_t copy_step = 64 * 1024 * 1024;  // between two looks at the flag
constexpr std::size_t copy_buffer = 256 * 1024;

/// Called on a worker thread.
class Copy {
public:
    Copy(const std::string& from, const std::string& to, CopyFileOptions options,
         const detail::Stop& stop)
        : from_(from), to_(to), options_(options), stop_(stop) {}
    Copy(const Copy&) = delete;
    Copy& operator=(const Copy&) = delete;
    ~Copy() {
        if (target_ && !done_ && !options_.keep_partial && is_there()) {
            ::unlink(to_.c_str());
        }
    }

    std::uint64_t run() {
        open();
        done_ = share() || (copy_in_kernel() && (copied_ > 0 || source_status_.st_size > 0)) ||
                read_and_write();
        return copied_;
    }

private:
    // Kernel: O_NONBLOCK, for a FIFO would wait for its other side before it can be looked at.
    void open() {
        source_.reset(::open(from_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!source_ || ::fstat(source_.get(), &source_status_) != 0) {
            fail(errno);
        }
        require_file(source_status_);
        const int flags =
            O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | (options_.overwrite ? 0 : O_EXCL);
        UniqueFd target(::open(to_.c_str(), flags, source_status_.st_mode & 0777U));
        if (!target || ::fstat(target.get(), &target_status_) != 0) {
            fail(errno);
        }
        require_file(target_status_);
        if (target_status_.st_dev == source_status_.st_dev &&
            target_status_.st_ino == source_status_.st_ino) {
            fail(EINVAL, " (they are the same file)");
        }
        target_ = std::move(target);
        // Kernel: ext4 takes every file that was made empty for one that is replaced, and sends all
        // of it to the disk when it is closed, also one that was empty before (auto_da_alloc).
        if (target_status_.st_size != 0 && ::ftruncate(target_.get(), 0) != 0) {
            fail(errno);
        }
    }

    bool share() {
        if (::ioctl(target_.get(), FICLONE, source_.get()) != 0) {
            return false;
        }
        copied_ = static_cast<std::uint64_t>(source_status_.st_size);
        return true;
    }

    // False: it cannot be copied like that, or nobody waits.
    bool copy_in_kernel() {
        while (!detail::is_stopped(stop_)) {
            const ssize_t copied =
                ::copy_file_range(source_.get(), nullptr, target_.get(), nullptr, copy_step, 0);
            if (copied == 0) {
                return true;
            }
            if (copied > 0) {
                copied_ += static_cast<std::uint64_t>(copied);
            } else if (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP ||
                       errno == ENOSYS || errno == EPERM || errno == EBADF) {
                return false;
            } else if (errno != EINTR) {
                fail(errno);
            }
        }
        return false;
    }

    // Goes on where the positions of both are.
    bool read_and_write() {
        std::vector<char> buffer(copy_buffer);
        while (!detail::is_stopped(stop_)) {
            const ssize_t size = ::read(source_.get(), buffer.data(), buffer.size());
            if (size == 0) {
                return true;
            }
            if (size > 0) {
                write({buffer.data(), static_cast<std::size_t>(size)});
            } else if (errno != EINTR) {
                fail(errno);
            }
        }
        return false;
    }

    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t size = ::write(target_.get(), bytes.data(), bytes.size());
            if (size < 0 && errno != EINTR) {
                fail(errno);
            }
            if (size > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(size));
                copied_ += static_cast<std::uint64_t>(size);
            }
        }
    }

    void require_file(const struct ::stat& status) const {
        if (S_ISDIR(status.st_mode)) {
            fail(EISDIR);
        }
        if (!S_ISREG(status.st_mode)) {
            fail(EINVAL, " (it is no regular file)");
        }
    }

    // Whether the name still leads to what was written, and is no symbolic link to it.
    bool is_there() const noexcept {
        struct ::stat status{};
        return ::lstat(to_.c_str(), &status) == 0 && status.st_dev == target_status_.st_dev &&
               status.st_ino == target_status_.st_ino;
    }

    [[noreturn]] void fail(int error, std::string_view remark = {}) const {
        throw detail::path_error(error, "copy_file", from_, to_, remark);
    }

    const std::string& from_;
    const std::string& to_;
    CopyFileOptions options_;
    const detail::Stop& stop_;
    UniqueFd source_;
    UniqueFd target_;  // set when it is to be written to
    struct ::stat source_status_ = {};
    struct ::stat target_status_ = {};
    std::uint64_t copied_ = 0;
    bool done_ = false;
};

}  // namespace

Task<std::uint64_t> copy_file(std::string from, std::string to, CopyFileOptions options) {
    detail::require_path(from);
    detail::require_path(to);
    detail::ignore_if_default(SIGXFSZ);
    const detail::StopFlag flag;
    const auto copy = [options](const std::string& source, const std::string& target,
                                const detail::Stop& stop) {
        return Copy(source, target, options, stop).run();
    };
    Future<std::uint64_t> copying = get_running_loop().run_in_executor(
        nullptr, copy, std::move(from), std::move(to), flag.stop());
    co_return co_await std::move(copying);
}

}  // namespace ringio::fs
