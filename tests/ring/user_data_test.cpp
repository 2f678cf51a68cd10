// What stands in user_data: the address must come back as it was, whatever the generation.
#include "../../src/ring/user_data.hpp"

#include "probe.hpp"
#include "scripted_kernel.hpp"

#include <cstdint>

#include <support/catch.hpp>
#include "child_process.hpp"

using namespace ringio;
using namespace ringio::testing;

namespace {

// Never looked into: only its address matters.
Completion& at_address(std::uintptr_t address) { return *reinterpret_cast<Completion*>(address); }

}  // namespace

TEST_CASE("user_data: every address of 48 bits comes back, whatever the generation") {
    for (const std::uintptr_t address : {std::uintptr_t{0x10}, std::uintptr_t{0x7fff'ffff'fff0},
                                         std::uintptr_t{0xffff'ffff'fff0}}) {
        for (const unsigned number : {0U, 1U, 0x8000U, 0xffffU}) {
            const auto generation = static_cast<std::uint16_t>(number);
            Completion& completion = at_address(address);
            CHECK(fits_user_data(completion));
            const std::uint64_t user_data = user_data_of(completion, generation);
            CHECK(completion_of(user_data) == &completion);
            CHECK(completion_of(user_data | cancel_kind) == &completion);
            CHECK(user_data >> generation_shift == generation);
        }
    }
}

TEST_CASE("user_data: an address beyond 48 bits, or with a tag, does not fit") {
    CHECK_FALSE(fits_user_data(at_address(std::uintptr_t{1} << 48U)));     // five-level paging
    CHECK_FALSE(fits_user_data(at_address(0x0100'7fff'ffff'fff0)));        // a tag in the top byte
    CHECK_FALSE(fits_user_data(at_address(std::uintptr_t{0x3f} << 57U)));  // LAM_U57
}
