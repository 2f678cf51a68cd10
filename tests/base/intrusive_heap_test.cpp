#include <ringio/base/intrusive_heap.hpp>

#include <support/catch.hpp>

#include <map>
#include <random>
#include <utility>
#include <vector>

namespace {

using ringio::IntrusiveHeap;
using ringio::IntrusiveHeapHook;

struct Node : IntrusiveHeapHook {};

struct Rank {
    Rank(int number = 0) noexcept : value(number) {}

    int value;

    friend bool operator<(const Rank& a, const Rank& b) noexcept { return a.value < b.value; }
    friend bool operator==(const Rank& a, const Rank& b) noexcept = default;
};
using Heap = IntrusiveHeap<Node, Rank>;

static_assert(sizeof(IntrusiveHeapHook) == 4);
static_assert(Heap::entry_size() == 8);

}  // namespace

TEST_CASE("IntrusiveHeap: the least key is on top") {
    Node one, two, three;
    Heap heap;
    CHECK(heap.empty());
    CHECK(heap.top() == nullptr);
    CHECK(heap.pop() == nullptr);

    heap.push(two, 2);
    heap.push(three, 3);
    heap.push(one, 1);
    CHECK(heap.size() == 3);
    CHECK(heap.top() == &one);
    CHECK(heap.top_key() == 1);
    CHECK(one.is_in_heap());

    CHECK(heap.pop() == &one);
    CHECK_FALSE(one.is_in_heap());
    CHECK(heap.pop() == &two);
    CHECK(heap.pop() == &three);
    CHECK(heap.empty());
}

TEST_CASE("IntrusiveHeap: a node leaves from anywhere, and comes back with another key") {
    Node one, two, three;
    Heap heap;
    heap.push(one, 1);
    heap.push(two, 2);
    heap.push(three, 3);
    heap.remove(two);
    CHECK_FALSE(two.is_in_heap());
    heap.remove(three);
    heap.push(three, 0);
    CHECK(heap.top() == &three);
    heap.remove(three);
    heap.push(three, 9);
    CHECK(heap.top() == &one);
    heap.remove(three);
    heap.remove(one);
    CHECK(heap.empty());
}

TEST_CASE("IntrusiveHeap: the entries of nodes that left are never seen, and go when they abound") {
    std::vector<Node> nodes(1000);
    Heap heap;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        heap.push(nodes[i], static_cast<int>(i));
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (i % 100 != 99) {
            heap.remove(nodes[i]);
        }
    }
    CHECK(heap.size() == 10);
    CHECK_FALSE(heap.empty());
    heap.push(nodes[0], 500);
    std::vector<int> keys;
    while (!heap.empty()) {
        keys.push_back(heap.top_key().value);
        const Node* const top = heap.top();
        CHECK(heap.pop() == top);
    }
    CHECK(keys == std::vector<int>{99, 199, 299, 399, 499, 500, 599, 699, 799, 899, 999});
    CHECK(heap.size() == 0);
}

TEST_CASE("IntrusiveHeap: a destroyed heap lets go of its nodes") {
    Node one, two;
    {
        Heap heap;
        heap.push(one, 1);
        heap.push(two, 2);
    }
    CHECK_FALSE(one.is_in_heap());
    CHECK_FALSE(two.is_in_heap());
}

TEST_CASE("IntrusiveHeap: keys with a serial number make equal times fair") {
    struct Key {
        int when;
        int serial;
        bool operator<(const Key& other) const noexcept {
            return when != other.when ? when < other.when : serial < other.serial;
        }
    };
    std::vector<Node> nodes(100);
    IntrusiveHeap<Node, Key> heap;
    for (int i = 0; i < 100; ++i) {
        heap.push(nodes[static_cast<std::size_t>(i)], Key{7, i});
    }
    for (Node& node : nodes) {
        REQUIRE(heap.pop() == &node);
    }
}

TEST_CASE("IntrusiveHeap: equal to a sorted model over 100000 random operations") {
    using Model = std::multimap<int, Node*>;
    std::mt19937 random(1);
    std::vector<Node> nodes(1000);
    Heap heap;
    Model model;
    std::vector<Model::iterator> places(nodes.size(), model.end());

    for (int step = 0; step < 100'000; ++step) {
        const std::size_t at = random() % nodes.size();
        Node& node = nodes[at];
        const int key = static_cast<int>(random() % 500);
        REQUIRE(node.is_in_heap() == (places[at] != model.end()));
        if (!node.is_in_heap()) {
            heap.push(node, key);
            places[at] = model.emplace(key, &node);
        } else if (random() % 3 == 0) {
            heap.remove(node);
            heap.push(node, key);
            model.erase(places[at]);
            places[at] = model.emplace(key, &node);
        } else if (random() % 2 == 0) {
            heap.remove(node);
            model.erase(std::exchange(places[at], model.end()));
        } else {
            const int least = heap.top_key().value;
            Node* const top = heap.pop();
            const auto index = static_cast<std::size_t>(top - nodes.data());
            REQUIRE(places[index]->first == least);
            model.erase(std::exchange(places[index], model.end()));
        }
        REQUIRE(heap.size() == model.size());
        REQUIRE(heap.empty() == model.empty());
        if (!model.empty()) {
            REQUIRE(heap.top_key().value == model.begin()->first);
            REQUIRE(places[static_cast<std::size_t>(heap.top() - nodes.data())]->first ==
                    heap.top_key().value);
        }
    }
    while (!heap.empty()) {
        REQUIRE(heap.top_key() == model.begin()->first);
        heap.pop();
        model.erase(model.begin());
    }
    CHECK(model.empty());
}
