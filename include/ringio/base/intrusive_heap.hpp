// A min-heap that any node may leave in O(1): the timer queue of the loop, where almost every entry
// is cancelled before its time. A node knows its slot in a table, the heap's entries know the slot
// too, so that sifting touches neither nodes nor table: four entries of 16 bytes a level, in one
// cache line. The entry of a node that left stays, void, until it comes to the top, or until three
// of four entries are void and all of them go together.
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
    bool is_in_heap() const noexcept { return slot_ != nowhere; }

private:
    template <class T, class Key>
    friend class IntrusiveHeap;

    static constexpr std::uint32_t nowhere = UINT32_MAX;

    std::uint32_t slot_ = nowhere;
};

/// A heap of nodes it does not own, the least key on top. Keys are compared with `<`; nodes with
/// equivalent keys come in no particular order, so a key that must be fair holds a serial number.
/// `T` may be incomplete where the heap is declared. A key of 12 bytes of data, with a constructor
/// and private members so that its padding may be used, makes entries of 16 bytes.
/// *Lifetime*: a heap that is destroyed lets go of the nodes left in it.
template <class T, class Key>
class IntrusiveHeap {
    static_assert(std::is_class_v<Key> && std::is_trivially_copyable_v<Key>,
                  "copying a key must not fail: the heap would be left out of order");

    struct Entry;

public:
    /// What a node costs in the heap, in bytes, beside its slot of 8.
    static constexpr std::size_t entry_size() noexcept { return sizeof(Entry); }

    IntrusiveHeap() noexcept = default;
    IntrusiveHeap(const IntrusiveHeap&) = delete;
    IntrusiveHeap& operator=(const IntrusiveHeap&) = delete;
    ~IntrusiveHeap() {
        for (std::size_t place = root; place < root + entries_; ++place) {
            if (T* const node = slots_[at(place).slot].node) {
                hook_of(*node).slot_ = IntrusiveHeapHook::nowhere;
            }
        }
    }

    /// Tells whether the heap has no node.
    bool empty() const noexcept { return entries_ == 0; }

    /// Returns the number of nodes.
    std::size_t size() const noexcept { return entries_ - voids_; }

    /// Returns a node with the least key, or null.
    T* top() noexcept {
        drop_voids_on_top();
        return empty() ? nullptr : slots_[at(root).slot].node;
    }

    /// Returns the least key. The heap is not empty.
    const Key& top_key() noexcept {
        RINGIO_ASSERT(!empty(), "an empty heap has no least key");
        drop_voids_on_top();
        return at(root);
    }

    /// Adds a node, which is in no heap.
    /// *Errors*: `std::bad_alloc`; the heap and the node are then unchanged.
    void push(T& node, Key key) {
        RINGIO_ASSERT(!hook_of(node).is_in_heap(), "a node is in at most one heap");
        RINGIO_ASSERT(slots_.size() < IntrusiveHeapHook::nowhere, "a heap has 2^32 - 1 slots");
        const std::size_t place = root + entries_;
        if (place / arity >= groups_.size()) {
            groups_.emplace_back();
        }
        const std::uint32_t slot = take_slot(node);
        hook_of(node).slot_ = slot;
        ++entries_;
        sift_up(place, Entry(key, slot));
    }

    /// Removes and returns the node that top() names, or returns null.
    T* pop() noexcept {
        T* const node = top();
        if (node != nullptr) {
            hook_of(*node).slot_ = IntrusiveHeapHook::nowhere;
            drop_top();
            compact_if_mostly_void();
        }
        return node;
    }

    /// Removes a node, which is in this heap.
    void remove(T& node) noexcept {
        const std::uint32_t slot = hook_of(node).slot_;
        RINGIO_ASSERT(slot < slots_.size() && slots_[slot].node == &node,
                      "the node is in this heap");
        hook_of(node).slot_ = IntrusiveHeapHook::nowhere;
        slots_[slot].node = nullptr;
        ++voids_;
        compact_if_mostly_void();
    }

private:
    // The children of place p are 4(p - 2) .. 4(p - 2) + 3: with the root at 3 each such family
    // fills one group, and a group one cache line.
    static constexpr std::size_t arity = 4;
    static constexpr std::size_t root = arity - 1;

    struct Entry : Key {
        Entry() noexcept : Key() {}
        Entry(const Key& key, std::uint32_t taken) noexcept : Key(key), slot(taken) {}

        std::uint32_t slot = 0;
    };
    struct alignas(arity * sizeof(Entry) == 64 ? 64 : alignof(Entry)) Group {
        Entry entries[arity];
    };
    union Slot {
        T* node;             // null: void, its node has left
        std::uint32_t next;  // of a free slot: the next free one
    };

    static std::size_t parent_of(std::size_t place) noexcept { return place / arity + 2; }
    static std::size_t first_child_of(std::size_t place) noexcept { return (place - 2) * arity; }
    static const Key& key_of(const Entry& entry) noexcept { return entry; }
    static IntrusiveHeapHook& hook_of(T& node) noexcept {
        static_assert(std::is_convertible_v<T*, IntrusiveHeapHook*>,
                      "the nodes of an IntrusiveHeap derive publicly from IntrusiveHeapHook");
        return node;
    }
    Entry& at(std::size_t place) noexcept { return groups_[place / arity].entries[place % arity]; }

    std::uint32_t take_slot(T& node) {
        if (free_slot_ == IntrusiveHeapHook::nowhere) {
            slots_.push_back(Slot{.node = &node});
            return static_cast<std::uint32_t>(slots_.size() - 1);
        }
        const std::uint32_t slot = free_slot_;
        free_slot_ = std::exchange(slots_[slot], Slot{.node = &node}).next;
        return slot;
    }
    void free_slot(std::uint32_t slot) noexcept {
        slots_[slot].next = std::exchange(free_slot_, slot);
    }

    void sift_up(std::size_t place, const Entry& moving) noexcept {
        while (place > root && key_of(moving) < key_of(at(parent_of(place)))) {
            at(place) = at(parent_of(place));
            place = parent_of(place);
        }
        at(place) = moving;
    }

    // Fills the hole at `place` with the least of its children and so on, down to a leaf, and has
    // the entry rise from there: one that comes from the end seldom rises.
    void sift_down(std::size_t place, const Entry& moving, std::size_t top_place) noexcept {
        const std::size_t end = root + entries_;
        std::size_t child = first_child_of(place);
        while (child + arity <= end) {
            child = least_of_four(child);
            at(place) = at(child);
            place = child;
            child = first_child_of(place);
        }
        if (child < end) {
            std::size_t least = child;
            while (++child < end) {
                least = key_of(at(child)) < key_of(at(least)) ? child : least;
            }
            at(place) = at(least);
            place = least;
        }
        while (place > top_place && key_of(moving) < key_of(at(parent_of(place)))) {
            at(place) = at(parent_of(place));
            place = parent_of(place);
        }
        at(place) = moving;
    }

    std::size_t least_of_four(std::size_t first) noexcept {
        const Entry* const four = groups_[first / arity].entries;
        const std::size_t low = key_of(four[1]) < key_of(four[0]) ? 1 : 0;
        const std::size_t high = key_of(four[3]) < key_of(four[2]) ? 3 : 2;
        return first + (key_of(four[high]) < key_of(four[low]) ? high : low);
    }

    void drop_top() noexcept {
        free_slot(at(root).slot);
        --entries_;
        if (entries_ != 0) {
            const Entry last = at(root + entries_);
            sift_down(root, last, root);
        }
    }

    void compact_if_mostly_void() noexcept {
        if (voids_ >= 3 * size() && voids_ != 0) {
            compact();
        }
    }

    // There is a node behind them, or the heap would have been compacted.
    void drop_voids_on_top() noexcept {
        while (voids_ != 0 && slots_[at(root).slot].node == nullptr) {
            --voids_;
            drop_top();
        }
    }

    // Throws the void entries out and makes a heap of the others, in O(n).
    void compact() noexcept {
        std::size_t kept = root;
        for (std::size_t place = root; place < root + entries_; ++place) {
            if (slots_[at(place).slot].node != nullptr) {
                at(kept++) = at(place);
            } else {
                free_slot(at(place).slot);
            }
        }
        entries_ = kept - root;
        voids_ = 0;
        for (std::size_t place = entries_ < 2 ? root : parent_of(kept - 1) + 1; place-- > root;) {
            const Entry moving = at(place);
            sift_down(place, moving, place);
        }
    }

    std::vector<Group> groups_;
    std::vector<Slot> slots_;
    std::size_t entries_ = 0;  // in groups_, from the root on
    std::size_t voids_ = 0;    // of those
    std::uint32_t free_slot_ = IntrusiveHeapHook::nowhere;
};

}  // namespace ringio
