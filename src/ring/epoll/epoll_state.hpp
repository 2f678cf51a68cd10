// EpollState: the machine of an EpollKernel. Each request is tried as it is taken from the
// submission queue; what must wait stands in one list, which its stage names, until it is over.
//
//     taken ─┬─ done at once ──────────────────────────────▶ completion queue
//            ├─ parked on its descriptor ◀─▶ hungry for a buffer
//            ├─ later (nothing tells when)
//            └─ at a worker
//     every one of them ──▶ due, when the completion queue is full ──▶ completion queue
#pragma once

#include <ringio/ring/kernel.hpp>
#include <ringio/ring/waker.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <liburing.h>

#include "call.hpp"
#include "descriptors.hpp"
#include "request_table.hpp"
#include "sleep.hpp"
#include "workers.hpp"

namespace ringio::detail {

class EpollState {
public:
    /// Fills `queues`. Both sizes are powers of two.
    EpollState(io_uring& queues, unsigned entries, unsigned cq_entries);
    EpollState(const EpollState&) = delete;
    EpollState& operator=(const EpollState&) = delete;

    /// As Kernel::enter(), with `submitted` entries to take.
    int enter(unsigned submitted, bool wait,
              std::optional<std::chrono::nanoseconds> timeout) noexcept;

    void set_buffers(io_uring_buf_ring* ring, unsigned entries, std::uint16_t group) noexcept;
    const std::shared_ptr<EventFd>& waker() const noexcept { return waker_; }
    std::uint64_t registrations() const noexcept { return descriptors_.calls(); }

    /// Lets go of all that the parent of this process has, too, and touches nothing of it.
    void leave_to_parent() noexcept;

private:
    using Stage = WaitingRequest::Stage;

    unsigned room() const noexcept;
    bool has_completions() const noexcept;
    void post(std::uint64_t user_data, int result, std::uint32_t flags) noexcept;
    void deliver(const io_uring_sqe& request, int result) noexcept;
    void finish(WaitingRequest& request, int result) noexcept;
    void flush_due() noexcept;

    int take_submissions(unsigned submitted) noexcept;
    bool take(const io_uring_sqe& request) noexcept;
    Verdict try_first(Call& call) noexcept;
    Verdict try_once(Call& call, bool reads_on) noexcept;
    Verdict receive_many(const io_uring_sqe& request, bool reads_on) noexcept;
    void go_on(WaitingRequest& request, Verdict verdict) noexcept;
    void park(WaitingRequest& request, Verdict::Next next) noexcept;
    void wait_for_buffer(WaitingRequest& request) noexcept;
    void wait_a_while(WaitingRequest& request) noexcept;
    void retry_writers(int fd) noexcept;
    void give_to_worker(WaitingRequest& request) noexcept;

    bool has_buffer() const noexcept;
    void feed_hungry() noexcept;
    void starve_hungry() noexcept;

    int cancel(const io_uring_sqe& request, const WaitingRequest* canceller) noexcept;
    int end(WaitingRequest& request) noexcept;

    int look(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept;
    std::optional<std::chrono::nanoseconds> time_left(
        std::optional<Clock::time_point> deadline) const noexcept;
    bool handle_events(int count) noexcept;
    void handle_event(int fd, std::uint32_t events) noexcept;
    bool serve_polls(Descriptor& descriptor, std::uint32_t events) noexcept;
    bool serve(IntrusiveList<WaitingRequest>& queue, bool reads_on) noexcept;
    void collect_work() noexcept;
    void try_those_later() noexcept;

    static constexpr int most_events = 256;
    static constexpr std::uint64_t wake_token = ~std::uint64_t{0};

    std::vector<io_uring_sqe> entries_;
    std::vector<io_uring_cqe> completions_;
    unsigned entries_head_ = 0;
    unsigned entries_tail_ = 0;
    unsigned flags_ = 0;
    unsigned completions_head_ = 0;
    unsigned completions_tail_ = 0;

    std::shared_ptr<EventFd> waker_ = std::make_shared<EventFd>();
    Descriptors descriptors_;
    Sleep sleep_;
    RequestTable requests_;
    IntrusiveList<WaitingRequest> hungry_;
    IntrusiveList<WaitingRequest> later_;
    IntrusiveList<WaitingRequest> due_;
    FileBudget budget_;
    io_uring_buf_ring* buffers_ = nullptr;
    unsigned buffers_mask_ = 0;
    std::uint16_t buffers_group_ = 0;
    std::uint16_t buffers_taken_ = 0;
    std::vector<epoll_event> events_ = std::vector<epoll_event>(most_events);
    std::unique_ptr<Workers> workers_;  // last: they are joined first
};

}  // namespace ringio::detail
