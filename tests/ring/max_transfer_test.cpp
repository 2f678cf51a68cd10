#include <climits>
#include <cstdint>

#include <ringio/ring.hpp>
#include <support/catch.hpp>

#include "probe.hpp"

using namespace ringio;
using namespace ringio::testing;

TEST_CASE("max transfer: lengths beyond one GiB are clamped, never truncated") {
    STATIC_REQUIRE(clamp_transfer(0) == 0);
    STATIC_REQUIRE(clamp_transfer(max_transfer) == max_transfer);
    for (const std::uint64_t size :
         {std::uint64_t{INT_MAX}, std::uint64_t{1} << 31, std::uint64_t{1} << 32,
          (std::uint64_t{1} << 32) + 1, ~std::uint64_t{0}}) {
        CHECK(prepared(RecvRequest{0, nullptr, size}).len == max_transfer);
        CHECK(prepared(SendRequest{0, nullptr, size}).len == max_transfer);
        CHECK(prepared(ReadRequest{0, nullptr, size}).len == max_transfer);
        CHECK(prepared(WriteRequest{0, nullptr, size}).len == max_transfer);
    }
}
