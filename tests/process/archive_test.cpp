#include <ringio/process/archive.hpp>

#include <support/catch.hpp>

#include <array>
#include <chrono>
#include <complex>
#include <deque>
#include <filesystem>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using ringio::concurrent::ArchiveError;
using ringio::concurrent::ArchiveIn;
using ringio::concurrent::ArchiveOut;

namespace {

enum class Mood : short { bad = -1, good = 1 };

struct Sample {
    int id;
    double value;
    bool operator==(const Sample&) const = default;
};
struct Record {
    std::string name;
    std::vector<Sample> samples;
    std::optional<int> limit;
    int window[2];
    std::map<std::string, std::vector<std::string>> tags;
    bool operator==(const Record&) const = default;
};
class Account {
public:
    Account() = default;
    Account(std::string owner, long amount) : owner_(std::move(owner)), amount_(amount) {}
    template <class Archive>
    void serialize(Archive& archive) {
        archive(owner_, amount_);
    }
    bool operator==(const Account&) const = default;

private:
    std::string owner_;
    long amount_ = 0;
};
struct SaysNothing {
    SaysNothing() {}
    SaysNothing(const SaysNothing&) {}
    template <class Archive>
    void serialize(Archive&) {}
    bool operator==(const SaysNothing&) const { return true; }
};
// Writes nothing of what is made anew when it is read.
struct Summed {
    template <class Archive>
    void serialize(Archive& archive) {
        archive(values);
        if constexpr (Archive::is_loading) {
            sum = 0;
            for (const int value : values) {
                sum += value;
            }
        }
    }
    bool operator==(const Summed&) const = default;
    std::vector<int> values;
    int sum = 0;
};
struct NoDefault {
    explicit NoDefault(int given) : value(given) {}
    int value;
    bool operator==(const NoDefault&) const = default;
};

struct Throws {
    Throws() = default;
    Throws(const Throws&) { throw 1; }
    Throws& operator=(const Throws&) { throw 1; }
    template <class Archive>
    void serialize(Archive&) {}
};

template <class T>
std::string archived(const T& value) {
    ArchiveOut out;
    out(value);
    return std::move(out).bytes();
}

template <class T>
T read_all(const std::string& bytes) {
    ArchiveIn in(bytes);
    T value = in.read<T>();
    in.require_end();
    return value;
}

// The value comes back, and no message that was cut short makes one.
template <class T>
void check_round_trip(const T& value) {
    const std::string bytes = archived(value);
    CHECK(read_all<T>(bytes) == value);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CHECK_THROWS_AS(read_all<T>(bytes.substr(0, size)), ArchiveError);
    }
}

}  // namespace

namespace elsewhere {

struct Foreign {
    Foreign() {}
    Foreign(const Foreign& other) : x(other.x) {}
    int x = 0;
    bool operator==(const Foreign& other) const { return x == other.x; }
};
template <class Archive>
void serialize(Archive& archive, Foreign& value) {
    archive(value.x);
}

}  // namespace elsewhere

TEST_CASE("archive: numbers, texts and enums come back") {
    check_round_trip(42);
    check_round_trip(-1.5);
    check_round_trip(true);
    check_round_trip(Mood::bad);
    check_round_trip(std::string());
    check_round_trip(std::string("with a \0 in it", 14));
    check_round_trip(std::u16string(u"wide"));
    check_round_trip(std::filesystem::path("/tmp/ä"));
    check_round_trip(std::chrono::nanoseconds(5s));
    check_round_trip(std::chrono::system_clock::time_point(7s));
    check_round_trip(std::complex<double>(1, 2));
}

TEST_CASE("archive: containers come back with all their elements, in their order") {
    check_round_trip(std::vector<int>{3, 1, 2});
    check_round_trip(std::vector<bool>{true, false, true});
    check_round_trip(std::vector<std::string>{"a", "", "bb"});
    check_round_trip(std::vector<std::vector<Sample>>{{}, {{1, 2}, {3, 4}}});
    check_round_trip(std::deque<int>{1, 2});
    check_round_trip(std::list<std::string>{"z"});
    check_round_trip(std::map<int, std::string>{{1, "a"}, {2, "b"}});
    check_round_trip(std::multimap<int, int>{{1, 2}, {1, 3}});
    check_round_trip(std::set<std::string>{"x", "y"});
    check_round_trip(std::unordered_map<std::string, std::vector<int>>{{"q", {1}}});
    check_round_trip(std::unordered_multiset<int>{1, 1});
    check_round_trip(std::array<int, 3>{1, 2, 3});
    check_round_trip(std::array<std::string, 2>{"a", "b"});
}

TEST_CASE("archive: pairs, tuples, optionals and variants come back") {
    check_round_trip(std::pair<std::string, int>("a", 1));
    check_round_trip(std::tuple<int, std::string, Sample>(1, "x", {2, 3}));
    check_round_trip(std::tuple<>());
    check_round_trip(std::optional<std::string>("x"));
    check_round_trip(std::optional<std::optional<int>>(std::nullopt));
    check_round_trip(std::variant<int, std::string, std::monostate>("t"));
    check_round_trip(std::variant<std::monostate, int>());
}

TEST_CASE("archive: aggregates come back, and classes that say how") {
    check_round_trip(Sample{1, 2.5});
    check_round_trip(Record{"r", {{1, 2}}, 5, {6, 7}, {{"k", {"v", "w"}}}});
    check_round_trip(Account("Ada", 12));
    check_round_trip(std::vector<Account>(3, Account("Grace", 1)));
    elsewhere::Foreign foreign;
    foreign.x = 9;
    check_round_trip(foreign);
    check_round_trip(std::vector<SaysNothing>(4));
    check_round_trip(Summed{{1, 2, 3}, 6});
    CHECK(archived(Summed{{1, 2, 3}, 6}) == archived(Summed{{1, 2, 3}, 0}));
}

TEST_CASE("archive: what has no default constructor comes back if it is plain") {
    check_round_trip(NoDefault(4));
    check_round_trip(std::vector<NoDefault>(3, NoDefault(4)));
    check_round_trip(std::optional<NoDefault>(NoDefault(5)));
}

TEST_CASE("archive: several values come back from one message") {
    ArchiveOut out;
    out(1, std::string("two"), 3.0);
    ArchiveIn in(out.bytes());
    int one = 0;
    std::string two = "something that was there";
    in(one, two);
    CHECK(one == 1);
    CHECK(two == "two");
    CHECK(in.left() == sizeof(double));
    CHECK_THROWS_WITH(in.require_end(), "8 bytes at the end of the message were not read");
    CHECK(in.read<double>() == 3.0);
    CHECK_NOTHROW(in.require_end());
}

TEST_CASE("archive: a number of elements that the message has not got is no reason for memory") {
    std::string bytes = archived(std::vector<std::string>{"a"});
    const std::uint64_t lie = std::uint64_t{1} << 60U;
    std::memcpy(bytes.data(), &lie, sizeof(lie));
    CHECK_THROWS_AS(read_all<std::vector<std::string>>(bytes), ArchiveError);
    CHECK_THROWS_AS(read_all<std::vector<double>>(bytes), ArchiveError);
    CHECK_THROWS_AS(read_all<std::vector<SaysNothing>>(bytes), ArchiveError);
    CHECK_THROWS_AS(read_all<std::string>(bytes), ArchiveError);
    CHECK_THROWS_WITH(
        (read_all<std::map<int, int>>(bytes)),
        "the message says that 1152921504606846976 elements follow, but has only 9 bytes");
    // As many as there are bytes, but each is larger than one.
    const std::uint64_t smaller_lie = 9;
    std::memcpy(bytes.data(), &smaller_lie, sizeof(smaller_lie));
    CHECK_THROWS_WITH(read_all<std::vector<double>>(bytes),
                      "the message ends too early: 72 bytes are wanted, 9 are left");
}

TEST_CASE("archive: an alternative that a variant has not got is an error") {
    const std::string bytes = archived(std::variant<int, int, int>(std::in_place_index<2>, 1));
    CHECK_THROWS_WITH((read_all<std::variant<int, std::string>>(bytes)),
                      "the message says alternative 2 of a variant that has 2");
}

TEST_CASE("archive: a variant without a value is an error of who sends it") {
    std::variant<int, Throws> empty(1);
    CHECK_THROWS_AS(empty.emplace<Throws>(Throws()), int);
    REQUIRE(empty.valueless_by_exception());
    CHECK_THROWS_AS(archived(empty), ArchiveError);
}

TEST_CASE("archive: whatever a message holds, it is read or refused") {
    using Everything =
        std::tuple<Record, std::vector<bool>, std::variant<int, std::string, Account>,
                   std::map<std::string, std::optional<Record>>, std::list<std::set<int>>,
                   std::filesystem::path, std::array<std::string, 2>, Mood>;
    const Everything value(Record{"r", {{1, 2}}, 5, {6, 7}, {{"k", {"v", "w"}}}}, {true, false},
                           Account("Ada", 1), {{"x", Record{}}, {"y", std::nullopt}}, {{1, 2}, {}},
                           "/tmp", {"a", "b"}, Mood::good);
    const std::string original = archived(value);
    REQUIRE(read_all<Everything>(original) == value);
    std::mt19937 random(20261129);
    int read = 0;
    int refused = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string bytes = original;
        for (unsigned change = random() % 4; change < 4; ++change) {
            bytes[random() % bytes.size()] = static_cast<char>(random() % 3 == 0 ? 255 : random());
        }
        bytes.resize(random() % 4 == 0 ? random() % bytes.size() : bytes.size());
        try {
            read_all<Everything>(bytes);
            ++read;
        } catch (const ArchiveError&) {
            ++refused;
        }
    }
    CHECK(read > 1000);
    CHECK(refused > 1000);
}
