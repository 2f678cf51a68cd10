// ASYNC_TEST_CASE: a test whose body is a coroutine, run in virtual time; when it is over, frames,
// operations, timers and descriptors must be back where they were.
#pragma once

#include <ringio/testing/balance.hpp>
#include <ringio/testing/event_log.hpp>
#include <ringio/testing/run_virtual.hpp>
#include <support/catch.hpp>

namespace ringio::test_support {

inline void run_async_test(Task<> (*body)()) {
    const testing::Balance balance;
    testing::run_virtual(body());
    CHECK(balance.difference() == "");
}

}  // namespace ringio::test_support

#define ASYNC_TEST_CASE_JOIN(a, b) a##b
#define ASYNC_TEST_CASE_NAMED(function, ...)                                    \
    static ringio::Task<> function();                                           \
    TEST_CASE(__VA_ARGS__) { ringio::test_support::run_async_test(&function); } \
    static ringio::Task<> function()
#define ASYNC_TEST_CASE_UNIQUE(number, ...) \
    ASYNC_TEST_CASE_NAMED(ASYNC_TEST_CASE_JOIN(async_test_body_, number), __VA_ARGS__)
#define ASYNC_TEST_CASE(...) ASYNC_TEST_CASE_UNIQUE(__COUNTER__, __VA_ARGS__)
