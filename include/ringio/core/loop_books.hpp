// LoopBooks: what an event loop seldom looks at. Its options, the lists of its tasks and
// generators, who watches it, what ends with it; and the mailbox.
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
#include <typeinfo>
#include <utility>
#include <vector>

namespace ringio::detail {

/// What a layer above keeps with a loop, such as the threads that work for it. Its destructor,
/// which close() calls, ends it: after the loop's tasks, and before the ring.
class EndsWithLoop {
public:
    EndsWithLoop() = default;
    EndsWithLoop(const EndsWithLoop&) = delete;
    EndsWithLoop& operator=(const EndsWithLoop&) = delete;
    virtual ~EndsWithLoop() = default;
};

/// A set of descriptors. Without memory for a number it forgets that one.
class DescriptorSet {
public:
    void insert(int fd) noexcept;
    void erase(int fd) noexcept {
        if (contains(fd)) {
            present_[static_cast<std::size_t>(fd)] = false;
        }
    }
    bool contains(int fd) const noexcept {
        return fd >= 0 && static_cast<std::size_t>(fd) < present_.size() &&
               present_[static_cast<std::size_t>(fd)];
    }

private:
    std::vector<bool> present_;
};

/// Threads that hold the mailbox may keep it longer than the loop lives.
struct LoopBooks {
    using EndingList = std::vector<std::unique_ptr<EndsWithLoop>>;

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

    /// What a layer above keeps with the loop, by its type; null: nothing yet.
    template <class T>
    T* find() const noexcept {
        return static_cast<T*>(find(typeid(T)));
    }
    /// The same, made at first use.
    template <class T>
    T& find_or_make() {
        if (T* const found = find<T>()) {
            return *found;
        }
        return static_cast<T&>(*ends_with_loop.emplace_back(std::make_unique<T>()));
    }
    EndsWithLoop* find(const std::type_info& type) const noexcept;

    /// Destroys what there is; that may make more, which stays.
    void end_what_ends_with_loop() noexcept {
        const EndingList ending = std::exchange(ends_with_loop, {});
    }

    bool is_anything_left() const noexcept { return !tasks.empty() || !ends_with_loop.empty(); }

    /// Runs a step, and reports it when it took longer than slow_callback_duration.
    void run_timed(EventLoop& loop, Runnable& step) const;

    /// Hands on what signals came, on the loop's thread.
    void deliver_signals() noexcept;
    /// Whether somebody expects one: a loop that nothing else can wake is no deadlock then.
    bool expects_signals() const noexcept;

    /// Permutes what is ready, in shuffled scheduling.
    void shuffle(ReadyQueue& ready);
    bool is_shuffled() const noexcept { return random_.has_value(); }

    /// Stays in memory for ever, with all that is pending in the loop, where leak checkers find it.
    void keep_for_ever(std::shared_ptr<LoopBooks> self, ReadyQueue queued,
                       EndingList ending) noexcept;

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
    int dump_signal = 0;  // of RINGIO_DUMP_SIGNAL
    EndingList ends_with_loop;
    LoopOptions options;
    DescriptorSet stream_descriptors;  // those that streams read from: nobody else may
    std::unique_ptr<Ring> lost_ring;   // of a loop that was closed without it
    Mailbox mailbox;

private:
    /// What was left by a loop that could not end it.
    struct Left {
        std::shared_ptr<LoopBooks> self;
        LoopBooks* next = nullptr;
        ReadyQueue queued;
        EndingList ending;
    };

    Left left_;
    std::optional<std::mt19937_64> random_;  // of shuffled scheduling
};

}  // namespace ringio::detail
