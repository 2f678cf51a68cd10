#include <ringio/ring/kernel.hpp>

#include <cerrno>

#include <liburing.h>

#include <ringio/ring/socket_requests.hpp>
#include <ringio/ring/waker.hpp>

namespace ringio {

Kernel::Kernel() : queues_(std::make_unique<io_uring>()) {}

Kernel::~Kernel() = default;

Clock::time_point Kernel::now() const noexcept { return Clock::now(); }

bool Kernel::keeps_time() const noexcept { return false; }

std::shared_ptr<Waker> Kernel::waker() { return nullptr; }

bool Kernel::shares_calls() const noexcept { return false; }

bool Kernel::may_be_filtered() const noexcept { return false; }

std::string_view Kernel::remark() const noexcept { return {}; }

int Kernel::try_send(const SendRequest& request) noexcept {
    io_uring_sqe entry{};
    request.prepare(entry);
    return try_now(entry);
}

int Kernel::register_buffers(io_uring_buf_ring&, unsigned, std::uint16_t) noexcept {
    return -EOPNOTSUPP;
}

void Kernel::unregister_buffers(std::uint16_t) noexcept {}

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
