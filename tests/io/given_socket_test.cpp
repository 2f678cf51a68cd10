#include <ringio/io/given_socket.hpp>

#include <support/catch.hpp>

#include <fcntl.h>

#include <type_traits>

using namespace ringio;

TEST_CASE("GivenSocket: is none until one is given, and takes it only when it is asked to") {
    static_assert(std::is_trivially_destructible_v<GivenSocket>);
    static_assert(!std::is_constructible_v<GivenSocket, UniqueFd&>);
    const GivenSocket none;
    CHECK_FALSE(none);
    CHECK(none.fd() == -1);

    UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = fd.get();
    const GivenSocket given = std::move(fd);
    CHECK(given);
    CHECK(given.fd() == number);
    CHECK(fd);
    const UniqueFd taken = given.take();
    CHECK(taken.get() == number);
    CHECK_FALSE(fd);
    CHECK(given);
    CHECK(given.fd() == -1);
}
