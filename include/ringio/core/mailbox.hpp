// Mailbox: what other threads and signal handlers touch of an event loop. They leave calls in it,
// and wake the loop if it sleeps.
#pragma once

#include <ringio/base/unique_fd.hpp>
#include <ringio/core/handle.hpp>
#include <ringio/core/posted_call.hpp>
#include <ringio/ring/completion.hpp>
#include <ringio/ring/own_process.hpp>
#include <ringio/ring/ring.hpp>

#include <atomic>
#include <cstdint>
#include <memory>

namespace ringio::detail {

/// The request that completes when somebody writes to the loop's eventfd.
class WakeRead final : public Completion {
public:
    explicit WakeRead(int fd) noexcept : fd_(fd) {}

    void prepare(io_uring_sqe& sqe) noexcept override;
    void complete(int result, std::uint32_t flags) noexcept override;

    Ring* ring = nullptr;
    std::atomic<bool>* news = nullptr;
    bool wanted = false;
    int failure = 0;  // errno; it was not submitted again

private:
    int fd_;
    std::uint64_t count_ = 0;  // written by the kernel
};

class Mailbox {
public:
    /// *Errors*: std::system_error when there is no descriptor left.
    Mailbox();

    // On any thread. *Lifetime*: the loop may end while a call is being left: the caller holds the
    // mailbox.

    /// False when the loop is closed.
    bool post(std::unique_ptr<PostedCall> call) noexcept;
    std::shared_ptr<void> expect_wakeup();
    /// Has the loop run its interrupt handler. Async-signal-safe.
    void notify_interrupt() noexcept;

    /// Tells whether this process is the child of a fork(2), and the loop its parent's.
    bool is_inherited() const noexcept { return process_.is_left(); }

    // On the loop's thread.

    bool has_posts() const noexcept { return posted_.load(std::memory_order_acquire) != nullptr; }
    /// The same, or there was an interrupt, or the wake request failed: either comes with a
    /// completion of that request.
    bool has_news() const noexcept { return has_posts() || news_.load(std::memory_order_acquire); }
    /// What other threads posted since the last time, in the order of their coming.
    ReadyQueue take_calls() noexcept;
    bool take_interrupt() noexcept { return interrupted_.exchange(false); }
    bool nobody_will_post() const noexcept { return *expected_ == 0 && !has_news(); }
    /// Refuses what comes from now on, and discards what came. Idempotent.
    void refuse_posts() noexcept;

    /// Announces that the loop is going to sleep; false when there is news already.
    bool fall_asleep() noexcept;
    void wake_up() noexcept { asleep_.store(false, std::memory_order_relaxed); }

    void arm_wake(Ring& ring);
    void stop_wake() noexcept { wake_read_.wanted = false; }
    bool wake_armed() const noexcept { return wake_read_.in_flight(); }
    Completion& wake_request() noexcept { return wake_read_; }
    /// *Errors*: std::system_error when other threads can wake the loop no more.
    void check_wake();

private:
    void write_wake() const noexcept;

    OwnProcess process_;
    UniqueFd wake_fd_;
    WakeRead wake_read_;
    // What was posted, the newest first, linked by next_ready: any thread pushes, and the loop
    // takes all of it. Once the loop is closed it is &no_more, for good.
    std::atomic<Runnable*> posted_ = nullptr;
    std::atomic<bool> news_ = false;    // there was an interrupt, or the wake request failed
    std::atomic<bool> asleep_ = false;  // whoever brings news must write to wake_fd_
    std::atomic<bool> interrupted_ = false;
    // Outlives the loop in the hands of those who promised to wake it.
    std::shared_ptr<std::atomic<int>> expected_ = std::make_shared<std::atomic<int>>(0);
};

/// Queues a call from any thread, as call_soon_threadsafe() does, on a loop that may be gone.
/// False, with the call destroyed here, when it is closed.
bool post_to(const std::weak_ptr<Mailbox>& mailbox, std::unique_ptr<PostedCall> call) noexcept;

}  // namespace ringio::detail
