#include <ringio/testing/balance.hpp>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>
#include <ringio/core.hpp>
#include <support/catch.hpp>

using namespace ringio;
using ringio::testing::Balance;
using ringio::testing::open_file_count;

namespace {

Task<> nothing() { co_return; }

// Through a pointer that the compiler cannot look through: clang would put the frame on the stack.
Task<> (*volatile coroutine)() = nothing;

}  // namespace

TEST_CASE("balance: nothing done, nothing left") {
    const Balance balance;
    CHECK(balance.difference() == "");
    {
        const Task<> task = coroutine();
        const UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("balance: frames, owned descriptors and open files are counted apart") {
    const Balance balance;
    {
        const Task<> one = coroutine();
        CHECK(balance.difference() == "1 frame left");
        const Task<> two = coroutine();
        CHECK(balance.difference() == "2 frames left");
    }
    {
        const UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
        CHECK(balance.difference() == "1 descriptor, 1 open file left");
        const Task<> task = coroutine();
        CHECK(balance.difference() == "1 frame, 1 descriptor, 1 open file left");
    }
    const int unowned = ::eventfd(0, EFD_CLOEXEC);
    CHECK(balance.difference() == "1 open file left");
    ::close(unowned);
    CHECK(balance.difference() == "");
}

TEST_CASE("balance: what was there before and is gone is told as well") {
    Task<> task = coroutine();
    UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
    const Balance balance;
    task = Task<>();
    fd.reset();
    CHECK(balance.difference() == "-1 frames, -1 descriptors, -1 open files left");
}

TEST_CASE("balance: a loop that was closed owes nothing") {
    const Balance balance;
    {
        EventLoop loop;
        loop.stop();
        loop.run_forever();
        CHECK(balance.difference() != "");
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("balance: the count of open files is the same each time") {
    const std::size_t before = open_file_count();
    CHECK(open_file_count() == before);
    const int duplicate = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
    CHECK(open_file_count() == before + 1);
    ::close(duplicate);
    CHECK(open_file_count() == before);
}
