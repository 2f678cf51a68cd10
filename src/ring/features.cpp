#include <ringio/ring/features.hpp>

#include <memory>

#include <liburing.h>

namespace ringio {

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

}  // namespace ringio
