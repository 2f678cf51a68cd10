// Ring: the kernel boundary of one event loop. Takes submission entries, binds requests to them,
// enters the kernel, delivers completions. It never refuses a request for want of room: one that
// finds no entry waits in an intrusive list. On an entry, user_data is
//     generation (16 bits) | address of the Completion (44 bits) | kind (4 bits: operation, cancel)
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>

#include <ringio/base/intrusive_list.hpp>
#include <ringio/ring/buffer_pool.hpp>
#include <ringio/ring/completion.hpp>
#include <ringio/ring/kernel.hpp>
#include <ringio/ring/own_process.hpp>
#include <ringio/ring/waker.hpp>

namespace ringio {

struct SendRequest;
struct WriteRequest;

/// The submission and completion side of a Kernel. Created and used on one thread; elsewhere it can
/// only be left behind.
class Ring {
public:
    explicit Ring(std::unique_ptr<Kernel> kernel);
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    /// *Lifetime*: nothing may be in flight: end_requests(). In the child of a fork(2) it only lets
    /// go, and that is all it may be used for there.
    ~Ring();

    /// Tells whether this is the ring's thread.
    bool is_here() const noexcept { return thread_ == std::this_thread::get_id(); }

    /// Says, on the ring's thread, that a loop begins or ends to run: meanwhile kept buffers go
    /// back to the kernel without a detour.
    void begin_use() const noexcept { BufferPool::set_in_use(buffers_.get()); }
    static void end_use() noexcept { BufferPool::set_in_use(nullptr); }

    /// Gives the kernel up, on another thread than the ring's, where it may not be entered: what
    /// was not handed over yet, and what is submitted from now on, waits to be withdrawn by
    /// cancel_all(). False, with nothing done, when requests that were handed over are in flight.
    bool leave_behind() noexcept;

    /// Returns what other threads and signal handlers wake this ring by: enter() then returns.
    /// *Errors*: std::system_error when there is no descriptor left.
    std::shared_ptr<Waker> accept_wakes();

    /// Starts a request. Exactly one terminal complete() follows, from a later reap(). Reaches the
    /// kernel at the next enter(), or earlier when the queue is full.
    void submit(Completion& completion) noexcept;

    /// The same for a request that ended with -ENOBUFS, when it is its turn: first come, first
    /// served, and few in one turn of the loop. Kernel: a receive takes its buffer when it is
    /// submitted on a socket with data, so that all of them at once would mostly fail again, for
    /// good.
    void submit_starved(Completion& completion) noexcept;

    /// The buffers for requests that bring none (RecvMultishotRequest), made when first asked for;
    /// null when the kernel has none to offer.
    BufferPool* buffers() noexcept { return buffers_asked_for_ ? buffers_.get() : make_buffers(); }

    /// Returns how many of them are borrowed.
    std::size_t borrowed_buffers() const noexcept { return buffers_ ? buffers_->borrowed() : 0; }

    /// Asks for the end of a request. Its complete() still follows, with the result when that came
    /// first, with -ECANCELED or -EINTR otherwise, and never from within this call. A request that
    /// is not in flight, or was cancelled before, is left alone. One that was not handed over yet
    /// never is: what its descriptor's number means by then is nobody's concern. As long as the
    /// kernel neither ends a request nor finds it, it is asked again from time to time.
    void cancel(Completion& completion) noexcept;

    /// Asks for the end of every request in flight. For shutdown; may be repeated.
    void cancel_all() noexcept;

    /// Ends every request in flight, and takes no more wakes: returns when all have had their
    /// terminal completion. *Errors*: as enter().
    void end_requests();

    /// Enters the kernel: hands over what was submitted and collects what is complete. With `wait`
    /// it sleeps until there is something to reap or `timeout` passed (nullopt: for ever; it may
    /// wake earlier, by a signal for instance). Makes no system call when there is neither a reason
    /// to enter nor to wait. Returns whether there is something to reap.
    ///
    /// *Errors*: std::system_error when the ring can no longer be trusted (a completion was lost),
    /// or the kernel accepts no request for a long time.
    bool enter(bool wait, std::optional<std::chrono::nanoseconds> timeout = std::nullopt) {
        return (wait || signs() != 0) && enter_kernel(wait, timeout);
    }

    /// Delivers the completions that are visible by now to their Completion, and returns how many
    /// it was; what complete() makes visible is for the next time. Must not be called from there.
    unsigned reap() noexcept { return signs() == 0 ? 0 : reap_completions(); }

    /// Tells whether enter() or reap() would do something without sleeping.
    bool has_work() const noexcept;

    /// Not 0 when something was submitted or cancelled since the last entry, or the kernel has
    /// news: one look at memory, for a loop that is busy with itself asks in every turn.
    unsigned signs() const noexcept {
        return static_cast<unsigned>(touched_) | (*completion_tail_ ^ *completion_head_) |
               (*kernel_flags_ & news_flags_);
    }

    /// Returns how many requests were submitted and have not had their terminal completion.
    std::size_t in_flight() const noexcept;

    /// Answers the request at once, without submitting it, as a non-blocking system call would:
    /// returns its result, or -EAGAIN when it must go through submit().
    int try_now(Completion& completion) noexcept;
    int try_now(const SendRequest& request) noexcept { return kernel_->try_send(request); }
    int try_now(const WriteRequest& request) noexcept;

    /// Who answers the requests.
    const Kernel& kernel() const noexcept { return *kernel_; }

    /// Returns the kernel's time.
    Clock::time_point now() const noexcept { return kernel_->now(); }

private:
    class WakeRead;

    // How long a sleep may be while a request waits for room.
    static constexpr std::chrono::nanoseconds retry_interval = std::chrono::milliseconds(10);

    bool enter_kernel(bool wait, std::optional<std::chrono::nanoseconds> timeout);
    unsigned reap_completions() noexcept;
    void require_own_process() const noexcept;
    void note_refused_cancel() noexcept;
    void repeat_cancels() noexcept;
    void require_own_thread() const noexcept;
    template <class Visit>
    void visit_written(Visit visit) const;
    BufferPool* make_buffers() noexcept;
    void forsake_wake_read() noexcept;
    void count_in(Completion& completion) noexcept;
    void write_or_wait(Completion& completion) noexcept;
    void wait_in(IntrusiveList<Completion>& list, Completion& completion) noexcept;
    bool serve_those_who_wait(std::optional<std::chrono::nanoseconds>& timeout) noexcept;
    bool feed_starved() noexcept;
    io_uring_sqe* next_sqe() noexcept;
    void write_request(Completion& completion, io_uring_sqe& sqe) noexcept;
    void write_cancel(Completion& completion, io_uring_sqe& sqe) noexcept;
    bool write_cancel_all() noexcept;
    void withdraw(Completion& completion) noexcept;
    io_uring_sqe* find_written(const Completion& completion) const noexcept;
    void retract(Completion& completion, io_uring_sqe& sqe) noexcept;
    bool write_waiting() noexcept;
    void keep_failure(int entered) noexcept;
    void check_progress(int entered);
    [[noreturn]] void throw_failure();
    unsigned reap_withdrawn() noexcept;
    bool deliver(std::uint64_t user_data, int result, std::uint32_t flags) noexcept;
    bool nothing_waits() const noexcept;
    bool something_to_reap() const noexcept;
    bool kernel_has_news() const noexcept;

    std::unique_ptr<Kernel> kernel_;
    IntrusivePtr<BufferPool> buffers_;
    io_uring* queues_;
    const volatile unsigned* completion_head_;  // these three are shared with the kernel
    const volatile unsigned* completion_tail_;
    const volatile unsigned* kernel_flags_;
    unsigned news_flags_;
    std::size_t in_flight_ = 0;            // with the wake read
    std::unique_ptr<WakeRead> wake_read_;  // for a kernel without a waker of its own
    IntrusiveList<Completion> waiting_;    // submitted, but no entry was free; oldest first
    IntrusiveList<Completion> starved_;    // they wait for a buffer; oldest first
    IntrusiveList<Completion> cancels_;    // in the kernel; the cancel found no free entry
    IntrusiveList<Completion> asked_;      // in the kernel, and so is the cancel; oldest first
    IntrusiveList<Completion> withdrawn_;  // cancelled in waiting_ or starved_: -ECANCELED at reap
    Clock::time_point repeat_at_{};        // when those still in asked_ are cancelled again
    OwnProcess process_;
    std::thread::id thread_;
    int failure_ = 0;                // errno of a fatal entry: every enter() throws it
    unsigned fruitless_sleeps_ = 0;  // in a row: no entry accepted, nothing completed
    std::uint16_t generation_ = 0;   // of the last submission
    bool touched_ = false;           // there may be something to hand over or to deliver
    bool somebody_waits_ = false;    // in one of the lists but asked_, or a cancel is wanted
    bool false_news_ = false;        // TASKRUN is set, and the last entry brought nothing
    bool wake_failed_ = false;       // failure_ is that of the wake read, and is told once
    bool left_behind_ = false;       // on another thread: nothing goes to the kernel any more
    bool buffers_asked_for_ = false;
    bool cancel_all_wanted_ = false;  // a cancel of everything found no free entry
    bool repeat_wanted_ = false;      // a cancel did not take hold: see repeat_at_
};

}  // namespace ringio
