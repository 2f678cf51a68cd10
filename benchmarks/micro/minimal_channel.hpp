// A bounded channel on the minimal loop: a ring of items, and who waits in intrusive lists. An item
// goes straight to the frame of the receiver that waits longest; a sender that waits has its item
// taken over as soon as there is room. No end, no cancellation. The queue is the same by other
// names.
#pragma once

#include "minimal.hpp"

#include <coroutine>
#include <cstddef>
#include <memory>
#include <utility>

namespace minimal {

template <class T>
class Channel {
    struct Waiting {
        Waiting* next = nullptr;
        T item{};
        Ready ready{};
    };

    /// First in, first out.
    struct Line {
        Waiting* first = nullptr;
        Waiting** end = &first;

        void push(Waiting& waiting) noexcept {
            waiting.next = nullptr;
            *end = &waiting;
            end = &waiting.next;
        }
        Waiting& pop() noexcept {
            Waiting& waiting = *first;
            first = waiting.next;
            if (first == nullptr) {
                end = &first;
            }
            return waiting;
        }
    };

public:
    explicit Channel(std::size_t capacity)
        : items_(std::make_unique<T[]>(capacity)), capacity_(capacity) {}
    Channel(const Channel&) = delete;

    struct Sending {
        Channel& channel;
        Waiting waiting;

        bool await_ready() noexcept {
            if (channel.receivers_.first != nullptr) {
                Waiting& receiver = channel.receivers_.pop();
                receiver.item = std::move(waiting.item);
                running_loop->push(receiver.ready);
                return true;
            }
            return channel.size_ < channel.capacity_ &&
                   (channel.add(std::move(waiting.item)), true);
        }
        void await_suspend(std::coroutine_handle<> self) noexcept {
            waiting.ready.coroutine = self;
            channel.senders_.push(waiting);
        }
        void await_resume() const noexcept {}
    };

    struct Receiving {
        Channel& channel;
        Waiting waiting{};

        bool await_ready() noexcept {
            if (channel.size_ == 0) {
                return false;
            }
            waiting.item = channel.take();
            if (channel.senders_.first != nullptr) {
                Waiting& sender = channel.senders_.pop();
                channel.add(std::move(sender.item));
                running_loop->push(sender.ready);
            }
            return true;
        }
        void await_suspend(std::coroutine_handle<> self) noexcept {
            waiting.ready.coroutine = self;
            channel.receivers_.push(waiting);
        }
        T await_resume() noexcept { return std::move(waiting.item); }
    };

    Sending send(T item) noexcept { return {*this, {.item = std::move(item)}}; }
    Receiving receive() noexcept { return {*this}; }

private:
    void add(T&& item) noexcept {
        items_[last_] = std::move(item);
        last_ = last_ + 1 == capacity_ ? 0 : last_ + 1;
        ++size_;
    }
    T take() noexcept {
        T& item = items_[first_];
        first_ = first_ + 1 == capacity_ ? 0 : first_ + 1;
        --size_;
        return std::move(item);
    }

    std::unique_ptr<T[]> items_;
    std::size_t capacity_;
    std::size_t first_ = 0;
    std::size_t last_ = 0;
    std::size_t size_ = 0;
    Line senders_;
    Line receivers_;
};

template <class T>
class Queue : Channel<T> {
public:
    using Channel<T>::Channel;

    auto put(T item) noexcept { return this->send(std::move(item)); }
    auto get() noexcept { return this->receive(); }
};

}  // namespace minimal
