#include <ringio/core/loop_books.hpp>

#include <ringio/core/dump_signal.hpp>
#include <ringio/core/loop_signals.hpp>
#include <ringio/core/repr.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

namespace ringio::detail {
namespace {

// *Errors*: std::invalid_argument when the variable is no number: a typing error must not pass for
// a run in order.
std::optional<std::uint64_t> shuffle_seed_from_environment() {
    const char* text = std::getenv("RINGIO_SHUFFLE");
    if (text == nullptr || *text == '\0') {
        return std::nullopt;
    }
    std::uint64_t seed = 0;
    const char* const end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, seed);
    if (error != std::errc() || stop != end) {
        throw std::invalid_argument("RINGIO_SHUFFLE must be a number, the seed; it is \"" +
                                    std::string(text) + "\"");
    }
    return seed;
}

// Once, for a process that makes one loop after the other with the same seed.
void tell_shuffle_seed(std::uint64_t seed) {
    static std::mutex mutex;
    static std::optional<std::uint64_t> told;
    const std::lock_guard lock(mutex);
    if (told != seed) {
        told = seed;
        std::fprintf(stderr, "ringio: shuffled scheduling, seed %llu\n",
                     static_cast<unsigned long long>(seed));
    }
}

}  // namespace

LoopBooks::LoopBooks(const LoopOptions& loop_options) : options(loop_options) {
    if (!options.shuffle_seed) {
        options.shuffle_seed = shuffle_seed_from_environment();
    }
    if (options.shuffle_seed) {
        random_.emplace(*options.shuffle_seed);
        tell_shuffle_seed(*options.shuffle_seed);
    }
    dump_signal = dump_signal_from_environment();
}

void LoopBooks::shuffle(ReadyQueue& ready) {
    if (!random_) {
        return;
    }
    std::size_t count = 0;
    for (const Runnable* step = ready.front(); step != nullptr; step = step->next_ready) {
        ++count;
    }
    std::vector<Runnable*> steps;
    steps.reserve(count);  // or else, without memory, no step is lost
    while (Runnable* step = ready.pop_front()) {
        steps.push_back(step);
    }
    std::ranges::shuffle(steps, *random_);
    for (Runnable* step : steps) {
        ready.push_back(*step);
    }
}

void LoopBooks::deliver_signals() noexcept {
    if (LoopSignals* const signals = find<LoopSignals>()) {
        signals->deliver();
    }
}

// Without a lock: in the child of a fork(2), another thread of the parent may have held it.
void LoopBooks::keep_for_ever(std::shared_ptr<LoopBooks> self, ReadyQueue queued,
                              EndingList ending) noexcept {
    static constinit std::atomic<LoopBooks*> newest = nullptr;
    if (!left_.self) {  // or else it stands in the list already
        left_.next = newest.exchange(this);
    }
    left_.self = std::move(self);
    left_.queued.append(std::move(queued));
    left_.ending = std::move(ending);
}

// On the loop's thread, whoever holds the mailbox; and though it all stays in memory.
void LoopBooks::forget_user() noexcept {
    task_factory.set(nullptr);
    exception_handler.set(nullptr);
    end_what_ends_with_loop();
}

bool LoopBooks::expects_signals() const noexcept {
    const LoopSignals* const signals = find<LoopSignals>();
    return signals != nullptr && signals->expects_any();
}

std::vector<TaskStateBase*> LoopBooks::pending_tasks() {
    std::vector<TaskStateBase*> pending;
    for (TaskStateBase& task : tasks) {
        pending.push_back(&task);
    }
    return pending;
}

void DescriptorSet::insert(int fd) noexcept {
    if (fd < 0) {
        return;
    }
    const auto index = static_cast<std::size_t>(fd);
    try {
        if (index >= present_.size()) {
            present_.resize(index + 1);
        }
        present_[index] = true;
    } catch (const std::bad_alloc&) {
        return;
    }
}

EndsWithLoop* LoopBooks::find(const std::type_info& type) const noexcept {
    for (const std::unique_ptr<EndsWithLoop>& owner : ends_with_loop) {
        EndsWithLoop& candidate = *owner;
        if (typeid(candidate) == type) {
            return &candidate;
        }
    }
    return nullptr;
}

// What a report says is asked for before the step, which may destroy itself; a task is kept, for
// where it stands afterwards says more.
void LoopBooks::run_timed(EventLoop& loop, Runnable& step) const {
    const IntrusivePtr<FutureStateBase> future(dynamic_cast<FutureStateBase*>(&step));
    std::string what = future ? std::string() : step.repr();
    const auto begin = Clock::now();
    step.run();
    const std::chrono::nanoseconds took = Clock::now() - begin;
    if (took < slow_callback_duration) {
        return;
    }
    if (future) {
        what = future->repr();
    }
    const std::chrono::duration<double> seconds = took;
    loop.call_exception_handler(
        {.message = fmt::format("Executing {} took {:.3f} seconds", what, seconds.count()),
         .exception = nullptr,
         .details = {}});
}

}  // namespace ringio::detail
