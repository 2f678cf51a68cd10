#include <ringio/streams/stream_reader.hpp>

#include "link.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<std::string> told(Task<std::string> read) {
    try {
        co_return co_await std::move(read);
    } catch (const TimeoutError&) {
        co_return "<timeout>";
    }
}

}  // namespace

ASYNC_TEST_CASE("StreamReader: readline that times out within a line loses no byte of it") {
    Link link = co_await make_link();
    link.peer.send("first ha");
    CHECK_AWAIT(told(wait_for(link.reader.readline(), 2ms)), "<timeout>");
    link.peer.send("lf, ");
    CHECK_AWAIT(told(wait_for(link.reader.readline(), 2ms)), "<timeout>");
    link.peer.send("second half\nnext\n");
    CHECK_AWAIT(told(wait_for(link.reader.readline(), 10s)), "first half, second half\n");
    CHECK_AWAIT(link.reader.readline(), "next\n");
}

ASYNC_TEST_CASE("StreamReader: readexactly and readuntil that time out leave what came") {
    Link link = co_await make_link();
    link.peer.send("abc");
    CHECK_AWAIT(told(wait_for(link.reader.readexactly(5), 2ms)), "<timeout>");
    CHECK_AWAIT(told(wait_for(link.reader.readuntil("|"), 2ms)), "<timeout>");
    CHECK_AWAIT(told(wait_for(link.reader.read(), 2ms)), "<timeout>");
    link.peer.send("de|");
    CHECK_AWAIT(link.reader.readexactly(5), "abcde");
    CHECK_AWAIT(link.reader.readuntil("|"), "|");
}

ASYNC_TEST_CASE("StreamReader: after a cancelled read another coroutine may read at once") {
    Link link = co_await make_link();
    auto reading = create_task(link.reader.read(10));
    co_await turns(2);
    reading.cancel();
    CHECK_AWAIT(is_cancelled(reading), true);
    auto next = create_task(link.reader.read(10));
    co_await turns(2);
    link.peer.send("x");
    CHECK_AWAIT(next, "x");
}

ASYNC_TEST_CASE("StreamReader: a read that is cancelled when its bytes have come keeps them") {
    Link link = co_await make_link();
    for (int round = 0; round < 100; ++round) {
        auto reading = create_task(link.reader.readexactly(4));
        co_await turns(round % 3);
        link.peer.send("ab");
        co_await turns(round % 5);
        reading.cancel();
        CHECK_AWAIT(is_cancelled(reading), true);
        link.peer.send("cd");
        CHECK_AWAIT(link.reader.readexactly(4), "abcd");
    }
}

ASYNC_TEST_CASE("StreamReader: a reset is an error of the read that waits, and of those after it") {
    Link link = co_await make_link();
    auto reading = create_task(link.reader.read(10));
    co_await sleep(1ms);
    link.peer.reset();
    const std::string text = co_await text_of<std::system_error>(reading);
    CHECK(text == "recv from " + link.name() + ": Connection reset by peer");
    CHECK(link.reader.exception() != nullptr);
    CHECK_AWAIT(errno_of(link.reader.read(10)), ECONNRESET);
    CHECK_AWAIT(errno_of(link.reader.readline()), ECONNRESET);
    CHECK_AWAIT(errno_of(link.reader.readexactly(1)), ECONNRESET);
    CHECK_AWAIT(errno_of(link.reader.readuntil("x")), ECONNRESET);
    CHECK_AWAIT(errno_of(link.writer.drain()), ECONNRESET);
    CHECK_AWAIT(errno_of(link.writer.wait_closed()), ECONNRESET);
    CHECK(link.writer.is_closing());
}

ASYNC_TEST_CASE("StreamReader: after a failure the data that came before is not given any more") {
    Link link = co_await make_link();
    link.peer.send("line\nrest");
    CHECK_AWAIT(link.reader.readline(), "line\n");
    link.peer.reset();
    CHECK_AWAIT(errno_of(link.reader.readexactly(100)), ECONNRESET);
    CHECK_AWAIT(errno_of(link.reader.read(4)), ECONNRESET);
}

ASYNC_TEST_CASE("StreamReader: a connection that failed is not at its end, as in asyncio") {
    Link link = co_await make_link();
    link.peer.reset();
    CHECK_AWAIT(errno_of(link.reader.read(1)), ECONNRESET);
    CHECK_FALSE(link.reader.at_eof());
}

// Both directions wait when the reset comes, and the kernel tells ECONNRESET to one of them only.
ASYNC_TEST_CASE(
    "StreamReader: a reset that the sender is told of is no end of file for the reader") {
    for (const bool read_first : {true, false}) {
        Link link = co_await make_narrow_link();
        TaskHandle<std::string> reading;
        if (read_first) {
            reading = create_task(link.reader.read());
            co_await sleep(1ms);
        }
        link.writer.write(std::string(8 << 20, 'x'));
        auto draining = create_task(link.writer.drain());
        co_await sleep(1ms);
        if (!read_first) {
            reading = create_task(link.reader.read());
            co_await sleep(1ms);
        }
        link.peer.reset();
        INFO("the read began first: " << read_first);
        const int error = co_await errno_of(reading);
        CHECK((error == ECONNRESET || error == EPIPE));
        CHECK_AWAIT(errno_of(draining), error);
        CHECK_AWAIT(errno_of(link.writer.wait_closed()), error);
        CHECK_AWAIT(errno_of(link.reader.read(1)), error);
    }
}

ASYNC_TEST_CASE("StreamReader: a read that begins after close() is a std::runtime_error") {
    Link link = co_await make_link();
    link.writer.close();
    co_await link.writer.wait_closed();
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(link.reader.read(1)), "which was closed");
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(link.reader.readline()), link.name());
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(link.reader.readexactly(1)), "readexactly()");
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(link.reader.readuntil()), "readuntil()");
    char memory[4];
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(link.reader.read(std::span<char>(memory))),
                    "which was closed");
}

ASYNC_TEST_CASE("StreamReader: close() gives the end of the stream to a read in flight") {
    Link link = co_await make_link();
    auto reading = create_task(link.reader.read());
    co_await sleep(1ms);
    link.writer.close();
    CHECK_AWAIT(reading, "");
    co_await link.writer.wait_closed();
    CHECK(link.peer.ended());
}

ASYNC_TEST_CASE("StreamReader: close() ends a read of memory of the caller") {
    Link link = co_await make_link();
    char memory[16];
    auto reading = create_task(link.reader.read(std::span<char>(memory)));
    co_await sleep(1ms);
    link.writer.close();
    CHECK_AWAIT(reading, 0u);
}

ASYNC_TEST_CASE("StreamReader: abort() ends a read in flight") {
    Link link = co_await make_link();
    auto reading = create_task(link.reader.readline());
    co_await sleep(1ms);
    link.writer.abort();
    CHECK_AWAIT(reading, "");
    co_await link.writer.wait_closed();
}

ASYNC_TEST_CASE("StreamReader: wait_closed waits for a read in flight to be over") {
    Link link = co_await make_link();
    auto reading = create_task(link.reader.readexactly(3));
    co_await sleep(1ms);
    link.writer.close();
    co_await link.writer.wait_closed();
    co_await turns(1);
    CHECK(reading.done());
    CHECK_AWAIT(text_of<IncompleteReadError>(reading),
                "0 bytes read on a total of 3 expected bytes");
}

ASYNC_TEST_CASE("StreamReader: the peer may end its direction, and be written to after that") {
    Link link = co_await make_link();
    link.peer.send("question");
    link.peer.shutdown_write();
    CHECK_AWAIT(link.reader.read(), "question");
    CHECK(link.reader.at_eof());
    link.writer.write("answer");
    co_await link.writer.drain();
    CHECK(link.peer.receive() == "answer");
    CHECK_FALSE(link.writer.is_closing());
}
