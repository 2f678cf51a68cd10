#include <ringio/concurrent/thread_pool_executor.hpp>

#include <ringio/concurrent/broken_executor.hpp>
#include <ringio/core/report.hpp>
#include <ringio/ring/own_process.hpp>

#include "signal_mask.hpp"
#include "usable_processors.hpp"

#include <pthread.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace ringio::concurrent {
namespace {

std::size_t default_max_workers() { return std::min<std::size_t>(32, usable_processors() + 4); }

constexpr const char* broken_text =
    "A thread initializer failed, the thread pool is not usable anymore";

/// Starts a thread that takes no signals: those are for the thread that runs the loop.
template <class Body>
std::thread start_without_signals(Body body) {
    auto with_mask = [body = std::move(body), mask = signal_mask_of_programs()]() mutable {
        set_signal_mask_of_programs(mask);
        body();
    };
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread thread(std::move(with_mask));
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return thread;
    } catch (...) {
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
}

// Kernel: a thread's name has at most 15 characters; the number stays whole.
void name_this_thread(const std::string& prefix, std::size_t number) {
    constexpr std::size_t name_max = 15;
    const std::string suffix = fmt::format("_{}", number);
    const std::string name =
        prefix.substr(0, name_max - std::min(name_max, suffix.size())) + suffix;
    ::pthread_setname_np(::pthread_self(), name.c_str());
}

}  // namespace

struct ThreadPoolExecutor::State final : detail::ConcurrentWorker {
    struct Job {
        UniqueFunction<void()> run;
        detail::ConcurrentStateBase* future = nullptr;  // what `run` sets, if anything
    };
    using Jobs = std::map<std::uint64_t, Job>;

    const std::size_t max_workers;
    const std::string name_prefix;
    const std::shared_ptr<const detail::InitialCall> initializer;  // null: none
    std::mutex mutex;
    std::condition_variable work;
    Jobs jobs;  // by number, and so in the order of their coming
    std::uint64_t next_job = 0;
    std::vector<std::thread> workers;  // joinable, until somebody joins it
    std::vector<bool> busy;            // of each worker, whether it is in the user's code
    std::size_t idle = 0;
    std::size_t joining = 0;  // how many threads join a worker now
    std::condition_variable joined;
    bool stopping = false;
    bool broken = false;
    OwnProcess process;
    bool left_alone = false;  // shutdown() without a wait: the destructor does not wait either

    explicit State(const ThreadPoolOptions& options)
        : max_workers(options.max_workers ? *options.max_workers : default_max_workers()),
          name_prefix(options.thread_name_prefix),
          initializer(options.initializer.make()) {
        if (max_workers == 0) {
            throw std::invalid_argument("max_workers must be greater than 0");
        }
    }

    static inline thread_local const State* working_for = nullptr;  // of a worker, its pool

    void run_worker(std::size_t number) {
        working_for = this;
        if (!name_prefix.empty()) {
            name_this_thread(name_prefix, number);
        }
        const bool is_ready = initializer == nullptr || initialize();
        std::unique_lock lock(mutex);
        busy[number] = false;
        while (is_ready) {
            ++idle;
            work.wait(lock, [this] { return stopping || !jobs.empty(); });
            --idle;
            if (jobs.empty()) {
                return;
            }
            Jobs::node_type job = jobs.extract(jobs.begin());
            busy[number] = true;
            lock.unlock();
            job.mapped().run();
            job = {};
            lock.lock();
            busy[number] = false;
        }
    }

    // Says whether the thread may do jobs; else the pool is broken.
    bool initialize() noexcept {
        try {
            initializer->run();
            return true;
        } catch (...) {
            const char* const message = "Exception in initializer:";
            detail::report(nullptr, message, std::current_exception(), [&] {
                return ExceptionContext{
                    .message = message, .exception = std::current_exception(), .details = {}};
            });
        }
        fail_jobs();
        return false;
    }

    static std::exception_ptr make_broken() noexcept {
        try {
            return std::make_exception_ptr(BrokenThreadPool(broken_text));
        } catch (...) {  // no memory
            return std::current_exception();
        }
    }

    void fail_jobs() noexcept {
        Jobs failed;
        {
            const std::lock_guard lock(mutex);
            broken = true;
            failed.swap(jobs);
        }
        const std::exception_ptr exception = make_broken();
        while (!failed.empty()) {  // unlocked, for the callbacks of futures are anybody's code
            try {
                if (detail::ConcurrentStateBase* const future = failed.begin()->second.future) {
                    future->set_exception(exception);
                }
            } catch (const InvalidStateError&) {  // it is cancelled
            }
            failed.erase(failed.begin());
        }
    }

    // Returns when all workers have ended, whoever joins them; there are no new ones. A worker that
    // asks leaves it to who joins already, for that one waits for the worker, too.
    void join_workers() noexcept {
        const bool is_worker = working_for == this;
        std::unique_lock lock(mutex);
        if (is_worker && joining > 0) {
            return;
        }
        for (std::thread& worker : workers) {
            if (worker.joinable() && worker.get_id() != std::this_thread::get_id()) {
                std::thread taken = std::move(worker);
                ++joining;
                lock.unlock();
                taken.join();
                lock.lock();
                --joining;
                joined.notify_all();
            }
        }
        if (!is_worker) {
            joined.wait(lock, [this] { return joining == 0; });
        }
    }

    // Leaves those alone that do a job; the others are about to end, and are waited for, so that
    // nothing runs that need not.
    void leave_workers() noexcept {
        std::unique_lock lock(mutex);
        for (std::size_t number = 0; number < workers.size(); ++number) {
            if (!workers[number].joinable()) {
                continue;
            }
            std::thread taken = std::move(workers[number]);
            if (busy[number] || !jobs.empty()) {
                taken.detach();
            } else {
                lock.unlock();
                taken.join();
                lock.lock();
            }
        }
    }

    // A thread cannot do the work of another one.
    void wait_for(std::uint64_t, std::chrono::steady_clock::time_point) override {}

    void on_cancel(std::uint64_t number) noexcept override {
        if (process.is_left()) {
            return;
        }
        Jobs::node_type removed;  // destroyed unlocked: it may be anybody's code
        const std::lock_guard lock(mutex);
        removed = jobs.extract(number);
    }
};

ThreadPoolExecutor::ThreadPoolExecutor(const ThreadPoolOptions& options)
    : state_(std::make_shared<State>(options)) {}

// In the child of a fork(2) its threads are not there: who waited for one would wait for ever. What
// they had locked, and their handles, stay in memory.
ThreadPoolExecutor::~ThreadPoolExecutor() {
    if (state_->process.is_left()) {
        static auto& left = *new std::vector<std::shared_ptr<State>>;
        left.push_back(std::move(state_));
        return;
    }
    std::unique_lock lock(state_->mutex);
    const bool left_alone = state_->left_alone;
    lock.unlock();
    if (!left_alone) {
        shutdown();
    }
    state_->leave_workers();
}

void ThreadPoolExecutor::enqueue(std::shared_ptr<State> state, UniqueFunction<void()> job,
                                 detail::ConcurrentStateBase* future) {
    if (state->process.is_left()) {
        throw std::runtime_error(
            "a thread pool is used in the child of a fork(); make a new one there, or exec");
    }
    State::Jobs made;  // unlocked, for to move the job may be anybody's code
    made.emplace(0, State::Job{.run = std::move(job), .future = future});
    State::Jobs::node_type node = made.extract(made.begin());
    const std::lock_guard lock(state->mutex);
    if (state->broken) {
        throw BrokenThreadPool(broken_text);
    }
    if (state->stopping) {
        throw std::runtime_error("cannot schedule new futures after shutdown");
    }
    std::vector<std::thread>& workers = state->workers;
    if (state->idle <= state->jobs.size() && workers.size() < state->max_workers) {
        const std::size_t number = workers.size();
        state->busy.resize(number + 1);
        state->busy[number] = state->initializer != nullptr;
        workers.emplace_back();  // before the start: a thread that runs must have its place
        try {
            workers.back() = start_without_signals([state, number] { state->run_worker(number); });
        } catch (const std::system_error&) {
            workers.pop_back();
            if (workers.empty()) {
                throw;
            }
        } catch (...) {
            workers.pop_back();
            throw;
        }
    }
    const std::uint64_t number = state->next_job++;
    node.key() = number;
    if (future != nullptr) {
        future->set_work({.worker = state, .id = number, .may_end = false});
    }
    state->jobs.insert(state->jobs.end(), std::move(node));
    state->work.notify_one();
}

void ThreadPoolExecutor::shutdown(const ShutdownOptions& options) {
    const std::shared_ptr<State> state = state_;  // a job may destroy the executor
    if (state->process.is_left()) {
        return;
    }
    State::Jobs dropped;
    {
        const std::lock_guard lock(state->mutex);
        state->stopping = true;
        state->left_alone = !options.wait;
        if (options.cancel_futures) {
            dropped.swap(state->jobs);
        }
    }
    state->work.notify_all();
    dropped.clear();
    if (options.wait) {
        state->join_workers();
    }
}

}  // namespace ringio::concurrent
