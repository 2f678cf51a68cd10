#include <ringio/process/archive_kinds.hpp>

#include <support/catch.hpp>

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <coroutine>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

using ringio::detail::archive_kind;
using ringio::detail::ArchiveKind;

namespace {

enum class Colour { red };

struct Point {
    int x;
    double y;
};
struct Named {
    std::string name;
    Point at;
};
struct WithPointer {
    int x;
    const char* text;
};
struct WithPointerInside {
    Named name;
    WithPointer inside;
};
struct PlainWithPointerInside {
    int x;
    WithPointer inside;
};
struct Inherits : Point {
    std::string name;
};
class Hidden {
public:
    Hidden() {}
    Hidden(const Hidden&) {}
};
class Opaque {
    [[maybe_unused]] int value_ = 0;
};
struct Member {
    template <class Archive>
    void serialize(Archive& archive) {
        archive(x);
    }
    int x = 0;
};

template <class... Ts>
constexpr bool are(ArchiveKind kind) {
    return ((archive_kind<Ts>() == kind) && ...);
}

}  // namespace

TEST_CASE("archive kinds: what has no pointer travels as its bytes") {
    STATIC_REQUIRE(
        are<int, bool, char, double, Colour, Point, Opaque, std::monostate>(ArchiveKind::plain));
    STATIC_REQUIRE(are<std::array<Point, 1000>, std::bitset<9>, std::complex<double>, std::mt19937,
                       std::chrono::milliseconds, std::chrono::system_clock::time_point, int[4]>(
        ArchiveKind::plain));
}

TEST_CASE("archive kinds: containers and what is made of types have ways of their own") {
    STATIC_REQUIRE(are<std::string, std::u16string, std::vector<int>, std::vector<bool>,
                       std::deque<Named>, std::list<int>>(ArchiveKind::sequence));
    STATIC_REQUIRE(are<std::map<int, Named>, std::set<int>, std::multimap<int, int>,
                       std::unordered_map<std::string, int>, std::unordered_multiset<int>>(
        ArchiveKind::associative));
    STATIC_REQUIRE(are<std::pair<int, int>, std::tuple<int, std::string>>(ArchiveKind::tuple_like));
    STATIC_REQUIRE(are<std::array<std::string, 2>, std::string[2]>(ArchiveKind::array));
    STATIC_REQUIRE(archive_kind<std::optional<int>>() == ArchiveKind::optional);
    STATIC_REQUIRE(archive_kind<std::variant<int, std::string>>() == ArchiveKind::variant);
    STATIC_REQUIRE(archive_kind<std::filesystem::path>() == ArchiveKind::path);
    STATIC_REQUIRE(archive_kind<Named>() == ArchiveKind::aggregate);
    STATIC_REQUIRE(archive_kind<Member>() == ArchiveKind::serialize_member);
}

TEST_CASE("archive kinds: what points into this process is refused") {
    STATIC_REQUIRE(
        are<int*, const char*, void (*)(), std::nullptr_t, int Point::*, std::unique_ptr<int>,
            std::shared_ptr<int>, std::reference_wrapper<int>, std::vector<int>::iterator,
            std::map<int, int>::iterator>(ArchiveKind::pointer));
    STATIC_REQUIRE(
        are<std::string_view, std::span<int>, std::span<const char, 3>>(ArchiveKind::view));
    STATIC_REQUIRE(are<std::error_code, std::error_condition, std::exception_ptr, std::type_index,
                       std::source_location, std::coroutine_handle<>>(ArchiveKind::place));
    int local = 3;
    const auto by_reference = [&local] { return local; };
    const auto by_value = [local] { return local; };
    STATIC_REQUIRE(
        are<std::remove_const_t<decltype(by_reference)>, std::remove_const_t<decltype(by_value)>>(
            ArchiveKind::closure));
    CHECK(by_reference() == by_value());
}

TEST_CASE("archive kinds: a pointer is found in the members of the members") {
    // Not plain: each member is looked at, and the pointer refused there.
    STATIC_REQUIRE(
        are<WithPointer, WithPointerInside, PlainWithPointerInside>(ArchiveKind::aggregate));
}

TEST_CASE("archive kinds: members that nobody can see are not guessed at") {
    STATIC_REQUIRE(are<Inherits, Hidden, std::function<void()>>(ArchiveKind::unknown));
}
