#include <ringio/base/intrusive_queue.hpp>

#include <support/catch.hpp>

#include <deque>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using ringio::IntrusiveQueue;

class Item {
    Item* next_ = nullptr;

public:
    using Queue = IntrusiveQueue<Item, &Item::next_>;

    explicit Item(int item_number = 0) : number(item_number) {}

    int number;
    Queue children;  // inside the class itself
};
using Queue = Item::Queue;

static_assert(sizeof(Queue) == 2 * sizeof(void*));
static_assert(std::is_trivially_destructible_v<Queue>);
static_assert(!std::is_copy_constructible_v<Queue>);

std::vector<int> drain(Queue& queue) {
    std::vector<int> result;
    while (Item* item = queue.pop_front()) {
        result.push_back(item->number);
    }
    return result;
}

}  // namespace

TEST_CASE("IntrusiveQueue: first in, first out") {
    Item one(1), two(2), three(3);
    Queue queue;
    CHECK(queue.empty());
    CHECK(queue.front() == nullptr);
    CHECK(queue.pop_front() == nullptr);

    queue.push_back(one);
    queue.push_back(two);
    CHECK(queue.front() == &one);
    CHECK(queue.pop_front() == &one);
    queue.push_back(three);
    queue.push_back(one);
    CHECK(drain(queue) == std::vector{2, 3, 1});
    queue.push_back(two);
    CHECK(drain(queue) == std::vector{2});
}

TEST_CASE("IntrusiveQueue: what is put at the front comes first") {
    Item one(1), two(2), three(3);
    Queue queue;
    queue.push_front(one);
    queue.push_back(two);
    queue.push_front(three);
    CHECK(drain(queue) == std::vector{3, 1, 2});
}

TEST_CASE("IntrusiveQueue: appending and prepending keep the order of both queues") {
    Item one(1), two(2), three(3), four(4);
    Queue queue;
    Queue other;

    queue.append(std::move(other));
    queue.prepend(std::move(other));
    CHECK(queue.empty());

    queue.push_back(one);
    queue.push_back(two);
    other.push_back(three);
    other.push_back(four);

    SECTION("append") {
        queue.append(std::move(other));
        CHECK(other.empty());
        CHECK(drain(queue) == std::vector{1, 2, 3, 4});
    }
    SECTION("prepend") {
        queue.prepend(std::move(other));
        CHECK(other.empty());
        CHECK(drain(queue) == std::vector{3, 4, 1, 2});
    }
    SECTION("to an empty queue, and of an empty one") {
        Queue empty;
        empty.append(std::move(queue));
        empty.append(std::move(queue));
        empty.prepend(std::move(queue));
        CHECK(drain(empty) == std::vector{1, 2});
        empty.prepend(std::move(other));
        CHECK(drain(empty) == std::vector{3, 4});
    }
}

TEST_CASE("IntrusiveQueue: swapping and moving take a snapshot") {
    Item one(1), two(2), three(3);
    Queue queue;
    queue.push_back(one);
    queue.push_back(two);

    Queue snapshot = std::move(queue);
    queue.push_back(three);
    CHECK(snapshot.front() == &one);
    CHECK(queue.front() == &three);

    snapshot.swap(queue);
    CHECK(drain(snapshot) == std::vector{3});
    CHECK(drain(queue) == std::vector{1, 2});
}

TEST_CASE("IntrusiveQueue: equal to a model over 100000 random operations") {
    std::mt19937 random(7);
    std::vector<Item> items(64);
    std::vector<Item*> outside;
    for (Item& item : items) {
        outside.push_back(&item);
    }
    Queue queues[2];
    std::deque<Item*> models[2];
    for (int step = 0; step < 100'000; ++step) {
        const std::size_t at = random() % 2;
        Queue& queue = queues[at];
        Queue& other = queues[1 - at];
        std::deque<Item*>& model = models[at];
        std::deque<Item*>& other_model = models[1 - at];
        switch (random() % 16) {
            case 0:
                queue.append(std::move(other));
                model.insert(model.end(), other_model.begin(), other_model.end());
                other_model.clear();
                break;
            case 1:
                queue.prepend(std::move(other));
                model.insert(model.begin(), other_model.begin(), other_model.end());
                other_model.clear();
                break;
            case 2:
                queue.swap(other);
                model.swap(other_model);
                break;
            default:
                if (random() % 2 == 0 && !outside.empty()) {
                    queue.push_back(*outside.back());
                    model.push_back(outside.back());
                    outside.pop_back();
                } else if (Item* item = queue.pop_front()) {
                    REQUIRE(item == model.front());
                    model.pop_front();
                    outside.push_back(item);
                }
        }
        REQUIRE(queue.front() == (model.empty() ? nullptr : model.front()));
        REQUIRE(other.empty() == other_model.empty());
    }
}
