#include <ringio/testing/allocation_faults.hpp>

#include <ringio/core/frame_allocator.hpp>
#include <support/catch.hpp>

#include <new>
#include <thread>

using namespace ringio;
using testing::AllocationFailure;
using testing::AllocationFaults;

namespace {

/// Allocates `count` times, and tells which worked: "+-+".
template <std::size_t size>
struct Tries {
    explicit Tries() {
        for (char& sign : signs) {
            void* const memory = ::operator new(1, std::nothrow);
            sign = memory != nullptr ? '+' : '-';
            ::operator delete(memory);
        }
    }
    std::string text() const { return std::string(signs, size); }

    char signs[size];
};

}  // namespace

TEST_CASE("allocation faults: the n-th allocation fails") {
    AllocationFaults faults(2);
    const Tries<4> tries;
    faults.stop();
    CHECK(tries.text() == "+-++");
    CHECK(faults.count() == 4);
    CHECK(faults.failed());
}

TEST_CASE("allocation faults: the n-th and all that follow fail") {
    AllocationFaults faults(3, AllocationFailure::from_then_on);
    const Tries<5> tries;
    faults.stop();
    const Tries<1> afterwards;
    CHECK(tries.text() == "++---");
    CHECK(afterwards.text() == "+");
    CHECK(faults.count() == 5);
}

TEST_CASE("allocation faults: 0 only counts") {
    AllocationFaults faults(0);
    const Tries<3> tries;
    faults.stop();
    CHECK(tries.text() == "+++");
    CHECK(faults.count() == 3);
    CHECK_FALSE(faults.failed());
}

TEST_CASE("allocation faults: what a harness allocates is left out") {
    AllocationFaults faults(1);
    {
        const detail::PauseAllocationFaults pause;
        const Tries<2> tries;
    }
    const std::size_t before = faults.count();
    const Tries<1> tries;
    faults.stop();
    CHECK(before == 0);
    CHECK(tries.text() == "-");
}

TEST_CASE("allocation faults: another thread is left alone") {
    AllocationFaults counting(0);
    counting.stop();
    std::string signs;
    std::thread other;
    {
        AllocationFaults faults(100, AllocationFailure::from_then_on);
        other = std::thread([&signs] { signs = Tries<200>().text(); });
        other.join();
    }
    CHECK(signs == std::string(200, '+'));
}

TEST_CASE("allocation faults: the test program has failing_new.hpp") {
    CHECK(AllocationFaults::installed());
}

TEST_CASE("allocation faults: a probing frame pool asks for each block that it has to find") {
    using ringio::detail::frame_pool;
    frame_pool.deallocate(frame_pool.allocate(64), 64);  // there is a chunk to cut from
    frame_pool.trim();
    frame_pool.set_probing(true);
    std::size_t counted = 0;
    void* blocks[10] = {};
    {
        const AllocationFaults faults(0);
        for (void*& block : blocks) {
            block = frame_pool.allocate(64);
        }
        counted = faults.count();
    }
    for (void* const block : blocks) {
        frame_pool.deallocate(block, 64);
    }
    frame_pool.set_probing(false);
    CHECK(counted == 10);
}
