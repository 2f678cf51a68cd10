#include <ringio/process/process_pool_executor.hpp>

#include "code_address.hpp"
#include "process_pool.hpp"

#include <csignal>
#include <utility>
#include <vector>

namespace ringio {

using concurrent::ProcessPoolExecutor;

ProcessPoolExecutor::ProcessPoolExecutor(std::size_t max_workers)
    : ProcessPoolExecutor(ProcessPoolOptions{.max_workers = max_workers}) {}

ProcessPoolExecutor::ProcessPoolExecutor(const ProcessPoolOptions& options)
    : pool_(std::make_shared<detail::ProcessPool>(options)) {}

// In the child of a fork(2) its threads are not there: what they had locked stays in memory.
ProcessPoolExecutor::~ProcessPoolExecutor() {
    if (pool_->is_left()) {
        static auto& left = *new std::vector<std::shared_ptr<detail::ProcessPool>>;
        left.push_back(std::move(pool_));
    } else if (!pool_->is_left_alone()) {
        shutdown();
    }
}

void ProcessPoolExecutor::shutdown(const ShutdownOptions& options) {
    const std::shared_ptr<detail::ProcessPool> pool = pool_;  // a callback may destroy the executor
    pool->shutdown(options);
}

void ProcessPoolExecutor::terminate_workers() { pool_->end_workers(SIGTERM); }
void ProcessPoolExecutor::kill_workers() { pool_->end_workers(SIGKILL); }

std::vector<pid_t> ProcessPoolExecutor::worker_pids() const { return pool_->worker_pids(); }

std::size_t detail::max_workers_of(const ProcessPool& pool) noexcept { return pool.max_workers(); }

void detail::require_open(const ProcessPool& pool) { pool.require_open(); }

void detail::submit_call(ProcessPool& pool, std::unique_ptr<PendingCall> call, std::string message,
                         CodePointer code) {
    pool.submit(std::move(call), std::move(message), code);
}

void detail::write_callee(concurrent::ArchiveOut& out, RemoteThunk thunk, CodePointer function) {
    constexpr std::size_t of_most_calls = 128;
    out.reserve(of_most_calls);
    out(code_address_of(reinterpret_cast<CodePointer>(thunk)), function != nullptr);
    if (function != nullptr) {
        out(code_address_of(function));
    }
}

}  // namespace ringio
