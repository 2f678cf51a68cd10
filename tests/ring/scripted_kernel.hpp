// A Kernel with queues in ordinary memory that the test plays: it sees what was submitted, answers
// with the result it likes, and refuses as often as it likes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <liburing.h>

#include <ringio/ring/kernel.hpp>
#include <ringio/ring/ring.hpp>

#include <ring/kernel_from.hpp>

namespace ringio::testing {

class ScriptedKernel final : public Kernel {
public:
    explicit ScriptedKernel(unsigned entries = 8, unsigned cq_entries = 16)
        : sqes_(entries), cqes_(cq_entries) {
        io_uring& ring = queues();
        ring.sq.khead = &sq_head_;
        ring.sq.ktail = &sq_tail_;
        ring.sq.kflags = &sq_flags_;
        ring.sq.sqes = sqes_.data();
        ring.sq.ring_entries = entries;
        ring.sq.ring_mask = entries - 1;
        ring.cq.khead = &cq_head_;
        ring.cq.ktail = &cq_tail_;
        ring.cq.cqes = cqes_.data();
        ring.cq.ring_entries = cq_entries;
        ring.cq.ring_mask = cq_entries - 1;
    }

    int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept override {
        ++entries_made;
        slept = slept || wait;
        last_timeout = timeout;
        unsigned left = publish();
        flush_overflow();
        if (refusals != 0) {
            --refusals;
            time_ += wait ? timeout.value_or(std::chrono::nanoseconds{0}) : std::chrono::seconds{0};
            return refusal;
        }
        const unsigned accepted_now = std::min(left, accepts_at_most);
        for (left = accepted_now; left != 0; --left) {
            const io_uring_sqe request = sqes_[sq_head_++ % sqes_.size()];
            if (request.opcode == IORING_OP_ASYNC_CANCEL) {
                cancel(request);
            } else {
                accept(request);
            }
        }
        return static_cast<int>(accepted_now);
    }

    int try_now(const io_uring_sqe& request) noexcept override {
        tried.push_back(request);
        if (request.opcode == IORING_OP_RECV && !incoming.empty()) {
            const std::size_t size = std::min<std::size_t>(incoming.size(), request.len);
            std::memcpy(reinterpret_cast<void*>(request.addr), incoming.data(), size);
            incoming.erase(0, size);
            return static_cast<int>(size);
        }
        return has_room && request.opcode == IORING_OP_SEND ? static_cast<int>(request.len)
                                                            : try_result;
    }

    int register_buffers(io_uring_buf_ring& ring, unsigned entries,
                         std::uint16_t) noexcept override {
        if (refuses_buffers) {
            return -EOPNOTSUPP;
        }
        buffers_ = &ring;
        buffer_mask_ = entries - 1;
        return 0;
    }
    void unregister_buffers(std::uint16_t) noexcept override { buffers_ = nullptr; }

    Clock::time_point now() const noexcept override { return time_; }
    bool keeps_time() const noexcept override { return keeps_its_time; }
    std::string_view name() const noexcept override { return "scripted"; }
    std::string_view remark() const noexcept override { return says; }
    void pass(std::chrono::nanoseconds time) { time_ += time; }

    /// How many buffers it could still take.
    unsigned buffers_left() const {
        return static_cast<std::uint16_t>(buffers_->tail - buffers_taken_);
    }

    /// As answer(), with the bytes in the next provided buffer and `result` for their number.
    void answer_with_buffer(std::size_t index, std::string_view bytes, std::uint32_t flags = 0) {
        answer_with_buffer(index, bytes, static_cast<int>(bytes.size()), flags);
    }
    void answer_with_buffer(std::size_t index, std::string_view bytes, int result,
                            std::uint32_t flags) {
        const io_uring_buf& buffer = buffers_->bufs[buffers_taken_++ & buffer_mask_];
        std::memcpy(reinterpret_cast<void*>(buffer.addr), bytes.data(), bytes.size());
        answer(index, result,
               flags | IORING_CQE_F_BUFFER | std::uint32_t{buffer.bid} << IORING_CQE_BUFFER_SHIFT);
    }

    /// Posts a completion for the request `index` in the order of acceptance.
    void answer(std::size_t index, int result, std::uint32_t flags = 0) {
        post(held.at(index).user_data, result, flags);
        if ((flags & IORING_CQE_F_MORE) == 0) {
            held.erase(held.begin() + static_cast<std::ptrdiff_t>(index));
        }
    }

    void post(std::uint64_t user_data, int result, std::uint32_t flags = 0) {
        overflow_.push_back({user_data, result, flags});
        flush_overflow();
    }

    std::vector<io_uring_sqe> held;     // accepted and not answered
    std::vector<io_uring_sqe> cancels;  // every ASYNC_CANCEL seen
    std::optional<int> answer_at_once;  // every request is answered with it when accepted
    unsigned refusals = 0;              // so many entries return `refusal`
    int refusal = -EAGAIN;
    unsigned accepts_at_most = 1U << 20;  // per entry
    unsigned entries_made = 0;
    bool slept = false;
    std::optional<std::chrono::nanoseconds> last_timeout;
    std::vector<io_uring_sqe> tried;  // by try_now
    int try_result = -EAGAIN;
    bool has_room = false;  // a send that is tried takes all of it
    std::string incoming;   // what a receive that is tried gets
    bool refuses_buffers = false;
    bool keeps_its_time = false;
    std::string says;              // its remark
    unsigned flags_that_stay = 0;  // in *sq.kflags, whatever an entry brings
    int refuse_cancels = 0;        // what every cancel is answered, without any effect; 0: as it is

private:
    struct Posted {
        std::uint64_t user_data;
        int result;
        std::uint32_t flags;
    };

    void accept(const io_uring_sqe& request) {
        if (answer_at_once) {
            post(request.user_data, *answer_at_once);
        } else {
            held.push_back(request);
        }
    }

    void cancel(const io_uring_sqe& request) {
        cancels.push_back(request);
        if (refuse_cancels != 0) {
            post(request.user_data, refuse_cancels);
            return;
        }
        int found = 0;
        for (std::size_t index = 0; index < held.size();) {
            const bool any = (request.cancel_flags & IORING_ASYNC_CANCEL_ANY) != 0;
            if (any || held[index].user_data == request.addr) {
                answer(index, -ECANCELED);
                ++found;
            } else {
                ++index;
            }
        }
        if (found == 0) {  // IOSQE_CQE_SKIP_SUCCESS: a success posts nothing
            post(request.user_data, -ENOENT);
        }
    }

    void flush_overflow() {
        while (!overflow_.empty() && cq_tail_ - cq_head_ < cqes_.size()) {
            const Posted& posted = overflow_.front();
            io_uring_cqe& cqe = cqes_[cq_tail_ % cqes_.size()];
            cqe.user_data = posted.user_data;
            cqe.res = posted.result;
            cqe.flags = posted.flags;
            ++cq_tail_;
            overflow_.pop_front();
        }
        sq_flags_ = (overflow_.empty() ? 0 : IORING_SQ_CQ_OVERFLOW) | flags_that_stay;
    }

    std::vector<io_uring_sqe> sqes_;
    std::vector<io_uring_cqe> cqes_;
    std::deque<Posted> overflow_;
    unsigned sq_head_ = 0, sq_tail_ = 0, sq_flags_ = 0, cq_head_ = 0, cq_tail_ = 0;
    Clock::time_point time_{};
    io_uring_buf_ring* buffers_ = nullptr;
    unsigned buffer_mask_ = 0;
    std::uint16_t buffers_taken_ = 0;
};

/// A ring on a scripted kernel.
struct Scripted {
    explicit Scripted(unsigned entries = 8, unsigned cq_entries = 16)
        : Scripted(std::make_unique<ScriptedKernel>(entries, cq_entries)) {}

    ScriptedKernel& kernel;
    Ring ring;

private:
    explicit Scripted(std::unique_ptr<ScriptedKernel> owned)
        : kernel(*owned), ring(std::move(owned)) {}
};

}  // namespace ringio::testing
