#include <ringio/tasks/gather.hpp>

namespace ringio::detail {

/// One child's place in the gather: told when it is done, it counts it in the next turn.
class GatherState::ChildNode final : public Runnable, public DoneNode {
public:
    void notify(FutureStateBase& child) noexcept override {
        child_ = &child;
        keep_ = IntrusivePtr<FutureStateBase>(gather);
        gather->loop_or_null()->schedule(*this);
    }

    void run() override {
        const IntrusivePtr<FutureStateBase> keep = std::move(keep_);
        gather->child_done(*child_);
    }
    void discard() noexcept override { keep_.reset(); }
    std::string describe() const override { return "gather()"; }
    const FutureStateBase* awaiter() const noexcept override { return gather; }

    GatherState* gather = nullptr;

private:
    FutureStateBase* child_ = nullptr;
    IntrusivePtr<FutureStateBase> keep_;  // while queued
};

GatherState::GatherState(EventLoop& loop) noexcept : FutureStateBase(loop) {}

GatherState::~GatherState() = default;

void GatherState::start(std::vector<IntrusivePtr<FutureStateBase>> children, bool keep_exceptions) {
    for (const IntrusivePtr<FutureStateBase>& child : children) {
        if (child->loop_or_null() != loop_or_null()) {
            throw std::invalid_argument("gather: a future belongs to a different loop: " +
                                        child->repr());
        }
    }
    children_ = std::move(children);
    keep_exceptions_ = keep_exceptions;
    if (children_.empty()) {
        set_results();
        return;
    }
    nodes_ = std::make_unique<ChildNode[]>(children_.size());
    for (std::size_t index = 0; index < children_.size(); ++index) {
        if (children_[index]->done()) {
            continue;
        }
        nodes_[index].gather = this;
        children_[index]->add_done_node(nodes_[index]);
    }
    for (std::size_t index = 0; index < children_.size(); ++index) {
        if (nodes_[index].gather == nullptr) {
            child_done(*children_[index]);
        }
    }
}

void GatherState::child_done(FutureStateBase& child) noexcept {
    ++finished_;
    if (done()) {
        child.mark_retrieved();
        return;
    }
    if (!keep_exceptions_ && child.failure()) {
        end_with_first_exception(child);
        return;
    }
    if (finished_ < children_.size()) {
        return;
    }
    try {
        if (cancel_requested_) {
            for (const IntrusivePtr<FutureStateBase>& each : children_) {
                each->mark_retrieved();
            }
            end_cancelled(std::make_exception_ptr(CancelledError()));
        } else {
            set_results();
        }
    } catch (...) {
        set_exception(std::current_exception());  // the copy of a value threw
    }
}

void GatherState::end_with_first_exception(FutureStateBase& child) noexcept {
    for (const IntrusivePtr<FutureStateBase>& each : children_) {
        each->silence();  // also the errors to come
    }
    std::exception_ptr failure = child.failure();
    if (cancel_requested_ && child.cancelled()) {
        end_cancelled(std::move(failure));
    } else {
        set_exception(std::move(failure));
    }
}

// Not reported when nobody retrieves it, as it happens when the task that waits is cancelled again.
void GatherState::end_cancelled(std::exception_ptr cancellation) noexcept {
    set_exception(std::move(cancellation));
    mark_retrieved();
}

bool GatherState::cancel(const std::string& message) {
    mark_retrieved();
    if (done()) {
        return false;
    }
    bool accepted = false;
    for (const IntrusivePtr<FutureStateBase>& child : children_) {
        accepted = child->cancel(message) || accepted;
    }
    cancel_requested_ = cancel_requested_ || accepted;
    return accepted;
}

}  // namespace ringio::detail
