// Who wants to hear that a future is done, and the circle of those in a future: one pointer in the
// future, which mostly has one who waits, and a two-way link in each, so that any may leave in
// O(1).
#pragma once

#include <ringio/base/assert.hpp>

#include <cstddef>
#include <iterator>
#include <string>
#include <utility>

namespace ringio::detail {

class FutureStateBase;
class DoneNode;

/// The links of a node in the circle.
class DoneLinks {
public:
    DoneLinks(const DoneLinks&) = delete;
    DoneLinks& operator=(const DoneLinks&) = delete;

    /// Says whether it stands in a future, and has not been told.
    bool is_waiting() const noexcept { return next_ != nullptr; }

protected:
    DoneLinks() noexcept = default;
    ~DoneLinks() = default;

private:
    friend class DoneNodes;

    DoneNode* next_ = nullptr;  // null: in no future
    DoneNode* previous_;        // meaningless then
};

/// Somebody who wants to hear that a future is done: a task, mostly, or whoever notify() tells.
/// *Lifetime*: it leaves the future before it is destroyed.
class DoneNode : public DoneLinks {
public:
    /// The task that is to be woken; null: notify() is called instead.
    FutureStateBase* waiting_task() const noexcept { return waiting_task_; }

    /// Only pushes on the ready queue.
    virtual void notify(FutureStateBase& future) noexcept = 0;

    /// As it stands in `cb=[…]` in the repr of the future.
    virtual std::string describe() const = 0;

    /// The task or future that waits here, or null; an edge of the call graph.
    virtual const FutureStateBase* awaiter() const noexcept { return waiting_task_; }

protected:
    ~DoneNode() = default;

    FutureStateBase* waiting_task_ = nullptr;
};

/// The nodes that stand in one future, in the order of their coming. It does not own them.
class DoneNodes {
    class Iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = DoneNode;
        using difference_type = std::ptrdiff_t;
        using pointer = DoneNode*;
        using reference = DoneNode&;

        Iterator() noexcept = default;
        Iterator(DoneNode* at, const DoneNode* last) noexcept : at_(at), last_(last) {}

        DoneNode& operator*() const noexcept { return *at_; }
        DoneNode* operator->() const noexcept { return at_; }
        Iterator& operator++() noexcept {
            at_ = at_ == last_ ? nullptr : at_->next_;
            return *this;
        }
        Iterator operator++(int) noexcept {
            const Iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
            return a.at_ == b.at_;
        }

    private:
        DoneNode* at_ = nullptr;  // null: behind the last
        const DoneNode* last_ = nullptr;
    };

public:
    bool empty() const noexcept { return last_ == nullptr; }

    /// Puts a node, which is in no future, at the end.
    void push_back(DoneNode& node) noexcept {
        RINGIO_ASSERT(!node.is_waiting(), "a node waits for one future at a time");
        if (last_ == nullptr) [[likely]] {
            node.next_ = &node;
            node.previous_ = &node;
        } else {
            node.next_ = last_->next_;
            node.previous_ = last_;
            last_->next_->previous_ = &node;
            last_->next_ = &node;
        }
        last_ = &node;
    }

    /// Takes out a node that is in here.
    void remove(DoneNode& node) noexcept {
        DoneNode* const next = std::exchange(node.next_, nullptr);
        if (next == &node) [[likely]] {
            last_ = nullptr;
            return;
        }
        next->previous_ = node.previous_;
        node.previous_->next_ = next;
        if (last_ == &node) {
            last_ = node.previous_;
        }
    }

    /// Takes out the first one, and returns it; null when there is none.
    DoneNode* pop_front() noexcept {
        if (last_ == nullptr) {
            return nullptr;
        }
        DoneNode* const first = last_->next_;
        remove(*first);
        return first;
    }

    Iterator begin() const noexcept {
        return last_ == nullptr ? Iterator() : Iterator(last_->next_, last_);
    }
    Iterator end() const noexcept { return {}; }

private:
    DoneNode* last_ = nullptr;  // of the circle, whose next is the first
};

}  // namespace ringio::detail
