// A singly linked first-in-first-out queue whose links live in its elements: the ready queue of the
// loop. Two pointers, no allocation, and whole queues are joined in O(1).
#pragma once

#include <utility>

namespace ringio {

/// A FIFO of elements it does not own, linked through the member `Next`. `T` may be incomplete, and
/// the queue may be named inside `T` itself, after the member. An element is in at most one queue
/// that uses the same member; while it is in none, its link means nothing.
/// *Lifetime*: elements outlive their stay; destroying a queue leaves its elements alone.
template <class T, T* T::* Next>
class IntrusiveQueue {
public:
    constexpr IntrusiveQueue() noexcept = default;
    constexpr IntrusiveQueue(IntrusiveQueue&& other) noexcept
        : head_(std::exchange(other.head_, nullptr)), tail_(other.tail_) {}
    IntrusiveQueue& operator=(IntrusiveQueue&&) = delete;  // would lose elements: swap, or append

    /// Tells whether the queue has no element.
    constexpr bool empty() const noexcept { return head_ == nullptr; }

    /// Returns the first element, or null.
    constexpr T* front() const noexcept { return head_; }

    /// Returns the last element, or null.
    constexpr T* back() const noexcept { return head_ == nullptr ? nullptr : tail_; }

    /// Puts an element, which is in no queue, at the end.
    constexpr void push_back(T& element) noexcept {
        element.*Next = nullptr;
        if (head_ == nullptr) {
            head_ = &element;
        } else {
            tail_->*Next = &element;
        }
        tail_ = &element;
    }

    /// Puts an element, which is in no queue, at the front.
    constexpr void push_front(T& element) noexcept {
        element.*Next = head_;
        if (head_ == nullptr) {
            tail_ = &element;
        }
        head_ = &element;
    }

    /// Removes and returns the first element of a queue that is not empty.
    constexpr T& take_front() noexcept {
        T& first = *head_;
        head_ = first.*Next;
        return first;
    }

    /// Removes and returns the first element, or returns null.
    constexpr T* pop_front() noexcept {
        T* const first = head_;
        if (first != nullptr) {
            head_ = first->*Next;
        }
        return first;
    }

    /// Moves all elements of another queue behind those of this one.
    constexpr void append(IntrusiveQueue&& other) noexcept {
        if (&other == this || other.empty()) {
            return;
        }
        if (head_ == nullptr) {
            head_ = other.head_;
        } else {
            tail_->*Next = other.head_;
        }
        tail_ = other.tail_;
        other.head_ = nullptr;
    }

    /// Moves all elements of another queue before those of this one.
    constexpr void prepend(IntrusiveQueue&& other) noexcept {
        if (&other == this) {
            return;
        }
        other.append(std::move(*this));
        swap(other);
    }

    constexpr void swap(IntrusiveQueue& other) noexcept {
        std::swap(head_, other.head_);
        std::swap(tail_, other.tail_);
    }

private:
    T* head_ = nullptr;  // null: empty
    T* tail_ = nullptr;  // meaningless while empty
};

}  // namespace ringio
