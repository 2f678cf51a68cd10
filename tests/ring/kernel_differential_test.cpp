// Generated programs on all kernels: none may do what is wrong on any, and those in which nothing
// depends on who comes first end in the same way on all.
//
//   RINGIO_DIFFERENTIAL_SEED=7 build/clang-asan/tests/ringio_ring_tests "kernel differential: *"
//   RINGIO_DIFFERENTIAL_PROGRAMS=100000 ... so many of them, always the same: what CI does
//   RINGIO_DIFFERENTIAL_SECONDS=3600 ...    from the clock's seed on, for an hour
#include "kernel_contract.hpp"
#include "kernel_program.hpp"
#include "kernel_run.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

namespace {

std::string shown(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += "    ";
        for (const char c : line) {
            text += c >= ' ' && c <= '~'
                        ? std::string(1, c)
                        : '<' + std::to_string(static_cast<unsigned char>(c)) + '>';
        }
        text += '\n';
    }
    return text;
}

// What is wrong with a program; empty: nothing.
std::string failure_of(const Program& program) {
    const RunLog first = run_program(program, kernels_under_test[0]);
    if (!first.wrong.empty()) {
        return std::string(kernels_under_test[0].name) + ": " + first.wrong;
    }
    for (const KernelUnderTest& kernel : std::span(kernels_under_test).subspan(1)) {
        const RunLog log = run_program(program, kernel);
        if (!log.wrong.empty()) {
            return std::string(kernel.name) + ": " + log.wrong;
        }
        if (program.settled && (log.outcomes != first.outcomes || log.bytes != first.bytes)) {
            return std::string(kernels_under_test[0].name) + ":\n" + shown(first.outcomes) +
                   shown(first.bytes) + std::string(kernel.name) + ":\n" + shown(log.outcomes) +
                   shown(log.bytes);
        }
    }
    return {};
}

// Leaves out steps as long as what is left fails.
Program shrunk(Program program) {
    for (std::size_t portion = program.steps.size() / 2; portion > 0; portion /= 2) {
        for (std::size_t at = 0; at < program.steps.size();) {
            Program smaller = program;
            const std::size_t end = std::min(at + portion, smaller.steps.size());
            smaller.steps.erase(smaller.steps.begin() + static_cast<std::ptrdiff_t>(at),
                                smaller.steps.begin() + static_cast<std::ptrdiff_t>(end));
            if (failure_of(smaller).empty()) {
                at += portion;
            } else {
                program = smaller;
            }
        }
    }
    return program;
}

void check_seed(std::uint64_t seed) {
    const Program program = generate(seed);
    const std::string failure = failure_of(program);
    if (failure.empty()) {
        return;
    }
    const Program smallest = shrunk(program);
    const std::string smallest_failure = failure_of(smallest);
    FAIL("seed " << seed << ", to repeat: RINGIO_DIFFERENTIAL_SEED=" << seed
                 << " ringio_ring_tests \"kernel differential: *\"\n"
                 << to_string(smallest) << '\n'
                 << (smallest_failure.empty() ? "not each time: " + failure : smallest_failure));
}

std::uint64_t number_from(const char* variable) {
    const char* const text = std::getenv(variable);
    return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("kernel differential: generated programs end in the same way on all kernels", "[uring]") {
    const DescriptorBalance balance;
    if (const std::uint64_t seed = number_from("RINGIO_DIFFERENTIAL_SEED"); seed != 0) {
        return check_seed(seed);
    }
    const std::uint64_t asked = number_from("RINGIO_DIFFERENTIAL_PROGRAMS");
    const std::uint64_t seeds = asked != 0 ? asked : 4'000;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        check_seed(seed);
    }
    const auto now = [] { return std::chrono::system_clock::now().time_since_epoch(); };
    const auto end = now() + std::chrono::seconds(number_from("RINGIO_DIFFERENTIAL_SECONDS"));
    for (std::uint64_t seed = seeds + static_cast<std::uint64_t>(now().count()); now() < end;
         ++seed) {
        check_seed(seed);
    }
}

TEST_CASE("kernel differential: a seed is the same program each time, and few steps are enough",
          "[uring]") {
    CHECK(to_string(generate(7)) == to_string(generate(7)));
    CHECK(to_string(generate(7)) != to_string(generate(8)));
    for (std::uint64_t seed = 1; seed < 1000; ++seed) {
        const Program program = generate(seed);
        REQUIRE(program.steps.size() <= 40);
        REQUIRE(program.channels.size() <= 6);
    }
}
