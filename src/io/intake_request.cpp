// What an Intake asks of the kernel, and what the answers mean.
#include <ringio/io/intake.hpp>

#include <ringio/core/loop_books.hpp>
#include <ringio/ring/control_requests.hpp>
#include <ringio/ring/file_requests.hpp>
#include <ringio/ring/socket_requests.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <span>

namespace ringio::detail {
namespace {

constexpr std::size_t single_size_bulk = 64 * 1024;  // at first
constexpr std::size_t single_size_idle = 4 * 1024;   // at first, where there are no buffer rings
constexpr std::size_t single_size_max = 256 * 1024;

}  // namespace

// Submits the request that is wanted now. *Errors*: std::bad_alloc.
void Intake::submit() {
    Ring& ring = anchor_->loop->machine().ring();
    if (!pool_ && medium_ == Medium::socket) {
        pool_ = IntrusivePtr<BufferPool>(ring.buffers());
    }
    kind_ = bulk_ || !pool_ ? Kind::single : Kind::multishot;
    if (kind_ == Kind::single && medium_ != Medium::write_end) {
        prepare_single();
    }
    ring.submit(*this);
}

void Intake::prepare_single() {
    if (single_size_ == 0) {
        single_size_ = bulk_ ? single_size_bulk : single_size_idle;
    }
    static_cast<void>(buffer_.prepare(single_size_));
    buffer_.pin();
}

void Intake::prepare(io_uring_sqe& sqe) noexcept {
    if (kind_ == Kind::multishot) {
        RecvMultishotRequest{.fd = fd_, .group = BufferPool::group}.prepare(sqe);
        return;
    }
    const std::span<char> space = buffer_.space();
    switch (medium_) {
        case Medium::socket:
            RecvRequest{.fd = fd_, .buffer = space.data(), .size = space.size()}.prepare(sqe);
            break;
        case Medium::read_end:
            ReadRequest{.fd = fd_, .buffer = space.data(), .size = space.size()}.prepare(sqe);
            break;
        case Medium::write_end:
            PollRequest{.fd = fd_, .mask = 0}.prepare(sqe);
            break;
    }
}

// What a result says of a pipe or a terminal, as if it were that of a receive. Kernel: the terminal
// whose other side was closed says EIO, and that is its end. A poll for no event tells of a pipe
// without a reader by POLLERR, of a terminal by POLLHUP; what never waits, such as /dev/null, has
// nothing to tell: EINVAL.
int Intake::meaning_of(int result) const noexcept {
    switch (medium_) {
        case Medium::socket:
            break;
        case Medium::read_end:
            return result == -EIO ? 0 : result;
        case Medium::write_end:
            if (result >= 0) {
                return (result & (POLLERR | POLLHUP)) != 0 ? -EPIPE : 0;
            }
            return result == -EINVAL ? 0 : result;
    }
    return result;
}

// One receive as large as the reader's would have been. When nothing is there the sender is not
// faster any more.
void Intake::receive_what_is_there() noexcept {
    bulk_ = false;
    if (!anchor_->loop->machine().take_immediate_budget()) {
        return;
    }
    kind_ = Kind::single;
    try {
        prepare_single();
    } catch (...) {
        fail(ENOMEM);
        return;
    }
    const int result = anchor_->loop->machine().ring().try_now(*this);
    commit_single(result);
    if (result == 0) {
        end_by_peer();
    } else if (result < 0 && result != -EAGAIN && result != -EINTR) {
        fail(-result);
    }
    buffer_.release_memory();
}

void Intake::resubmit() noexcept {
    try {
        submit();
    } catch (...) {
        fail(ENOMEM);
        wake_reader();
        release();
    }
}

void Intake::commit_single(int result) noexcept {
    if (result > 0) {
        const auto size = static_cast<std::size_t>(result);
        const std::size_t space = buffer_.space().size();
        buffer_.commit(size);
        note_bulk(size, space);
        if (size == space) {
            single_size_ = std::min(single_size_ * 2, single_size_max);
        }
    }
    buffer_.unpin();
    if (result > 0) {
        wake_reader();
    }
}

}  // namespace ringio::detail
