// Call: a request on its way to an answer by system calls, and the first or the next try at it.
#pragma once

#include <cerrno>
#include <cstdint>

#include <liburing.h>
#include <sys/types.h>

namespace ringio::detail {

/// What became of a try: a result, or what must happen before the next one.
struct Verdict {
    enum class Next : std::uint8_t {
        done,      // `result` is the request's
        readable,  // wait until the descriptor is readable, then try again
        writable,
        buffer,  // wait for a provided buffer
        later,   // nothing tells when; try again after a while
        worker,  // it may block: for a thread
    };

    Next next = Next::done;
    int result = 0;

    static Verdict over(int result) noexcept { return {Next::done, result}; }
};

/// A submission entry. GCC 12: as a base, for it has a member without a size, of which a member's
/// class is not to be made.
struct CopiedRequest : io_uring_sqe {};

/// A request, and how far it came.
struct Call {
    CopiedRequest request;
    std::uint32_t done = 0;   // bytes moved by earlier tries; the request is for the rest
    bool connecting = false;  // connect(2) was called, and goes on

    /// Counts bytes as moved: the next try is for the rest.
    void advance(std::uint32_t bytes) noexcept;

    /// Its terminal result when `result` is that of the last try: what was moved counts more than
    /// an error.
    int final_result(int result) const noexcept;
};

/// How many bytes of files may be read or written in one entry without a thread.
class FileBudget {
public:
    static constexpr std::uint32_t bytes = 256 * 1024;

    void refill() noexcept { left_ = bytes; }
    bool take(std::uint32_t wanted) noexcept {
        if (wanted > left_) {
            return false;
        }
        left_ -= wanted;
        return true;
    }

private:
    std::uint32_t left_ = bytes;
};

/// Makes the system calls that a request stands for, as long as they do not block.
Verdict attempt(Call& call, FileBudget& budget) noexcept;

/// The same for one of Verdict::Next::worker, and may block: its terminal result.
int call_blocking(const Call& call) noexcept;

/// The part of call_blocking() for requests that name a file: -EINVAL for others.
int call_on_path(const io_uring_sqe& request) noexcept;

/// What a system call has returned, as the result of a request.
inline int result_of(ssize_t returned) noexcept {
    return returned >= 0 ? static_cast<int>(returned) : -errno;
}

/// The events that a POLL_ADD asks for.
std::uint32_t poll_events(const io_uring_sqe& request) noexcept;

/// Tells whether a request is a receive into one provided buffer after the other.
inline bool is_multishot(const io_uring_sqe& request) noexcept {
    return request.opcode == IORING_OP_RECV && (request.ioprio & IORING_RECV_MULTISHOT) != 0;
}

/// Tells whether nobody wants to know this result.
inline bool is_silent(const io_uring_sqe& request, int result) noexcept {
    return result >= 0 && (request.flags & IOSQE_CQE_SKIP_SUCCESS) != 0;
}

}  // namespace ringio::detail
