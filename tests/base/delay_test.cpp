#include <ringio/base/delay.hpp>

#include <support/catch.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <stdexcept>
#include <type_traits>

namespace {

using namespace std::chrono_literals;
using ringio::Delay;
using ringio::saturating_add;
using std::chrono::duration;
using std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;

constexpr auto most = nanoseconds::max();
constexpr auto least = nanoseconds::min();

static_assert(std::is_trivially_copyable_v<Delay> && std::is_trivially_destructible_v<Delay>);
static_assert(sizeof(Delay) == 8);
static_assert(std::is_convertible_v<std::chrono::hours, Delay>);
static_assert(!std::is_convertible_v<int, Delay>);
static_assert(std::is_nothrow_constructible_v<Delay, std::chrono::seconds>);
static_assert(!std::is_nothrow_constructible_v<Delay, duration<double>>);

static_assert(Delay().value() == 0ns);
static_assert(Delay(1s).value() == 1'000'000'000ns);
static_assert(Delay(-3ms).value() == -3'000'000ns);
static_assert(Delay(0.25s).value() == 250ms);
static_assert(Delay(std::chrono::hours::max()).value() == most);
static_assert(Delay(std::chrono::hours::min()).value() == least);
static_assert(saturating_add(Clock::time_point(5s), 1s) == Clock::time_point(6s));

Delay pass(Delay delay) { return delay; }

}  // namespace

TEST_CASE("Delay: any duration converts") {
    CHECK(pass(5s).value() == 5s);
    CHECK(pass(2h).value() == 2h);
    CHECK(pass(std::chrono::duration<unsigned char>(200)).value() == 200s);
    CHECK(pass(duration<std::int64_t, std::pico>(-1999)).value() == -1ns);
    CHECK(pass(duration<std::uint64_t, std::pico>(5000)).value() == 5ns);
    CHECK(pass(duration<std::uint64_t, std::pico>(UINT64_MAX)).value().count() ==
          static_cast<std::int64_t>(UINT64_MAX / 1000));
    CHECK(pass(duration<int, std::ratio<1, 3>>(1)).value() == 333'333'333ns);
    CHECK(pass(duration<int, std::ratio<1, 3>>(-2)).value() == -666'666'667ns);
    CHECK(pass(std::chrono::days(1)).value() == 24h);
}

TEST_CASE("Delay: floating-point durations round to the nearest nanosecond") {
    CHECK(pass(0.1s).value() == 100ms);
    CHECK(pass(0.3s).value() == 300ms);
    CHECK(pass(0.29s).value() == 290ms);
    CHECK(pass(-0.3s).value() == -300ms);
    CHECK(pass(1.5ms).value() == 1500us);
    CHECK(pass(0.4ns).value() == 0ns);
    CHECK(pass(duration<float>(0.5f)).value() == 500ms);
}

TEST_CASE("Delay: what is out of range saturates") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    CHECK(pass(std::chrono::seconds::max()).value() == most);
    CHECK(pass(std::chrono::seconds::min()).value() == least);
    CHECK(pass(nanoseconds::max()).value() == most);
    CHECK(pass(nanoseconds::min()).value() == least);
    CHECK(pass(duration<std::uint64_t, std::nano>(UINT64_MAX)).value() == most);
    CHECK(pass(duration<std::uint64_t>(UINT64_MAX)).value() == most);
    CHECK(pass(duration<double>(1e300)).value() == most);
    CHECK(pass(duration<double>(-1e300)).value() == least);
    CHECK(pass(duration<double>(infinity)).value() == most);
    CHECK(pass(duration<double>(-infinity)).value() == least);
    CHECK(pass(duration<double, std::nano>(9223372036854775807.0)).value() == most);
    CHECK(pass(duration<int, std::exa>(1)).value() == most);
    CHECK(pass(duration<int, std::exa>(0)).value() == 0ns);
    CHECK(pass(duration<int, std::exa>(-1)).value() == least);
    CHECK(pass(duration<long double>(std::numeric_limits<long double>::max())).value() == most);
    CHECK(pass(9223372036s).value() == 9223372036s);
    CHECK(pass(9223372037s).value() == most);
    CHECK(pass(-9223372037s).value() == least);
}

TEST_CASE("Delay: NaN is refused with a sentence") {
    CHECK_THROWS_WITH(pass(duration<double>(std::numeric_limits<double>::quiet_NaN())),
                      "a delay cannot be NaN");
    CHECK_THROWS_AS(pass(duration<float>(std::numeric_limits<float>::quiet_NaN())),
                    std::invalid_argument);
}

TEST_CASE("Delay: compares with delays and durations") {
    CHECK(Delay(1s) == Delay(1000ms));
    CHECK(Delay(1s) < Delay(2s));
    CHECK(Delay(1s) <= 1s);
    CHECK(3s > Delay(2s));
    CHECK(Delay(1ns).is_positive());
    CHECK_FALSE(Delay(0s).is_positive());
    CHECK_FALSE(Delay(-1s).is_positive());
}

TEST_CASE("saturating_add: stays within the range of the clock") {
    const auto origin = Clock::time_point();
    const auto first = Clock::time_point::min();
    const auto last = Clock::time_point::max();
    CHECK(saturating_add(origin, 7s) == origin + 7s);
    CHECK(saturating_add(origin, -7s) == origin - 7s);
    CHECK(saturating_add(origin, most) == last);
    CHECK(saturating_add(origin, least) == first);
    CHECK(saturating_add(origin + 1ns, most) == last);
    CHECK(saturating_add(origin - 1ns, most) == last - 1ns);
    CHECK(saturating_add(origin - 1ns, least) == first);
    CHECK(saturating_add(origin + 1ns, least) == first + 1ns);
    CHECK(saturating_add(last, most) == last);
    CHECK(saturating_add(last, least) == origin - 1ns);
    CHECK(saturating_add(first, least) == first);
    CHECK(saturating_add(first, most) == origin - 1ns);
    CHECK(saturating_add(last, 0s) == last);
}
