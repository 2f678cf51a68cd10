#include <ringio/sync/queue_items.hpp>

#include <support/catch.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using ringio::detail::FifoItems;
using ringio::detail::LifoItems;
using ringio::detail::PriorityItems;
using ringio::detail::QueueSlot;

namespace {

template <class Items>
std::vector<int> numbers_of(Items& items, int count) {
    std::vector<int> numbers;
    while (count-- > 0) {
        numbers.push_back(*items.take());
    }
    return numbers;
}

}  // namespace

TEST_CASE("queue items: a slot moves an item in once, and then only a pointer") {
    auto owned = std::make_unique<int>(3);
    const int* const address = owned.get();
    QueueSlot<std::unique_ptr<int>> slot(std::move(owned));
    const std::unique_ptr<int>* const place = &*slot;
    const QueueSlot<std::unique_ptr<int>> other = std::move(slot);
    CHECK(&*other == place);
    CHECK((*other).get() == address);
    static_assert(sizeof(QueueSlot<int>) == sizeof(int));
}

TEST_CASE("queue items: each kind has its order, and takes an item back as the next one") {
    FifoItems<int> fifo;
    LifoItems<int> lifo;
    PriorityItems<int, std::less<int>> priority{std::less<int>()};
    for (const int number : {2, 3, 1}) {
        fifo.put(QueueSlot<int>(number));
        lifo.put(QueueSlot<int>(number));
        priority.put(QueueSlot<int>(number));
    }
    fifo.put_back(fifo.take());
    lifo.put_back(lifo.take());
    priority.put_back(priority.take());
    CHECK(numbers_of(fifo, 3) == std::vector<int>{2, 3, 1});
    CHECK(numbers_of(lifo, 3) == std::vector<int>{1, 3, 2});
    CHECK(numbers_of(priority, 3) == std::vector<int>{1, 2, 3});
}
