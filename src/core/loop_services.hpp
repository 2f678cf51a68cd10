// The side of an event loop that other threads and signal handlers touch: the queue of
// call_soon_threadsafe(), the descriptor that wakes the loop, and who is expected to use it.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/base/unique_fd.hpp>
#include <ringio/core/async_generator_hook.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/posted_call.hpp>
#include <ringio/core/task_state.hpp>
#include <ringio/ring/completion.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>

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

struct LoopServices {
    explicit LoopServices(const LoopOptions& loop_options);

    // On the loop's thread.

    void arm_wake(Ring& ring);
    void stop_wake() noexcept { wake_read_.wanted = false; }
    bool wake_armed() const noexcept { return wake_read_.in_flight(); }
    Completion& wake_request() noexcept { return wake_read_; }

    /// *Errors*: std::system_error when other threads can wake the loop no more.
    void check_wake();

    /// Announces that the loop is going to sleep; false when there is news already.
    bool fall_asleep() noexcept;
    void wake_up() noexcept { asleep_.store(false, std::memory_order_relaxed); }

    bool has_news() const noexcept {
        return posted_.load(std::memory_order_acquire) != nullptr ||
               news_.load(std::memory_order_acquire);
    }
    /// What other threads posted since the last time, in the order of their coming.
    ReadyQueue take_calls() noexcept;
    bool take_interrupt() noexcept { return interrupted_.exchange(false); }
    void on_interrupt() const;
    bool nobody_will_post() const noexcept;
    void refuse_posts() noexcept;

    /// Stays in memory for ever, with all that is pending in the loop, where leak checkers find it.
    void keep_for_ever(std::shared_ptr<LoopServices> self, ReadyQueue queued,
                       std::shared_ptr<void> threads) noexcept;

    /// Permutes what is ready, in shuffled scheduling.
    void shuffle(ReadyQueue& ready);
    bool is_shuffled() const noexcept { return random_.has_value(); }

    LoopOptions options;
    std::chrono::nanoseconds slow_callback_duration = std::chrono::milliseconds(100);
    StepObserver* step_observer = nullptr;
    IntrusiveList<TaskStateBase> tasks;  // not done, in order of creation; the loop owns them
    std::size_t task_count = 0;
    IntrusiveList<AsyncGeneratorHook> async_generators;  // begun and not ended; not owned
    bool async_generators_shut_down = false;
    std::function<void()> interrupt_handler;
    std::unique_ptr<Ring> lost_ring;  // of a loop that was closed without it
    OwnProcess process;

    // On any thread.

    /// False when the loop is closed. *Lifetime*: the call may run, and end the loop, before this
    /// returns: the caller holds the services.
    bool post(std::unique_ptr<PostedCall> call) noexcept;
    std::shared_ptr<void> expect_wakeup();

    /// Async-signal-safe.
    void notify_interrupt() noexcept;

private:
    void write_wake() const noexcept;

    /// What was left by a loop that could not end it.
    struct Left {
        std::shared_ptr<LoopServices> self;
        LoopServices* next = nullptr;
        ReadyQueue queued;
        std::shared_ptr<void> threads;
    };

    Left left_;
    std::optional<std::mt19937_64> random_;  // of shuffled scheduling
    UniqueFd wake_fd_;
    WakeRead wake_read_;
    // What was posted, the newest first, linked by next_ready: any thread pushes, and the loop
    // takes all of it. Once the loop is closed it is &no_more, for good.
    std::atomic<Runnable*> posted_ = nullptr;
    std::atomic<bool> news_ = false;    // there was an interrupt, or a failure of the wake request
    std::atomic<bool> asleep_ = false;  // whoever brings news must write to wake_fd_
    std::atomic<bool> interrupted_ = false;
    // Outlives the loop in the hands of those who promised to wake it.
    std::shared_ptr<std::atomic<int>> expected_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace ringio::detail
