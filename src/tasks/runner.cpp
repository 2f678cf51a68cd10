#include <ringio/tasks/runner.hpp>

#include <ringio/base/scope_exit.hpp>
#include <ringio/core/loop_books.hpp>
#include <ringio/core/report.hpp>
#include <ringio/core/run_until_complete.hpp>
#include <ringio/tasks/current_task.hpp>
#include <ringio/tasks/run_in_executor.hpp>

#include <chrono>

#include "main_signals.hpp"

namespace ringio {
namespace {

constexpr std::chrono::seconds executor_join_timeout(300);  // as CPython's

void report_close_failure() noexcept {
    const char* const message = "Runner: the loop could not be closed in order";
    const std::exception_ptr error = std::current_exception();
    detail::report(nullptr, message, error, [&] {
        return ExceptionContext{.message = message, .exception = error, .details = {}};
    });
}

}  // namespace

Runner::Runner(const RunOptions& options) : options_(options) {
    if (options_.debug) {
        options_.loop.debug = options_.debug;
    }
}

Runner::~Runner() {
    try {
        close();
    } catch (...) {
        report_close_failure();
    }
}

void Runner::close_and_report() {
    try {
        close();
    } catch (...) {
        if (detail::current_exception_kind() == detail::ExceptionKind::interrupt) {
            throw;
        }
        report_close_failure();
    }
}

EventLoop& Runner::get_loop() {
    if (closed_) {
        throw std::runtime_error("Runner is closed");
    }
    if (!loop_) {
        loop_ = std::make_unique<EventLoop>(options_.loop);
    }
    return *loop_;
}

void Runner::prepare(const char* refusal) {
    if (detail::running_loop != nullptr) {
        throw std::runtime_error(refusal);
    }
    get_loop().machine().prepare_to_run();
    detail::take_cancel_signals(*loop_, options_.cancel_on);
}

void Runner::run_main(AnyFuture main) {
    const detail::MainSignals signals(*loop_, main, options_.cancel_on);
    try {
        detail::run_until_done(*loop_, *main.shared_state());
    } catch (...) {
        if (main.done() && !main.cancelled()) {
            main.shared_state()->mark_retrieved();
        }
        throw;
    }
    if (main.cancelled() && signals.interrupted()) {
        auto& task = static_cast<detail::TaskStateBase&>(*main.shared_state());
        if (task.uncancel() == 0) {
            throw KeyboardInterrupt();
        }
    }
    main.shared_state()->require_value();
}

void Runner::close() {
    if (closed_) {
        return;
    }
    closed_ = true;
    if (!loop_) {
        return;
    }
    const ScopeExit destroy([this] { loop_.reset(); });
    if (loop_->is_closed()) {
        return;
    }
    if (loop_->machine().is_inherited()) {
        loop_->close();
        return;
    }
    cancel_all_tasks();
    if (loop_->machine().books().has_generators()) {
        loop_->run_until_complete(loop_->shutdown_asyncgens());
    }
    if (detail::has_default_executor(*loop_)) {
        loop_->run_until_complete(loop_->shutdown_default_executor(executor_join_timeout));
    }
    loop_->close();
}

void Runner::cancel_all_tasks() {
    std::vector<AnyTask> tasks = all_tasks(*loop_);
    if (tasks.empty()) {
        return;
    }
    Promise<> all_done = loop_->create_future<void>();
    std::size_t left = tasks.size();
    const detail::CancelOrigin origin(CancelCause::shutdown);
    for (AnyTask& task : tasks) {
        task.cancel();
        task.shared_state()->add_done_callback(
            [&](detail::FutureStateBase&) {
                if (--left == 0 && !all_done.done()) {
                    all_done.set_result();
                }
            },
            std::source_location::current());
    }
    detail::run_until_done(*loop_, *all_done.get_future().shared_state());
    for (const AnyTask& task : tasks) {
        if (task.cancelled()) {
            continue;
        }
        if (const std::exception_ptr error = task.exception()) {
            loop_->call_exception_handler({.message = "unhandled exception during run() shutdown",
                                           .exception = error,
                                           .details = {{"task", task.shared_state()->repr()}}});
        }
    }
}

}  // namespace ringio
