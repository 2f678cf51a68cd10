#include <ringio/core/task.hpp>

#include <ringio/core/loop_books.hpp>
#include <ringio/core/report.hpp>

#include <sys/single_threaded.h>

#include <algorithm>
#include <atomic>

namespace ringio::detail {
namespace {

// Numbers tasks from 1 in the order of creation, over all loops of the process, as asyncio does.
constinit std::atomic<std::uint64_t> tasks_made = 0;

std::uint64_t next_task_number() noexcept {
    if (__libc_single_threaded != 0) {  // a locked addition costs as much as the rest of start()
        const std::uint64_t number = tasks_made.load(std::memory_order_relaxed) + 1;
        tasks_made.store(number, std::memory_order_relaxed);
        return number;
    }
    return tasks_made.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

void TaskStateBase::start(Machine& machine, const TaskOptions* options) {
    PromiseBase::of(root_).become_root();
    context_ = current_context();
    context_.identity = next_task_number();
    LoopBooks& books = machine.books();
    if (options != nullptr || books.task_factory) [[unlikely]] {
        start_prepared(machine, options);
        return;
    }
    books.add_task(*this);
    machine.schedule_here(*this);
}

void TaskStateBase::start_prepared(Machine& machine, const TaskOptions* options) {
    const bool eager = prepare(options);
    machine.books().add_task(*this);
    if (eager && running_loop == loop_or_null()) {
        run_eagerly();
    } else {
        wake();
    }
}

// Heeds the options and the task factory; returns whether to start eagerly.
bool TaskStateBase::prepare(const TaskOptions* options) {
    TaskOptions chosen = options != nullptr ? *options : TaskOptions{};
    try {
        if (const auto& factory = loop().machine().books().task_factory) {
            factory(loop(), AnyTask(IntrusivePtr<FutureStateBase>(this)), chosen);
            static_cast<void>(loop());  // throws: the factory has closed it
        }
        if (!chosen.name.empty()) {
            set_name(chosen.name);
        }
        if (chosen.context != nullptr) {
            share_context(chosen.context->shared_state());
        }
    } catch (...) {
        std::exchange(root_, nullptr).destroy();
        throw;
    }
    return chosen.eager_start;
}

void TaskStateBase::run_eagerly() {
    Machine& machine = loop_or_null()->machine();
    TaskStateBase* const outer = machine.current_task();
    const int left = transfers_left;  // of the step that this one stands in
    run();
    transfers_left = left;
    machine.set_current_task(outer);
}

void TaskStateBase::run() {
    Machine& machine = loop_or_null()->machine();
    EnterContext inside(context_slot());
    step(machine, inside);
    machine.set_current_task(nullptr);
}

void TaskStateBase::suspend_again() noexcept { suspend(resume_point_, *wait_); }

// The coroutine has come to its end.
void TaskStateBase::end(Machine& machine) noexcept {
    machine.set_current_task(nullptr);
    take_result();
    leave(machine);
}

// Cancelled before the first step: the body never starts.
void TaskStateBase::end_before_start(Machine& machine) noexcept {
    cancel_request_ = CancelRequest::none;
    finish_cancelled();
    leave(machine);
}

// The loop's list keeps the task until the last line.
void TaskStateBase::leave(Machine& machine) noexcept {
    std::exchange(root_, nullptr).destroy();
    machine.books().remove_task(*this);
}

// Of a request that comes again before anybody could hear of the first, only the number is new.
FutureStateBase* TaskStateBase::take_cancel(CancelWalk& walk) noexcept {
    mark_retrieved();
    if (done() || asks_now()) {
        walk.reply = done() ? CancelWalk::Reply::refused : CancelWalk::Reply::circle;
        return nullptr;
    }
    ++cancel_requests_;
    keep_cancellation(walk.message);
    walk.reply = CancelWalk::Reply::accepted;
    if (wait_ == nullptr || loop_or_null() == nullptr) {
        cancel_request_ = CancelRequest::due;
    } else if (!has_asked()) {
        if (FutureStateBase* const awaited = wait_->passes_on_to()) {
            return awaited;
        }
        wait_replied(wait_->cancel(walk.message) ? CancelWalk::Reply::accepted
                                                 : CancelWalk::Reply::refused);
    }
    return nullptr;
}

FutureStateBase* TaskStateBase::hear_reply(CancelWalk& walk) noexcept {
    if (wait_ != nullptr) {
        if (FutureStateBase* const next = wait_->passes_on_next(walk.reply)) {
            return next;
        }
    }
    wait_replied(walk.reply);
    walk.reply = CancelWalk::Reply::accepted;
    return nullptr;
}

// In a circle of tasks that wait for each other nobody can end first: the last one that is asked
// stops waiting.
void TaskStateBase::wait_replied(CancelWalk::Reply reply) noexcept {
    note_asked();
    if (reply == CancelWalk::Reply::circle && wait_ != nullptr) {
        wait_->abandon();
    }
    if (reply == CancelWalk::Reply::accepted) {
        special_ |= in_transit;
    } else {
        cancel_request_ = CancelRequest::due;
    }
}

// Without memory for it, message and source are lost; a cancellation never is.
void TaskStateBase::keep_cancellation(const std::string& message) noexcept {
    CancellationPtr request = CancelOrigin::request_if_memory(message);
    try {
        if (request || extras_) {
            extras().cancellation = std::move(request);
        }
    } catch (const std::bad_alloc&) {  // no extras
    }
}

const CancellationPtr& TaskStateBase::cancellation() const noexcept {
    static const CancellationPtr none;
    return extras_ ? extras_->cancellation : none;
}

const std::string& TaskStateBase::cancel_message() const noexcept {
    static const std::string none;
    return extras_ && extras_->cancellation ? extras_->cancellation->message : none;
}

const CancelSource& TaskStateBase::cancel_source() const noexcept {
    static const CancelSource unknown;
    return extras_ && extras_->cancellation ? extras_->cancellation->source : unknown;
}

void TaskStateBase::cancel_wait() noexcept {
    if (cancel_request_ == CancelRequest::upcoming) {
        ++cancel_requests_;
    }
    cancel_request_ = CancelRequest::none;
    const CancelOrigin origin(cancellation());
    const std::string& message = cancel_message();
    FutureStateBase* awaited = wait_->passes_on_to();
    if (awaited == nullptr) {
        wait_replied(wait_->cancel(message) ? CancelWalk::Reply::accepted
                                            : CancelWalk::Reply::refused);
        return;
    }
    CancelWalk::Reply reply = CancelWalk::Reply::refused;
    while (awaited != nullptr) {
        reply = ask(*awaited, message);
        awaited = wait_ != nullptr ? wait_->passes_on_next(reply) : nullptr;
    }
    wait_replied(reply);
}

void TaskStateBase::cancel_at_next_wait() noexcept {
    if (cancel_request_ == CancelRequest::none) {
        cancel_request_ = CancelRequest::upcoming;
    }
}

unsigned TaskStateBase::uncancel() noexcept {
    if (cancel_requests_ > 0 && --cancel_requests_ == 0) {
        forget_undelivered_cancellation();
    }
    return cancel_requests_;
}

void TaskStateBase::forget_undelivered_cancellation() noexcept {
    cancel_request_ = CancelRequest::none;
    if (EventLoop* const event_loop = loop_or_null()) {
        event_loop->machine().next_step();  // it may be asked anew
    }
}

void TaskStateBase::throw_cancelled() const { throw CancelledError(cancellation()); }

std::exception_ptr TaskStateBase::make_cancelled() const noexcept {
    return std::make_exception_ptr(CancelledError(cancellation()));
}

void TaskStateBase::finish_with(std::exception_ptr exception, ExceptionKind kind) noexcept {
    if (kind == ExceptionKind::cancelled) {
        become_cancelled(std::move(exception));
        return;
    }
    if (kind == ExceptionKind::interrupt) {
        loop_or_null()->machine().escape(exception);
    }
    become_failed(std::move(exception));
    if (kind == ExceptionKind::interrupt) {
        mark_retrieved();
    }
}

void TaskStateBase::finish_cancelled() noexcept { become_cancelled(cancellation()); }

void TaskStateBase::destroy_pending() noexcept {
    if (report_when_destroyed_ && !done()) {
        const EnterContext inside(context_slot());
        const char* const message = "Task was destroyed but it is pending!";
        report(loop_or_null(), message, nullptr, [&] {
            ExceptionContext context{
                .message = message, .exception = nullptr, .details = {{"task", repr()}}};
            add_creation_site(context, created());
            return context;
        });
    }
    wait_ = nullptr;
    destroy_chain(innermost(resume_point_), std::exchange(root_, nullptr));
}

TaskStateBase::Extras& TaskStateBase::extras() {
    if (!extras_) {
        extras_ = std::make_unique<Extras>();
    }
    return *extras_;
}

std::string TaskStateBase::name() const {
    return extras_ && !extras_->name.empty() ? extras_->name : "Task-" + std::to_string(number());
}

void TaskStateBase::set_name(std::string_view name) { extras().name = name; }

void TaskStateBase::report_never_retrieved() noexcept {
    const EnterContext inside(context_slot());
    FutureStateBase::report_never_retrieved("Task exception was never retrieved");
}

Context TaskStateBase::context() {
    if (!is_special(in_shared_context)) {
        extras();  // first: without memory for it nothing has moved
        const Context own;
        EnterContext::move(context_, own.shared_state()->slot);
        share_context(own.shared_state());
    }
    return Context(extras_->shared_context);
}

void TaskStateBase::share_context(IntrusivePtr<ContextState> context) {
    extras().shared_context = std::move(context);
    special_ |= in_shared_context;
}

std::vector<std::source_location> TaskStateBase::stack() const {
    std::vector<std::source_location> stack;
    if (!root_) {
        return stack;
    }
    if (wait_ == nullptr) {
        stack.push_back(PromiseBase::of(root_).location);
        return stack;
    }
    for (std::coroutine_handle<> frame = innermost(resume_point_); frame;
         frame = PromiseBase::awaiting(frame)) {
        stack.push_back(PromiseBase::of(frame).location);
    }
    std::ranges::reverse(stack);
    return stack;
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
    text += outcome;
    if (const std::string source = cancel_source().text();
        !source.empty() && (cancelled() || (!done() && cancel_requests_ > 0))) {
        text += " " + source;
    }
    return text + ">";
}

// A task that is awaited is shown without what it waits for itself: the chain may be long, or a
// circle.
std::string Wait::repr() const {
    if (future() == nullptr) {
        return fmt::format("<{}>", what());
    }
    const auto* task = dynamic_cast<const TaskStateBase*>(future());
    if (task == nullptr || task->done()) {
        return future()->repr();
    }
    return fmt::format("<Task {} name='{}' coro=<{}>>",
                       task->cancelling() > 0 ? "cancelling" : "pending", task->name(),
                       task->repr_coroutine());
}

void throw_no_running_task() {
    static_cast<void>(get_running_loop());
    throw std::runtime_error(
        "no running task: this may only be used inside a Task that the event loop runs");
}

}  // namespace ringio::detail
