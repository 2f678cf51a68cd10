#include <ringio/base/byte_range.hpp>

#include <support/catch.hpp>

#include <array>
#include <list>
#include <span>
#include <string>
#include <vector>

using namespace ringio;

static_assert(ByteRange<std::vector<char>> && ByteRange<std::vector<std::byte>> &&
              ByteRange<std::span<const unsigned char>> && ByteRange<std::array<signed char, 3>> &&
              ByteRange<const unsigned char (&)[4]>);
static_assert(!ByteRange<std::string> && !ByteRange<std::string_view> && !ByteRange<const char*> &&
              !ByteRange<const char (&)[4]>);
static_assert(!ByteRange<std::vector<int>> && !ByteRange<std::list<char>> &&
              !ByteRange<std::vector<bool>>);

TEST_CASE("ByteRange: is seen as a text with all its bytes, zeros too") {
    const std::vector<std::byte> bytes = {std::byte{'a'}, std::byte{0}, std::byte{0xff}};
    CHECK(detail::as_text(bytes) == std::string_view("a\0\xff", 3));
    CHECK(detail::as_text(std::vector<char>()).empty());
}
