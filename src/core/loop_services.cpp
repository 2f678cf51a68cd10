#include "loop_services.hpp"

#include <ringio/core/report.hpp>
#include <ringio/ring/file_requests.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <system_error>
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

/// Stands in the place of what was posted to a loop that is closed.
class NoMore final : public Runnable {
public:
    void run() override {}
    void discard() noexcept override {}
};
constinit NoMore no_more;

ReadyQueue in_order(Runnable* newest) noexcept {
    ReadyQueue queue;
    while (newest != nullptr) {
        Runnable* const next = newest->next_ready;
        queue.push_front(*newest);
        newest = next;
    }
    return queue;
}

}  // namespace

void WakeRead::prepare(io_uring_sqe& sqe) noexcept {
    // Kernel: a read of an eventfd that is not O_NONBLOCK waits for the first write.
    ReadRequest{.fd = fd_, .buffer = &count_, .size = sizeof(count_), .offset = 0}.prepare(sqe);
}

void WakeRead::complete(int result, std::uint32_t) noexcept {
    if (!wanted) {
        return;
    }
    if (result >= 0 || result == -EINTR || result == -ECANCELED) {
        ring->submit(*this);
        return;
    }
    // Others last (somebody closed the descriptor, or made it non-blocking): to ask again and again
    // would keep the loop busy for ever.
    failure = -result;
    news->store(true);
}

LoopServices::LoopServices(const LoopOptions& loop_options)
    : options(loop_options), wake_fd_(::eventfd(0, EFD_CLOEXEC)), wake_read_(wake_fd_.get()) {
    if (!wake_fd_) {
        throw std::system_error(errno, std::system_category(),
                                "cannot create the event loop's eventfd");
    }
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

void LoopServices::arm_wake(Ring& ring) {
    wake_read_.ring = &ring;
    wake_read_.news = &news_;
    wake_read_.wanted = true;
    if (!wake_read_.in_flight()) {
        ring.submit(wake_read_);
    }
}

void LoopServices::check_wake() {
    if (const int error = std::exchange(wake_read_.failure, 0)) {
        throw std::system_error(
            error, std::system_category(),
            "other threads cannot wake the event loop any more: the read of its "
            "eventfd failed");
    }
}

// The loop stores asleep_ and then looks for news; who brings news stores it and then looks at
// asleep_. Both in the single total order, so at least one of them sees the other.
bool LoopServices::fall_asleep() noexcept {
    asleep_.store(true);
    return posted_.load() == nullptr && !news_.load();
}

ReadyQueue LoopServices::take_calls() noexcept {
    news_.store(false);
    return in_order(posted_.exchange(nullptr, std::memory_order_acquire));
}

void LoopServices::on_interrupt() const {
    if (interrupt_handler) {
        interrupt_handler();
    }
}

bool LoopServices::nobody_will_post() const noexcept { return *expected_ == 0 && !has_news(); }

void LoopServices::refuse_posts() noexcept {
    Runnable* const newest = posted_.exchange(&no_more);
    if (newest == &no_more) {
        return;
    }
    ReadyQueue dropped = in_order(newest);
    while (Runnable* const call = dropped.pop_front()) {
        call->discard();
    }
}

// In the child of a fork(2), another thread of the parent may have held a lock of this at that
// time.
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
    return alive && alive->post(std::move(call));
}

bool LoopServices::post(std::unique_ptr<PostedCall> call) noexcept {
    Runnable* newest = posted_.load(std::memory_order_relaxed);
    do {
        if (newest == &no_more) {
            return false;
        }
        call->next_ready = newest;
    } while (!posted_.compare_exchange_weak(newest, call.get()));
    static_cast<void>(call.release());
    if (asleep_.load() && asleep_.exchange(false)) {  // the first one wakes for all
        write_wake();
    }
    return true;
}

std::shared_ptr<void> LoopServices::expect_wakeup() {
    expected_->fetch_add(1);
    return std::shared_ptr<void>(nullptr, [expected = expected_](void*) { --*expected; });
}

void LoopServices::notify_interrupt() noexcept {
    if (process.is_left()) {
        return;
    }
    interrupted_.store(true);
    news_.store(true);
    write_wake();
}

void LoopServices::write_wake() const noexcept {
    const int saved = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_.get(), &one, sizeof(one));
    errno = saved;
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
