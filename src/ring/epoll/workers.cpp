#include "workers.hpp"

#include <csignal>
#include <exception>
#include <system_error>

namespace ringio::detail {

Workers::~Workers() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wakeup_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

// Signals are for the threads of the program.
bool Workers::start_thread() noexcept {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = true;
    try {
        threads_.reserve(most);
        threads_.emplace_back([this] { work(); });
    } catch (const std::exception&) {  // no memory, or too many threads
        started = false;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
}

void Workers::submit(WaitingRequest& request) noexcept {
    std::unique_lock lock(mutex_);
    queued_.push_back(request);
    if (idle_ == 0 && threads_.size() < most) {
        lock.unlock();
        const bool started = start_thread();
        lock.lock();
        if (!started && threads_.empty()) {
            request.unlink();
            request.begun = true;
            request.result = call_blocking(request.call);
            done_.push_back(request);
            waker_.wake();
            return;
        }
    }
    wakeup_.notify_one();
}

bool Workers::withdraw(WaitingRequest& request) noexcept {
    const std::lock_guard lock(mutex_);
    if (request.begun) {
        return false;
    }
    request.unlink();
    return true;
}

void Workers::collect(IntrusiveList<WaitingRequest>& done) noexcept {
    const std::lock_guard lock(mutex_);
    done.splice_back(done_);
}

void Workers::work() noexcept {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        wakeup_.wait(lock, [this] { return ending_ || !queued_.empty(); });
        --idle_;
        if (ending_) {
            return;
        }
        WaitingRequest& request = *queued_.pop_front();
        request.begun = true;
        lock.unlock();
        request.result = call_blocking(request.call);
        lock.lock();
        const bool first = done_.empty();
        done_.push_back(request);
        if (first) {  // it wakes for all
            waker_.wake();
        }
    }
}

}  // namespace ringio::detail
