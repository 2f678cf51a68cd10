// LoopBooks: what an event loop seldom looks at. Its options, the lists of its tasks and
// generators, who watches it; and the mailbox.
#pragma once

#include <ringio/base/intrusive_list.hpp>
#include <ringio/core/async_generator_hook.hpp>
#include <ringio/core/event_loop.hpp>
#include <ringio/core/kept_function.hpp>
#include <ringio/core/mailbox.hpp>
#include <ringio/core/task_state.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace ringio::detail {

/// Threads that hold the mailbox may keep it longer than the loop lives.
struct LoopBooks {
    explicit LoopBooks(const LoopOptions& loop_options);

    void add_task(TaskStateBase& task) noexcept {
        intrusive_add_ref(&task);
        tasks.push_back(task);
        ++task_count;
    }
    void remove_task(TaskStateBase& task) noexcept {
        task.unlink();
        --task_count;
        intrusive_release(&task);
    }
    std::vector<TaskStateBase*> pending_tasks();

    void add_generator(EventLoop& loop, AsyncGeneratorHook& generator);
    bool has_generators() const noexcept { return !generators.empty(); }

    bool is_anything_left() const noexcept { return !tasks.empty() || threads; }

    /// Runs a step, and reports it when it took longer than slow_callback_duration.
    void run_timed(EventLoop& loop, Runnable& step) const;

    void on_interrupt() const;

    /// Permutes what is ready, in shuffled scheduling.
    void shuffle(ReadyQueue& ready);
    bool is_shuffled() const noexcept { return random_.has_value(); }

    /// Stays in memory for ever, with all that is pending in the loop, where leak checkers find it.
    void keep_for_ever(std::shared_ptr<LoopBooks> self, ReadyQueue queued,
                       std::shared_ptr<void> threads_left) noexcept;

    /// Destroys what is the user's own, on the loop's thread.
    void forget_user() noexcept;

    KeptFunction<EventLoop::TaskFactory> task_factory;
    IntrusiveList<TaskStateBase> tasks;  // not done, in order of creation; the loop owns them
    std::size_t task_count = 0;
    IntrusiveList<AsyncGeneratorHook> generators;  // begun and not ended; not owned
    bool generators_shut_down = false;
    KeptFunction<EventLoop::ExceptionHandler> exception_handler;
    std::chrono::nanoseconds slow_callback_duration = std::chrono::milliseconds(100);
    StepObserver* step_observer = nullptr;
    std::function<void()> interrupt_handler;  // runs after Mailbox::notify_interrupt()
    // Of the layer above: the default executor, and the futures that threads are going to finish.
    std::shared_ptr<void> threads;
    LoopOptions options;
    std::unique_ptr<Ring> lost_ring;  // of a loop that was closed without it
    Mailbox mailbox;

private:
    /// What was left by a loop that could not end it.
    struct Left {
        std::shared_ptr<LoopBooks> self;
        LoopBooks* next = nullptr;
        ReadyQueue queued;
        std::shared_ptr<void> threads;
    };

    Left left_;
    std::optional<std::mt19937_64> random_;  // of shuffled scheduling
};

}  // namespace ringio::detail
