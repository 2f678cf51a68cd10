#include <ringio/streams/stream_writer.hpp>

#include "link.hpp"

#include <array>
#include <string_view>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>(i * 31 + (i >> 11));
    }
    return text;
}

Task<std::string> gather_all(const RawSocket& peer) {
    std::string all;
    while (!peer.ended()) {
        const std::string part = peer.receive_now(1 << 20);
        all += part;
        co_await sleep(part.empty() ? Delay(1ms) : Delay());
    }
    co_return all;
}

/// Takes what is there until the writer has at most `size` bytes left.
Task<> take_until_left(Link& link, std::size_t size) {
    while (link.writer.get_write_buffer_size() > size) {
        link.peer.receive_now(16384);
        co_await turns(1);
    }
}

}  // namespace

ASYNC_TEST_CASE("StreamWriter: what is written is sent by drain, in order") {
    Link link = co_await make_link();
    link.writer.write("a");
    link.writer.write("");
    link.writer.write(std::string(3, 'b'));
    const std::array<std::string, 2> lines = {"c\n", "d\n"};
    link.writer.writelines(lines);
    co_await link.writer.drain();
    CHECK(link.peer.receive() == "abbbc\nd\n");
}

ASYNC_TEST_CASE("StreamWriter: takes any contiguous range of bytes, and braced lists of texts") {
    Link link = co_await make_link();
    const std::string text = "e";
    link.writer.write(std::vector<char>{'a'});
    link.writer.write(std::array{std::byte{'b'}, std::byte{0}});
    link.writer.write(std::vector<unsigned char>{'c'});
    link.writer.writelines({"d", text, std::string("f"), std::string_view("g")});
    const std::vector<std::vector<std::byte>> parts(2, {std::byte{'h'}});
    link.writer.writelines(parts);
    co_await link.writer.drain();
    CHECK(link.peer.receive() == std::string("ab\0cdefghh", 10));
}

ASYNC_TEST_CASE("StreamWriter: drain stands for a Task where one is asked for") {
    Link link = co_await make_link();
    link.writer.write("hello");
    Task<> draining = link.writer.drain();
    CHECK(link.writer.get_write_buffer_size() == 5);
    co_await draining;
    CHECK(link.writer.get_write_buffer_size() == 0);
}

ASYNC_TEST_CASE("StreamWriter: what is written is sent in the next turn without drain") {
    Link link = co_await make_link();
    link.writer.write("hello");
    CHECK(link.peer.receive_now() == "");
    co_await turns(2);
    CHECK(link.peer.receive_now() == "hello");
    CHECK(link.writer.get_write_buffer_size() == 0);
}

ASYNC_TEST_CASE("StreamWriter: small and large writes of any mixture arrive in order") {
    Link link = co_await make_narrow_link();
    const std::string text = pattern(2 << 20);
    auto received = create_task(gather_all(link.peer));
    for (std::size_t sent = 0, size = 1; sent < text.size(); sent += size) {
        size = std::min(text.size() - sent, size * 5 % 9001 + 1);
        link.writer.write(std::string_view(text).substr(sent, size));
        if (size % 3 == 0) {
            co_await link.writer.drain();
        }
    }
    link.writer.close();
    const std::string all = co_await received;
    CHECK((all == text));
}

ASYNC_TEST_CASE("StreamWriter: drain does not wait up to the high-water mark") {
    Link link = co_await make_narrow_link();
    link.writer.set_write_buffer_limits(much);
    link.writer.write(std::string(much, 'x'));
    co_await turns(3);
    CHECK(link.writer.get_write_buffer_size() > 0);
    auto draining = create_task(link.writer.drain());
    co_await turns(2);
    CHECK(draining.done());
    link.writer.abort();
}

ASYNC_TEST_CASE(
    "StreamWriter: above the high-water mark drain waits until the low one is reached") {
    Link link = co_await make_narrow_link();
    link.writer.set_write_buffer_limits(100'000, 30'000);
    link.writer.write(std::string(much, 'x'));
    auto first = create_task(link.writer.drain());
    auto second = create_task(link.writer.drain());
    co_await sleep(5ms);
    CHECK_FALSE(first.done());
    CHECK_FALSE(second.done());
    co_await take_until_left(link, 60'000);  // below high, above low
    co_await turns(2);
    if (link.writer.get_write_buffer_size() > 30'000) {
        CHECK_FALSE(first.done());
    }
    co_await take_until_left(link, 30'000);
    co_await first;
    co_await second;
    CHECK(link.writer.get_write_buffer_size() <= 30'000);
    co_await link.writer.drain();
}

ASYNC_TEST_CASE("StreamWriter: with a high-water mark of 0 drain waits until all is sent") {
    Link link = co_await make_narrow_link();
    link.writer.set_write_buffer_limits(0);
    link.writer.write(std::string(much, 'x'));
    auto draining = create_task(link.writer.drain());
    co_await take_until_left(link, 0);
    co_await draining;
    CHECK(link.writer.get_write_buffer_size() == 0);
}

ASYNC_TEST_CASE("StreamWriter: the marks follow from each other, as in asyncio") {
    Link link = co_await make_link();
    CHECK_NOTHROW(link.writer.set_write_buffer_limits());
    CHECK_NOTHROW(link.writer.set_write_buffer_limits(100));
    CHECK_NOTHROW(link.writer.set_write_buffer_limits(std::nullopt, 100));
    CHECK_NOTHROW(link.writer.set_write_buffer_limits(100, 100));
    CHECK_NOTHROW(link.writer.set_write_buffer_limits(0, 0));
    CHECK_THROWS_AS(link.writer.set_write_buffer_limits(99, 100), std::invalid_argument);
    CHECK_THROWS_WITH(link.writer.set_write_buffer_limits(99, 100),
                      "high (99) must be >= low (100) must be >= 0");
}

ASYNC_TEST_CASE("StreamWriter: with only a low mark given, the high one is four times that") {
    for (const bool waits : {false, true}) {
        Link link = co_await make_narrow_link();
        link.writer.write(std::string(much, 'x'));
        co_await turns(3);
        const std::size_t left = link.writer.get_write_buffer_size();
        link.writer.set_write_buffer_limits(std::nullopt, (left + 100'000) / 4 + 1);
        co_await take_until_left(link, left / 4);
        co_await turns(3);  // not paused any more
        const std::size_t now = link.writer.get_write_buffer_size();
        // A kernel that has got rid of all that it had takes a part of it at once.
        link.writer.write(std::string(left - now + (waits ? 2 * much : 0), 'x'));
        auto draining = create_task(link.writer.drain());
        co_await turns(3);
        INFO(left << " bytes were left of " << much);
        CHECK(draining.done() == !waits);
        link.writer.abort();
        CHECK_AWAIT(errno_of(draining), 0);
    }
}

ASYNC_TEST_CASE("StreamWriter: a drain that waits goes on under marks that were raised meanwhile") {
    Link link = co_await make_narrow_link();
    link.writer.write(std::string(much, 'x'));
    auto draining = create_task(link.writer.drain());
    co_await sleep(2ms);
    CHECK_FALSE(draining.done());
    link.writer.set_write_buffer_limits(4 * much, 2 * much);
    co_await take_until_left(link, 0);
    co_await turns(3);
    CHECK(draining.done());
    link.writer.abort();
    CHECK_AWAIT(errno_of(draining), 0);
}

ASYNC_TEST_CASE("StreamWriter: a cancelled drain takes nothing back") {
    Link link = co_await make_narrow_link();
    const std::string text = pattern(much);
    link.writer.write(text);
    auto draining = create_task(link.writer.drain());
    co_await sleep(2ms);
    draining.cancel();
    CHECK_AWAIT(is_cancelled(draining), true);
    link.writer.write("end");
    link.writer.close();
    const std::string all = co_await gather_all(link.peer);
    CHECK((all == text + "end"));
}

ASYNC_TEST_CASE("StreamWriter: write_eof ends the stream after what was written; reading goes on") {
    Link link = co_await make_narrow_link();
    CHECK(link.writer.can_write_eof());
    link.writer.write(std::string(much, 'x'));
    link.writer.write_eof();
    link.writer.write_eof();
    CHECK_AWAIT(swallow(link.peer), much);
    link.peer.send("still here");
    CHECK_AWAIT(link.reader.read(100), "still here");
    CHECK_FALSE(link.writer.is_closing());
}

ASYNC_TEST_CASE("StreamWriter: write after write_eof is a std::runtime_error") {
    Link link = co_await make_link();
    link.writer.write_eof();
    CHECK_THROWS_AS(link.writer.write("x"), std::runtime_error);
    CHECK_THROWS_WITH(link.writer.write("x"), "Cannot call write() after write_eof()");
    co_await link.writer.drain();
    CHECK(link.peer.receive() == "");
}

ASYNC_TEST_CASE("StreamWriter: what is written after close() is dropped") {
    Link link = co_await make_link();
    link.writer.write("before");
    link.writer.close();
    CHECK(link.writer.is_closing());
    link.writer.write("after");
    link.writer.write(std::string(100'000, 'x'));
    link.writer.write_eof();
    co_await link.writer.wait_closed();
    CHECK(link.peer.receive_to_end() == "before");
    link.writer.write("long after");
    CHECK(link.writer.get_write_buffer_size() == 0);
}

ASYNC_TEST_CASE("StreamWriter: drain after close is a lost connection, named") {
    Link link = co_await make_link();
    link.writer.close();
    co_await link.writer.wait_closed();
    CHECK_AWAIT(errno_of(link.writer.drain()), ECONNRESET);
    const std::string text = co_await text_of<std::system_error>(link.writer.drain());
    CHECK_THAT(text, Catch::Matchers::Contains("Connection lost"));
    CHECK_THAT(text, Catch::Matchers::Contains(link.name()));
}

ASYNC_TEST_CASE("StreamWriter: a loop of write and drain on a closed connection ends") {
    Link link = co_await make_link();
    link.writer.close();
    int rounds = 0;
    int error = 0;
    while (error == 0 && rounds < 1000) {
        ++rounds;
        link.writer.write("x");
        error = co_await errno_of(link.writer.drain());
    }
    CHECK(error == ECONNRESET);
    CHECK(rounds < 10);
}

ASYNC_TEST_CASE("StreamWriter: copies write to one connection, which goes with the last of them") {
    Link link = co_await make_link();
    {
        StreamWriter first = link.writer;
        StreamWriter second = std::move(link.writer);
        first = second;
        first.write("a");
        second.write("b");
        co_await second.drain();
        CHECK(link.peer.receive() == "ab");
        CHECK_FALSE(link.peer.ended());
        link.writer = std::move(first);
    }
    CHECK_FALSE(link.peer.ended());
}

ASYNC_TEST_CASE("StreamWriter: options of the socket, as long as there is one") {
    Link link = co_await make_link();
    int kept_alive = 0;
    socklen_t size = sizeof(kept_alive);
    link.writer.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    REQUIRE(::getsockopt(link.writer.fileno(), SOL_SOCKET, SO_KEEPALIVE, &kept_alive, &size) == 0);
    CHECK(kept_alive == 1);
    CHECK_THROWS_AS(link.writer.setsockopt(SOL_SOCKET, 9999, 1), std::system_error);
    link.writer.close();
    co_await link.writer.wait_closed();
    CHECK(link.writer.fileno() == -1);
    CHECK_THROWS_AS(link.writer.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1), std::system_error);
}

ASYNC_TEST_CASE("StreamWriter: tells the addresses of the connection, also after its end") {
    for (const bool reset : {false, true}) {
        Link link = co_await make_link();
        const SocketAddress own = link.writer.getsockname();
        CHECK(own.host() == "127.0.0.1");
        CHECK(own.port() != 0);
        if (reset) {
            link.peer.reset();
        } else {
            link.writer.close();
        }
        CHECK_AWAIT(errno_of(link.writer.wait_closed()), reset ? ECONNRESET : 0);
        CHECK(link.writer.getpeername().to_string() == link.name());
        CHECK(link.writer.getsockname() == own);
    }
}
