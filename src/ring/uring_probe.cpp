#include "uring_probe.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>

#include <fcntl.h>
#include <liburing.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ringio/ring/kernel.hpp>

namespace ringio::detail {

const UsedOperation used_operations[used_operations_count] = {
    {IORING_OP_NOP, "NOP"},
    {IORING_OP_ACCEPT, "ACCEPT"},
    {IORING_OP_CONNECT, "CONNECT"},
    {IORING_OP_RECV, "RECV"},
    {IORING_OP_SEND, "SEND"},
    {IORING_OP_RECVMSG, "RECVMSG"},
    {IORING_OP_SENDMSG, "SENDMSG"},
    {IORING_OP_SHUTDOWN, "SHUTDOWN"},
    {IORING_OP_POLL_ADD, "POLL_ADD"},
    {IORING_OP_READ, "READ"},
    {IORING_OP_WRITE, "WRITE"},
    {IORING_OP_OPENAT, "OPENAT"},
    {IORING_OP_CLOSE, "CLOSE"},
    {IORING_OP_FSYNC, "FSYNC"},
    {IORING_OP_STATX, "STATX"},
    {IORING_OP_FALLOCATE, "FALLOCATE"},
    {IORING_OP_MKDIRAT, "MKDIRAT"},
    {IORING_OP_UNLINKAT, "UNLINKAT"},
    {IORING_OP_RENAMEAT, "RENAMEAT"},
    {IORING_OP_SYMLINKAT, "SYMLINKAT"},
    {IORING_OP_LINKAT, "LINKAT"},
    {IORING_OP_OPENAT2, "OPENAT2"},
    {IORING_OP_ASYNC_CANCEL, "ASYNC_CANCEL"},
};

namespace {

constexpr int no_descriptor = -1;

// Without a file, or a name of one, none of them can do anything; a cancel finds nobody.
void write_request(io_uring_sqe& entry, unsigned index) noexcept {
    std::memset(&entry, 0, sizeof entry);
    entry.opcode = used_operations[index].opcode;
    entry.fd = no_descriptor;
    entry.user_data = index;
    if (entry.opcode == IORING_OP_ASYNC_CANCEL) {
        entry.addr = ~std::uint64_t{0};
    }
}

// A stub never answers, not even the NOP, which needs nobody. A real one that has answered may take
// its time, for a worker of a busy machine does some of the others.
constexpr auto patience_with_stubs = std::chrono::seconds(1);
constexpr auto patience_with_workers = std::chrono::seconds(60);

bool wait_for_answer(Kernel& kernel, std::chrono::nanoseconds patience) noexcept {
    constexpr int most_entries = 1000;  // a stub comes back at once
    const auto deadline = kernel.now() + patience;
    const io_uring_cq& cq = kernel.queues().cq;
    for (int entries = 0; entries < most_entries; ++entries) {
        const auto left = deadline - kernel.now();
        const int entered = kernel.enter(true, left);
        if (io_uring_smp_load_acquire(cq.ktail) != *cq.khead) {
            return true;
        }
        if (left <= left.zero() || (entered < 0 && !Kernel::is_transient(entered))) {
            return false;
        }
    }
    return false;
}

// By as many at a time as both queues hold.
const char* ask(Kernel& kernel, unsigned first, unsigned count) noexcept {
    io_uring_sq& sq = kernel.queues().sq;
    for (unsigned index = first; index < first + count; ++index) {
        write_request(sq.sqes[sq.sqe_tail++ & sq.ring_mask], index);
    }
    for (unsigned answered = 0; answered < count; ++answered) {
        const bool is_real = first + answered > 0;
        if (!wait_for_answer(kernel, is_real ? patience_with_workers : patience_with_stubs)) {
            return "";
        }
        io_uring_cq& cq = kernel.queues().cq;
        const io_uring_cqe& answer = cq.cqes[*cq.khead & cq.ring_mask];
        const char* const refused = answer.res == -EPERM || answer.res == -EACCES
                                        ? used_operations[answer.user_data].name
                                        : nullptr;
        io_uring_smp_store_release(cq.khead, *cq.khead + 1);
        if (refused != nullptr) {
            return refused;
        }
    }
    return nullptr;
}

// liburing 2.3 exports neither of the two that are needed here.
int register_with(const io_uring& ring, unsigned opcode, const void* argument,
                  unsigned count) noexcept {
    const long result = ::syscall(__NR_io_uring_register, ring.ring_fd, opcode, argument, count);
    return result < 0 ? -errno : static_cast<int>(result);
}

}  // namespace

const char* find_refused_operation(Kernel& kernel) noexcept {
    const unsigned at_once =
        std::min(kernel.queues().sq.ring_entries, kernel.queues().cq.ring_entries);
    const char* refused = nullptr;
    for (unsigned first = 0; first < used_operations_count && refused == nullptr;
         first += at_once) {
        refused = ask(kernel, first, std::min(at_once, used_operations_count - first));
    }
    return refused;
}

// Kernel: 5.10. What is not named is refused with EACCES: registrations too.
int restrict_ring(io_uring& ring) noexcept {
    constexpr unsigned char registrations[] = {
        IORING_REGISTER_PROBE,       IORING_REGISTER_IOWQ_MAX_WORKERS, IORING_REGISTER_RING_FDS,
        IORING_UNREGISTER_RING_FDS,  IORING_REGISTER_PBUF_RING,        IORING_UNREGISTER_PBUF_RING,
        IORING_REGISTER_ENABLE_RINGS};
    io_uring_restriction allowed[used_operations_count + std::size(registrations) + 1] = {};
    io_uring_restriction* next = allowed;
    for (const UsedOperation& operation : used_operations) {
        next->opcode = IORING_RESTRICTION_SQE_OP;
        next++->sqe_op = operation.opcode;
    }
    for (const unsigned char registration : registrations) {
        next->opcode = IORING_RESTRICTION_REGISTER_OP;
        next++->register_op = registration;
    }
    next->opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
    next->sqe_flags = IOSQE_CQE_SKIP_SUCCESS | IOSQE_BUFFER_SELECT;
    const int result = register_with(ring, IORING_REGISTER_RESTRICTIONS, allowed,
                                     static_cast<unsigned>(std::size(allowed)));
    return result < 0 ? result : register_with(ring, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
}

}  // namespace ringio::detail
