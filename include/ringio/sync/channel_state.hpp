// What is behind a channel: the buffer, those who wait, and how many handles there are. What does
// not depend on the type of the items is ChannelBase. An item that was sent lies in the buffer
// until a receiver has resumed and takes it, so that a cancellation never has to bring one back:
// see channel_state.cpp.
#pragma once

#include <ringio/base/config.hpp>
#include <ringio/base/intrusive_ptr.hpp>
#include <ringio/base/intrusive_queue.hpp>
#include <ringio/core/frame_allocator.hpp>
#include <ringio/sync/wait_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace ringio {

/// Thrown by those who send when nobody can receive any more or the channel was closed, and by
/// those who use a Sender or Receiver after its close().
class RINGIO_API ChannelClosed : public std::runtime_error {
public:
    ChannelClosed() : std::runtime_error("the channel is closed") {}
};

/// Thrown by send(): the ChannelClosed that gives the item back.
template <class T>
class RINGIO_API Undelivered final : public ChannelClosed {
public:
    explicit Undelivered(T&& item) : item_(std::make_shared<T>(std::move(item))) {}

    /// Returns the item, which may be moved out.
    T& item() const noexcept { return *item_; }

private:
    std::shared_ptr<T> item_;  // shared, for an exception must be copyable and the item need not be
};

/// What statistics() of a channel tells.
struct ChannelStatistics {
    std::size_t capacity = 0;
    std::size_t items = 0;      ///< sent and not received yet
    std::size_t senders = 0;    ///< open handles; a send() in progress counts as one
    std::size_t receivers = 0;  ///< open handles; a receive() in progress counts as one
    std::size_t waiting_senders = 0;
    std::size_t waiting_receivers = 0;
};

namespace detail {

/// A channel without its items. It lives as long as one of its two sides has a handle, or somebody
/// refers to it.
class ChannelBase {
public:
    explicit ChannelBase(std::size_t capacity) noexcept : capacity_(capacity) {}
    ChannelBase(const ChannelBase&) = delete;
    ChannelBase& operator=(const ChannelBase&) = delete;
    virtual ~ChannelBase() = default;

    void add_sender() noexcept { ++open_senders_; }
    void remove_sender() noexcept {
        if (--open_senders_ == 0) [[unlikely]] {
            last_sender_gone();
        }
    }
    void add_receiver() noexcept { ++open_receivers_; }
    void remove_receiver() noexcept {
        if (--open_receivers_ == 0) [[unlikely]] {
            last_receiver_gone();
        }
    }

    /// Lets nobody send any more; who receives is given what is left, then the end.
    void close() noexcept;

    /// Says whether sending is refused.
    bool closed() const noexcept { return closed_; }

    /// Says whether an item may be added now: there is a receiver for it, or room.
    bool has_room() const noexcept {
        const std::size_t woken = receivers_.woken();
        const std::size_t free_items = size_ > woken ? size_ - woken : 0;
        return free_items < capacity_ || receivers_.first_waiting() != nullptr;
    }

    /// Says whether there is an item that no receiver was woken for.
    bool has_item() const noexcept {
        return size_ > receivers_.woken() || senders_.first_waiting() != nullptr;
    }

    /// Says whether the last item was taken and there will be no other.
    bool at_end() const noexcept { return closed_ && size_ == 0; }

    ChannelStatistics statistics() const noexcept;
    std::string repr() const;

    friend void intrusive_add_ref(ChannelBase* channel) noexcept { ++channel->references_; }
    friend void intrusive_release(ChannelBase* channel) noexcept {
        if (--channel->references_ == 0 && channel->is_unowned()) {
            channel->retire();
        }
    }

protected:
    /// The item was added to the buffer: it is for the first receiver that waits.
    void count_sent() noexcept {
        ++size_;
        if (size_ > receivers_.woken()) {
            receivers_.wake_next();
        }
    }

    /// Sees to it that there is an item to take: has_item() is true, or this receiver was woken.
    void prepare_take() noexcept {
        if (size_ <= receivers_.woken() && senders_.first_waiting() != nullptr) {
            accept_next();
        }
    }

    /// The first item was taken from the buffer: there may be room for one that waits.
    void count_received() noexcept {
        --size_;
        if (closed_ || senders_.first_waiting() != nullptr) {
            make_use_of_room();
        }
    }

    /// An item that was taken has come back, as the first.
    void count_returned() noexcept { ++size_; }

    /// Wakes receivers for the items that nobody was woken for.
    void pass_on() noexcept {
        while (size_ > receivers_.woken() && receivers_.wake_next()) {
        }
    }

    WaitQueue& senders() noexcept { return senders_; }
    WaitQueue& receivers() noexcept { return receivers_; }

private:
    friend class ReceiveWait;

    bool is_unowned() const noexcept {
        return references_ == 0 && open_senders_ == 0 && open_receivers_ == 0;
    }
    RINGIO_NOINLINE void last_sender_gone() noexcept;
    RINGIO_NOINLINE void last_receiver_gone() noexcept;
    // GCC 12: inlined, it would warn of a use after the deletion that the other owners prevent.
    void retire() noexcept;
    /// Moves the item of a sender that waits into the buffer.
    virtual void accept_from(QueuedPlace& sender) noexcept = 0;
    /// Destroys the items in the buffer.
    virtual void drop_items() noexcept = 0;

    void accept_next() noexcept;
    void make_use_of_room() noexcept;

    std::size_t capacity_;
    std::size_t size_ = 0;
    std::size_t open_senders_ = 0;
    std::size_t open_receivers_ = 0;
    std::uint32_t references_ = 0;
    bool closed_ = false;
    LoopBinding binding_{"Channel"};
    WaitQueue senders_{binding_, "Channel.send()"};
    WaitQueue receivers_{binding_, "Channel.receive()"};
};

/// The wait in receive(). Woken and cancelled at once, it leaves the item to the next.
class ReceiveWait final : public QueuedWait {
public:
    explicit ReceiveWait(ChannelBase& channel) noexcept
        : QueuedWait(channel.receivers()), channel_(channel) {}
    bool await_ready() const noexcept { return channel_.has_item() || channel_.at_end(); }
    void await_suspend(std::coroutine_handle<> coroutine) { suspend<false>(coroutine); }
    /// Throws what ended the wait, if that is not an item or the end.
    void await_resume() {
        if (leave() != WaitEnd::woken) [[unlikely]] {
            fail();
        }
    }

private:
    [[noreturn]] RINGIO_NOINLINE void fail();

    ChannelBase& channel_;
};

struct Unpooled {};

/// An item on its way. Once it is made only pointers to it move, until it is received: none of its
/// own code runs while the channel is at work.
template <class T>
struct ChannelItem
    : std::conditional_t<(alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__), Unpooled, Pooled> {
    explicit ChannelItem(T&& item) : value(std::move(item)) {}
    explicit ChannelItem(const T& item) : value(item) {}

    T value;
    ChannelItem* next = nullptr;
};

/// The wait in send(): the item may be taken from it.
template <class T>
class SendWait final : public QueuedWait {
public:
    SendWait(WaitQueue& senders, std::unique_ptr<ChannelItem<T>>& item) noexcept
        : QueuedWait(senders), item_(item) {}
    bool await_ready() const noexcept { return false; }
    /// Throws what ended the wait, unless the item has gone.
    void await_resume() {
        const WaitEnd end = leave();
        if (!item_) {
            defer_late_cancellation();
        } else if (end != WaitEnd::woken) {
            throw_ended();
        }
    }

    static std::unique_ptr<ChannelItem<T>> deliver(QueuedPlace& place) noexcept {
        return std::move(static_cast<SendWait&>(place).item_);
    }

private:
    std::unique_ptr<ChannelItem<T>>& item_;
};

template <class T>
class SendAwaiter;
template <class T>
class ReceiveAwaiter;

template <class T>
class ChannelState final : public ChannelBase {
    using Item = ChannelItem<T>;

public:
    using ChannelBase::ChannelBase;
    ~ChannelState() override { destroy_items(); }

    /// *Errors*: ChannelClosed; std::bad_alloc. The item is not touched then, but when making its
    /// place closes the channel: then Undelivered has it.
    template <class U>
    bool try_send(U&& value) {
        if (closed()) {
            throw ChannelClosed();
        }
        if (!has_room()) {
            return false;
        }
        const IntrusivePtr<ChannelBase> keep(this);  // making the item may drop the last handle
        auto item = std::make_unique<Item>(std::forward<U>(value));
        if (closed()) {
            throw Undelivered<T>(std::move(item->value));
        }
        add(std::move(item));
        return true;
    }

    /// Sends an item that is made; one that is left has found no room.
    bool try_send_item(std::unique_ptr<Item>& item) noexcept {
        if (!has_room()) {
            return false;
        }
        add(std::move(item));
        return true;
    }

    T take() {
        [[maybe_unused]] const Keep keep(this);  // moving the item may drop the last handle
        prepare_take();
        std::unique_ptr<Item> item(items_.pop_front());
        count_received();
        try {
            return std::move(item->value);
        } catch (...) {
            put_back(std::move(item));
            throw;
        }
    }

private:
    friend class SendAwaiter<T>;
    friend class ReceiveAwaiter<T>;
    struct NoKeep {
        explicit NoKeep(ChannelState*) noexcept {}
    };
    using Keep =
        std::conditional_t<std::is_trivially_copyable_v<T>, NoKeep, IntrusivePtr<ChannelBase>>;
    using Items = IntrusiveQueue<Item, &Item::next>;

    void add(std::unique_ptr<Item> item) noexcept {
        items_.push_back(*item.release());
        count_sent();
    }
    void put_back(std::unique_ptr<Item> item) noexcept {
        Items first;
        first.push_back(*item.release());
        items_.prepend(std::move(first));
        count_returned();
        pass_on();
    }
    void accept_from(QueuedPlace& sender) noexcept override {
        items_.push_back(*SendWait<T>::deliver(sender).release());
    }
    void drop_items() noexcept override { destroy_items(); }
    void destroy_items() noexcept {
        while (Item* const item = items_.pop_front()) {
            const std::unique_ptr<Item> last(item);
        }
    }

    Items items_;
};

/// One of the two sides of a channel: a handle that counts, and keeps the channel.
template <class State, void (ChannelBase::*Add)() noexcept, void (ChannelBase::*Remove)() noexcept>
class ChannelEnd {
public:
    explicit ChannelEnd(const IntrusivePtr<State>& channel) noexcept : channel_(channel.get()) {
        add();
    }
    ChannelEnd(const ChannelEnd& other) noexcept : channel_(other.channel_) { add(); }
    ChannelEnd(ChannelEnd&& other) noexcept : channel_(std::exchange(other.channel_, nullptr)) {}
    ChannelEnd& operator=(ChannelEnd other) noexcept {
        std::swap(channel_, other.channel_);
        return *this;
    }
    ~ChannelEnd() { close(); }

    void close() noexcept {
        if (State* const channel = std::exchange(channel_, nullptr)) {
            (channel->*Remove)();
        }
    }

    /// *Errors*: ChannelClosed when this handle was closed, or moved from.
    State& channel() const {
        if (channel_ == nullptr) {
            throw ChannelClosed();
        }
        return *channel_;
    }

private:
    void add() noexcept {
        if (channel_ != nullptr) {
            (channel_->*Add)();
        }
    }

    State* channel_;
};

template <class T>
using SendingEnd =
    ChannelEnd<ChannelState<T>, &ChannelBase::add_sender, &ChannelBase::remove_sender>;
template <class T>
using ReceivingEnd =
    ChannelEnd<ChannelState<T>, &ChannelBase::add_receiver, &ChannelBase::remove_receiver>;

}  // namespace detail
}  // namespace ringio
