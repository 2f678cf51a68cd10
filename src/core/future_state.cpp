#include <ringio/core/future_state.hpp>

#include <ringio/core/report.hpp>
#include <ringio/core/task.hpp>  // FutureWait: seen, its calls in notify_waiting() are inlined

#include <vector>

namespace ringio::detail {
namespace {

/// A user's done callback. The future owns it while pending, the ready queue from then on.
class DoneCallback final : public Runnable, public DoneNode, public Pooled {
public:
    DoneCallback(UniqueFunction<void(FutureStateBase&)> function, const std::source_location& where,
                 const FutureStateBase* awaiter, std::uint64_t id) noexcept
        : function_(std::move(function)),
          context_(current_context()),
          where_(where),
          awaiter_(awaiter),
          id_(id) {}

    std::uint64_t id() const noexcept { return id_; }

    void notify(FutureStateBase& future) noexcept override {
        future_ = IntrusivePtr<FutureStateBase>(&future);
        future.loop_or_null()->machine().schedule(*this);
    }

    void run() override {
        call(future_->loop());
        delete this;
    }

    void discard() noexcept override { delete this; }

    std::string repr() const override { return "<Handle " + describe() + ">"; }
    const FutureStateBase* awaiter() const noexcept override { return awaiter_; }
    std::string describe() const override {
        return function_name(where_) + "() at " + file_and_line(where_);
    }

private:
    void call(EventLoop& loop) {
        const EnterContext inside(context_);
        try {
            function_(*future_);
        } catch (...) {
            report_error(loop);
        }
    }

    void report_error(EventLoop& loop) const noexcept {
        const std::exception_ptr exception = std::current_exception();
        if (current_exception_kind() == ExceptionKind::interrupt) {
            loop.machine().escape(exception);
            return;
        }
        detail::report(&loop, "Exception in callback", exception, [&] {
            return ExceptionContext{.message = "Exception in callback " + describe(),
                                    .exception = exception,
                                    .details = {{"future", future_->repr()}}};
        });
    }

    UniqueFunction<void(FutureStateBase&)> function_;
    ContextSlot context_;
    std::source_location where_;
    const FutureStateBase* awaiter_;
    std::uint64_t id_;
    IntrusivePtr<FutureStateBase> future_;  // set when queued
};

// Ids are drawn per thread: a callback is taken back on the thread that added it.
constinit thread_local std::uint64_t last_callback_id = 0;

}  // namespace

// Whoever else waits holds a reference, so only callbacks can be left.
void FutureStateBase::drop_callbacks() noexcept {
    while (DoneNode* node = waiting_.pop_front()) {
        delete dynamic_cast<DoneCallback*>(node);
    }
}

void add_creation_site(ExceptionContext& context, const std::source_location& where) {
    if (where.line() != 0) {
        context.details.emplace_back("created by",
                                     function_name(where) + "() at " + file_and_line(where));
    }
}

void FutureStateBase::run() {
    RINGIO_ASSERT(false, "only a task is ever queued; a plain future has no step");
}

EventLoop& FutureStateBase::loop() const {
    if (anchor_->loop == nullptr) {
        throw std::runtime_error("Event loop is closed");
    }
    return *anchor_->loop;
}

void FutureStateBase::check_loop(const EventLoop& loop) const {
    if (anchor_->loop != &loop) {
        throw std::runtime_error("this future is attached to a different loop: " + repr());
    }
}

void FutureStateBase::notify_waiting() noexcept {
    EventLoop* const event_loop = anchor_->loop;
    if (event_loop == nullptr) {
        return;  // those who waited went with the loop
    }
    while (DoneNode* node = waiting_.pop_front()) {
        if (FutureStateBase* const task = node->waiting_task()) {
            event_loop->machine().schedule_here(*task);
        } else {
            node->notify(*this);
        }
    }
}

FutureStateBase* FutureStateBase::take_cancel(CancelWalk& walk) noexcept {
    unretrieved_ = false;
    walk.reply = CancelWalk::Reply::refused;
    if (status_ == FutureStatus::pending) {
        become_cancelled(CancelOrigin::request_if_memory(walk.message));
        walk.reply = CancelWalk::Reply::accepted;
    }
    return nullptr;
}

bool FutureStateBase::cancel(const std::string& message) {
    const IntrusivePtr<FutureStateBase> keep(this);
    return PassingState::walk(*this, message) == CancelWalk::Reply::accepted;
}

CancelWalk::Reply PassingState::ask(FutureStateBase& first, const std::string& message) noexcept {
    asked_ = reinterpret_cast<std::uintptr_t>(this);
    const CancelWalk::Reply reply = walk(first, message);
    asked_ = 0;
    return reply;
}

// Down to one that passes the request on to nobody, back up to one that has still somebody to ask.
// Those on the way are kept: a future of a thread calls its callbacks, which may close the loop.
CancelWalk::Reply PassingState::walk(FutureStateBase& first, const std::string& message) noexcept {
    CancelWalk walk{message};
    PassingState* above = nullptr;  // whom the request came from
    FutureStateBase* at = nullptr;
    FutureStateBase* next = &first;
    const auto go_down = [&] {
        at = next;
        next = at->take_cancel(walk);
        if (next != nullptr) {
            intrusive_add_ref(at);
        }
    };
    go_down();
    for (;;) {
        if (next != nullptr) {
            auto* const passing = static_cast<PassingState*>(at);
            passing->asked_ = reinterpret_cast<std::uintptr_t>(above != nullptr ? above : passing);
            above = passing;
            go_down();
        } else if (above == nullptr) {
            return walk.reply;
        } else {
            PassingState* const passing = above;
            auto* const from = reinterpret_cast<PassingState*>(passing->asked_);
            above = from != passing ? from : nullptr;
            at = passing;
            next = passing->hear_reply(walk);
            if (next == nullptr) {
                intrusive_release(passing);
            }
        }
    }
}

namespace {

struct Unlinked {
    ReadyQueue states;  // what a queue holds is referred to, so the link of these is free
    bool destroying = false;
};
constinit thread_local Unlinked unlinked;

}  // namespace

void FutureStateBase::release_links(std::span<IntrusivePtr<FutureStateBase>> links) noexcept {
    const bool outermost = !std::exchange(unlinked.destroying, true);
    for (IntrusivePtr<FutureStateBase>& link : links) {
        FutureStateBase* const state = link.release();
        if (state == nullptr || --state->references_ != 0) {
            continue;
        }
        if (outermost) {
            state->retire();
        } else {
            unlinked.states.push_back(*state);
        }
    }
    if (!outermost) {
        return;
    }
    while (Runnable* const next = unlinked.states.pop_front()) {
        static_cast<FutureStateBase*>(next)->retire();
    }
    unlinked.destroying = false;
}

void FutureStateBase::throw_done() const {
    throw InvalidStateError(done() ? "the future is done already: " + repr()
                                   : "the future is being given its value: " + repr());
}

void FutureStateBase::set_exception(std::exception_ptr exception) {
    if (!exception) {
        throw std::invalid_argument("set_exception: the exception is null");
    }
    require_pending();
    become_failed(std::move(exception));
}

void FutureStateBase::become_failed(std::exception_ptr exception) noexcept {
    ::new (static_cast<void*>(&exception_)) std::exception_ptr(std::move(exception));
    unretrieved_ = !silenced_;
    transition(FutureStatus::failed);
}

void FutureStateBase::become_cancelled(std::exception_ptr thrown) noexcept {
    ::new (static_cast<void*>(&exception_)) std::exception_ptr(std::move(thrown));
    transition(FutureStatus::cancelled);
}

void FutureStateBase::become_cancelled(CancellationPtr request) noexcept {
    ::new (static_cast<void*>(&request_)) CancellationPtr(std::move(request));
    holds_request_ = true;
    transition(FutureStatus::cancelled);
}

void FutureStateBase::drop_reason() noexcept {
    if (holds_request_) {
        request_.~CancellationPtr();
    } else {
        exception_.~exception_ptr();
    }
}

void FutureStateBase::throw_no_value() {
    if (!done()) {
        throw InvalidStateError("Result is not set.");
    }
    unretrieved_ = false;
    if (holds_request_) {
        throw CancelledError(request_);
    }
    std::rethrow_exception(exception_);
}

std::exception_ptr FutureStateBase::exception() {
    if (!done()) {
        throw InvalidStateError("Exception is not set.");
    }
    if (cancelled()) {
        throw_no_value();
    }
    unretrieved_ = false;
    return has_value() ? nullptr : exception_;
}

std::exception_ptr FutureStateBase::failure() noexcept {
    if (status_ <= FutureStatus::has_value) {
        return nullptr;
    }
    return holds_request_ ? std::make_exception_ptr(CancelledError(request_)) : exception_;
}

void FutureStateBase::add_done_node(DoneNode& node) noexcept {
    if (!done()) {
        waiting_.push_back(node);
    } else if (anchor_->loop != nullptr) {
        node.notify(*this);
    }
}

std::uint64_t FutureStateBase::add_done_callback(UniqueFunction<void(FutureStateBase&)> function,
                                                 const std::source_location& where,
                                                 const FutureStateBase* awaiter) {
    detail::check_thread(&loop());
    const std::uint64_t id = ++last_callback_id;
    add_done_node(*new DoneCallback(std::move(function), where, awaiter, id));
    return id;
}

std::size_t FutureStateBase::remove_done_callback(std::uint64_t id) noexcept {
    for (DoneNode& node : waiting_) {
        auto* const callback = dynamic_cast<DoneCallback*>(&node);
        if (callback != nullptr && callback->id() == id) {
            waiting_.remove(node);  // before what it holds goes, which may look here again
            delete callback;
            return 1;
        }
    }
    return 0;
}

void FutureStateBase::report_and_retire() noexcept {
    report_never_retrieved();
    delete this;
}

void FutureStateBase::report_never_retrieved() noexcept {
    report_never_retrieved("Future exception was never retrieved");
}

void FutureStateBase::report_never_retrieved(const char* message) noexcept {
    report(anchor_->loop, message, exception_, [&] {
        ExceptionContext context{
            .message = message, .exception = exception_, .details = {{"future", repr()}}};
        add_creation_site(context, created_);
        return context;
    });
}

std::string FutureStateBase::repr() const { return "<Future " + repr_outcome() + ">"; }

std::string FutureStateBase::repr_outcome() const {
    switch (status_) {
        case FutureStatus::pending:
        case FutureStatus::filling:
            return "pending" + repr_callbacks();
        case FutureStatus::cancelled:
            return "cancelled";
        case FutureStatus::failed:
            return "finished exception=" + repr_exception(exception_);
        case FutureStatus::has_value:
            break;
    }
    return "finished result=" + repr_value();
}

std::string FutureStateBase::repr_callbacks() const {
    std::vector<std::string> callbacks;
    for (const DoneNode& node : waiting_) {
        callbacks.push_back(node.describe());
    }
    if (callbacks.empty()) {
        return "";
    }
    std::string text = " cb=[" + callbacks.front();
    if (callbacks.size() > 2) {
        text += ", <" + std::to_string(callbacks.size() - 2) + " more>";
    }
    if (callbacks.size() > 1) {
        text += ", " + callbacks.back();
    }
    return text + "]";
}

}  // namespace ringio::detail
