// The minimal loop with calls from other threads: a lock-free stack that the loop takes whole and
// turns round, and an eventfd under epoll, written only when the loop may be asleep. A call lives
// in a block of one cache line, which goes back to the posting thread by a second such stack. No
// timers.
#pragma once

#include "minimal.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace minimal {

class PostingLoop : public EventLoop {
public:
    PostingLoop() : wake_(::eventfd(0, EFD_CLOEXEC)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        // Edge-triggered: nobody has to read the eventfd.
        epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
        if (wake_ < 0 || epoll_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
            std::abort();
        }
    }
    PostingLoop(const PostingLoop&) = delete;
    ~PostingLoop() {
        ::close(epoll_);
        ::close(wake_);
    }

    template <class Function>
    void call_soon_threadsafe(Function function) {
        static_assert(sizeof(Function) <= sizeof(Call::storage));
        Call* const call = take_free();
        ::new (call->storage) Function(std::move(function));
        call->run = [](Call& self) {
            auto* const stored = std::launder(reinterpret_cast<Function*>(self.storage));
            (*stored)();
            stored->~Function();
        };
        push(posted_, call, call);
        // The loop says that it is asleep and then looks for calls; here it is the other way round.
        if (asleep_.load() && asleep_.exchange(false)) {
            const std::uint64_t one = 1;
            [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
        }
    }

    void run_once() {
        if (posted_.load(std::memory_order_relaxed) != nullptr) {
            run_posted();
        } else if (idle()) {
            fall_asleep();
        }
        EventLoop::run_once();
    }

private:
    struct alignas(64) Call {
        Call* next;
        void (*run)(Call&);
        alignas(std::max_align_t) std::byte storage[48];
    };

    static void push(std::atomic<Call*>& stack, Call* first, Call* last) noexcept {
        last->next = stack.load(std::memory_order_relaxed);
        while (!stack.compare_exchange_weak(last->next, first)) {
        }
    }

    Call* take_free() {
        thread_local constinit Call* own = nullptr;
        if (own == nullptr) {
            own = free_.exchange(nullptr, std::memory_order_acquire);
        }
        if (own == nullptr) {
            constexpr std::size_t count = 256;
            Call* const fresh = new Call[count];
            for (std::size_t i = 0; i < count; ++i) {
                fresh[i].next = i + 1 < count ? &fresh[i + 1] : nullptr;
            }
            own = fresh;
        }
        return std::exchange(own, own->next);
    }

    void run_posted() {
        Call* call = posted_.exchange(nullptr, std::memory_order_acquire);
        Call* const last = call;
        Call* first = nullptr;
        while (call != nullptr) {
            Call* const next = std::exchange(call->next, first);
            first = std::exchange(call, next);
        }
        for (call = first; call != nullptr; call = call->next) {
            call->run(*call);
        }
        push(free_, first, last);
    }

    void fall_asleep() {
        asleep_.store(true);
        if (posted_.load() == nullptr) {
            epoll_event event;
            ::epoll_wait(epoll_, &event, 1, -1);
        }
        asleep_.store(false, std::memory_order_relaxed);
    }

    alignas(64) std::atomic<Call*> posted_ = nullptr;
    alignas(64) std::atomic<Call*> free_ = nullptr;
    alignas(64) std::atomic<bool> asleep_ = false;
    int wake_;
    int epoll_;
};

template <class T>
T run_posting(Task<T> task) {
    PostingLoop loop;
    running_loop = &loop;
    start(task.get());
    while (!task.get().done()) {
        loop.run_once();
    }
    running_loop = nullptr;
    return static_cast<T>(task.get().promise().take());
}

}  // namespace minimal
