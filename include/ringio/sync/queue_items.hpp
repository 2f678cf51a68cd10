// What the three kinds of queue keep their items in; they differ only in which one is next. An item
// whose moves and destructor may be anybody's code lies behind a pointer: so only pointers move
// within a queue, and an item is destroyed when it has left it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace ringio::detail {

/// The place of an item in a queue.
template <class T>
class QueueSlot {
public:
    /// Moves the item in: the only place where the user's code runs.
    explicit QueueSlot(T&& item) : item_(std::make_unique<T>(std::move(item))) {}

    T& operator*() const noexcept { return *item_; }

private:
    std::unique_ptr<T> item_;
};

template <class T>
    requires std::is_trivially_copyable_v<T>
class QueueSlot<T> {
public:
    explicit QueueSlot(const T& item) noexcept : item_(item) {}

    T& operator*() noexcept { return item_; }
    const T& operator*() const noexcept { return item_; }

private:
    T item_;
};

/// First in, first out.
template <class T>
struct FifoItems {
    static constexpr bool compares = false;
    using List = std::deque<QueueSlot<T>>;
    List list;

    void put(QueueSlot<T>&& slot) { list.push_back(std::move(slot)); }
    QueueSlot<T> take() {
        QueueSlot<T> slot = std::move(list.front());
        list.pop_front();
        return slot;
    }
    /// Takes a slot that take() gave back, as the next one.
    void put_back(QueueSlot<T>&& slot) { list.push_front(std::move(slot)); }
};

/// Last in, first out.
template <class T>
struct LifoItems {
    static constexpr bool compares = false;
    using List = std::vector<QueueSlot<T>>;
    List list;

    void put(QueueSlot<T>&& slot) { list.push_back(std::move(slot)); }
    QueueSlot<T> take() {
        QueueSlot<T> slot = std::move(list.back());
        list.pop_back();
        return slot;
    }
    void put_back(QueueSlot<T>&& slot) { put(std::move(slot)); }
};

[[noreturn]] void throw_queue_shut_down();

/// The one that compares smallest first, of equal ones the one that came first: a heap. Nothing is
/// moved before the last comparison, so that a comparison that throws changes nothing.
///
/// A comparison may shut the queue down, which takes the list away: that ends in QueueShutDown.
template <class T, class Compare>
struct PriorityItems {
    /// A slot, and when it came.
    struct Entry : QueueSlot<T> {
        Entry(QueueSlot<T>&& slot, std::int64_t order) noexcept
            : QueueSlot<T>(std::move(slot)), came(order) {}
        std::int64_t came;
    };
    static constexpr bool compares = true;
    using List = std::vector<Entry>;
    List list;
    Compare compare;

    explicit PriorityItems(Compare by) : compare(std::move(by)) {}

    void put(QueueSlot<T>&& slot) { put(Entry(std::move(slot), ++last_)); }
    void put_back(QueueSlot<T>&& slot) { put(Entry(std::move(slot), --first_)); }
    QueueSlot<T> take() {
        std::size_t place = find_place_of_last();
        Entry entry = std::move(list.back());
        if (list.size() > 1) {
            std::swap(list[place], entry);
            while (place > 0) {
                place = parent(place);
                std::swap(list[place], entry);
            }
        }
        list.pop_back();
        return entry;
    }

private:
    void put(Entry&& entry) {
        list.push_back(std::move(entry));
        try {
            rise();
        } catch (...) {
            if (!list.empty()) {
                list.pop_back();
            }
            throw;
        }
    }

    static std::size_t parent(std::size_t place) noexcept { return (place - 1) / 2; }
    bool compares_smaller(std::size_t a, std::size_t b) {
        const bool smaller =
            static_cast<bool>(compare(std::as_const(*list[a]), std::as_const(*list[b])));
        if (list.empty()) [[unlikely]] {
            throw_queue_shut_down();
        }
        return smaller;
    }
    bool is_before(std::size_t a, std::size_t b) {
        return compares_smaller(a, b) || (list[a].came < list[b].came && !compares_smaller(b, a));
    }

    // Brings the last item to its place.
    void rise() {
        const std::size_t last = list.size() - 1;
        std::size_t place = last;
        while (place > 0 && is_before(last, parent(place))) {
            place = parent(place);
        }
        for (std::size_t at = last; at != place; at = parent(at)) {
            std::swap(list[at], list[parent(at)]);
        }
    }

    // Where the last item belongs once the first is gone and those on the way have moved up.
    std::size_t find_place_of_last() {
        const std::size_t last = list.size() - 1;
        std::size_t place = 0;
        for (std::size_t child = 1; child < last; child = 2 * place + 1) {
            if (child + 1 < last && is_before(child + 1, child)) {
                ++child;
            }
            if (!is_before(child, last)) {
                break;
            }
            place = child;
        }
        return place;
    }

    std::int64_t last_ = 0;
    std::int64_t first_ = 0;  // of those that came back: before all others
};

}  // namespace ringio::detail
