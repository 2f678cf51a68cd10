// File: an open file, read and written as one text of bytes. Its position is kept here, not in the
// kernel: so a cancelled read has moved nothing.
#pragma once

#include <ringio/base/byte_range.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/base/unique_fd.hpp>
#include <ringio/core/op.hpp>
#include <ringio/core/task.hpp>
#include <ringio/files/file_status.hpp>
#include <ringio/io/buffer.hpp>
#include <ringio/ring/file_requests.hpp>
#include <ringio/tasks/async_generator.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringio {
namespace detail {

/// The open file, and where its user is in it: shared by a File and what goes on with it, so that
/// the descriptor is closed only when no request is on it.
class FileState {
public:
    FileState(UniqueFd fd, std::string path);
    FileState(const FileState&) = delete;
    FileState& operator=(const FileState&) = delete;

    /// Is open until the last request on it is over, also when the File was closed.
    int fd() const noexcept { return fd_.get(); }
    bool is_closed() const noexcept { return closed_; }
    const std::string& path() const noexcept { return path_; }

    /// Whether it has positions at all: a pipe or a terminal has none.
    bool has_positions() const noexcept { return has_positions_; }

    /// Closes the descriptor, or has it closed when the last request on it is over.
    void close() noexcept;
    /// Gives the descriptor up to who closes it. *Errors*: std::runtime_error while it is used.
    UniqueFd release();

    [[noreturn]] void fail(int error, std::string_view call) const;

    // Where the reader is: `ahead` has the bytes from `position` on.
    std::uint64_t position = 0;
    bool is_at_end = false;  // of what others append to as well: the size tells
    ReadBuffer ahead;

    /// Moves on by `size` bytes; they are taken out of `ahead`.
    void skip(std::size_t size) noexcept;
    /// Goes to `target`; what was read ahead from there on stays.
    void move_to(std::uint64_t target) noexcept;
    /// After a write of `size` bytes.
    void has_written(std::size_t size) noexcept;

    /// Where the next request reads or writes.
    std::uint64_t offset(std::size_t further) const noexcept {
        return has_positions_ ? position + further : current_position;
    }

private:
    friend class FileUse;
    friend class FileTurn;
    friend void intrusive_add_ref(FileState* file) noexcept { ++file->references_; }
    friend void intrusive_release(FileState* file) noexcept {
        if (--file->references_ == 0) {
            delete file;
        }
    }

    UniqueFd fd_;
    std::string path_;
    unsigned references_ = 0;
    unsigned uses_ = 0;  // requests on the descriptor
    bool has_turn_ = false;
    bool closed_ = false;
    bool has_positions_ = true;
    bool appends_ = false;
    bool is_direct_ = false;
};

using FilePtr = IntrusivePtr<FileState>;

/// Keeps the descriptor open.
class FileUse {
public:
    /// *Errors*: std::invalid_argument for a File that was closed.
    explicit FileUse(FilePtr file);
    FileUse(const FileUse&) = delete;
    FileUse& operator=(const FileUse&) = delete;
    ~FileUse();

    FileState& file() const noexcept { return *file_; }

private:
    FilePtr file_;
};

/// An awaited request on the file, at an offset; its error names the path.
template <class Request>
class FileOpAwaiter final : public RequestWait<Request> {
public:
    FileOpAwaiter(const FilePtr& file, const Request& request)
        : RequestWait<Request>(request), use_(file) {}

    std::size_t await_resume() {
        const int result = this->take();
        if (result < 0) {
            use_.file().fail(-result, Request::name);
        }
        return static_cast<std::size_t>(result);
    }

private:
    FileUse use_;
};

template <class Request>
class [[nodiscard]] FileOp {
public:
    FileOp(FilePtr file, const Request& request) noexcept
        : file_(std::move(file)), request_(request) {}
    FileOpAwaiter<Request> operator co_await() const {
        return FileOpAwaiter<Request>(file_, request_);
    }

private:
    FilePtr file_;
    Request request_;
};

}  // namespace detail

/// Options of File::fsync().
struct FsyncOptions {
    bool data_only = false;  // not what no reader needs, such as the time of the last change
};

/// An open file; anyio's and trio's `open_file()` give such a one. Move-only.
///
///     File file = co_await open_file("/etc/hosts");
///     auto lines = file.lines();
///     while (auto line = co_await lines.next()) { … }
///
/// One operation at a time, save read_at() and write_at(): a second one is a std::runtime_error.
/// What has no position (a pipe, a terminal) is read and written as a stream.
/// *Errors*: std::system_error that names the path; std::invalid_argument for a File that was
/// closed.
/// *Cancellation*: what the disk has begun goes on to its end, and the await waits for it: a file
/// on a network that does not answer holds a wait_for() for as long. *Lifetime*: may be closed,
/// moved or destroyed while an operation is on, which goes on; the descriptor is closed after it.
/// What is read into and written from must live until then.
class File {
public:
    /// Is closed.
    File() noexcept = default;

    /// Takes over an open file, at its position; `path` is what errors call it.
    explicit File(UniqueFd fd, std::string path = "<unnamed>");

    File(File&&) noexcept = default;
    File& operator=(File&& other) noexcept;
    ~File() { close(); }

    /// Reads `n` bytes; fewer at the end of the file, none behind it, and what is there of a pipe
    /// or a terminal. `n` < 0 (the default) reads to the end.
    /// *Cancellation*: the position stays where it was; of a pipe, what came is there for the next.
    Task<std::string> read(std::ptrdiff_t n = -1);

    /// The same into `target`; gives the number of bytes, 0 at the end.
    Task<std::size_t> readinto(std::span<char> target);

    /// Reads a line with its '\n'; the last one may lack it; an empty text is the end. Reads ahead:
    /// what was read does not show later changes.
    Task<std::string> readline();

    /// Reads all lines that are left.
    Task<std::vector<std::string>> readlines();

    /// Gives them one by one: `async for line in file`.
    AsyncGenerator<std::string> lines();

    /// Writes all of `bytes`, at the position or, when the file appends, at its end; gives how many
    /// they are. They are with the kernel then, not yet on the disk.
    /// *Errors*: the position is behind what was written; EFBIG beyond RLIMIT_FSIZE, whose signal
    /// is ignored unless the program handles it. *Cancellation*: a part may have been written.
    Task<std::size_t> write(std::string_view bytes);
    template <ByteRange Range>
    Task<std::size_t> write(const Range& bytes) {
        return write(detail::as_text(bytes));
    }

    /// Reads at most `target.size()` bytes from `offset`, by one request, and gives how many; it
    /// may be fewer than there are. The position has no part in it. Any number at a time. *Errors*:
    /// EINVAL for an offset beyond 2^63 - 1.
    [[nodiscard]] detail::FileOp<ReadRequest> read_at(std::span<char> target,
                                                      std::uint64_t offset) const {
        require_offset(offset, ReadRequest::name);
        return detail::FileOp<ReadRequest>(
            state_, ReadRequest{state_->fd(), target.data(), target.size(), offset});
    }

    /// The same for writing. An appending file writes at its end all the same.
    [[nodiscard]] detail::FileOp<WriteRequest> write_at(std::string_view bytes,
                                                        std::uint64_t offset) const {
        require_offset(offset, WriteRequest::name);
        return detail::FileOp<WriteRequest>(
            state_, WriteRequest{state_->fd(), bytes.data(), bytes.size(), offset});
    }
    template <ByteRange Range>
    [[nodiscard]] detail::FileOp<WriteRequest> write_at(const Range& bytes,
                                                        std::uint64_t offset) const {
        return write_at(detail::as_text(bytes), offset);
    }

    /// Moves the position, from the start (SEEK_SET), from where it is (SEEK_CUR) or from the end
    /// (SEEK_END); gives the new one. *Errors*: ESPIPE where there is none, EINVAL before the
    /// start; std::invalid_argument for another `whence`.
    Task<std::uint64_t> seek(std::int64_t offset, int whence = SEEK_SET);

    /// Gives the position. *Errors*: ESPIPE where there is none.
    Task<std::uint64_t> tell();

    /// Makes the file `size` bytes long, by default as long as the position says, which stays.
    /// *Cancellation*: at once; the file may get that size all the same.
    Task<> truncate(std::optional<std::uint64_t> size = std::nullopt);

    /// Sets aside space for `size` bytes from `offset`, so that no write there fails for want of
    /// it; with FALLOC_FL_* in `mode` what fallocate(2) does.
    Task<> allocate(std::uint64_t offset, std::uint64_t size, int mode = 0);

    /// Brings what was written to the disk.
    Task<> fsync(FsyncOptions options = {});

    /// Asks what is known about the file.
    Task<FileStatus> stat();

    /// Closes the file. Idempotent. Errors are not told: a network's file system may report here
    /// that something could not be written, see aclose() and fsync().
    void close() noexcept;

    /// The same, and tells. *Errors*: std::runtime_error while an operation is on.
    /// *Cancellation*: the file is closed.
    Task<> aclose();

    bool closed() const noexcept { return !state_ || state_->is_closed(); }
    explicit operator bool() const noexcept { return !closed(); }

    /// Returns the descriptor, -1 when it is closed.
    int fileno() const noexcept { return closed() ? -1 : state_->fd(); }

    /// Returns what errors call the file: the path that it was opened by.
    const std::string& path() const noexcept;

private:
    const detail::FilePtr& opened() const;
    void require_offset(std::uint64_t offset, std::string_view call) const;

    detail::FilePtr state_;  // null: closed, or moved from
};

}  // namespace ringio
