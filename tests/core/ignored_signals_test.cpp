#include <ringio/core/ignored_signals.hpp>

#include <support/catch.hpp>

#include <csignal>

using namespace ringio;
using namespace ringio::detail;

namespace {

void nobody_calls_this(int) {}

void (*disposition_of(int number))(int) {
    struct sigaction action = {};
    ::sigaction(number, nullptr, &action);
    return action.sa_handler;
}

}  // namespace

TEST_CASE("ignored signals: one that would end the process is ignored, and known for it") {
    void (*const before)(int) = std::signal(SIGXFSZ, SIG_DFL);
    ignore_if_default(SIGXFSZ);
    CHECK(disposition_of(SIGXFSZ) == SIG_IGN);
    CHECK(ignored_by_ringio().contains(SIGXFSZ));
    std::signal(SIGXFSZ, before);
}

TEST_CASE("ignored signals: a handler stays, and is not ringio's later on") {
    void (*const before)(int) = std::signal(SIGXFSZ, &nobody_calls_this);
    ignore_if_default(SIGXFSZ);
    CHECK(disposition_of(SIGXFSZ) == &nobody_calls_this);
    CHECK_FALSE(ignored_by_ringio().contains(SIGXFSZ));
    std::signal(SIGXFSZ, before);
}

TEST_CASE("ignored signals: one that was ignored before is not ringio's") {
    void (*const before)(int) = std::signal(SIGUSR2, SIG_IGN);
    ignore_if_default(SIGUSR2);
    CHECK_FALSE(ignored_by_ringio().contains(SIGUSR2));
    std::signal(SIGUSR2, before);
}
