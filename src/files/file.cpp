#include <ringio/files/file.hpp>

#include "file_turn.hpp"
#include "path_errors.hpp"

#include <ringio/base/system_calls.hpp>
#include <ringio/core/ignored_signals.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>
#include <stdexcept>

namespace ringio {
namespace detail {

FileState::FileState(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {
    if (!fd_) {
        closed_ = true;
        return;
    }
    const int flags = std::max(system_calls->fcntl(fd_.get(), F_GETFL, 0), 0);
    appends_ = (flags & O_APPEND) != 0;
    is_direct_ = (flags & O_DIRECT) != 0;
    const off_t at = ::lseek(fd_.get(), 0, SEEK_CUR);
    has_positions_ = at >= 0 || errno != ESPIPE;
    position = at > 0 ? static_cast<std::uint64_t>(at) : 0;
    is_at_end = has_positions_ && appends_;
    if ((flags & O_ACCMODE) != O_RDONLY) {
        ignore_if_default(has_positions_ ? SIGXFSZ : SIGPIPE);
    }
}

void FileState::close() noexcept {
    closed_ = true;
    if (uses_ == 0) {
        fd_.reset();
    }
}

UniqueFd FileState::release() {
    if (uses_ > 0) {
        throw std::runtime_error("aclose() called while another coroutine is already using '" +
                                 path_ + "'");
    }
    closed_ = true;
    return std::move(fd_);
}

void FileState::fail(int error, std::string_view call) const {
    throw path_error(error, call, path_,
                     error == EINVAL && is_direct_
                         ? " (O_DIRECT: the memory, the offset and the size must be multiples of "
                           "the file system's block size)"
                         : "");
}

void FileState::skip(std::size_t size) noexcept {
    ahead.consume(std::min(size, ahead.size()));
    position += size;
}

void FileState::move_to(std::uint64_t target) noexcept {
    if (target >= position && target - position <= ahead.size()) {
        ahead.consume(static_cast<std::size_t>(target - position));
    } else {
        ahead.clear();
    }
    position = target;
    is_at_end = false;
}

void FileState::has_written(std::size_t size) noexcept {
    position += size;
    is_at_end = has_positions_ && appends_;
}

FileUse::FileUse(FilePtr file) : file_(std::move(file)) {
    if (file_->closed_) {
        throw std::invalid_argument("I/O operation on closed file '" + file_->path_ + "'");
    }
    ++file_->uses_;
}

FileUse::~FileUse() {
    if (--file_->uses_ == 0 && file_->closed_) {
        file_->fd_.reset();
    }
}

FileTurn::FileTurn(FilePtr file, const char* call) : FileUse(std::move(file)) {
    if (this->file().has_turn_) {
        throw std::runtime_error(std::string(call) +
                                 "() called while another coroutine is already using '" +
                                 this->file().path() + "'");
    }
    this->file().has_turn_ = true;
}

FileTurn::~FileTurn() { file().has_turn_ = false; }

namespace {

/// Closes by a request, and by itself what the request did not close.
class CloseWait final : public RequestWait<CloseRequest> {
public:
    explicit CloseWait(UniqueFd fd) noexcept
        : RequestWait<CloseRequest>({fd.get()}), fd_(std::move(fd)) {}
    ~CloseWait() { settle(); }

    int await_resume() {
        settle();
        return take();
    }

private:
    void settle() noexcept {
        const bool was_done = phase_ == Phase::completed && result_ != -ECANCELED;
        if (was_done) {
            static_cast<void>(fd_.release());
        } else if (phase_ != Phase::taken) {
            fd_.reset();
        }
    }

    UniqueFd fd_;
};

class Close {
public:
    explicit Close(UniqueFd fd) noexcept : fd_(std::move(fd)) {}
    CloseWait operator co_await() && noexcept { return CloseWait(std::move(fd_)); }

private:
    UniqueFd fd_;
};

Task<> close_file(FilePtr file) {
    UniqueFd fd;
    if (file) {
        fd = file->release();
    }
    if (!fd) {
        co_return;  // it was closed before
    }
    Close closing(std::move(fd));
    const int result = co_await std::move(closing);
    if (result < 0) {
        file->fail(-result, CloseRequest::name);
    }
}

}  // namespace
}  // namespace detail

File::File(UniqueFd fd, std::string path)
    : state_(new detail::FileState(std::move(fd), std::move(path))) {}

File& File::operator=(File&& other) noexcept {
    File taken(std::move(other));
    std::swap(state_, taken.state_);
    return *this;
}

void File::close() noexcept {
    if (state_) {
        state_->close();
    }
}

Task<> File::aclose() { return detail::close_file(state_); }

const std::string& File::path() const noexcept {
    static const std::string none;
    return state_ ? state_->path() : none;
}

const detail::FilePtr& File::opened() const {
    if (!state_) {
        throw std::invalid_argument("I/O operation on closed file");
    }
    return state_;
}

void File::require_offset(std::uint64_t offset, std::string_view call) const {
    if (offset > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        opened()->fail(EINVAL, call);
    }
    static_cast<void>(opened());
}

}  // namespace ringio
