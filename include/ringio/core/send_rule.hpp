// SendRule: whether bytes leave at once, by a system call of their own, or together with those of
// other sockets, by the next entry into the kernel.
#pragma once

#include <cstdint>

namespace ringio::detail {

/// Where a system call costs about as much as a request through the ring, a send at once is the
/// cheaper one, and the peer has its bytes sooner. Where it costs a microsecond, twenty sends that
/// share an entry cost less than two calls. So when several sockets sent in a turn, those of the
/// next one leave together, if calls are dear here; a few sockets always send at once.
class SendRule {
public:
    /// So many senders of one turn make those of the next one leave together.
    static constexpr unsigned several = 4;

    /// Where calls are cheap, everybody may always send at once.
    void set_calls_are_dear(bool dear) noexcept { calls_are_dear_ = dear; }
    /// Measured once in a process.
    static bool measure_whether_calls_are_dear() noexcept;

    /// Counts one who has something to send in this turn. True: at once.
    bool may_send_at_once(std::uint32_t turn) noexcept { return !calls_are_dear_ || count(turn); }

private:
    bool count(std::uint32_t turn) noexcept {
        if (turn != turn_) {
            together_ = senders_ >= several;
            senders_ = 0;
            turn_ = turn;
        }
        ++senders_;
        return !together_;
    }

    std::uint32_t turn_ = 0;     // the last one in which somebody sent
    std::uint32_t senders_ = 0;  // in it
    bool calls_are_dear_ = false;
    bool together_ = false;
};

}  // namespace ringio::detail
