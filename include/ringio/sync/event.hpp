// Event: a flag that tasks can wait for.
#pragma once

#include <ringio/core/format.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <string>

namespace ringio {

class Event;

namespace detail {

class EventWait;

}  // namespace detail

/// A flag that tasks wait for; asyncio.Event. It begins unset.
///
/// *Lifetime*: outlives those who use it; a wait in it may be cancelled after that.
class Event {
public:
    Event() = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    /// Sets the flag and wakes all who wait; they go on even if it is cleared before they run.
    void set() noexcept {
        set_ = true;
        waiters_.wake_all();
    }
    void clear() noexcept { set_ = false; }
    bool is_set() const noexcept { return set_; }

    /// Awaited, waits until the flag is set; gives true. Does not yield when it is set already.
    ///
    /// *Errors*: std::runtime_error when it waits in another loop than before. *Cancellation*: ends
    /// the wait at once and leaves the flag alone.
    detail::WaitOn<detail::EventWait, Event> wait() noexcept {
        return detail::WaitOn<detail::EventWait, Event>(*this);
    }

    /// "<Event [unset, waiters:2]>".
    std::string repr() const {
        return std::string("<Event [") + (set_ ? "set" : "unset") + waiters_.repr_suffix() + "]>";
    }

private:
    friend class detail::EventWait;

    bool set_ = false;
    detail::LoopBinding binding_{"Event"};
    detail::WaitQueue waiters_{binding_, "Event.wait()"};
};

namespace detail {

/// Waits for an event.
class EventWait final : public QueuedWait {
public:
    explicit EventWait(Event& event) noexcept : QueuedWait(event.waiters_), event_(event) {}

    bool await_ready() const noexcept { return event_.set_; }
    bool await_resume() {
        if (has_waited() && leave() != WaitEnd::woken) {
            throw_ended();
        }
        return true;
    }

private:
    Event& event_;
};

}  // namespace detail
}  // namespace ringio

template <>
struct fmt::formatter<ringio::Event> : ringio::detail::ReprFormatter<ringio::Event> {};
