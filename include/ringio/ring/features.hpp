// Features: what the running kernel can do, asked by doing and never by its version number, for
// distributions move features between versions.
#pragma once

#include <bitset>

struct io_uring;

namespace ringio {

/// The abilities of one ring, asked once when it is set up.
class Features {
public:
    /// Knows nothing: supports() is false for every opcode.
    Features() = default;

    /// Asks the kernel behind a ring that is set up. When the kernel refuses the question, nothing
    /// is supported.
    explicit Features(io_uring& ring);

    /// Tells whether the kernel knows the operation (IORING_OP_*). The number may be newer than the
    /// installed liburing.
    bool supports(unsigned opcode) const noexcept {
        return opcode < opcodes_.size() && opcodes_[opcode];
    }

    /// Tells whether this is all that ringio needs: the abilities of Linux 6.1.
    bool sufficient() const noexcept;

    /// Tells whether io_uring reads and writes pipes as it does sockets: what is possible at once,
    /// and polls for the rest. Before Linux 6.4 a worker thread does it where the pipe blocks, and
    /// a write stays in it until all is written or it is cancelled; so where this is false, make
    /// the pipe O_NONBLOCK, or write no more than PIPE_BUF after a poll. Asked once, with a pipe,
    /// and not of a ring; false when there is no descriptor left for that.
    static bool pipes_never_wait() noexcept;

    /// Returns the IORING_SETUP_* flags that the ring was set up with.
    unsigned setup_flags() const noexcept { return setup_flags_; }

    /// Returns the IORING_FEAT_* bits that the kernel reported.
    unsigned feature_bits() const noexcept { return feature_bits_; }

private:
    std::bitset<256> opcodes_;
    unsigned setup_flags_ = 0;
    unsigned feature_bits_ = 0;
};

}  // namespace ringio
