#include <ringio/base/unique_function.hpp>

#include <support/catch.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace {

using ringio::UniqueFunction;

static_assert(sizeof(UniqueFunction<void()>) == 4 * sizeof(void*));
static_assert(!std::is_copy_constructible_v<UniqueFunction<void()>>);
static_assert(std::is_nothrow_move_constructible_v<UniqueFunction<void()>>);
static_assert(!std::is_constructible_v<UniqueFunction<void()>, int>);
static_assert(!std::is_constructible_v<UniqueFunction<void()>, void (*)(int)>);

int twice(int value) { return 2 * value; }

struct Counter {
    int count = 3;
    int add(int value) const { return count + value; }
};

struct Throwing {
    Throwing() = default;
    Throwing(const Throwing&) {}  // may throw: goes to the heap
    int operator()() { return 5; }
};

}  // namespace

TEST_CASE("UniqueFunction: empty unless given a callable") {
    CHECK_FALSE(UniqueFunction<void()>());
    CHECK_FALSE(UniqueFunction<void()>(nullptr));
    CHECK_FALSE(UniqueFunction<int(int)>(static_cast<int (*)(int)>(nullptr)));
    CHECK_FALSE(UniqueFunction<int(int)>(std::function<int(int)>()));
    CHECK_FALSE(UniqueFunction<int(int)>(UniqueFunction<long(int)>()));
    CHECK_FALSE(UniqueFunction<int(const Counter&)>(static_cast<int Counter::*>(nullptr)));
    CHECK_FALSE(UniqueFunction<int(const Counter&, int)>(
        static_cast<int (Counter::*)(int) const>(nullptr)));
    CHECK(UniqueFunction<int(int)>(twice));
    CHECK(UniqueFunction<int(int)>([](int value) { return value; }));
}

TEST_CASE("UniqueFunction: calls functions, closures and members") {
    UniqueFunction<int(int)> function = twice;
    CHECK(function(4) == 8);
    function = &twice;
    CHECK(function(5) == 10);
    function = [base = 100](int value) mutable { return base++ + value; };
    CHECK(function(1) == 101);
    CHECK(function(1) == 102);
    function = std::function<int(int)>(twice);
    CHECK(function(6) == 12);
    function = UniqueFunction<long(int)>(twice);
    CHECK(function(7) == 14);
    function = nullptr;
    CHECK_FALSE(function);

    Counter counter;
    UniqueFunction<int(Counter&, int)> by_reference = &Counter::add;
    CHECK(by_reference(counter, 1) == 4);
    UniqueFunction<int(Counter*, int)> by_pointer = &Counter::add;
    CHECK(by_pointer(&counter, 2) == 5);
    UniqueFunction<int(std::reference_wrapper<Counter>, int)> by_wrapper = &Counter::add;
    CHECK(by_wrapper(counter, 3) == 6);
    UniqueFunction<int&(Counter&)> data = &Counter::count;
    data(counter) = 9;
    CHECK(counter.count == 9);
    UniqueFunction<void(Counter&)> discarding = &Counter::count;
    discarding(counter);
}

TEST_CASE("UniqueFunction: holds and passes what can only be moved") {
    UniqueFunction<std::unique_ptr<int>(std::unique_ptr<int>)> add =
        [one = std::make_unique<int>(1)](std::unique_ptr<int> value) {
            *value += *one;
            return value;
        };
    UniqueFunction<std::unique_ptr<int>(std::unique_ptr<int>)> moved = std::move(add);
    CHECK_FALSE(add);
    CHECK(*moved(std::make_unique<int>(2)) == 3);
}

TEST_CASE("UniqueFunction: destroys the callable once, in place and on the heap") {
    auto token = std::make_shared<int>(0);
    std::array<char, 64> large{};
    const auto small_closure = [token] { return 1; };
    const auto large_closure = [token, large] { return 2 + large[0]; };
    {
        UniqueFunction<int()> first = small_closure;
        UniqueFunction<int()> second = large_closure;
        const long held = token.use_count();
        first.swap(second);
        CHECK(first() == 2);
        CHECK(second() == 1);
        CHECK(token.use_count() == held);
        second = std::move(first);
        CHECK(second() == 2);
        CHECK(token.use_count() == held - 1);
        UniqueFunction<int()>& same = second;
        second = std::move(same);
        CHECK(second() == 2);
        second = nullptr;
        CHECK(token.use_count() == held - 2);
    }
    CHECK(token.use_count() == 3);
    UniqueFunction<int()> throwing = Throwing();
    CHECK(throwing() == 5);
}

TEST_CASE("UniqueFunction: a callable destroyed by assignment sees the new one") {
    struct Probe {
        UniqueFunction<int()>* owner;
        int* seen;
        Probe(UniqueFunction<int()>* function, int* result) : owner(function), seen(result) {}
        Probe(Probe&& other) noexcept
            : owner(std::exchange(other.owner, nullptr)), seen(other.seen) {}
        ~Probe() {
            if (owner != nullptr) {
                *seen = (*owner)();
            }
        }
        int operator()() const { return 1; }
    };
    int seen = 0;
    UniqueFunction<int()> function;
    function = Probe(&function, &seen);
    function = [] { return 2; };
    CHECK(seen == 2);
    function = nullptr;
}

TEST_CASE("UniqueFunction: reset() destroys last, so that the callable may leave another one") {
    struct Leaving {
        UniqueFunction<int()>* owner;
        explicit Leaving(UniqueFunction<int()>* function) : owner(function) {}
        Leaving(Leaving&& other) noexcept : owner(std::exchange(other.owner, nullptr)) {}
        ~Leaving() {
            if (owner != nullptr) {
                CHECK_FALSE(*owner);
                *owner = [] { return 7; };
            }
        }
        int operator()() const { return 1; }
    };
    UniqueFunction<int()> function;
    function.reset();
    CHECK_FALSE(function);
    function = [] { return 2; };
    function.reset();
    CHECK_FALSE(function);
    function = Leaving(&function);
    function.reset();
    REQUIRE(function);
    CHECK(function() == 7);
}
