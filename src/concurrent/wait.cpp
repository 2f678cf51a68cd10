#include <ringio/concurrent/wait.hpp>

namespace ringio::detail {

ConcurrentWait::Deadline ConcurrentWait::deadline_after(
    const std::optional<Delay>& timeout) noexcept {
    return timeout ? saturating_add(std::chrono::steady_clock::now(), *timeout) : Deadline::max();
}

ConcurrentWait::ConcurrentWait(const std::vector<ConcurrentStateBase*>& futures)
    : watchers_(futures.size()) {
    ended_.reserve(futures.size());  // so that on_end() never allocates
    for (std::size_t place = 0; place < futures.size(); ++place) {
        Watcher& watcher = watchers_[place];
        watcher.wait = this;
        watcher.future = futures[place];
        watcher.future->watch(watcher);
    }
}

ConcurrentWait::~ConcurrentWait() {
    for (Watcher& watcher : watchers_) {
        if (watcher.future != nullptr) {
            watcher.future->unwatch(watcher);
        }
    }
}

void ConcurrentWait::on_end(const Watcher& watcher, bool failed) noexcept {
    const std::lock_guard lock(mutex_);
    ended_.push_back(static_cast<std::size_t>(&watcher - watchers_.data()));
    failed_ = failed_ || failed;
    if (is_over()) {
        over_.notify_all();  // locked: who waits may destroy this as soon as it is not
    }
}

bool ConcurrentWait::is_over() const noexcept {
    if (ended_.size() == watchers_.size()) {
        return true;
    }
    switch (return_when_) {
        case ReturnWhen::first_completed:
            return given_ < ended_.size();
        case ReturnWhen::first_exception:
            return failed_;
        case ReturnWhen::all_completed:
            break;
    }
    return false;
}

bool ConcurrentWait::wait_until_over(std::unique_lock<std::mutex>& lock, Deadline deadline) {
    const auto over = [this] { return is_over(); };
    if (deadline == Deadline::max()) {
        over_.wait(lock, over);
        return true;
    }
    return over_.wait_until(lock, deadline, over);
}

std::optional<std::size_t> ConcurrentWait::next(Deadline deadline) {
    std::unique_lock lock(mutex_);
    if (!wait_until_over(lock, deadline)) {
        return std::nullopt;
    }
    const std::size_t place = ended_[given_++];
    watchers_[place].future = nullptr;
    return place;
}

std::vector<bool> ConcurrentWait::wait(ReturnWhen return_when, Deadline deadline) {
    std::unique_lock lock(mutex_);
    return_when_ = return_when;
    wait_until_over(lock, deadline);
    std::vector<bool> ended(watchers_.size());
    for (const std::size_t place : ended_) {
        ended[place] = true;
    }
    return ended;
}

}  // namespace ringio::detail
