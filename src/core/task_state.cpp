#include <ringio/core/task_state.hpp>

#include <atomic>

namespace ringio::detail {
namespace {

// Numbers tasks from 1 in the order of creation, over all loops of the process, as asyncio does.
std::atomic<std::uint64_t> tasks_made = 0;

}  // namespace

TaskStateBase::~TaskStateBase() {
    RINGIO_ASSERT(!root_, "a task is destroyed with its coroutine; the loop must own it");
}

void TaskStateBase::start(std::coroutine_handle<> root, const TaskOptions& options) {
    root_ = root;
    resume_point_ = root;
    defined_ = PromiseBase::of(root).location;
    number_ = tasks_made.fetch_add(1, std::memory_order_relaxed) + 1;
    loop_or_null()->add_task(*this);
    wake();
    if (!options.name.empty()) {
        set_name(options.name);
    }
}

void TaskStateBase::run() {
    const IntrusivePtr<TaskStateBase> keep(this);
    EventLoop& event_loop = *loop_or_null();
    if (!started_ && cancel_request_ == CancelRequest::due) {
        // Cancelled before the first step: the body never starts.
        cancel_request_ = CancelRequest::none;
        finish_cancelled();
    } else {
        started_ = true;
        wait_ = nullptr;
        event_loop.set_current_task(this);
        event_loop.resume(resume_point_);
        event_loop.set_current_task(nullptr);
        if (!root_.done()) {
            return;
        }
        take_result();
    }
    std::exchange(root_, nullptr).destroy();
    event_loop.remove_task(*this);
}

bool TaskStateBase::cancel(const std::string& message) {
    mark_retrieved();
    if (done()) {
        return false;
    }
    ++cancel_requests_;
    if (!message.empty() || extras_) {
        extras().cancel_message = message;
    }
    if (wait_ == nullptr || !wait_->cancel(message)) {
        cancel_request_ = CancelRequest::due;
    }
    return true;
}

void TaskStateBase::cancel_wait() noexcept {
    cancel_request_ = wait_->cancel(cancel_message()) ? CancelRequest::none : CancelRequest::due;
}

unsigned TaskStateBase::uncancel() noexcept {
    if (cancel_requests_ > 0 && --cancel_requests_ == 0) {
        cancel_request_ = CancelRequest::none;
    }
    return cancel_requests_;
}

void TaskStateBase::throw_cancelled() const { throw CancelledError(cancel_message()); }

void TaskStateBase::finish_with(std::exception_ptr exception, ExceptionKind kind) noexcept {
    if (kind == ExceptionKind::cancelled) {
        become_cancelled(std::move(exception));
        return;
    }
    if (kind == ExceptionKind::interrupt) {
        loop_or_null()->escape(exception);
    }
    store_exception(std::move(exception));
    transition(FutureStatus::finished);
    if (kind == ExceptionKind::interrupt) {
        mark_retrieved();
    }
}

void TaskStateBase::finish_cancelled() noexcept {
    const std::string message = cancel_message();
    become_cancelled(message.empty() ? nullptr : std::make_exception_ptr(CancelledError(message)));
}

void TaskStateBase::destroy_pending() noexcept {
    if (report_when_destroyed_ && !done()) {
        loop_or_null()->call_exception_handler({.message = "Task was destroyed but it is pending!",
                                                .exception = nullptr,
                                                .details = {{"task", repr()}}});
    }
    wait_ = nullptr;
    std::exchange(root_, nullptr).destroy();
}

TaskStateBase::Extras& TaskStateBase::extras() {
    if (!extras_) {
        extras_ = std::make_unique<Extras>();
    }
    return *extras_;
}

std::string TaskStateBase::name() const {
    return extras_ && !extras_->name.empty() ? extras_->name : "Task-" + std::to_string(number_);
}

void TaskStateBase::set_name(std::string_view name) { extras().name = name; }

const char* TaskStateBase::never_retrieved_message() const noexcept {
    return "Task exception was never retrieved";
}

std::string TaskStateBase::repr_coroutine() const {
    const std::string function = function_name(defined_) + "()";
    if (!root_) {
        return function + " done, defined at " + file_and_line(defined_);
    }
    return function + " running at " + file_and_line(PromiseBase::of(root_).location);
}

std::string TaskStateBase::repr() const {
    std::string outcome = repr_outcome();
    std::string status = outcome.substr(0, outcome.find(' '));
    outcome.erase(0, status.size());
    if (!done() && cancel_requests_ > 0) {
        status = "cancelling";
    }
    std::string text = "<Task " + status + " name='" + name() + "' coro=<" + repr_coroutine() + ">";
    if (wait_ != nullptr && !done()) {
        text += " wait_for=" + wait_->repr();
    }
    return text + outcome + ">";
}

std::string Wait::repr() const {
    return future() != nullptr ? future()->repr() : fmt::format("<{}>", what());
}

TaskStateBase& running_task() {
    TaskStateBase* task = get_running_loop().current_task();
    if (task == nullptr) {
        throw std::runtime_error(
            "no running task: this may only be used inside a Task that the "
            "event loop runs");
    }
    return *task;
}

}  // namespace ringio::detail
