// Channel: a bounded stream of items between tasks that has an end; in one object, or as the two
// handles Sender and Receiver.
#pragma once

#include <ringio/core/format.hpp>
#include <ringio/sync/channel_state.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace ringio {

namespace detail {

/// Awaits send(). It takes the end and the item, so that a second await finds a closed one. What it
/// needs to wait is made when it does.
template <class T>
class SendAwaiter final : public NativeAwaiter {
public:
    SendAwaiter(SendingEnd<T>&& end, std::unique_ptr<ChannelItem<T>>&& item)
        : channel_(end.channel()), end_(std::move(end)), item_(std::move(item)) {}

    bool await_ready() noexcept { return channel_.closed() || channel_.try_send_item(item_); }
    void await_suspend(std::coroutine_handle<> coroutine) {
        wait_.emplace(channel_.senders(), item_).await_suspend(coroutine);
    }
    void await_resume() {
        if (wait_) {
            wait_->await_resume();
        }
        if (item_) {
            throw Undelivered<T>(std::move(item_->value));
        }
    }

private:
    ChannelState<T>& channel_;
    SendingEnd<T> end_;  // destroyed after the wait: if it is the last one, it wakes all others
    std::unique_ptr<ChannelItem<T>> item_;  // null once it has gone
    std::optional<SendWait<T>> wait_;
};

/// Awaits receive(), in the same way.
template <class T>
class ReceiveAwaiter final : public NativeAwaiter {
public:
    explicit ReceiveAwaiter(ReceivingEnd<T>&& end)
        : channel_(end.channel()), end_(std::move(end)) {}

    bool await_ready() const noexcept { return channel_.has_item() || channel_.at_end(); }
    void await_suspend(std::coroutine_handle<> coroutine) {
        wait_.emplace(channel_).await_suspend(coroutine);
    }
    std::optional<T> await_resume() {
        if (wait_) {
            wait_->await_resume();
        }
        if (channel_.at_end()) {
            return std::nullopt;
        }
        return channel_.take();
    }

private:
    ChannelState<T>& channel_;
    ReceivingEnd<T> end_;
    std::optional<ReceiveWait> wait_;
};

}  // namespace detail

/// What send() returns: awaited once, it sends the item that it owns.
template <class T>
class [[nodiscard]] Sending {
public:
    Sending(detail::SendingEnd<T> end, T item)
        : end_(std::move(end)), item_(std::make_unique<detail::ChannelItem<T>>(std::move(item))) {}
    detail::SendAwaiter<T> operator co_await() {
        return detail::SendAwaiter<T>(std::move(end_), std::move(item_));
    }

private:
    detail::SendingEnd<T> end_;
    std::unique_ptr<detail::ChannelItem<T>> item_;
};

/// What receive() returns: awaited once, it gives the next item.
template <class T>
class [[nodiscard]] Receiving {
public:
    explicit Receiving(detail::ReceivingEnd<T> end) : end_(std::move(end)) {}
    detail::ReceiveAwaiter<T> operator co_await() {
        return detail::ReceiveAwaiter<T>(std::move(end_));
    }

private:
    detail::ReceivingEnd<T> end_;
};

/// A handle to the side of a channel where items go in. A copy is one more sender; when the last
/// one is destroyed or closed, those who receive get what is left, and then the end.
///
/// *Lifetime*: keeps the channel; so does a send() in progress, which counts as a sender.
template <class T>
class Sender {
public:
    explicit Sender(detail::SendingEnd<T> end) noexcept : end_(std::move(end)) {}

    /// Awaited, sends the item: at once when there is room, or a receiver that waits; else in turn.
    ///
    /// *Errors*: Undelivered<T>, which is a ChannelClosed and has the item, when nobody can receive
    /// it any more; ChannelClosed after close(); std::runtime_error when it waits in another loop
    /// than before. *Cancellation*: CancelledError says that the item was not sent; it is
    /// destroyed. One that comes when the item has gone already stays for the next wait.
    template <class U = T>
        requires detail::Gives<U, T>
    Sending<T> send(U&& item) const {
        detail::require_safe_value<U, T>();
        static_cast<void>(end_.channel());
        return Sending<T>(end_, detail::unwrap_callable(std::forward<U>(item)));
    }

    /// Sends at once, or says that there is neither room nor a receiver that waits.
    /// *Errors*: ChannelClosed. `item` is moved from only when this returns true; should its own
    /// move close the channel, it is in the Undelivered that is thrown.
    [[nodiscard]] bool try_send(T&& item) const { return end_.channel().try_send(std::move(item)); }
    [[nodiscard]] bool try_send(const T& item) const
        requires std::copy_constructible<T>
    {
        return end_.channel().try_send(item);
    }

    /// Gives this handle up, as its destruction does.
    void close() noexcept { end_.close(); }

    /// *Errors*: ChannelClosed after close().
    ChannelStatistics statistics() const { return end_.channel().statistics(); }

private:
    detail::SendingEnd<T> end_;
};

/// A handle to the side of a channel where items come out. A copy is one more receiver, and each
/// item goes to one of them; when the last one is destroyed or closed, what is left in the channel
/// is destroyed and sending throws ChannelClosed.
///
/// *Lifetime*: keeps the channel; so does a receive() in progress, which counts as a receiver.
template <class T>
class Receiver {
public:
    explicit Receiver(detail::ReceivingEnd<T> end) noexcept : end_(std::move(end)) {}

    /// Awaited, gives the next item, or nothing at the end: no sender is left, and no item. Who
    /// waits longest is first.
    ///
    /// *Errors*: ChannelClosed after close(); std::runtime_error when it waits in another loop than
    /// before. *Cancellation*: no item is taken; one that was on the way goes to the next.
    Receiving<T> receive() const {
        static_cast<void>(end_.channel());
        return Receiving<T>(end_);
    }

    /// Gives the next item, if there is one that is not on the way to another receiver.
    /// *Errors*: ChannelClosed after close().
    [[nodiscard]] std::optional<T> try_receive() const {
        detail::ChannelState<T>& channel = end_.channel();
        return channel.has_item() ? std::optional<T>(channel.take()) : std::nullopt;
    }

    /// Says whether there is no item and will never be one. *Errors*: ChannelClosed after close().
    bool at_end() const { return end_.channel().at_end(); }

    /// Gives this handle up, as its destruction does.
    void close() noexcept { end_.close(); }

    /// *Errors*: ChannelClosed after close().
    ChannelStatistics statistics() const { return end_.channel().statistics(); }

private:
    detail::ReceivingEnd<T> end_;
};

/// A bounded stream of items between tasks, with both of its sides in one object. It ends with
/// close(); where the senders shall end it, use their handles alone: see channel().
///
/// Items come out in the order in which they went in, also those of senders that waited. With a
/// capacity of 0 an item goes straight to a receiver that waits.
/// *Lifetime*: those who wait keep what they need.
template <class T>
class Channel {
public:
    explicit Channel(std::size_t capacity)
        : Channel(IntrusivePtr<detail::ChannelState<T>>(new detail::ChannelState<T>(capacity))) {}
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// As the methods of Sender.
    template <class U = T>
        requires detail::Gives<U, T>
    Sending<T> send(U&& item) const {
        return sender_.send(std::forward<U>(item));
    }
    [[nodiscard]] bool try_send(T&& item) const { return sender_.try_send(std::move(item)); }
    [[nodiscard]] bool try_send(const T& item) const
        requires std::copy_constructible<T>
    {
        return sender_.try_send(item);
    }

    /// As the methods of Receiver.
    Receiving<T> receive() const { return receiver_.receive(); }
    [[nodiscard]] std::optional<T> try_receive() const { return receiver_.try_receive(); }
    bool at_end() const { return receiver_.at_end(); }

    /// Ends the stream for all: those who send, waiting or not, get ChannelClosed; those who
    /// receive get what is left, and then the end.
    void close() noexcept { state_->close(); }

    /// More handles.
    Sender<T> sender() const { return sender_; }
    Receiver<T> receiver() const { return receiver_; }

    ChannelStatistics statistics() const noexcept { return state_->statistics(); }

    /// "<Channel [open, items:3/8, sending:0, receiving:1]>".
    std::string repr() const { return state_->repr(); }

private:
    explicit Channel(IntrusivePtr<detail::ChannelState<T>> state)
        : state_(state),
          sender_(detail::SendingEnd<T>(state)),
          receiver_(detail::ReceivingEnd<T>(std::move(state))) {}

    IntrusivePtr<detail::ChannelState<T>> state_;
    Sender<T> sender_;
    Receiver<T> receiver_;
};

/// Makes a channel and gives its two sides: `auto [sender, receiver] = channel<int>(8);`.
/// *Python*: trio.open_memory_channel().
template <class T>
std::pair<Sender<T>, Receiver<T>> channel(std::size_t capacity) {
    const IntrusivePtr<detail::ChannelState<T>> state(new detail::ChannelState<T>(capacity));
    return {Sender<T>(detail::SendingEnd<T>(state)), Receiver<T>(detail::ReceivingEnd<T>(state))};
}

}  // namespace ringio

template <class T>
struct fmt::formatter<ringio::Channel<T>> : ringio::detail::ReprFormatter<ringio::Channel<T>> {};
