// A kernel that does all as a real one does, save for one fault. It shows that the test which is
// named after an incident finds what the incident was: see planted_faults.py.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <liburing.h>

#include <ringio/ring/kernel.hpp>
#include <ringio/ring/waker.hpp>

#include "planted_fault.hpp"

namespace ringio::testing {

/// A kernel with the planted fault, around epoll's.
std::unique_ptr<Kernel> make_faulty_kernel(unsigned entries, unsigned cq_entries);

/// How many calls of epoll_ctl(2) a kernel made; io_uring makes none.
std::uint64_t registrations_of(Kernel& kernel);

/// A submission entry. GCC 12: as a base, for it has a member without a size.
struct Entry : io_uring_sqe {};

struct Result {
    std::uint64_t user_data;
    int result;
    std::uint32_t flags;

    bool is_last() const { return (flags & IORING_CQE_F_MORE) == 0; }
};

class FaultyKernel;

/// What is wrong with a FaultyKernel.
class Fault {
public:
    Fault() = default;
    Fault(const Fault&) = delete;
    Fault& operator=(const Fault&) = delete;
    virtual ~Fault() = default;

    /// Sees each request on its way to the real kernel. False: it does not get there.
    virtual bool lets_in(Entry&) { return true; }
    /// Sees each result on its way back. False: it does not get there.
    virtual bool lets_out(Result&, const Entry&) { return true; }
    /// Sees how the real kernel is about to be entered, requests handed over already.
    virtual void before_sleep(bool& /*wait*/, std::optional<std::chrono::nanoseconds>&) {}
    /// Sees each entry before anything else.
    virtual void before_entry() {}
    virtual std::shared_ptr<Waker> replace(std::shared_ptr<Waker> real) { return real; }

    FaultyKernel* kernel = nullptr;
};

class FaultyKernel final : public Kernel {
public:
    FaultyKernel(std::unique_ptr<Kernel> real, std::unique_ptr<Fault> fault);

    int enter(bool wait, std::optional<std::chrono::nanoseconds> timeout) noexcept override;
    int try_now(const io_uring_sqe& request) noexcept override { return real_->try_now(request); }
    int register_buffers(io_uring_buf_ring& ring, unsigned entries,
                         std::uint16_t group) noexcept override {
        return real_->register_buffers(ring, entries, group);
    }
    void unregister_buffers(std::uint16_t group) noexcept override {
        real_->unregister_buffers(group);
    }
    std::shared_ptr<Waker> waker() override { return fault_->replace(real_->waker()); }
    bool shares_calls() const noexcept override { return real_->shares_calls(); }
    std::string_view name() const noexcept override { return real_->name(); }
    Kernel& real() { return *real_; }

    // For faults:

    /// Hands a request over to the real kernel.
    void hand_over(const Entry& request);
    /// Hands over a request of the fault's own, whose result nobody sees.
    void hand_over_own(Entry request);
    /// Cancels what has this user_data, and nobody hears of the answer.
    void cancel_silently(std::uint64_t user_data);
    /// Enters the real kernel until nothing is left to do there at once.
    void settle();
    /// Tells the user of the kernel.
    void answer(Result result);
    /// Keeps a request from the real kernel until somebody cancels it.
    void hold(const Entry& request) { held_.push_back({request, -ECANCELED}); }
    /// Keeps a last result from the user until somebody cancels the request.
    void withhold(const Entry& request, int result) { held_.push_back({request, result}); }
    /// Tells whether it was held, and does so no more.
    bool release(std::uint64_t user_data);
    /// Sleeps until the real kernel has ended it.
    void finish(std::uint64_t user_data);
    bool completion_queue_is_full() const { return completions_.size() == visible(); }

    /// What the real kernel has not ended, by user_data.
    std::map<std::uint64_t, Entry> in_flight;
    /// What the fault adds to the calls of epoll_ctl(2).
    std::uint64_t more_registrations = 0;

private:
    struct Held {
        Entry request;
        int result;
    };

    static constexpr std::uint64_t nobody = ~std::uint64_t{0};

    unsigned visible() const { return cq_tail_ - cq_head_; }
    void take(Entry request);
    bool cancel_held(const Entry& cancel);
    void collect();
    void flush();

    std::unique_ptr<Kernel> real_;
    std::unique_ptr<Fault> fault_;
    std::vector<io_uring_sqe> entries_;
    std::vector<io_uring_cqe> completions_;
    std::deque<Result> backlog_;
    std::deque<Held> held_;
    unsigned sq_head_ = 0, sq_tail_ = 0, sq_flags_ = look, cq_head_ = 0, cq_tail_ = 0;
};

/// Each returns the fault of that name, or null when it knows none.
std::unique_ptr<Fault> make_request_fault(std::string_view name);
std::unique_ptr<Fault> make_cancel_fault(std::string_view name);
std::unique_ptr<Fault> make_reuse_fault(std::string_view name);
std::unique_ptr<Fault> make_socket_fault(std::string_view name);
std::unique_ptr<Fault> make_sleep_fault(std::string_view name);

}  // namespace ringio::testing
