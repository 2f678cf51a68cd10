// What an event loop seldom looks at: its options, the lists of its tasks and generators, who
// watches it; and the mailbox. It outlives the loop in the hands of other threads.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/core/async_generator_hook.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/task_state.hpp>
#include <ringio/ring/own_process.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <random>

#include "mailbox.hpp"

namespace ringio::detail {

struct LoopServices {
    explicit LoopServices(const LoopOptions& loop_options);

    void on_interrupt() const;

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
    Mailbox mailbox;

private:
    /// What was left by a loop that could not end it.
    struct Left {
        std::shared_ptr<LoopServices> self;
        LoopServices* next = nullptr;
        ReadyQueue queued;
        std::shared_ptr<void> threads;
    };

    Left left_;
    std::optional<std::mt19937_64> random_;  // of shuffled scheduling
};

}  // namespace ringio::detail

namespace ringio {

// Part of every task.
inline void EventLoop::add_task(detail::TaskStateBase& task) noexcept {
    intrusive_add_ref(&task);
    services_->tasks.push_back(task);
    ++services_->task_count;
}

inline void EventLoop::remove_task(detail::TaskStateBase& task) noexcept {
    task.unlink();
    --services_->task_count;
    intrusive_release(&task);
}

}  // namespace ringio
