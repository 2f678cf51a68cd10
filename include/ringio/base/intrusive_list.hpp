// A doubly linked list whose links live in its elements: joining, leaving and splicing are O(1) and
// never allocate. It is what waiter lists and registries are made of: an element that is destroyed
// leaves its list by itself, from wherever it stands.
#pragma once

#include <ringio/base/assert.hpp>

#include <cstddef>
#include <iterator>
#include <type_traits>

namespace ringio {

template <class T>
class IntrusiveList;

/// The link of an element of an IntrusiveList; the element's class derives from it publicly. An
/// element is in at most one list at a time.
/// *Lifetime*: the destructor unlinks.
class IntrusiveListHook {
public:
    IntrusiveListHook() noexcept = default;
    IntrusiveListHook(const IntrusiveListHook&) = delete;
    IntrusiveListHook& operator=(const IntrusiveListHook&) = delete;
    ~IntrusiveListHook() {
        if (is_linked()) {
            unlink();
        }
    }

    /// Tells whether the element is in a list.
    bool is_linked() const noexcept { return next_ != this; }

    /// Leaves the list; does nothing when the element is in none.
    void unlink() noexcept {
        previous_->next_ = next_;
        next_->previous_ = previous_;
        previous_ = this;
        next_ = this;
    }

private:
    template <class T>
    friend class IntrusiveList;

    void link_before(IntrusiveListHook& position) noexcept {
        RINGIO_ASSERT(!is_linked(), "an element is in at most one list");
        previous_ = position.previous_;
        next_ = &position;
        previous_->next_ = this;
        position.previous_ = this;
    }

    // A circle: an unlinked hook is a circle of one, a list is a circle through its root.
    IntrusiveListHook* previous_ = this;
    IntrusiveListHook* next_ = this;
};

/// A list of elements it does not own. `T` may be incomplete where the list is declared.
/// *Lifetime*: elements unlink themselves when destroyed; the list unlinks those left in it.
template <class T>
class IntrusiveList {
    template <class Element>
    class BasicIterator {
        using Hook = std::conditional_t<std::is_const_v<Element>, const IntrusiveListHook,
                                        IntrusiveListHook>;

    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = std::remove_const_t<Element>;
        using difference_type = std::ptrdiff_t;
        using pointer = Element*;
        using reference = Element&;

        BasicIterator() noexcept = default;
        explicit BasicIterator(Hook* at) noexcept : at_(at) {}

        Element& operator*() const noexcept { return static_cast<Element&>(*at_); }
        Element* operator->() const noexcept { return &**this; }
        BasicIterator& operator++() noexcept {
            at_ = IntrusiveList::next_of(at_);
            return *this;
        }
        BasicIterator operator++(int) noexcept {
            BasicIterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const BasicIterator&, const BasicIterator&) noexcept = default;

    private:
        Hook* at_ = nullptr;
    };

public:
    using iterator = BasicIterator<T>;
    using const_iterator = BasicIterator<const T>;

    IntrusiveList() noexcept = default;
    IntrusiveList(const IntrusiveList&) = delete;
    IntrusiveList& operator=(const IntrusiveList&) = delete;
    ~IntrusiveList() {
        while (!empty()) {
            root_.next_->unlink();
        }
    }

    /// Tells whether the list has no element.
    bool empty() const noexcept { return !root_.is_linked(); }

    /// Puts an element, which is in no list, at the end.
    void push_back(T& element) noexcept { hook_of(element).link_before(root_); }

    /// Puts an element, which is in no list, at the front.
    void push_front(T& element) noexcept { hook_of(element).link_before(*root_.next_); }

    /// Returns the first element, or null.
    T* front() noexcept { return empty() ? nullptr : static_cast<T*>(root_.next_); }
    const T* front() const noexcept {
        return empty() ? nullptr : static_cast<const T*>(root_.next_);
    }

    /// Unlinks and returns the first element, or returns null.
    T* pop_front() noexcept {
        T* const first = front();
        if (first != nullptr) {
            hook_of(*first).unlink();
        }
        return first;
    }

    /// Moves all elements of another list to the end of this one, in their order.
    void splice_back(IntrusiveList& other) noexcept {
        if (&other == this || other.empty()) {
            return;
        }
        IntrusiveListHook* const first = other.root_.next_;
        IntrusiveListHook* const last = other.root_.previous_;
        other.root_.next_ = &other.root_;
        other.root_.previous_ = &other.root_;

        first->previous_ = root_.previous_;
        root_.previous_->next_ = first;
        last->next_ = &root_;
        root_.previous_ = last;
    }

    /// Iterates from front to back. Elements may join or leave meanwhile, save the current one.
    iterator begin() noexcept { return iterator(root_.next_); }
    iterator end() noexcept { return iterator(&root_); }
    const_iterator begin() const noexcept { return const_iterator(root_.next_); }
    const_iterator end() const noexcept { return const_iterator(&root_); }

private:
    static IntrusiveListHook& hook_of(T& element) noexcept {
        static_assert(std::is_convertible_v<T*, IntrusiveListHook*>,
                      "the elements of an IntrusiveList derive publicly from IntrusiveListHook");
        return element;
    }
    static IntrusiveListHook* next_of(IntrusiveListHook* hook) noexcept { return hook->next_; }
    static const IntrusiveListHook* next_of(const IntrusiveListHook* hook) noexcept {
        return hook->next_;
    }

    IntrusiveListHook root_;
};

}  // namespace ringio
