// What the library relies on with each compiler, probed: if one of these fails, the compiler breaks
// a rule that the guards in core/ were written for.
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <ringio/base/config.hpp>
#include <ringio/core.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>

#include "watching.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// Counts its live instances.
class Counted {
public:
    Counted() { ++live; }
    Counted(const Counted&) { ++live; }
    Counted(Counted&&) noexcept { ++live; }
    Counted& operator=(const Counted&) = default;
    ~Counted() { --live; }

    static inline int live = 0;
};

/// An awaiter that remembers where it was made.
struct Positioned {
    Positioned() = default;
    Positioned(const Positioned&) = delete;
    Positioned& operator=(const Positioned&) = delete;
    bool await_ready() { return this == self; }
    void await_suspend(std::coroutine_handle<>) {}
    bool await_resume() { return this == self; }

    Positioned* self = this;
};
struct GivesPositioned {
    Positioned operator co_await() const { return {}; }
};

struct WithConstructor {
    explicit WithConstructor(int n) : number(n) {}
    int number;
    Counted counted;
};

Task<int> takes_options(TaskOptions options) { co_return static_cast<int>(options.name.size()); }
Task<int> takes_constructed(WithConstructor argument) { co_return argument.number; }
Task<int> takes_reference(const WithConstructor& argument) { co_return argument.number; }
Task<int> takes_string(std::string text) {
    co_await sleep(0s);
    co_return static_cast<int>(text.size());
}

template <class Fn>
Task<int> takes_callable(Fn callable) {
    co_await sleep(0s);
    co_return callable();
}

Task<bool> no_locals_but_a_named_condition(bool& reached) {
    bool ready = co_await sleep(0s, true);
    if (ready) {
        reached = true;
    }
    co_return reached;
}

Task<bool> initialised_condition() {
    if (bool ready = co_await sleep(0s, true); ready) {
        co_return true;
    }
    co_return false;
}

}  // namespace

ASYNC_TEST_CASE("compilers: an awaiter that is returned by value stays where it was made") {
    const bool same = co_await GivesPositioned{};
    CHECK(same);
}

ASYNC_TEST_CASE("compilers: option structs in an operand are destroyed once") {
    static_assert(std::is_trivially_destructible_v<TaskOptions>);
    static_assert(std::is_trivially_destructible_v<WaitOptions>);
    static_assert(std::is_trivially_destructible_v<RunOptions>);
    const int length = co_await takes_options({.name = "four"});
    CHECK(length == 4);
    TaskHandle<> task;
    task = create_task(sleep(0s), {.name = "in an operand"});
    co_await task;
    co_await create_task(sleep(0s), {.name = "in an operand"});
}

ASYNC_TEST_CASE("compilers: a class with a constructor may be a temporary in an operand") {
    const int value = co_await takes_constructed(WithConstructor(3));
    const int reference = co_await takes_reference(WithConstructor(4));
    CHECK(value == 3);
    CHECK(reference == 4);
    CHECK(Counted::live == 0);
}

ASYNC_TEST_CASE("compilers: a string may be a temporary in an operand") {
    const int length = co_await takes_string(std::string(100, 'x'));
    CHECK(length == 100);
    const int converted = co_await takes_string("a literal that is too long for the short form");
    CHECK(converted == 45);
}

ASYNC_TEST_CASE("compilers: a named closure is destroyed once, lent, moved or by_move") {
    {
        auto work = [counted = Counted()] { return Counted::live > 0 ? 1 : 0; };
        const int lent = co_await takes_callable(work);
        const int moved = co_await takes_callable(std::move(work));
        CHECK(lent + moved == 2);
    }
    CHECK(Counted::live == 0);
    {
        auto body = [counted = Counted()]() -> Task<int> { co_return Counted::live; };
        const int live = co_await timeout(1s, by_move(body));
        CHECK(live > 0);
    }
    CHECK(Counted::live == 0);
}

ASYNC_TEST_CASE("compilers: a coroutine that is named first may be made of a temporary closure") {
    {
        auto task = takes_callable([counted = Counted()] { return 1; });
        const int value = co_await std::move(task);
        CHECK(value == 1);
    }
    CHECK(Counted::live == 0);
}

ASYNC_TEST_CASE("compilers: a condition that is named first is right") {
    bool reached = false;
    const bool named = co_await no_locals_but_a_named_condition(reached);
    const bool initialised = co_await initialised_condition();
    CHECK(named);
    CHECK(initialised);
}

ASYNC_TEST_CASE("compilers: temporaries of an operand live until the await is over") {
    struct Holder {
        explicit Holder(bool& flag) : alive(&flag) { *alive = true; }
        ~Holder() { *alive = false; }
        Holder(const Holder&) = delete;
        Holder& operator=(const Holder&) = delete;
        bool* alive;
    };
    auto sees = [](const Holder& holder) -> Task<bool> {
        co_await sleep(1s);
        co_return *holder.alive;
    };
    bool alive = false;
    const bool seen = co_await sees(Holder(alive));
    CHECK(seen);
    CHECK_FALSE(alive);
}

ASYNC_TEST_CASE("compilers: results of awaits in one expression do not mix") {
    auto number = [](int value) -> Task<int> {
        co_await sleep(0s);
        co_return value;
    };
    const int sum = (co_await number(1)) + 10 * (co_await number(2)) + 100 * (co_await number(3));
    CHECK(sum == 321);
    std::string text;
    text += std::to_string(co_await number(4)) + std::to_string(co_await number(5));
    CHECK(text == "45");
}

ASYNC_TEST_CASE("compilers: a frame is aligned as operator new aligns") {
    struct alignas(16) Wide {
        char bytes[16];
    };
    Wide wide{};
    co_await sleep(0s);
    CHECK(reinterpret_cast<std::uintptr_t>(&wide) % 16 == 0);
}

TEST_CASE("compilers: locals, arguments and temporaries go when a frame is destroyed suspended") {
    {
        EventLoop loop({.virtual_time = true});
        Reports reports(loop);
        auto body = [](Counted) -> Task<int> {
            Counted local;
            const int value = co_await takes_constructed(WithConstructor(1));
            co_await sleep(1h);
            co_return value;
        };
        loop.create_task(body(Counted()));
        run_one_turn(loop);
        CHECK(Counted::live == 2);
        loop.close();
        CHECK(reports.seen.size() == 1);
    }
    CHECK(Counted::live == 0);
}

TEST_CASE("compilers: what the configuration says of the compiler is so") {
#if defined(__clang__)
    CHECK(RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE == 0);
#elif __GNUC__ < 13
    CHECK(RINGIO_AWAIT_DESTROYS_TEMPORARIES_TWICE == 1);
#endif
#if defined(__SANITIZE_ADDRESS__)
    CHECK(RINGIO_SANITIZE_ADDRESS == 1);
#endif
}
