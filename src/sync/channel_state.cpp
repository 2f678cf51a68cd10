#include <ringio/sync/channel_state.hpp>

// Of the items in the buffer, as many as there are receivers that were woken and have not resumed
// are on the way to them; the others are free. Between two calls it always holds that
//   - while a receiver waits, no item is free and no sender waits;
//   - while a sender waits, there is no room: the free items are as many as the capacity, or more.
// A receiver that is cancelled on the way leaves its item in the buffer, at its place in the order;
// that may be one more than the capacity, for the sender has gone on long since.

namespace ringio::detail {

void ChannelBase::retire() noexcept { delete this; }

void ChannelBase::last_sender_gone() noexcept {
    close();
    if (is_unowned()) {
        retire();
    }
}

void ChannelBase::last_receiver_gone() noexcept {
    const IntrusivePtr<ChannelBase> keep(this);  // an item may drop the last handle
    close();
    size_ = 0;
    drop_items();
}

void ReceiveWait::fail() {
    channel_.pass_on();
    throw_ended();
}

void ChannelBase::close() noexcept {
    closed_ = true;
    senders_.wake_all();
    if (size_ == 0) {
        receivers_.wake_all();
    }
}

void ChannelBase::make_use_of_room() noexcept {
    if (at_end()) {
        receivers_.wake_all();
    }
    while (senders_.first_waiting() != nullptr && has_room()) {
        accept_next();
    }
}

void ChannelBase::accept_next() noexcept {
    accept_from(*senders_.first_waiting());
    ++size_;
    senders_.wake_next();
}

ChannelStatistics ChannelBase::statistics() const noexcept {
    return {.capacity = capacity_,
            .items = size_,
            .senders = open_senders_,
            .receivers = open_receivers_,
            .waiting_senders = senders_.size(),
            .waiting_receivers = receivers_.size()};
}

std::string ChannelBase::repr() const {
    return std::string("<Channel [") + (closed_ ? "closed" : "open") +
           ", items:" + std::to_string(size_) + "/" + std::to_string(capacity_) +
           ", sending:" + std::to_string(senders_.size()) +
           ", receiving:" + std::to_string(receivers_.size()) + "]>";
}

}  // namespace ringio::detail
