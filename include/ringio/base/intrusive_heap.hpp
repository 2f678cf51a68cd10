// A min-heap whose nodes know their place in it: the timer queue of the loop, where almost every
// entry is cancelled before its time. A node that leaves makes its entry void, in O(1); void
// entries go when the top is asked for, or all at once when they are three out of four. Four
// children per node and the keys beside each other: sifting reads one array, one cache line per
// level.
#pragma once

#include <ringio/base/assert.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio {

template <class T, class Key>
class IntrusiveHeap;

/// The place of a node in an IntrusiveHeap; the node's class derives from it publicly. A node is in
/// at most one heap at a time.
/// *Lifetime*: a node leaves its heap before it is destroyed.
class IntrusiveHeapHook {
public:
    IntrusiveHeapHook() noexcept = default;
    IntrusiveHeapHook(const IntrusiveHeapHook&) = delete;
    IntrusiveHeapHook& operator=(const IntrusiveHeapHook&) = delete;
    ~IntrusiveHeapHook() {
        RINGIO_ASSERT(!is_in_heap(), "a node leaves its heap before it is destroyed");
    }

    /// Tells whether the node is in a heap.
    bool is_in_heap() const noexcept { return position_ != nowhere; }

private:
    template <class T, class Key>
    friend class IntrusiveHeap;

    static constexpr std::uint32_t nowhere = UINT32_MAX;

    std::uint32_t position_ = nowhere;  // index into the heap's array
};

/// A heap of nodes it does not own, the least key on top. Keys are compared with `<`; nodes with
/// equivalent keys come in no particular order, so a key that must be fair holds a serial number.
/// `T` may be incomplete where the heap is declared.
/// *Lifetime*: a heap that is destroyed lets go of the nodes left in it.
template <class T, class Key>
class IntrusiveHeap {
    static_assert(std::is_nothrow_move_constructible_v<Key> &&
                      std::is_nothrow_move_assignable_v<Key>,
                  "moving a key must not fail: the heap would be left out of order");

public:
    IntrusiveHeap() noexcept = default;
    IntrusiveHeap(const IntrusiveHeap&) = delete;
    IntrusiveHeap& operator=(const IntrusiveHeap&) = delete;
    ~IntrusiveHeap() {
        for (Entry& entry : entries_) {
            set_position(entry, IntrusiveHeapHook::nowhere);
        }
    }

    /// Tells whether the heap has no node.
    bool empty() const noexcept { return entries_.empty(); }

    /// Returns the number of nodes.
    std::size_t size() const noexcept { return entries_.size() - voids_; }

    /// Makes room for `count` nodes, so that pushing that many on an empty heap cannot fail while
    /// none leaves.
    void reserve(std::size_t count) { entries_.reserve(count); }

    /// Returns a node with the least key, or null.
    T* top() noexcept {
        drop_voids_on_top();
        return entries_.empty() ? nullptr : entries_.front().node;
    }

    /// Returns the least key. The heap is not empty.
    const Key& top_key() noexcept {
        RINGIO_ASSERT(!entries_.empty(), "an empty heap has no least key");
        drop_voids_on_top();
        return entries_.front().key;
    }

    /// Adds a node, which is in no heap.
    /// *Errors*: `std::bad_alloc`; the heap and the node are then unchanged.
    void push(T& node, Key key) {
        RINGIO_ASSERT(!hook_of(node).is_in_heap(), "a node is in at most one heap");
        RINGIO_ASSERT(entries_.size() < IntrusiveHeapHook::nowhere, "a heap has 2^32 - 1 places");
        entries_.push_back(Entry{std::move(key), &node});
        sift_up(entries_.size() - 1);
    }

    /// Removes and returns the node that top() names, or returns null.
    T* pop() noexcept {
        T* const node = top();
        if (node != nullptr) {
            hook_of(*node).position_ = IntrusiveHeapHook::nowhere;
            drop_top();
            compact_if_mostly_void();
        }
        return node;
    }

    /// Removes a node, which is in this heap.
    void remove(T& node) noexcept {
        const std::size_t place = place_of(node);
        hook_of(node).position_ = IntrusiveHeapHook::nowhere;
        entries_[place].node = nullptr;
        ++voids_;
        compact_if_mostly_void();
    }

    /// Gives a node, which is in this heap, another key.
    void update(T& node, Key key) noexcept {
        const std::size_t place = place_of(node);
        entries_[place].key = std::move(key);
        sift(place);
    }

private:
    static constexpr std::size_t arity = 4;

    struct Entry {
        Key key;
        T* node;  // null: void, its node has left
    };

    static IntrusiveHeapHook& hook_of(T& node) noexcept {
        static_assert(std::is_convertible_v<T*, IntrusiveHeapHook*>,
                      "the nodes of an IntrusiveHeap derive publicly from IntrusiveHeapHook");
        return node;
    }
    static void set_position(const Entry& entry, std::size_t place) noexcept {
        if (entry.node != nullptr) {
            hook_of(*entry.node).position_ = static_cast<std::uint32_t>(place);
        }
    }
    static std::size_t parent_of(std::size_t place) noexcept { return (place - 1) / arity; }

    std::size_t place_of(T& node) const noexcept {
        const std::size_t place = hook_of(node).position_;
        RINGIO_ASSERT(place < entries_.size() && entries_[place].node == &node,
                      "the node is in this heap");
        return place;
    }

    void put(std::size_t place, Entry&& entry) noexcept {
        set_position(entry, place);
        entries_[place] = std::move(entry);
    }

    /// Restores the order after the entry at `place` changed.
    void sift(std::size_t place) noexcept {
        if (place > 0 && entries_[place].key < entries_[parent_of(place)].key) {
            sift_up(place);
        } else {
            sift_down(place);
        }
    }

    void sift_up(std::size_t place) noexcept {
        Entry moving = std::move(entries_[place]);
        while (place > 0 && moving.key < entries_[parent_of(place)].key) {
            put(place, std::move(entries_[parent_of(place)]));
            place = parent_of(place);
        }
        put(place, std::move(moving));
    }

    void sift_down(std::size_t place) noexcept {
        Entry moving = std::move(entries_[place]);
        const std::size_t count = entries_.size();
        for (std::size_t first = place * arity + 1; first < count; first = place * arity + 1) {
            const std::size_t end = first + arity < count ? first + arity : count;
            std::size_t least = first;
            for (std::size_t child = first + 1; child < end; ++child) {
                if (entries_[child].key < entries_[least].key) {
                    least = child;
                }
            }
            if (!(entries_[least].key < moving.key)) {
                break;
            }
            put(place, std::move(entries_[least]));
            place = least;
        }
        put(place, std::move(moving));
    }

    void drop_top() noexcept {
        Entry last = std::move(entries_.back());
        entries_.pop_back();
        if (!entries_.empty()) {
            entries_.front() = std::move(last);
            sift_down(0);
        }
    }

    void compact_if_mostly_void() noexcept {
        if (voids_ >= 3 * size() && voids_ != 0) {
            compact();
        }
    }

    // There is a node behind them, or the heap would have been compacted.
    void drop_voids_on_top() noexcept {
        while (voids_ != 0 && entries_.front().node == nullptr) {
            --voids_;
            drop_top();
        }
    }

    // Throws the void entries out and makes a heap of the others, in O(n).
    void compact() noexcept {
        std::erase_if(entries_, [](const Entry& entry) { return entry.node == nullptr; });
        voids_ = 0;
        for (std::size_t place = 0; place < entries_.size(); ++place) {
            set_position(entries_[place], place);
        }
        const std::size_t parents = entries_.size() < 2 ? 0 : parent_of(entries_.size() - 1) + 1;
        for (std::size_t place = parents; place-- > 0;) {
            sift_down(place);
        }
    }

    std::vector<Entry> entries_;
    std::size_t voids_ = 0;  // of entries_
};

}  // namespace ringio
