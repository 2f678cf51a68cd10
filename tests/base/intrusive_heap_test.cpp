#include <ringio/base/intrusive_heap.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace {

using ringio::IntrusiveHeap;
using ringio::IntrusiveHeapHook;

struct Node : IntrusiveHeapHook {};

using Heap = IntrusiveHeap<Node>;

static_assert(sizeof(IntrusiveHeapHook) == 4);

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
    CHECK(heap.top_rank() == 1);
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
        heap.push(nodes[i], static_cast<std::int64_t>(i));
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (i % 100 != 99) {
            heap.remove(nodes[i]);
        }
    }
    CHECK(heap.size() == 10);
    CHECK_FALSE(heap.empty());
    heap.push(nodes[0], 500);
    std::vector<std::int64_t> keys;
    while (!heap.empty()) {
        keys.push_back(heap.top_rank());
        const Node* const top = heap.top();
        CHECK(heap.pop() == top);
    }
    CHECK(keys == std::vector<std::int64_t>{99, 199, 299, 399, 499, 500, 599, 699, 799, 899, 999});
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

TEST_CASE("IntrusiveHeap: of equal ranks the one that came first goes first") {
    std::vector<Node> nodes(100);
    Heap heap;
    for (Node& node : nodes) {
        heap.push(node, 7);
    }
    for (Node& node : nodes) {
        REQUIRE(heap.pop() == &node);
    }
}

TEST_CASE("IntrusiveHeap: ranks may be negative, and as far apart as they get") {
    Node least, negative, none, most;
    Heap heap;
    heap.push(most, std::numeric_limits<std::int64_t>::max());
    heap.push(none, 0);
    heap.push(negative, -1);
    heap.push(least, std::numeric_limits<std::int64_t>::min());
    CHECK(heap.top_rank() == std::numeric_limits<std::int64_t>::min());
    CHECK(heap.pop() == &least);
    CHECK(heap.pop() == &negative);
    CHECK(heap.pop() == &none);
    CHECK(heap.pop() == &most);
}

TEST_CASE("IntrusiveHeap: the order of coming stays when the nodes are numbered anew") {
    std::mt19937 random(1);
    IntrusiveHeap<Node, 6> heap;  // each 64 at the latest
    std::vector<Node> nodes(48);
    std::map<std::pair<std::int64_t, int>, Node*> model;  // by rank, then by coming
    std::vector<decltype(model)::iterator> places(nodes.size(), model.end());
    for (int step = 0; step < 10'000; ++step) {
        const std::size_t at = random() % nodes.size();
        if (!nodes[at].is_in_heap()) {
            const auto rank = static_cast<std::int64_t>(random() % 3);
            heap.push(nodes[at], rank);
            places[at] = model.emplace(std::pair(rank, step), &nodes[at]).first;
        } else if (random() % 2 == 0) {
            heap.remove(nodes[at]);
            model.erase(std::exchange(places[at], model.end()));
        } else {
            Node* const top = heap.pop();
            REQUIRE(top == model.begin()->second);
            model.erase(model.begin());
            places[static_cast<std::size_t>(top - nodes.data())] = model.end();
        }
        REQUIRE(heap.size() == model.size());
    }
    while (Node* const top = heap.pop()) {
        REQUIRE(top == model.begin()->second);
        model.erase(model.begin());
    }
    CHECK(model.empty());
}

TEST_CASE("IntrusiveHeap: an empty one is numbered anew, too") {
    IntrusiveHeap<Node, 2> heap;  // each fourth node
    Node node;
    for (int i = 0; i < 20; ++i) {
        heap.push(node, i);
        REQUIRE(heap.pop() == &node);
    }
    CHECK(heap.empty());
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
            const std::int64_t least = heap.top_rank();
            Node* const top = heap.pop();
            const auto index = static_cast<std::size_t>(top - nodes.data());
            REQUIRE(places[index]->first == least);
            model.erase(std::exchange(places[index], model.end()));
        }
        REQUIRE(heap.size() == model.size());
        REQUIRE(heap.empty() == model.empty());
        if (!model.empty()) {
            REQUIRE(heap.top_rank() == model.begin()->first);
            REQUIRE(places[static_cast<std::size_t>(heap.top() - nodes.data())]->first ==
                    heap.top_rank());
        }
    }
    while (!heap.empty()) {
        REQUIRE(heap.top_rank() == model.begin()->first);
        heap.pop();
        model.erase(model.begin());
    }
    CHECK(model.empty());
}
