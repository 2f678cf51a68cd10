#include "faulty_kernel.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include <ringio/ring/epoll_kernel.hpp>

namespace ringio::testing {
namespace {

std::unique_ptr<Fault> make_fault(std::string_view name) {
    if (name == "none") {
        return std::make_unique<Fault>();
    }
    for (auto* const make : {make_request_fault, make_cancel_fault, make_reuse_fault,
                             make_socket_fault, make_sleep_fault}) {
        if (std::unique_ptr<Fault> fault = make(name)) {
            return fault;
        }
    }
    throw std::invalid_argument("no fault of a kernel has the name " + std::string(name));
}

}  // namespace

std::unique_ptr<Kernel> make_faulty_kernel(unsigned entries, unsigned cq_entries) {
    auto real = std::make_unique<EpollKernel>(EpollOptions{entries, cq_entries, {}});
    return std::make_unique<FaultyKernel>(std::move(real), make_fault(planted_fault()));
}

std::uint64_t registrations_of(Kernel& kernel) {
    if (auto* const faulty = dynamic_cast<FaultyKernel*>(&kernel)) {
        return registrations_of(faulty->real()) + faulty->more_registrations;
    }
    const auto* const epoll = dynamic_cast<const EpollKernel*>(&kernel);
    return epoll == nullptr ? 0 : epoll->registrations();
}

FaultyKernel::FaultyKernel(std::unique_ptr<Kernel> real, std::unique_ptr<Fault> fault)
    : real_(std::move(real)),
      fault_(std::move(fault)),
      entries_(real_->queues().sq.ring_entries),
      completions_(real_->queues().cq.ring_entries) {
    fault_->kernel = this;
    io_uring& ring = queues();
    ring.sq.khead = &sq_head_;
    ring.sq.ktail = &sq_tail_;
    ring.sq.kflags = &sq_flags_;
    ring.sq.sqes = entries_.data();
    ring.sq.ring_entries = static_cast<unsigned>(entries_.size());
    ring.sq.ring_mask = ring.sq.ring_entries - 1;
    ring.cq.khead = &cq_head_;
    ring.cq.ktail = &cq_tail_;
    ring.cq.cqes = completions_.data();
    ring.cq.ring_entries = static_cast<unsigned>(completions_.size());
    ring.cq.ring_mask = ring.cq.ring_entries - 1;
}

int FaultyKernel::enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept {
    fault_->before_entry();
    const unsigned submitted = publish();
    for (unsigned left = submitted; left != 0; --left) {
        take({entries_[sq_head_ & (entries_.size() - 1)]});
        ++sq_head_;
    }
    flush();
    wait = wait && visible() == 0;
    fault_->before_sleep(wait, timeout);
    const int entered = real_->enter(wait, timeout);
    collect();
    settle();
    flush();
    return submitted != 0 ? static_cast<int>(submitted) : entered;
}

void FaultyKernel::take(Entry request) {
    if (request.opcode == IORING_OP_ASYNC_CANCEL && cancel_held(request)) {
        return;
    }
    if (fault_->lets_in(request)) {
        hand_over(request);
    }
}

// Tells whether the cancel was for one that is held, and is answered.
bool FaultyKernel::cancel_held(const Entry& cancel) {
    const bool any = (cancel.cancel_flags & IORING_ASYNC_CANCEL_ANY) != 0;
    bool found = false;
    for (std::size_t left = held_.size(); left != 0; --left) {
        const Held held = held_.front();
        held_.pop_front();
        if (any || held.request.user_data == cancel.addr) {
            answer({held.request.user_data, held.result, 0});
            found = true;
        } else {
            held_.push_back(held);
        }
    }
    if (any || !found) {
        return false;
    }
    if ((cancel.flags & IOSQE_CQE_SKIP_SUCCESS) == 0) {
        answer({cancel.user_data, 0, 0});
    }
    return true;
}

bool FaultyKernel::release(std::uint64_t user_data) {
    return std::erase_if(
               held_, [&](const Held& held) { return held.request.user_data == user_data; }) != 0;
}

void FaultyKernel::finish(std::uint64_t user_data) {
    while (in_flight.contains(user_data)) {
        real_->enter(true, std::nullopt);
        collect();
    }
}

void FaultyKernel::hand_over(const Entry& request) {
    io_uring_sq& sq = real_->queues().sq;
    while (sq.sqe_tail - __atomic_load_n(sq.khead, __ATOMIC_ACQUIRE) == sq.ring_entries) {
        real_->enter(false, std::nullopt);
        collect();
    }
    sq.sqes[sq.sqe_tail++ & sq.ring_mask] = request;
    if (request.user_data != nobody) {
        in_flight[request.user_data] = request;
    }
}

void FaultyKernel::hand_over_own(Entry request) {
    request.user_data = nobody;
    hand_over(request);
}

void FaultyKernel::cancel_silently(std::uint64_t user_data) {
    Entry cancel{};
    io_uring_prep_cancel64(&cancel, user_data, 0);
    hand_over_own(cancel);
}

void FaultyKernel::settle() {
    const io_uring_sq& sq = real_->queues().sq;
    while (sq.sqe_tail != __atomic_load_n(sq.khead, __ATOMIC_ACQUIRE)) {
        real_->enter(false, std::nullopt);
        collect();
    }
}

void FaultyKernel::collect() {
    io_uring_cq& cq = real_->queues().cq;
    while (*cq.khead != __atomic_load_n(cq.ktail, __ATOMIC_ACQUIRE)) {
        const io_uring_cqe& next = cq.cqes[*cq.khead & cq.ring_mask];
        Result result{next.user_data, next.res, next.flags};
        __atomic_store_n(cq.khead, *cq.khead + 1, __ATOMIC_RELEASE);
        const auto found = in_flight.find(result.user_data);
        if (found == in_flight.end()) {
            continue;
        }
        const Entry request = found->second;
        if (result.is_last()) {
            in_flight.erase(found);
        }
        if (fault_->lets_out(result, request)) {
            answer(result);
        }
    }
}

void FaultyKernel::answer(Result result) {
    backlog_.push_back(result);
    flush();
}

void FaultyKernel::flush() {
    while (!backlog_.empty() && !completion_queue_is_full()) {
        const Result& next = backlog_.front();
        io_uring_cqe& cqe = completions_[cq_tail_ & (completions_.size() - 1)];
        cqe.user_data = next.user_data;
        cqe.res = next.result;
        cqe.flags = next.flags;
        ++cq_tail_;
        backlog_.pop_front();
    }
    sq_flags_ = look | (backlog_.empty() ? 0U : IORING_SQ_CQ_OVERFLOW);
}

}  // namespace ringio::testing
