// SendRule: whether bytes leave at once, by a system call of their own, or together with those of
// other sockets, by the next entry into the kernel.
#pragma once

#include <cstdint>

namespace ringio::detail {

/// Where a system call costs about as much as a request through the ring, a send at once is the
/// cheaper one, and the peer has its bytes sooner. Where it costs a microsecond, twenty sends that
/// share an entry cost less than two calls. So when several sockets sent in a turn, those of the
/// next one leave together, if calls are dear here; one or two sockets always send at once.
class SendRule {
public:
    /// So many senders of one turn make those of the next one leave together.
    static constexpr unsigned several = 4;

    enum class Calls : unsigned char { unknown, cheap, dear };

    void set_calls(Calls calls) noexcept { calls_ = calls; }

    /// Counts one who has something to send in this turn. True: at once.
    bool may_send_at_once(std::uint32_t turn) noexcept {
        if (turn != turn_) {
            begin(turn);
        }
        ++senders_;
        return !together_;
    }

private:
    void begin(std::uint32_t turn) noexcept {
        together_ = senders_ >= several && are_dear();
        senders_ = 0;
        turn_ = turn;
    }
    bool are_dear() noexcept {
        if (calls_ == Calls::unknown) [[unlikely]] {
            calls_ = measure();
        }
        return calls_ == Calls::dear;
    }
    static Calls measure() noexcept;

    std::uint32_t turn_ = 0;     // the last one in which somebody sent
    std::uint32_t senders_ = 0;  // in it
    Calls calls_ = Calls::unknown;
    bool together_ = false;
};

}  // namespace ringio::detail
