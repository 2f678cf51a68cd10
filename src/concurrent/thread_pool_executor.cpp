#include <ringio/concurrent/thread_pool_executor.hpp>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

namespace ringio::concurrent {
namespace {

std::size_t default_max_workers() {
    return std::min<std::size_t>(32, std::thread::hardware_concurrency() + 4);
}

/// Starts a thread that takes no signals: those are for the thread that runs the loop.
template <class Body>
std::thread start_without_signals(Body body) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread thread(std::move(body));
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return thread;
    } catch (...) {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
}

}  // namespace

struct ThreadPoolExecutor::State {
    const std::size_t max_workers;
    std::mutex mutex;
    std::condition_variable work;
    std::deque<UniqueFunction<void()>> jobs;
    std::vector<std::thread> workers;
    std::size_t idle = 0;
    bool stopping = false;

    explicit State(std::size_t max) : max_workers(max) {}

    void run_worker() {
        std::unique_lock lock(mutex);
        for (;;) {
            ++idle;
            work.wait(lock, [this] { return stopping || !jobs.empty(); });
            --idle;
            if (jobs.empty()) {
                return;
            }
            UniqueFunction<void()> job = std::move(jobs.front());
            jobs.pop_front();
            lock.unlock();
            job();
            job = nullptr;
            lock.lock();
        }
    }
};

ThreadPoolExecutor::ThreadPoolExecutor(std::size_t max_workers)
    : state_(std::make_unique<State>(max_workers != 0 ? max_workers : default_max_workers())) {}

ThreadPoolExecutor::~ThreadPoolExecutor() { shutdown(); }

void ThreadPoolExecutor::post(UniqueFunction<void()> job) {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping) {
        throw std::runtime_error("cannot schedule new futures after shutdown");
    }
    if (state_->idle <= state_->jobs.size() && state_->workers.size() < state_->max_workers) {
        try {
            state_->workers.push_back(
                start_without_signals([state = state_.get()] { state->run_worker(); }));
        } catch (const std::system_error&) {
            if (state_->workers.empty()) {
                throw;
            }
        }
    }
    state_->jobs.push_back(std::move(job));
    state_->work.notify_one();
}

void ThreadPoolExecutor::shutdown() {
    std::vector<std::thread> workers;
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
        workers.swap(state_->workers);
    }
    state_->work.notify_all();
    for (std::thread& worker : workers) {
        worker.join();
    }
}

ThreadPoolExecutor& default_executor(EventLoop& loop) {
    std::shared_ptr<void>& slot = loop.default_executor_slot();
    if (!slot) {
        slot = std::make_shared<ThreadPoolExecutor>();
    }
    return *static_cast<ThreadPoolExecutor*>(slot.get());
}

}  // namespace ringio::concurrent
