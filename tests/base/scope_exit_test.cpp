#include <ringio/base/scope_exit.hpp>

#include <support/catch.hpp>

#include <stdexcept>

using ringio::ScopeExit;

TEST_CASE("ScopeExit: runs its action once at the end of the scope") {
    int runs = 0;
    {
        ScopeExit guard([&] { ++runs; });
        CHECK(runs == 0);
    }
    CHECK(runs == 1);
}

TEST_CASE("ScopeExit: runs its action when an exception leaves the scope") {
    int runs = 0;
    try {
        ScopeExit guard([&] { ++runs; });
        throw std::runtime_error("leaves");
    } catch (const std::runtime_error&) {
        CHECK(runs == 1);
    }
    CHECK(runs == 1);
}

TEST_CASE("ScopeExit: a released guard does nothing") {
    int runs = 0;
    {
        ScopeExit guard([&] { ++runs; });
        guard.release();
    }
    CHECK(runs == 0);
}
