#include <ringio/concurrent/future.hpp>

#include <ringio/core/report.hpp>

#include <chrono>

namespace ringio::detail {
namespace {

constexpr const char* name_of(ConcurrentStatus status) noexcept {
    switch (status) {
        case ConcurrentStatus::pending:
            return "pending";
        case ConcurrentStatus::running:
        case ConcurrentStatus::filling:
            return "running";
        case ConcurrentStatus::finished:
            return "finished";
        case ConcurrentStatus::cancelled:
            break;
    }
    return "cancelled";
}

}  // namespace

bool ConcurrentStateBase::cancel() {
    const Keep keep(*this);  // a callback may drop every other owner
    std::unique_lock lock(mutex_);
    if (!may_cancel()) {
        return status_ == ConcurrentStatus::cancelled;
    }
    finish(std::move(lock), ConcurrentStatus::cancelled);
    if (const std::shared_ptr<ConcurrentWorker> worker = work_.worker.lock()) {
        worker->on_cancel(work_.id);
    }
    return true;
}

void ConcurrentStateBase::abandon() noexcept {
    std::unique_lock lock(mutex_);
    if (status_ <= ConcurrentStatus::running) {
        finish(std::move(lock), ConcurrentStatus::cancelled);
    } else {
        abandoned_ = true;
    }
}

bool ConcurrentStateBase::set_running_or_notify_cancel() {
    const std::lock_guard lock(mutex_);
    if (status_ == ConcurrentStatus::cancelled) {
        return false;
    }
    if (status_ != ConcurrentStatus::pending) {
        throw std::runtime_error("Future in unexpected state");
    }
    status_ = ConcurrentStatus::running;
    return true;
}

void ConcurrentStateBase::require_not_done(const std::unique_lock<std::mutex>& lock) const {
    if (status_ > ConcurrentStatus::running) {
        throw InvalidStateError((status_ == ConcurrentStatus::filling
                                     ? "the future is being given its value: "
                                     : "the future is done already: ") +
                                repr(lock));
    }
}

ConcurrentStatus ConcurrentStateBase::begin_value() {
    const std::unique_lock lock(mutex_);
    require_not_done(lock);
    return std::exchange(status_, ConcurrentStatus::filling);
}

void ConcurrentStateBase::drop_value(ConcurrentStatus before) noexcept {
    std::unique_lock lock(mutex_);
    status_ = before;
    if (abandoned_) {
        finish(std::move(lock), ConcurrentStatus::cancelled);
    }
}

void ConcurrentStateBase::end_value() noexcept {
    finish(std::unique_lock(mutex_), ConcurrentStatus::finished);
}

void ConcurrentStateBase::set_exception(std::exception_ptr exception) {
    if (!exception) {
        throw std::invalid_argument("set_exception: the exception is null");
    }
    std::unique_lock lock(mutex_);
    require_not_done(lock);
    exception_ = std::move(exception);
    finish(std::move(lock), ConcurrentStatus::finished);
}

void ConcurrentStateBase::finish(std::unique_lock<std::mutex> lock,
                                 ConcurrentStatus status) noexcept {
    status_ = status;
    std::list<DoneCallback> callbacks;
    callbacks.swap(callbacks_);
    const Keep keep(*this);  // whoever a watcher wakes may drop every other owner
    while (EndWatcher* const watcher = watchers_.pop_front()) {
        watcher->ended(exception_ != nullptr);
    }
    lock.unlock();
    ended_.notify_all();
    while (!callbacks.empty()) {
        call(callbacks.front());
        callbacks.pop_front();
    }
}

void ConcurrentStateBase::add_done_callback(DoneCallback callback) {
    std::list<DoneCallback> added;  // unlocked, for to move it may be anybody's code
    added.push_back(std::move(callback));
    const Keep keep(*this);
    {
        const std::lock_guard lock(mutex_);
        if (status_ <= ConcurrentStatus::filling) {
            callbacks_.splice(callbacks_.end(), added);
            return;
        }
    }
    call(added.front());
}

void ConcurrentStateBase::watch(EndWatcher& watcher) noexcept {
    const std::lock_guard lock(mutex_);
    if (status_ > ConcurrentStatus::filling) {
        watcher.ended(exception_ != nullptr);
    } else {
        watchers_.push_back(watcher);
    }
}

void ConcurrentStateBase::unwatch(EndWatcher& watcher) noexcept {
    const std::lock_guard lock(mutex_);
    if (watcher.is_linked()) {
        watcher.unlink();
    }
}

void ConcurrentStateBase::call(DoneCallback& callback) noexcept {
    try {
        callback(*this);
    } catch (...) {
        print_exception_context({.message = "exception calling callback for " + repr(),
                                 .exception = std::current_exception(),
                                 .details = {}});
    }
}

// Until after the end: a time so far off that it overflows the clock is no timeout at all.
void ConcurrentStateBase::wait(const std::optional<Delay>& timeout) {
    using std::chrono::steady_clock;
    const auto deadline =
        timeout ? saturating_add(steady_clock::now(), *timeout) : steady_clock::time_point::max();
    const auto ended = [this] { return status_ > ConcurrentStatus::filling; };
    std::unique_lock lock(mutex_);
    if (!ended()) {
        if (const std::shared_ptr<ConcurrentWorker> worker = work_.worker.lock()) {
            lock.unlock();
            worker->wait_for(work_.id, deadline);
            lock.lock();
        }
    }
    if (deadline == steady_clock::time_point::max()) {
        ended_.wait(lock, ended);
    } else if (!ended_.wait_until(lock, deadline, ended)) {
        throw TimeoutError();
    }
    if (status_ == ConcurrentStatus::cancelled) {
        throw CancelledError();
    }
}

void ConcurrentStateBase::require_value(const std::optional<Delay>& timeout) {
    wait(timeout);
    if (exception_) {
        std::rethrow_exception(exception_);
    }
}

std::exception_ptr ConcurrentStateBase::exception(const std::optional<Delay>& timeout) {
    wait(timeout);
    return exception_;
}

std::string ConcurrentStateBase::repr() const { return repr(std::unique_lock(mutex_)); }

std::string ConcurrentStateBase::repr(const std::unique_lock<std::mutex>&) const {
    std::string text =
        fmt::format("<Future at {} state={}", static_cast<const void*>(this), name_of(status_));
    if (status_ == ConcurrentStatus::finished) {
        text += exception_ ? " raised " + exception_type_name(exception_)
                           : " returned " + type_name(value_type());
    }
    return text + ">";
}

void throw_no_concurrent_future() {
    throw std::invalid_argument(
        "this handle refers to no future: it was default-constructed or moved from");
}

}  // namespace ringio::detail
