#include <ringio/core/signal_set.hpp>

#include <support/catch.hpp>

#include <csignal>
#include <stdexcept>
#include <type_traits>

using namespace ringio;

static_assert(std::is_trivially_copyable_v<SignalSet> &&
              std::is_trivially_destructible_v<SignalSet>);

TEST_CASE("SignalSet: is made of a braced list, and of one number") {
    constexpr SignalSet stop = {SIGINT, SIGTERM};
    static_assert(stop.contains(SIGTERM) && !stop.contains(SIGHUP) && stop.size() == 2);
    CHECK(SignalSet{SIGINT} == SignalSet(SIGINT));
    CHECK(SignalSet().empty());
    CHECK(SignalSet({SIGTERM, SIGINT, SIGTERM}) == stop);
}

TEST_CASE("SignalSet: unites, intersects, subtracts, and gives the lowest first") {
    const SignalSet stop = {SIGINT, SIGTERM};
    const SignalSet other = {SIGHUP, SIGTERM};
    CHECK((stop & other) == SignalSet(SIGTERM));
    CHECK((stop - other) == SignalSet(SIGINT));
    SignalSet all = stop | other;
    CHECK(all.repr() == "SIGHUP, SIGINT, SIGTERM");
    CHECK(all.take_lowest() == SIGHUP);
    all.remove(SIGINT);
    CHECK(all.take_lowest() == SIGTERM);
    CHECK(all.take_lowest() == 0);
}

TEST_CASE("SignalSet: holds 1 to 64, and refuses what is no signal") {
    CHECK(SignalSet({1, 64}).size() == 2);
    for (const int number : {0, -1, 65, 77}) {
        CHECK_THROWS_WITH(SignalSet(number), "invalid signal number " + std::to_string(number));
        CHECK_THROWS_AS(SignalSet().contains(number), std::invalid_argument);
    }
}

TEST_CASE("SignalSet: a signal has a name, or a number where it has none") {
    CHECK(detail::signal_name(SIGUSR1) == "SIGUSR1");
    CHECK(detail::signal_name(40) == "signal 40");
    CHECK(detail::signal_number("USR1") == SIGUSR1);
    CHECK(detail::signal_number("SIGTERM") == SIGTERM);
    CHECK(detail::signal_number("40") == 40);
    for (const char* const text : {"", "SIG", "usr1", "0", "65", "-1", "10x", "FOO"}) {
        CHECK(detail::signal_number(text) == 0);
    }
}
