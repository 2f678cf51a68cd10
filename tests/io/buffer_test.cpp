#include <ringio/io/buffer.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cstring>
#include <random>

using namespace ringio;

TEST_CASE("ReadBuffer: is empty at first") {
    ReadBuffer buffer;
    CHECK(buffer.empty());
    CHECK(buffer.size() == 0);
    CHECK(buffer.data() == "");
    CHECK(buffer.take(10) == "");
    buffer.append("");
    buffer.clear();
    CHECK(buffer.empty());
}

TEST_CASE("ReadBuffer: what is appended is taken from the front") {
    ReadBuffer buffer;
    buffer.append("hello ");
    buffer.append("world");
    CHECK(buffer.data() == "hello world");
    CHECK(buffer.take(6) == "hello ");
    buffer.consume(1);
    CHECK(buffer.data() == "orld");
    CHECK(buffer.size() == 4);
    CHECK(buffer.take(100) == "orld");
    CHECK(buffer.empty());
}

TEST_CASE("ReadBuffer: prepare gives room of at least the size, and only commit makes it data") {
    ReadBuffer buffer;
    std::span<char> room = buffer.prepare(100);
    REQUIRE(room.size() >= 100);
    std::memcpy(room.data(), "abc", 3);
    CHECK(buffer.empty());
    buffer.commit(3);
    CHECK(buffer.data() == "abc");
    room = buffer.prepare(5000);
    REQUIRE(room.size() >= 5000);
    CHECK(buffer.data() == "abc");
    CHECK(room.data() == buffer.data().data() + 3);
}

TEST_CASE("ReadBuffer: room that was prepared may be committed in part, or not at all") {
    ReadBuffer buffer;
    static_cast<void>(buffer.prepare(64));
    const std::span<char> room = buffer.prepare(64);
    std::fill(room.begin(), room.end(), 'x');
    buffer.commit(0);
    CHECK(buffer.empty());
    buffer.commit(2);
    CHECK(buffer.data() == "xx");
}

TEST_CASE("ReadBuffer: the room in front is used again instead of growing for ever") {
    ReadBuffer buffer;
    buffer.append(std::string(1000, 'x'));
    std::size_t most = 0;
    for (int round = 0; round < 10'000; ++round) {
        buffer.append("0123456789");
        buffer.consume(10);
        most = std::max(most, buffer.prepare(1).size());
    }
    CHECK(buffer.size() == 1000);
    CHECK(most < 10'000);
}

TEST_CASE("ReadBuffer: clear drops everything") {
    ReadBuffer buffer;
    buffer.append("abc");
    buffer.consume(1);
    buffer.clear();
    CHECK(buffer.empty());
    buffer.append("d");
    CHECK(buffer.data() == "d");
}

TEST_CASE("ReadBuffer: pinned, its free bytes stay in place while all data is taken") {
    ReadBuffer buffer;
    buffer.append("data");
    char* const place = buffer.prepare(10).data();
    buffer.pin();
    CHECK(buffer.is_pinned());
    CHECK(buffer.take(4) == "data");
    CHECK(buffer.space().data() == place);
    std::string_view("later").copy(place, 5);
    buffer.commit(5);
    buffer.unpin();
    CHECK(buffer.data() == "later");
    buffer.consume(5);
    buffer.prepare(10);
    buffer.pin();
    buffer.unpin();
    CHECK(buffer.empty());
}

TEST_CASE("ReadBuffer: agrees with a string over a random history") {
    std::mt19937 random(20'240'601);
    ReadBuffer buffer;
    std::string model;
    for (int step = 0; step < 20'000; ++step) {
        const std::size_t size = random() % (random() % 50 == 0 ? 20'000 : 200);
        switch (random() % 4) {
            case 0:
            case 1: {
                const std::span<char> room = buffer.prepare(size);
                REQUIRE(room.size() >= size);
                for (std::size_t i = 0; i < size; ++i) {
                    room[i] = static_cast<char>(random());
                    model.push_back(room[i]);
                }
                buffer.commit(size);
                break;
            }
            case 2: {
                const std::string taken = buffer.take(size);
                REQUIRE(taken == model.substr(0, size));
                model.erase(0, taken.size());
                break;
            }
            default: {
                const std::size_t some = std::min(size, model.size());
                buffer.consume(some);
                model.erase(0, some);
            }
        }
        REQUIRE(buffer.size() == model.size());
        REQUIRE((buffer.data() == model));
    }
}
