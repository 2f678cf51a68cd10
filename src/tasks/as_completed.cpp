#include <ringio/tasks/as_completed.hpp>

namespace ringio::detail {

void remove_duplicates(std::vector<AnyFuture>& futures) {
    const std::vector<bool> repeated = find_repeated(futures);
    std::vector<AnyFuture> unique;
    for (std::size_t index = 0; index < futures.size(); ++index) {
        if (!repeated[index]) {
            unique.push_back(std::move(futures[index]));
        }
    }
    futures = std::move(unique);
}

CompletionQueue::~CompletionQueue() {
    timer_.cancel();
    for (auto& [future, id] : watched_) {
        future.remove_done_callback(id);
    }
}

void CompletionQueue::watch(std::vector<AnyFuture> futures, std::optional<Delay> limit) {
    EventLoop& loop = get_running_loop();
    for (const AnyFuture& future : futures) {
        future.shared_state()->check_loop(loop);
    }
    left_ = futures.size();
    unclaimed_ = left_;
    watching_task_ = IntrusivePtr<FutureStateBase>(loop.machine().current_task());
    for (AnyFuture& future : futures) {
        const std::uint64_t id = future.shared_state()->add_done_callback(
            [weak = weak_from_this()](FutureStateBase& done) {
                const auto self = weak.lock();
                if (!self || self->timed_out_) {
                    return;
                }
                self->done_.emplace_back(IntrusivePtr<FutureStateBase>(&done));
                if (self->told_) {
                    self->told_();
                }
                self->wake_one();
                if (--self->left_ == 0) {
                    self->timer_.cancel();
                    self->watched_.clear();
                }
            },
            std::source_location::current(), watching_task_.get());
        watched_.emplace_back(std::move(future), id);
    }
    if (limit && left_ > 0) {
        timer_ = loop.call_later(*limit, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) {
                self->on_timeout();
            }
        });
    }
}

Task<AnyFuture> CompletionQueue::next() {
    const std::shared_ptr<CompletionQueue> keep = shared_from_this();
    while (done_.empty() && !timed_out_) {
        Promise<> woken = get_running_loop().create_future<void>();
        waiting_.push_back(woken);
        Future<> wait = woken.get_future();
        try {
            co_await wait;
        } catch (const CancelledError&) {
            std::erase_if(waiting_,
                          [&](const Promise<>& other) { return other.get_future() == wait; });
            if (!wait.cancelled() && !done_.empty()) {
                wake_one();  // what woke this one goes to the next
            }
            throw;
        }
    }
    if (done_.empty()) {
        throw TimeoutError();
    }
    AnyFuture next = std::move(done_.front());
    done_.pop_front();
    co_return next;
}

Task<std::optional<AnyFuture>> CompletionQueue::claim_next() {
    const std::shared_ptr<CompletionQueue> keep = shared_from_this();
    if (!claim()) {
        co_return std::nullopt;
    }
    try {
        co_return co_await next();
    } catch (const CancelledError&) {
        ++unclaimed_;
        throw;
    }
}

void CompletionQueue::wake_one() {
    while (!waiting_.empty()) {
        Promise<> next = std::move(waiting_.front());
        waiting_.pop_front();
        if (!next.done()) {
            next.set_result();
            return;
        }
    }
}

void CompletionQueue::on_timeout() {
    timed_out_ = true;
    for (auto& [future, id] : watched_) {
        future.remove_done_callback(id);
    }
    watched_.clear();
    for (Promise<>& waiter : waiting_) {
        if (!waiter.done()) {
            waiter.set_result();  // it goes on next turn
        }
    }
    waiting_.clear();
}

}  // namespace ringio::detail
