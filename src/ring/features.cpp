#include <ringio/ring/features.hpp>

#include <atomic>
#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <liburing.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>

namespace ringio {
namespace {

enum class Answer : unsigned char { unknown, no, yes };

// Kernel: EOPNOTSUPP before 6.4, then EAGAIN, for the pipe is empty.
Answer ask_a_pipe() noexcept {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return Answer::unknown;
    }
    const UniqueFd reading(ends[0]);
    const UniqueFd writing(ends[1]);
    char byte = 0;
    const iovec part{&byte, 1};
    const ssize_t got = ::preadv2(reading.get(), &part, 1, -1, RWF_NOWAIT);
    return got < 0 && errno == EAGAIN ? Answer::yes : Answer::no;
}

}  // namespace

Features::Features(io_uring& ring) : setup_flags_(ring.flags), feature_bits_(ring.features) {
    struct Free {
        // Not free(): the probe is liburing's allocation.
        void operator()(io_uring_probe* probe) const noexcept { io_uring_free_probe(probe); }
    };
    const std::unique_ptr<io_uring_probe, Free> probe(io_uring_get_probe_ring(&ring));
    if (probe == nullptr) {
        return;
    }
    for (unsigned opcode = 0; opcode < probe->ops_len; ++opcode) {
        opcodes_[opcode] = (probe->ops[opcode].flags & IO_URING_OP_SUPPORTED) != 0;
    }
}

bool Features::sufficient() const noexcept {
    constexpr unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
                                IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;
    // Kernel: SENDMSG_ZC came with 6.1, and with it everything that has no bit of its own
    // (cancelling ANY and ALL, 5.19).
    return (feature_bits_ & needed) == needed && supports(IORING_OP_SENDMSG_ZC);
}

bool Features::pipes_never_wait() noexcept {
    static std::atomic<Answer> known = Answer::unknown;
    Answer answer = known.load(std::memory_order_relaxed);
    if (answer == Answer::unknown) {
        answer = ask_a_pipe();
        known.store(answer, std::memory_order_relaxed);
    }
    return answer == Answer::yes;
}

}  // namespace ringio
