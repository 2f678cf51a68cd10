#include <ringio/base/unique_fd.hpp>

#include <support/catch.hpp>

#include <cerrno>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace {

using ringio::UniqueFd;

static_assert(sizeof(UniqueFd) == sizeof(int));
static_assert(!std::is_copy_constructible_v<UniqueFd>);
static_assert(!std::is_convertible_v<int, UniqueFd>);

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

}  // namespace

TEST_CASE("UniqueFd: owns nothing by default, and no negative number") {
    const std::size_t before = UniqueFd::live_count();
    UniqueFd none;
    CHECK(none.get() == -1);
    CHECK_FALSE(none);
    UniqueFd refused(-9);
    CHECK(refused.get() == -1);
    CHECK(refused.release() == -1);
    CHECK(UniqueFd::live_count() == before);
}

TEST_CASE("UniqueFd: closes at the end of its life") {
    const std::size_t before = UniqueFd::live_count();
    const int number = open_null();
    {
        UniqueFd fd(number);
        CHECK(fd);
        CHECK(fd.get() == number);
        CHECK(UniqueFd::live_count() == before + 1);
    }
    CHECK_FALSE(is_open(number));
    CHECK(UniqueFd::live_count() == before);
}

TEST_CASE("UniqueFd: moving hands the descriptor over") {
    const std::size_t before = UniqueFd::live_count();
    const int number = open_null();
    const int other_number = open_null();
    UniqueFd first(number);
    UniqueFd second = std::move(first);
    CHECK_FALSE(first);
    CHECK(second.get() == number);

    UniqueFd third(other_number);
    third = std::move(second);
    CHECK(third.get() == number);
    CHECK_FALSE(is_open(other_number));
    UniqueFd& same = third;
    third = std::move(same);
    CHECK(third.get() == number);
    CHECK(UniqueFd::live_count() == before + 1);
}

TEST_CASE("UniqueFd: a released descriptor stays open") {
    const std::size_t before = UniqueFd::live_count();
    UniqueFd fd(open_null());
    const int number = fd.release();
    CHECK_FALSE(fd);
    CHECK(UniqueFd::live_count() == before);
    fd.reset();
    CHECK(is_open(number));
    ::close(number);
}

TEST_CASE("UniqueFd: reset closes and takes another") {
    const int number = open_null();
    const int other_number = open_null();
    UniqueFd fd(number);
    fd.reset(other_number);
    CHECK_FALSE(is_open(number));
    CHECK(fd.get() == other_number);
    errno = EAGAIN;
    fd.reset();
    CHECK(errno == EAGAIN);
    CHECK_FALSE(is_open(other_number));
}
