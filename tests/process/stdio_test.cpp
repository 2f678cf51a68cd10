#include <ringio/process/stdio.hpp>

#include <support/catch.hpp>

#include <type_traits>
#include <utility>

#include <fcntl.h>

using namespace ringio;

static_assert(std::is_trivially_destructible_v<Stdio>);
static_assert(std::is_constructible_v<Stdio, UniqueFd>);
static_assert(!std::is_constructible_v<Stdio, UniqueFd&>);  // who lends gives the number

TEST_CASE("Stdio: what it is, by default what the parent has") {
    CHECK(Stdio().kind() == Stdio::Kind::inherit);
    CHECK(Stdio::pipe.kind() == Stdio::Kind::pipe);
    CHECK(Stdio::null.kind() == Stdio::Kind::null);
    CHECK(Stdio::to_stdout.kind() == Stdio::Kind::to_stdout);
    CHECK(Stdio(5).kind() == Stdio::Kind::number);
    CHECK(Stdio(5).number() == 5);
}

TEST_CASE("Stdio: a descriptor that is given away is its taker's") {
    UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = fd.get();
    const Stdio stdio(std::move(fd));
    CHECK(fd.get() == number);  // as long as nobody has taken it
    const UniqueFd taken = stdio.take();
    CHECK(taken.get() == number);
    CHECK_FALSE(fd);
}
