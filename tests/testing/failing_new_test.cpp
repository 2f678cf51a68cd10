#include <ringio/testing/failing_new.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <memory>
#include <vector>

using namespace ringio;
using testing::AllocationFaults;

namespace {

struct alignas(64) Aligned {
    char bytes[64];
};

/// Says whether `allocate` throws std::bad_alloc when its first allocation fails.
template <class Fn>
bool throws_without_memory(Fn allocate) {
    AllocationFaults faults(1);
    try {
        allocate();
    } catch (const std::bad_alloc&) {
        return true;
    }
    return false;
}

/// Says whether `allocate` gives null when its first allocation fails.
template <class Fn>
bool null_without_memory(Fn allocate) {
    AllocationFaults faults(1);
    return allocate() == nullptr;
}

}  // namespace

TEST_CASE("failing new: every form of new fails") {
    CHECK(throws_without_memory([] { ::operator delete(::operator new(8)); }));
    CHECK(throws_without_memory([] { ::operator delete[](::operator new[](8)); }));
    CHECK(throws_without_memory([] { std::make_unique<Aligned>(); }));
    CHECK(throws_without_memory([] { std::make_unique<Aligned[]>(2); }));
    CHECK(throws_without_memory([] { std::vector<int>(3); }));
    CHECK(null_without_memory([] { return ::operator new(8, std::nothrow); }));
    CHECK(null_without_memory([] { return ::operator new[](8, std::nothrow); }));
    CHECK(null_without_memory([] { return new (std::nothrow) Aligned; }));
    CHECK(null_without_memory([] { return new (std::nothrow) Aligned[2]; }));
}

TEST_CASE("failing new: without faults, memory is what it should be") {
    const auto aligned = std::make_unique<Aligned>();
    CHECK(reinterpret_cast<std::uintptr_t>(aligned.get()) % 64 == 0);
    const std::unique_ptr<char[]> empty(new char[0]);
    CHECK(empty != nullptr);
}
