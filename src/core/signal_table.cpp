#include <ringio/core/signal_table.hpp>

#include <ringio/core/mailbox.hpp>
#include <ringio/core/signal_set.hpp>

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

namespace ringio::detail {
namespace {

struct Slot {
    std::atomic<Mailbox*> owner = nullptr;
    std::atomic<int> inside = 0;  // handlers that may hold the owner
    std::atomic<pid_t> process = 0;
    struct sigaction before = {};  // what to restore; under the lock
};

constinit std::array<Slot, SignalSet::highest + 1> slots;
constinit std::mutex table_lock;  // never taken in a handler

constinit std::atomic<bool> interrupts_are_counted = false;
constinit std::atomic<int> interrupt_count = 0;
static_assert(std::atomic<Mailbox*>::is_always_lock_free && std::atomic<int>::is_always_lock_free &&
              std::atomic<std::uint64_t>::is_always_lock_free);

void set_default(int number) noexcept {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(number, &action, nullptr);
}

// Runs on any thread, between any two instructions. release_signal() takes the owner away and then
// waits for those inside: both sides in the single total order, so a handler either does not see
// the owner or is waited for.
void on_signal(int number) {
    const int saved = errno;
    Slot& slot = slots[static_cast<std::size_t>(number)];
    slot.inside.fetch_add(1);
    Mailbox* const owner = slot.owner.load();
    // The child of a vfork() runs in this memory.
    if (owner != nullptr && slot.process.load(std::memory_order_relaxed) == ::getpid()) {
        if (number == SIGINT && interrupts_are_counted.load() && interrupt_count.fetch_add(1) > 0) {
            set_default(SIGINT);
        }
        owner->notify_signal(number);
    }
    slot.inside.fetch_sub(1);
    errno = saved;
}

bool is_ours(const struct sigaction& action) noexcept {
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == &on_signal;
}

bool is_default(const struct sigaction& action) noexcept {
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

struct sigaction current_action(int number) noexcept {
    struct sigaction now = {};
    ::sigaction(number, nullptr, &now);
    return now;
}

void restore(int number, const Slot& slot) noexcept {
    if (is_ours(current_action(number))) {
        ::sigaction(number, &slot.before, nullptr);
    }
}

// A child of fork(2) has the handlers of its parent, but not its loops. It gets back what was there
// before them, and until then no signal reaches it: one that is sent at once is not lost.
constinit sigset_t mask_before_fork = {};

void before_fork() {
    table_lock.lock();
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &mask_before_fork);
}

void after_fork_in_parent() {
    const sigset_t mask = mask_before_fork;
    table_lock.unlock();
    ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

void after_fork_in_child() {
    for (int number = 1; number <= SignalSet::highest; ++number) {
        Slot& slot = slots[static_cast<std::size_t>(number)];
        if (slot.owner.exchange(nullptr) != nullptr) {
            restore(number, slot);
        }
        slot.inside.store(0);  // the threads that were there are not here
    }
    interrupts_are_counted.store(false);
    after_fork_in_parent();
}

void watch_forks() {
    static const int watched =
        ::pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
    static_cast<void>(watched);
}

[[noreturn]] void throw_cannot_be_caught(int number) {
    throw std::runtime_error("sig " + std::to_string(number) + " cannot be caught");
}

}  // namespace

void check_signal(int number) {
    switch (number) {
        case SIGKILL:
        case SIGSTOP:
            throw_cannot_be_caught(number);
        case SIGSEGV:
        case SIGBUS:
        case SIGFPE:
        case SIGILL:
            throw std::runtime_error("sig " + std::to_string(number) +
                                     " cannot be handled by an event loop: the instruction that "
                                     "raised it would run again, and fail again, before the loop");
        default:
            if (number < 1 || number > SignalSet::highest) {
                throw_invalid_signal(number);
            }
    }
}

void claim_signal(int number, Mailbox& mailbox) {
    check_signal(number);
    watch_forks();
    const std::lock_guard lock(table_lock);
    Slot& slot = slots[static_cast<std::size_t>(number)];
    Mailbox* const owner = slot.owner.load();
    if (owner != nullptr && owner != &mailbox) {
        throw std::runtime_error("sig " + std::to_string(number) +
                                 " is handled by another event loop already");
    }
    slot.process.store(::getpid(), std::memory_order_relaxed);
    slot.owner.store(&mailbox);  // first: from here on one that comes is noted
    struct sigaction action = {};
    action.sa_handler = &on_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    ::sigfillset(&action.sa_mask);  // no other handler interrupts ours
    struct sigaction before = {};
    if (::sigaction(number, &action, &before) != 0) {
        const int error = errno;
        slot.owner.store(owner);
        if (error == EINVAL) {
            throw_cannot_be_caught(number);
        }
        throw std::system_error(error, std::system_category(), "sigaction");
    }
    if (!is_ours(before)) {
        slot.before = before;
    }
}

void release_signal(int number, Mailbox& mailbox) noexcept {
    const std::lock_guard lock(table_lock);
    Slot& slot = slots[static_cast<std::size_t>(number)];
    if (slot.owner.load() != &mailbox) {
        return;
    }
    restore(number, slot);  // first: from here on one that comes is for whoever was there before
    slot.owner.store(nullptr);
    while (slot.inside.load() != 0) {
        std::this_thread::yield();
    }
    if (number == SIGINT) {
        count_interrupts(false);  // the next one who has it says for himself
    }
}

bool is_left_to_default(int number, const Mailbox& mailbox) noexcept {
    const std::lock_guard lock(table_lock);
    const Slot& slot = slots[static_cast<std::size_t>(number)];
    const struct sigaction now = current_action(number);
    return is_default(now) ||
           (is_ours(now) && slot.owner.load() == &mailbox && is_default(slot.before));
}

void count_interrupts(bool counted) noexcept { interrupts_are_counted.store(counted); }
void restart_interrupts() noexcept { interrupt_count.store(0); }
int interrupts() noexcept { return interrupt_count.load(); }

}  // namespace ringio::detail
