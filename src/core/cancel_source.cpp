#include <ringio/core/cancel_source.hpp>

#include <ringio/core/repr.hpp>
#include <ringio/core/task_state.hpp>

#include <new>

namespace ringio {

std::string CancelSource::text() const {
    const std::string who = task_.empty() ? "" : "Task '" + task_ + "'";
    const std::string at = where_.line() == 0 ? "" : " at " + ringio::detail::file_and_line(where_);
    switch (cause_) {
        case CancelCause::unknown:
            return "";
        case CancelCause::call:
            return who.empty() ? "cancelled" + at : "cancelled by " + who + at;
        case CancelCause::deadline:
            return "cancelled by the deadline" + at;
        case CancelCause::task_group:
            return "cancelled by its TaskGroup, for " + (who.empty() ? "the body" : who) +
                   " failed";
        case CancelCause::when_all:
            return "cancelled by when_all()" + (who.empty() ? "" : ", for " + who + " failed");
        case CancelCause::when_any:
            return "cancelled by when_any()" + (who.empty() ? "" : ", for " + who + " was first");
        case CancelCause::staggered_race:
            return "cancelled by staggered_race(), for " + who + " was first";
        case CancelCause::interrupt:
            return "cancelled by Ctrl-C";
        case CancelCause::signal:
            return "cancelled by a signal";
        case CancelCause::shutdown:
            return "cancelled by the end of run()";
    }
    return "";
}

namespace detail {
namespace {

constinit thread_local CancelOrigin* outermost = nullptr;

}  // namespace

void Cancellation::retire(const Cancellation* request) noexcept { delete request; }

CancelOrigin::CancelOrigin(CancelCause cause, const std::source_location& where) noexcept
    : CancelOrigin(cause, nullptr) {
    task_ = running_loop != nullptr ? running_loop->machine().current_task() : nullptr;
    where_ = where;
}

CancelOrigin::CancelOrigin(CancelCause cause, const FutureStateBase* decisive) noexcept
    : cause_(cause), task_(dynamic_cast<const TaskStateBase*>(decisive)) {
    if (outermost == nullptr) {
        outermost = this;
    }
}

CancelOrigin::CancelOrigin(CancellationPtr known) noexcept
    : CancelOrigin(CancelCause::unknown, nullptr) {
    request_ = std::move(known);
}

CancelOrigin::~CancelOrigin() {
    if (outermost == this) {
        outermost = nullptr;
    }
}

CancelSource CancelOrigin::source() const {
    return {cause_, task_ != nullptr ? task_->name() : "", where_};
}

CancellationPtr CancelOrigin::request(const std::string& message) {
    if (outermost == nullptr) {
        return message.empty() ? nullptr
                               : CancellationPtr(new Cancellation(message, CancelSource()));
    }
    CancellationPtr& made = outermost->request_;
    if (!made) {
        made = CancellationPtr(new Cancellation(message, outermost->source()));
    } else if (made->message != message) {
        return CancellationPtr(new Cancellation(message, made->source));
    }
    return made;
}

CancellationPtr CancelOrigin::request_if_memory(const std::string& message) noexcept {
    try {
        return request(message);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

}  // namespace detail
}  // namespace ringio
