#include <ringio/tasks/generator.hpp>

#include "scenario.hpp"

#include <algorithm>
#include <list>
#include <memory>
#include <ranges>
#include <span>

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// Each test must give all frames back.
class Balanced {
public:
    Balanced() = default;
    Balanced(const Balanced&) = delete;
    Balanced& operator=(const Balanced&) = delete;
    ~Balanced() { CHECK(balance_.difference() == ""); }

private:
    testing::Balance balance_;
};

/// Counts how often it is copied.
struct Copies {
    explicit Copies(int& count) : copies(&count) {}
    Copies(const Copies& other) : copies(other.copies) { ++*copies; }
    Copies(Copies&&) noexcept = default;
    Copies& operator=(const Copies&) = delete;
    Copies& operator=(Copies&&) noexcept = default;
    ~Copies() = default;

    int* copies;
};

struct Record {
    std::string name;
    int number = 0;
};

Generator<int> count_to(int last) {
    for (int n = 1; n <= last; ++n) {
        co_yield n;
    }
}

Generator<int> naturals() {
    for (int n = 1;; ++n) {
        co_yield n;
    }
}

Generator<int> traced(EventLog& log, std::string name, int last) {
    const Guard guard(log, name);
    for (int n = 1; n <= last; ++n) {
        log(name + std::to_string(n));
        co_yield n;
    }
    log(name + " ends");
}

Generator<int> fails_after(int last) {
    for (int n = 1; n <= last; ++n) {
        co_yield n;
    }
    throw std::runtime_error("bad");
}

// depth, depth - 1, … 0, each from one generator further in.
Generator<int> descend(int depth) {
    co_yield depth;
    if (depth > 0) {
        co_yield elements_of(descend(depth - 1));
    }
}

Generator<int> descend_and_fail(int depth) {
    if (depth == 0) {
        throw std::runtime_error("from the bottom");
    }
    co_yield elements_of(descend_and_fail(depth - 1));
}

template <class T>
std::string all(Generator<T> generator) {
    std::string text;
    for (auto&& value : generator) {
        text += (text.empty() ? "" : " ") + as_text(value);
    }
    return text;
}

template <class G>
using ReferenceOf = std::ranges::range_reference_t<G>;

static_assert(std::ranges::input_range<Generator<int>>);
static_assert(!std::ranges::forward_range<Generator<int>>);
static_assert(std::ranges::view<Generator<int>>);
static_assert(std::ranges::viewable_range<Generator<int>>);
static_assert(!std::copyable<Generator<int>> && std::movable<Generator<int>>);
static_assert(std::is_same_v<ReferenceOf<Generator<int>>, int&&>);
static_assert(std::is_same_v<ReferenceOf<Generator<int&>>, int&>);
static_assert(std::is_same_v<ReferenceOf<Generator<const int&>>, const int&>);
static_assert(std::is_same_v<std::ranges::range_value_t<Generator<const int&>>, int>);
static_assert(std::is_same_v<Generator<int>::Next, std::optional<int>>);
static_assert(std::is_same_v<Generator<int&>::Next, int*>);
static_assert(std::is_same_v<Generator<const int&>::Next, const int*>);
static_assert(std::is_same_v<Generator<int&&>::Next, std::optional<int>>);

}  // namespace

TEST_CASE_METHOD(Balanced, "generator: next gives the values, then nothing, and nothing again") {
    Generator<int> generator = count_to(2);
    CHECK(generator.next() == 1);
    CHECK(generator.next() == 2);
    CHECK(generator.next() == std::nullopt);
    CHECK(generator.next() == std::nullopt);
}

TEST_CASE_METHOD(Balanced, "generator: nothing runs before the first value is asked for") {
    EventLog log;
    Generator<int> generator = traced(log, "a", 2);
    CHECK(log.joined() == "");
    CHECK(generator.next() == 1);
    CHECK(log.joined() == "a1");
}

TEST_CASE_METHOD(Balanced, "generator: its body and the loop take turns") {
    EventLog log;
    for (int n : traced(log, "a", 2)) {
        log(std::to_string(n));
    }
    CHECK(log.joined() == "a1 1 a2 2 a ends ~a");
}

TEST_CASE_METHOD(Balanced, "generator: one that is never asked never runs") {
    EventLog log;
    {
        Generator<int> generator = traced(log, "a", 2);
    }
    CHECK(log.joined() == "");
}

TEST_CASE_METHOD(Balanced, "generator: may yield nothing") {
    CHECK(all(count_to(0)) == "");
    CHECK(count_to(0).next() == std::nullopt);
}

TEST_CASE_METHOD(Balanced, "generator: may have no end") {
    int sum = 0;
    for (int n : naturals()) {
        if (n > 100) {
            break;
        }
        sum += n;
    }
    CHECK(sum == 5050);
}

TEST_CASE_METHOD(Balanced, "generator: one without a coroutine has ended") {
    Generator<int> generator;
    CHECK(generator.next() == std::nullopt);
    CHECK(generator.begin() == generator.end());
}

TEST_CASE_METHOD(Balanced, "generator: next and loops go on where the other has stopped") {
    Generator<int> generator = count_to(5);
    CHECK(generator.next() == 1);
    std::string text;
    for (int n : generator) {
        text += as_text(n);
        if (n == 3) {
            break;
        }
    }
    CHECK(generator.next() == 4);
    for (int n : generator) {
        text += as_text(n);
    }
    CHECK(text == "235");
    CHECK(generator.begin() == generator.end());
}

TEST_CASE_METHOD(Balanced, "generator: goes with views and algorithms") {
    auto odd = [](int n) { return n % 2 == 1; };
    auto square = [](int n) { return n * n; };
    auto odd_squares = naturals() | std::views::filter(odd) | std::views::transform(square);
    std::vector<int> squares;
    for (int n : std::move(odd_squares) | std::views::take(4)) {
        squares.push_back(n);
    }
    CHECK(squares == std::vector{1, 9, 25, 49});

    Generator<int> generator = count_to(10);
    const auto found = std::ranges::find(generator, 7);
    CHECK(found != generator.end());
    CHECK(generator.next() == 8);
}

TEST_CASE_METHOD(Balanced, "generator: may be moved in the middle") {
    EventLog log;
    Generator<int> first = traced(log, "a", 3);
    CHECK(first.next() == 1);
    Generator<int> second = std::move(first);
    CHECK(first.next() == std::nullopt);
    CHECK(second.next() == 2);
    first = std::move(second);
    CHECK(first.next() == 3);
    CHECK(log.joined() == "a1 a2 a3");
    first = count_to(1);
    CHECK(log.joined() == "a1 a2 a3 ~a");
    CHECK(first.next() == 1);
}

TEST_CASE_METHOD(Balanced, "generator: an iterator survives the move of its generator") {
    Generator<int> first = count_to(3);
    auto at = first.begin();
    const Generator<int> second = std::move(first);
    ++at;
    CHECK(*at == 2);
}

TEST_CASE_METHOD(Balanced, "generator: swaps") {
    Generator<int> a = count_to(1);
    Generator<int> b;
    a.swap(b);
    CHECK(a.next() == std::nullopt);
    CHECK(b.next() == 1);
}

TEST_CASE_METHOD(Balanced,
                 "generator: what is yielded by its name is copied, so it may be used on") {
    auto body = []() -> Generator<std::string> {
        std::string text = "a long text that lives on the heap";
        co_yield text;
        co_yield text;
    };
    Generator<std::string> generator = body();
    const std::string first = *generator.next();
    CHECK(generator.next() == first);
    CHECK(first == "a long text that lives on the heap");
}

TEST_CASE_METHOD(Balanced, "generator: what is yielded as a temporary is moved and never copied") {
    int copies = 0;
    auto body = [](int& count) -> Generator<Copies> {
        co_yield Copies(count);
        Copies named(count);
        co_yield std::move(named);
        Copies other(count);
        co_yield by_move(other);
    };
    Generator<Copies> generator = body(copies);
    int number = 0;
    while (auto item = generator.next()) {
        ++number;
    }
    CHECK(number == 3);
    for (Copies item : body(copies)) {
        static_cast<void>(item);
    }
    CHECK(copies == 0);
}

TEST_CASE_METHOD(Balanced, "generator: yields values that can only be moved") {
    auto body = []() -> Generator<std::unique_ptr<int>> {
        co_yield std::make_unique<int>(1);
        std::unique_ptr<int> named = std::make_unique<int>(2);
        co_yield std::move(named);
        CHECK(named == nullptr);
    };
    Generator<std::unique_ptr<int>> generator = body();
    CHECK(**generator.next() == 1);
    CHECK(**generator.next() == 2);
    CHECK_FALSE(generator.next().has_value());
}

TEST_CASE_METHOD(Balanced, "generator: yields aggregates") {
    auto body = []() -> Generator<Record> {
        Record record{"first", 1};
        co_yield record;
        record.name = "second";
        co_yield by_move(record);
    };
    std::string names;
    for (const Record& record : body()) {
        names += record.name + ".";
    }
    CHECK(names == "first.second.");
}

TEST_CASE_METHOD(Balanced, "generator: of references gives the very objects") {
    int numbers[] = {1, 2, 3};
    auto body = [](std::span<int> range) -> Generator<int&> {
        for (int& n : range) {
            co_yield n;
        }
    };
    for (int& n : body(numbers)) {
        n *= 10;
    }
    CHECK(numbers[2] == 30);

    Generator<int&> generator = body(numbers);
    CHECK(generator.next() == &numbers[0]);
    CHECK(generator.next() == &numbers[1]);
    CHECK(generator.next() == &numbers[2]);
    CHECK(generator.next() == nullptr);
}

TEST_CASE_METHOD(Balanced, "generator: of const references copies nothing, and takes temporaries") {
    int copies = 0;
    const Copies object(copies);
    auto body = [](const Copies& known, int& count) -> Generator<const Copies&> {
        co_yield known;
        co_yield Copies(count);
    };
    Generator<const Copies&> generator = body(object, copies);
    CHECK(generator.next() == &object);
    CHECK(generator.next() != &object);
    CHECK(generator.next() == nullptr);
    CHECK(copies == 0);
}

TEST_CASE_METHOD(Balanced, "generator: converts what it yields") {
    auto numbers = []() -> Generator<long> {
        const int small = 2;
        co_yield 1;
        co_yield small;
        co_yield short{3};
    };
    long sum = 0;
    for (long n : numbers()) {
        sum += n;
    }
    CHECK(sum == 6);

    auto texts = []() -> Generator<const std::string&> {
        const char* text = "world";
        co_yield "hello";
        co_yield text;
    };
    CHECK(all(texts()) == "hello world");
}

TEST_CASE_METHOD(Balanced, "generator: an exception of the body comes out of next and ends it") {
    Generator<int> generator = fails_after(1);
    CHECK(generator.next() == 1);
    CHECK(thrown_by([&] { generator.next(); }) == "bad");
    CHECK(generator.next() == std::nullopt);
    CHECK(generator.begin() == generator.end());
}

TEST_CASE_METHOD(Balanced, "generator: an exception comes out of begin and out of ++") {
    Generator<int> at_once = fails_after(0);
    CHECK(thrown_by([&] { at_once.begin(); }) == "bad");
    std::string text;
    CHECK(thrown_by([&] {
              for (int n : fails_after(2)) {
                  text += as_text(n);
              }
          }) == "bad");
    CHECK(text == "12");
}

TEST_CASE_METHOD(Balanced, "generator: what the loop throws cleans up the generator") {
    EventLog log;
    const std::string thrown = thrown_by([&] {
        for (int n : traced(log, "a", 9)) {
            if (n == 2) {
                throw std::runtime_error("enough");
            }
        }
    });
    CHECK(thrown == "enough");
    CHECK(log.joined() == "a1 a2 ~a");
}

TEST_CASE_METHOD(Balanced, "generator: holds its arguments until it is destroyed") {
    auto argument = std::make_shared<int>(7);
    auto body = [](std::shared_ptr<int> held) -> Generator<int> { co_yield *held; };
    {
        Generator<int> generator = body(argument);
        CHECK(argument.use_count() == 2);
        CHECK(generator.next() == 7);
    }
    CHECK(argument.use_count() == 1);
}

TEST_CASE_METHOD(Balanced, "generator: one that asks for its own next value is refused") {
    Generator<int> generator;
    auto body = [&]() -> Generator<int> {
        CHECK(thrown_by([&] { generator.next(); }) == "generator already executing");
        co_yield 1;
        generator.next();
    };
    generator = body();
    CHECK(generator.next() == 1);
    CHECK(thrown_by([&] { generator.next(); }) == "generator already executing");
    CHECK(generator.next() == std::nullopt);
}

TEST_CASE_METHOD(Balanced, "generator: elements_of another generator, like yield from") {
    auto inner = []() -> Generator<int> {
        co_yield 3;
        co_yield 4;
    };
    auto outer = [&]() -> Generator<int> {
        co_yield 1;
        co_yield elements_of(inner());
        co_yield 2;
    };
    CHECK(all(outer()) == "1 3 4 2");
}

TEST_CASE_METHOD(Balanced, "generator: elements_of runs the inner one when its turn comes") {
    EventLog log;
    auto outer = [&]() -> Generator<int> {
        Generator<int> inner = traced(log, "in", 2);
        log("before");
        co_yield elements_of(std::move(inner));
        log("after");
    };
    for (int n : outer()) {
        log(std::to_string(n));
    }
    CHECK(log.joined() == "before in1 1 in2 2 in ends ~in after");
}

TEST_CASE_METHOD(Balanced, "generator: elements_of ranges of all kinds") {
    auto body = []() -> Generator<int> {
        std::vector<int> numbers{1, 2};
        const std::list<short> list{3, 4};
        const int array[] = {5, 6};
        auto square = [](int n) { return n * n; };
        co_yield elements_of(numbers);
        co_yield elements_of(list);
        co_yield elements_of(array);
        co_yield elements_of(std::vector<short>(2, 7));
        co_yield elements_of(numbers | std::views::transform(square));
        co_yield elements_of(std::views::iota(8, 10));
        CHECK(numbers == std::vector{1, 2});
    };
    CHECK(all(body()) == "1 2 3 4 5 6 7 7 1 4 8 9");
}

TEST_CASE_METHOD(Balanced, "generator: elements_of a generator of another type converts") {
    auto texts = []() -> Generator<const char*> {
        co_yield "a";
        co_yield "b";
    };
    auto body = [&]() -> Generator<std::string> { co_yield elements_of(texts()); };
    CHECK(all(body()) == "a b");
}

TEST_CASE_METHOD(Balanced, "generator: elements_of what is empty yields nothing") {
    auto body = []() -> Generator<int> {
        co_yield elements_of(count_to(0));
        co_yield elements_of(Generator<int>());
        co_yield elements_of(std::vector<int>());
        Generator<int> ended = count_to(1);
        ended.next();
        ended.next();
        co_yield elements_of(std::move(ended));
        co_yield 1;
        co_yield elements_of(count_to(0));
    };
    CHECK(all(body()) == "1");
}

TEST_CASE_METHOD(Balanced, "generator: elements_of one that has begun goes on with it") {
    auto body = []() -> Generator<int> {
        Generator<int> begun = descend(4);
        CHECK(begun.next() == 4);
        CHECK(begun.next() == 3);
        CHECK(begun.next() == 2);
        co_yield elements_of(std::move(begun));
        co_yield 7;
    };
    CHECK(all(body()) == "1 0 7");
}

TEST_CASE_METHOD(Balanced, "generator: elements_of one that has begun, destroyed in the middle") {
    EventLog log;
    auto inner = [&]() -> Generator<int> {
        const Guard guard(log, "inner");
        co_yield elements_of(traced(log, "in", 9));
    };
    auto body = [&]() -> Generator<int> {
        const Guard guard(log, "outer");
        Generator<int> begun = inner();
        CHECK(begun.next() == 1);
        co_yield elements_of(std::move(begun));
    };
    {
        Generator<int> outer = body();
        CHECK(outer.next() == 2);
    }
    CHECK(log.joined() == "in1 in2 ~in ~inner ~outer");
}

TEST_CASE_METHOD(Balanced, "generator: elements_of a named generator leaves it with its owner") {
    Generator<int> owned = count_to(4);
    {
        auto body = [&]() -> Generator<int> { co_yield elements_of(owned); };
        Generator<int> outer = body();
        CHECK(outer.next() == 1);
        CHECK(outer.next() == 2);
    }
    CHECK(owned.next() == 3);
}

TEST_CASE_METHOD(Balanced, "generator: an exception of a delegate can be caught by the outer one") {
    auto body = []() -> Generator<int> {
        try {
            co_yield elements_of(fails_after(2));
        } catch (const std::runtime_error&) {
        }
        co_yield 7;
        co_yield elements_of(fails_after(1));
    };
    Generator<int> generator = body();
    CHECK(generator.next() == 1);
    CHECK(generator.next() == 2);
    CHECK(generator.next() == 7);
    CHECK(generator.next() == 1);
    CHECK(thrown_by([&] { generator.next(); }) == "bad");
    CHECK(generator.next() == std::nullopt);
}

TEST_CASE_METHOD(Balanced, "generator: an early exit cleans up, the innermost delegate first") {
    EventLog log;
    auto middle = [&]() -> Generator<int> {
        const Guard guard(log, "middle");
        co_yield elements_of(traced(log, "in", 9));
    };
    auto outer = [&]() -> Generator<int> {
        const Guard guard(log, "outer");
        co_yield elements_of(middle());
    };
    for (int n : outer()) {
        if (n == 2) {
            break;
        }
    }
    CHECK(log.joined() == "in1 in2 ~in ~middle ~outer");
}

TEST_CASE_METHOD(Balanced, "generator: ten thousand delegates deep") {
    int expected = 10'000;
    int wrong = 0;
    for (int n : descend(10'000)) {
        wrong += n == expected-- ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(expected == -1);
}

TEST_CASE_METHOD(Balanced, "generator: an exception comes up through ten thousand delegates") {
    Generator<int> generator = descend_and_fail(10'000);
    CHECK(thrown_by([&] { generator.next(); }) == "from the bottom");
}

TEST_CASE_METHOD(Balanced, "generator: a hundred thousand delegates are destroyed in the middle") {
    Generator<int> generator = descend(200'000);
    for (int i = 0; i < 100'000; ++i) {
        generator.next();
    }
    CHECK(generator.next() == 100'000);
}

TEST_CASE_METHOD(Balanced, "generator: a hundred thousand delegates, one after the other") {
    auto body = []() -> Generator<int> {
        for (int i = 0; i < 100'000; ++i) {
            co_yield elements_of(count_to(2));
        }
    };
    long sum = 0;
    for (int n : body()) {
        sum += n;
    }
    CHECK(sum == 300'000);
}

TEST_CASE_METHOD(Balanced, "generator: a tree, walked in order") {
    struct Walk {
        static Generator<int> in_order(int low, int high) {
            if (low < high) {
                const int middle = low + (high - low) / 2;
                co_yield elements_of(in_order(low, middle));
                co_yield middle;
                co_yield elements_of(in_order(middle + 1, high));
            }
        }
    };
    int expected = 0;
    for (int n : Walk::in_order(0, 1000)) {
        REQUIRE(n == expected++);
    }
    CHECK(expected == 1000);
}

TEST_CASE_METHOD(Balanced, "generator: a million values") {
    long sum = 0;
    for (int n : count_to(1'000'000)) {
        sum += n;
    }
    CHECK(sum == 500'000'500'000);
}

ASYNC_TEST_CASE("generator: stands still while the coroutine that uses it waits") {
    EventLog log;
    for (int n : traced(log, "a", 2)) {
        co_await sleep(Delay());
        log(std::to_string(n));
    }
    CHECK(log.joined() == "a1 1 a2 2 a ends ~a");
}
