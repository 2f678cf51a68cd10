// A min-heap that any node may leave in O(1): the timer queue of the loop, where almost every entry
// is cancelled before its time. An entry is one number of 128 bits, the rank above the serial
// number above the slot that its node has in a table: so sifting touches neither nodes nor table,
// and a comparison has no branch. Four entries a level fill a cache line. The entry of a node that
// left stays, void, until it comes to the top, or until three of four entries are void and all of
// them go together.
#pragma once

#include <ringio/base/assert.hpp>
#include <ringio/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio {

template <class T, unsigned SerialBits>
class IntrusiveHeap;

namespace detail {

/// Gives memory that begins with a cache line.
template <class T>
struct CacheLineAllocator {
    using value_type = T;

    static constexpr std::align_val_t line{64};

    CacheLineAllocator() noexcept = default;
    template <class U>
    CacheLineAllocator(const CacheLineAllocator<U>&) noexcept {}

    T* allocate(std::size_t count) {
        return static_cast<T*>(::operator new(count * sizeof(T), line));
    }
    void deallocate(T* memory, std::size_t) noexcept { ::operator delete(memory, line); }

    friend bool operator==(CacheLineAllocator, CacheLineAllocator) noexcept { return true; }
};

}  // namespace detail

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
    template <class T, unsigned SerialBits>
    friend class IntrusiveHeap;

    static constexpr std::uint32_t nowhere = UINT32_MAX;

    std::uint32_t slot_ = nowhere;
};

/// A heap of nodes it does not own, the least rank on top; of equal ranks the one that came first.
/// `T` may be incomplete where the heap is declared. `SerialBits` says how many nodes come before
/// they are numbered anew, which is done in O(n log n); tests make it small.
/// *Lifetime*: a heap that is destroyed lets go of the nodes left in it.
template <class T, unsigned SerialBits = 32>
class IntrusiveHeap {
    static_assert(SerialBits > 0 && SerialBits <= 32);

public:
    IntrusiveHeap() noexcept = default;
    IntrusiveHeap(const IntrusiveHeap&) = delete;
    IntrusiveHeap& operator=(const IntrusiveHeap&) = delete;
    ~IntrusiveHeap() {
        for (std::size_t place = root; place < end(); ++place) {
            if (T* const node = slots_[slot_of(at(place))].node) {
                hook_of(*node).slot_ = IntrusiveHeapHook::nowhere;
            }
        }
    }

    /// Tells whether the heap has no node.
    bool empty() const noexcept { return end() <= root; }

    /// Returns the number of nodes.
    std::size_t size() const noexcept { return entries() - voids_; }

    /// Returns the node on top, or null.
    T* top() noexcept {
        drop_voids_on_top();
        return empty() ? nullptr : slots_[slot_of(at(root))].node;
    }

    /// Returns the least rank. The heap is not empty.
    std::int64_t top_rank() noexcept {
        RINGIO_ASSERT(!empty(), "an empty heap has no least rank");
        drop_voids_on_top();
        return rank_of(at(root));
    }

    /// Adds a node, which is in no heap.
    /// *Errors*: `std::bad_alloc`; the heap and the node are then unchanged.
    void push(T& node, std::int64_t rank) {
        RINGIO_ASSERT(!hook_of(node).is_in_heap(), "a node is in at most one heap");
        if (heap_.size() == heap_.capacity()) [[unlikely]] {
            grow();
        }
        const std::uint32_t slot = take_slot(node);
        hook_of(node).slot_ = slot;
        const Entry entry = make_entry(rank, take_serial(), slot);
        heap_.push_back(entry);
        sift_up(end() - 1, entry);
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

    __extension__ using Entry = unsigned __int128;  // rank, serial number, slot
    union Slot {
        T* node;             // null: void, its node has left
        std::uint32_t next;  // of a free slot: the next free one
    };

    static std::size_t parent_of(std::size_t place) noexcept { return place / arity + 2; }
    static std::size_t first_child_of(std::size_t place) noexcept { return (place - 2) * arity; }

    // Ranks are shifted so that the negative ones are less as unsigned numbers, too.
    static constexpr std::uint64_t shift = std::uint64_t{1} << 63;
    static Entry make_entry(std::int64_t rank, std::uint32_t serial, std::uint32_t slot) noexcept {
        return static_cast<Entry>(static_cast<std::uint64_t>(rank) ^ shift) << 64 |
               static_cast<std::uint64_t>(serial) << 32 | slot;
    }
    static std::int64_t rank_of(Entry entry) noexcept {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(entry >> 64) ^ shift);
    }
    static std::uint32_t slot_of(Entry entry) noexcept { return static_cast<std::uint32_t>(entry); }

    static IntrusiveHeapHook& hook_of(T& node) noexcept {
        static_assert(std::is_convertible_v<T*, IntrusiveHeapHook*>,
                      "the nodes of an IntrusiveHeap derive publicly from IntrusiveHeapHook");
        return node;
    }
    Entry& at(std::size_t place) noexcept { return heap_[place]; }
    std::size_t end() const noexcept { return heap_.size(); }
    std::size_t entries() const noexcept { return empty() ? 0 : end() - root; }

    RINGIO_NOINLINE void grow() {
        heap_.reserve(heap_.empty() ? 4 * arity : 2 * heap_.capacity());
        if (heap_.empty()) {
            heap_.resize(root);
        }
    }

    // Numbers those that are in from 0 on when the numbers are used up.
    std::uint32_t take_serial() noexcept {
        if (serial_ > last_serial) [[unlikely]] {
            number_anew();
        }
        return static_cast<std::uint32_t>(serial_++);
    }
    RINGIO_NOINLINE void number_anew() noexcept {
        const auto compare = [](const void* a, const void* b) noexcept {
            const Entry& first = *static_cast<const Entry*>(a);
            const Entry& second = *static_cast<const Entry*>(b);
            return first < second ? -1 : static_cast<int>(second < first);
        };
        // In order, they are a heap. There may be none: at(root) is not.
        std::qsort(heap_.data() + root, entries(), sizeof(Entry), compare);
        serial_ = 0;
        for (std::size_t place = root; place < end(); ++place) {
            at(place) = make_entry(rank_of(at(place)), static_cast<std::uint32_t>(serial_++),
                                   slot_of(at(place)));
        }
    }

    std::uint32_t take_slot(T& node) {
        if (free_slot_ == IntrusiveHeapHook::nowhere) {
            RINGIO_ASSERT(slots_.size() < IntrusiveHeapHook::nowhere, "a heap has 2^32 - 1 slots");
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

    void sift_up(std::size_t place, Entry moving) noexcept {
        while (place > root && moving < at(parent_of(place))) {
            at(place) = at(parent_of(place));
            place = parent_of(place);
        }
        at(place) = moving;
    }

    // Fills the hole at `place` with the least of its children and so on, down to a leaf, and has
    // the entry rise from there: one that comes from the end seldom rises.
    void sift_down(std::size_t place, Entry moving, std::size_t top_place) noexcept {
        std::size_t child = first_child_of(place);
        while (child + arity <= end()) {
            child = least_of_four(child);
            at(place) = at(child);
            place = child;
            child = first_child_of(place);
        }
        if (child < end()) {
            std::size_t least = child;
            while (++child < end()) {
                least = at(child) < at(least) ? child : least;
            }
            at(place) = at(least);
            place = least;
        }
        while (place > top_place && moving < at(parent_of(place))) {
            at(place) = at(parent_of(place));
            place = parent_of(place);
        }
        at(place) = moving;
    }

    std::size_t least_of_four(std::size_t first) noexcept {
        const Entry* const four = &at(first);
        const std::size_t low = four[1] < four[0] ? 1 : 0;
        const std::size_t high = four[3] < four[2] ? 3 : 2;
        return first + (four[high] < four[low] ? high : low);
    }

    void drop_top() noexcept {
        free_slot(slot_of(at(root)));
        const Entry last = heap_.back();
        heap_.pop_back();
        if (!empty()) {
            sift_down(root, last, root);
        }
    }

    void compact_if_mostly_void() noexcept {
        if (4 * voids_ >= 3 * entries() && voids_ != 0) {
            compact();
        }
    }

    // There is a node behind them, or the heap would have been compacted.
    void drop_voids_on_top() noexcept {
        while (voids_ != 0 && slots_[slot_of(at(root))].node == nullptr) {
            --voids_;
            drop_top();
        }
    }

    // Throws the void entries out and makes a heap of the others, in O(n).
    void compact() noexcept {
        std::size_t kept = root;
        for (std::size_t place = root; place < end(); ++place) {
            if (slots_[slot_of(at(place))].node != nullptr) {
                at(kept++) = at(place);
            } else {
                free_slot(slot_of(at(place)));
            }
        }
        heap_.resize(kept);
        voids_ = 0;
        for (std::size_t place = entries() < 2 ? root : parent_of(kept - 1) + 1; place-- > root;) {
            const Entry moving = at(place);
            sift_down(place, moving, place);
        }
    }

    static constexpr std::uint64_t last_serial = (std::uint64_t{1} << SerialBits) - 1;

    // From the root on; nothing before it.
    std::vector<Entry, detail::CacheLineAllocator<Entry>> heap_;
    std::vector<Slot> slots_;
    std::size_t voids_ = 0;  // of the entries
    std::uint32_t free_slot_ = IntrusiveHeapHook::nowhere;
    std::uint64_t serial_ = 0;  // of the next one
};

}  // namespace ringio
