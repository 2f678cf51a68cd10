#include "loop_services.hpp"

#include <ringio/core/report.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <vector>

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

LoopServices::LoopServices(const LoopOptions& loop_options) : options(loop_options) {
    if (!options.shuffle_seed) {
        options.shuffle_seed = shuffle_seed_from_environment();
    }
    if (options.shuffle_seed) {
        random_.emplace(*options.shuffle_seed);
        tell_shuffle_seed(*options.shuffle_seed);
    }
}

void LoopServices::shuffle(ReadyQueue& ready) {
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

void LoopServices::on_interrupt() const {
    if (interrupt_handler) {
        interrupt_handler();
    }
}

// Without a lock: in the child of a fork(2), another thread of the parent may have held it.
void LoopServices::keep_for_ever(std::shared_ptr<LoopServices> self, ReadyQueue queued,
                                 std::shared_ptr<void> threads) noexcept {
    static constinit std::atomic<LoopServices*> newest = nullptr;
    if (!left_.self) {  // or else it stands in the list already
        left_.next = newest.exchange(this);
    }
    left_.self = std::move(self);
    left_.queued.append(std::move(queued));
    left_.threads = std::move(threads);
}

bool post_to(const std::weak_ptr<LoopServices>& services,
             std::unique_ptr<PostedCall> call) noexcept {
    const std::shared_ptr<LoopServices> alive = services.lock();
    return alive && alive->mailbox.post(std::move(call));
}

void print_exception_context(const ExceptionContext& context) noexcept {
    try {
        std::string text = context.message + "\n";
        for (const auto& [key, value] : context.details) {
            text += key + ": " + value + "\n";
        }
        if (context.exception) {
            text += describe_exception(context.exception) + "\n";
        }
        std::fputs(text.c_str(), stderr);
    } catch (...) {
        print_plain_report(context.message.c_str(), context.exception);
    }
}

}  // namespace ringio::detail
