#include <ringio/base/intrusive_list.hpp>

#include <support/catch.hpp>

#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace {

using ringio::IntrusiveList;
using ringio::IntrusiveListHook;

struct Item : IntrusiveListHook {
    explicit Item(int item_number) : number(item_number) {}
    int number;
};

std::vector<int> numbers(const IntrusiveList<Item>& list) {
    std::vector<int> result;
    for (const Item& item : list) {
        result.push_back(item.number);
    }
    return result;
}

struct Incomplete;
struct Owner {
    IntrusiveList<Incomplete> children;
};
struct Incomplete : IntrusiveListHook {};

static_assert(std::forward_iterator<IntrusiveList<Item>::iterator>);
static_assert(std::forward_iterator<IntrusiveList<Item>::const_iterator>);

}  // namespace

TEST_CASE("IntrusiveList: elements come out in the order they were put in") {
    Item one(1), two(2), three(3);
    IntrusiveList<Item> list;
    CHECK(list.empty());
    CHECK(list.front() == nullptr);
    CHECK(list.pop_front() == nullptr);

    list.push_back(two);
    list.push_back(three);
    list.push_front(one);
    CHECK(numbers(list) == std::vector{1, 2, 3});
    CHECK(list.front() == &one);
    CHECK(std::as_const(list).front() == &one);

    CHECK(list.pop_front() == &one);
    CHECK_FALSE(one.is_linked());
    CHECK(list.pop_front() == &two);
    CHECK(list.pop_front() == &three);
    CHECK(list.empty());
}

TEST_CASE("IntrusiveList: an element unlinks from anywhere, and any number of times") {
    Item one(1), two(2), three(3);
    IntrusiveList<Item> list;
    list.push_back(one);
    list.push_back(two);
    list.push_back(three);
    two.unlink();
    two.unlink();
    CHECK(numbers(list) == std::vector{1, 3});
    list.push_back(two);
    CHECK(numbers(list) == std::vector{1, 3, 2});
    one.unlink();
    two.unlink();
    three.unlink();
    CHECK(list.empty());
}

TEST_CASE("IntrusiveList: a destroyed element leaves its list") {
    IntrusiveList<Item> list;
    Item one(1);
    list.push_back(one);
    {
        Item two(2);
        list.push_back(two);
        CHECK(numbers(list) == std::vector{1, 2});
    }
    CHECK(numbers(list) == std::vector{1});
}

TEST_CASE("IntrusiveList: a destroyed list lets go of its elements") {
    Item one(1), two(2);
    {
        IntrusiveList<Item> list;
        list.push_back(one);
        list.push_back(two);
    }
    CHECK_FALSE(one.is_linked());
    CHECK_FALSE(two.is_linked());
}

TEST_CASE("IntrusiveList: splicing moves all elements to the end") {
    Item one(1), two(2), three(3), four(4);
    IntrusiveList<Item> list;
    IntrusiveList<Item> other;

    list.splice_back(other);
    CHECK(list.empty());

    other.push_back(one);
    other.push_back(two);
    list.splice_back(other);
    CHECK(other.empty());
    CHECK(numbers(list) == std::vector{1, 2});

    other.push_back(three);
    other.push_back(four);
    list.splice_back(other);
    list.splice_back(other);
    list.splice_back(list);
    CHECK(numbers(list) == std::vector{1, 2, 3, 4});

    two.unlink();
    other.push_back(two);
    CHECK(numbers(list) == std::vector{1, 3, 4});
    CHECK(numbers(other) == std::vector{2});
}

TEST_CASE("IntrusiveList: other elements may come and go during iteration") {
    Item one(1), two(2), three(3), four(4);
    IntrusiveList<Item> list;
    list.push_back(one);
    list.push_back(two);
    list.push_back(three);
    std::vector<int> seen;
    for (Item& item : list) {
        seen.push_back(item.number);
        if (item.number == 1) {
            two.unlink();
            list.push_back(four);
        }
    }
    CHECK(seen == std::vector{1, 3, 4});
}

TEST_CASE("IntrusiveList: the element type may be incomplete at the declaration") {
    Incomplete child;
    Owner owner;
    owner.children.push_back(child);
    CHECK(owner.children.front() == &child);
}
