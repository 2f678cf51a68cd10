// What helpers of the tests need of Catch2, for a program that has none.
#pragma once

#include <cstdlib>

#define REQUIRE(...)          \
    do {                      \
        if (!(__VA_ARGS__)) { \
            std::abort();     \
        }                     \
    } while (false)
