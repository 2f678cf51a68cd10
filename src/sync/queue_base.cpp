#include <ringio/sync/queue_base.hpp>

#include <ringio/sync/queue_items.hpp>

#include <algorithm>

namespace ringio::detail {
namespace {

// How many wait to be woken; one that was woken does not wait any more.
std::string waits_text(const char* opening, const WaitQueue& waits) {
    const std::size_t count = waits.size() - waits.woken();
    return count > 0 ? opening + std::to_string(count) + "]" : "";
}

}  // namespace

QueueBase::QueueBase(std::ptrdiff_t maxsize, const char* name) noexcept
    : maxsize_(maxsize), name_(name), binding_(name) {
    finished_.set();
}

void QueueBase::task_done() {
    if (unfinished_ == 0) {
        throw std::invalid_argument("task_done() called too many times");
    }
    if (--unfinished_ == 0) {
        finished_.set();
    }
}

Task<> QueueBase::join() { co_await finished_.wait(); }

void throw_queue_shut_down() { throw QueueShutDown(); }

void QueueBase::refuse_to_put() const {
    if ((refusal_ & is_shut_down) != 0) {
        throw QueueShutDown();
    }
    throw_lent();
}

void QueueBase::refuse_to_get() const {
    if (empty()) {
        require_open();
        throw QueueEmpty();
    }
    throw_lent();
}

void QueueBase::throw_lent() {
    throw std::runtime_error(
        "a comparison or formatter of a queue's items cannot put to the queue or get from it");
}

void QueueBase::require_room() const {
    require_open();
    if (full()) {
        throw QueueFull();
    }
}

void QueueBase::count_return() noexcept {
    ++size_;
    getters_.wake_next();
}

void QueueBase::pass_item_on() noexcept { getters_.wake_next(); }

void QueueBase::pass_room_on() noexcept { putters_.wake_next(); }

void QueueBase::shut_down(std::size_t dropped) noexcept {
    refusal_ |= is_shut_down;
    size_ -= dropped;
    // Items that were got by somebody who called task_done() too early are counted already.
    unfinished_ -= std::min(unfinished_, dropped);
    if (unfinished_ == 0) {
        finished_.set();
    }
    getters_.wake_all();
    putters_.wake_all();
}

void QueueBase::refuse() noexcept {
    refusal_ |= is_shut_down;
    size_ = 0;
}

std::string QueueBase::repr_with(const std::string& items) const {
    std::string text = std::string("<") + name_ + " maxsize=" + std::to_string(maxsize_);
    if (!items.empty()) {
        text += " _queue=[" + items + "]";
    }
    text += waits_text(" _getters[", getters_) + waits_text(" _putters[", putters_);
    if (unfinished_ > 0) {
        text += " tasks=" + std::to_string(unfinished_);
    }
    return text + ((refusal_ & is_shut_down) != 0 ? " shutdown>" : ">");
}

bool WaitForItem::waits_on() noexcept {
    if (!is_due() || await_ready()) {
        return false;
    }
    rejoin();
    return true;
}

void WaitForItem::fail(WaitEnd end) {
    if (end == WaitEnd::passed_over && !queue_.empty()) {
        queue_.getters_.wake_next();
    }
    throw_ended();
}

void WaitForRoom::await_suspend(std::coroutine_handle<> coroutine) { suspend<true>(coroutine); }

bool WaitForRoom::waits_on() noexcept {
    if (!is_due() || await_ready()) {
        return false;
    }
    rejoin();
    return true;
}

void WaitForRoom::await_resume() {
    const WaitEnd end = leave();
    if (end == WaitEnd::passed_over && !queue_.full()) {
        queue_.putters_.wake_next();
    }
    if (end != WaitEnd::woken) {
        throw_ended();
    }
}

}  // namespace ringio::detail
