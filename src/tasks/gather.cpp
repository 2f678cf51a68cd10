#include <ringio/tasks/gather.hpp>

namespace ringio::detail {

/// One child's place in the gather.
class GatherState::ChildNode final : public DoneNode {
public:
    void notify(FutureStateBase& child) noexcept override { gather->child_done(child); }
    std::string describe() const override { return "gather()"; }
    const FutureStateBase* awaiter() const noexcept override { return gather; }

    GatherState* gather = nullptr;
};

GatherState::GatherState(EventLoop& loop) noexcept : PassingState(loop) {}

GatherState::~GatherState() {
    for (std::size_t index = 0; nodes_ && index < children_.size(); ++index) {
        if (nodes_[index].is_waiting()) {
            children_[index]->remove_waiting(nodes_[index]);
        }
    }
    release_links(children_);
}

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
        if (nodes_[index].gather == nullptr && count_in(*children_[index])) {
            end(*children_[index]);
        }
    }
}

// Says whether this child decides: the last one does, and the first that failed.
bool GatherState::count_in(const FutureStateBase& child) noexcept {
    ++finished_;
    const bool decides = finished_ == children_.size() || (!keep_exceptions_ && !child.has_value());
    return decides && !std::exchange(decided_, true);
}

// The result comes in the next turn, as if each child were counted by a callback of its own.
void GatherState::child_done(FutureStateBase& child) noexcept {
    if (count_in(child)) {
        decisive_ = &child;
        intrusive_add_ref(this);  // the queue's
        loop_or_null()->machine().schedule(*this);
    }
}

void GatherState::run() {
    const IntrusivePtr<FutureStateBase> queued(this, adopt);
    end(*decisive_);
}

void GatherState::discard() noexcept { intrusive_release(this); }

void GatherState::end(FutureStateBase& child) noexcept {
    if (!keep_exceptions_ && child.failure()) {
        end_with_first_exception(child);
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
        fail(std::current_exception());  // the copy of a value threw
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

FutureStateBase* GatherState::take_cancel(CancelWalk& walk) noexcept {
    mark_retrieved();
    if (done()) {
        walk.reply = CancelWalk::Reply::refused;
    } else if (asks_now()) {
        walk.reply = CancelWalk::Reply::circle;
    } else if (has_asked()) {
        walk.reply = reply_;
    } else {
        asked_of_ = 0;
        reply_ = CancelWalk::Reply::refused;
        return children_[0].get();
    }
    return nullptr;
}

// Each child is asked, whatever the others reply.
FutureStateBase* GatherState::hear_reply(CancelWalk& walk) noexcept {
    if (reply_ != CancelWalk::Reply::accepted && walk.reply != CancelWalk::Reply::refused) {
        reply_ = walk.reply;
    }
    if (++asked_of_ < children_.size()) {
        return children_[asked_of_].get();
    }
    note_asked();
    cancel_requested_ = cancel_requested_ || reply_ == CancelWalk::Reply::accepted;
    walk.reply = reply_;
    return nullptr;
}

}  // namespace ringio::detail
