#include <ringio/ring/kernel.hpp>

#include <cerrno>

#include <liburing.h>

namespace ringio {

Kernel::Kernel() : queues_(std::make_unique<io_uring>()) {}

Kernel::~Kernel() = default;

Clock::time_point Kernel::now() const noexcept { return Clock::now(); }

bool Kernel::is_transient(int result) noexcept {
    return result == -EAGAIN || result == -EBUSY || result == -EINTR || result == -ETIME;
}

unsigned Kernel::publish() noexcept {
    io_uring_sq& sq = queues_->sq;
    sq.sqe_head = sq.sqe_tail;
    io_uring_smp_store_release(sq.ktail, sq.sqe_tail);
    return sq.sqe_tail - io_uring_smp_load_acquire(sq.khead);
}

}  // namespace ringio
