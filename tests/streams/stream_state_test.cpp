// The end of a connection, seen through its handles.
#include <ringio/streams/stream_state.hpp>

#include "link.hpp"

#include <optional>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

ASYNC_TEST_CASE("close: 20 MB that are buffered are sent first") {
    Link link = co_await make_link();
    link.writer.write(std::string(20'000'000, 'x'));
    link.writer.close();
    auto closed = create_task(link.writer.wait_closed());
    co_await sleep(1ms);
    CHECK_FALSE(closed.done());
    CHECK_AWAIT(swallow(link.peer), 20'000'000u);
    co_await closed;
}

ASYNC_TEST_CASE("close: is idempotent, and wait_closed may be called often and late") {
    Link link = co_await make_link();
    auto early = create_task(link.writer.wait_closed());
    co_await turns(2);
    CHECK_FALSE(early.done());
    link.writer.close();
    link.writer.close();
    co_await early;
    co_await link.writer.wait_closed();
    co_await link.writer.wait_closed();
    CHECK(link.peer.ended());
}

ASYNC_TEST_CASE("close: a drain that waits returns when everything was sent, as in asyncio") {
    Link link = co_await make_narrow_link();
    link.writer.write(std::string(much, 'x'));
    auto draining = create_task(link.writer.drain());
    co_await sleep(1ms);
    CHECK_FALSE(draining.done());
    link.writer.close();
    CHECK_AWAIT(swallow(link.peer), much);
    CHECK_AWAIT(errno_of(draining), 0);
    co_await link.writer.wait_closed();
}

ASYNC_TEST_CASE("close: a small rest that drain waits for is no lost connection either") {
    Link link = co_await make_narrow_link();
    link.writer.set_write_buffer_limits(0);
    link.writer.write(std::string(much, 'x'));
    auto draining = create_task(link.writer.drain());
    co_await sleep(1ms);
    link.writer.close();
    CHECK_AWAIT(swallow(link.peer), much);
    CHECK_AWAIT(errno_of(draining), 0);
}

ASYNC_TEST_CASE("abort: closes at once; what is buffered is lost, a drain that waits returns") {
    Link link = co_await make_narrow_link();
    link.writer.write(std::string(much, 'x'));
    auto draining = create_task(link.writer.drain());
    co_await sleep(1ms);
    CHECK_FALSE(draining.done());
    link.writer.abort();
    CHECK(link.writer.is_closing());
    co_await link.writer.wait_closed();
    CHECK_AWAIT(errno_of(draining), 0);
    CHECK(link.writer.get_write_buffer_size() == 0);
    const std::size_t received = co_await swallow(link.peer);
    CHECK(received < much);
}

ASYNC_TEST_CASE("abort: also ends a close() that is still sending, and may be repeated") {
    Link link = co_await make_narrow_link();
    link.writer.write(std::string(much, 'x'));
    link.writer.close();
    co_await sleep(1ms);
    link.writer.abort();
    link.writer.abort();
    co_await link.writer.wait_closed();
    link.writer.abort();
    link.writer.close();
}

ASYNC_TEST_CASE("reset: a drain that waits and wait_closed tell it, and name the peer") {
    Link link = co_await make_narrow_link();
    link.writer.write(std::string(much, 'x'));
    auto draining = create_task(link.writer.drain());
    auto closed = create_task(link.writer.wait_closed());
    co_await sleep(1ms);
    link.peer.reset();
    CHECK_AWAIT_HAS(text_of<std::system_error>(draining), link.name());
    CHECK_AWAIT(errno_of(closed), ECONNRESET);
    CHECK_AWAIT(errno_of(link.writer.drain()), ECONNRESET);
    CHECK_AWAIT(errno_of(link.writer.wait_closed()), ECONNRESET);
    CHECK_AWAIT(errno_of(link.reader.read(1)), ECONNRESET);
    link.writer.write("dropped");
    CHECK(link.writer.get_write_buffer_size() == 0);
}

ASYNC_TEST_CASE("reset: a peer that is gone is noticed by write and drain") {
    Link link = co_await make_link();
    link.peer.reset();
    int error = 0;
    for (int round = 0; round < 10 && error == 0; ++round) {
        link.writer.write("x");
        error = co_await errno_of(link.writer.drain());
    }
    CHECK((error == ECONNRESET || error == EPIPE));
    CHECK_AWAIT(errno_of(link.writer.wait_closed()), error);
}

ASYNC_TEST_CASE("reset: a large write, which goes to the kernel at once, is dropped; drain tells") {
    Link link = co_await make_link();
    link.peer.reset();
    for (int round = 0; round < 3; ++round) {
        link.writer.write(std::string(100'000, 'x'));
    }
    const int error = co_await errno_of(link.writer.drain());
    CHECK((error == ECONNRESET || error == EPIPE));
    CHECK(link.writer.get_write_buffer_size() == 0);
}

ASYNC_TEST_CASE(
    "handles: dropped without close(), the connection is closed and sends what is left") {
    RawSocket peer;
    {
        Link link = co_await make_link();
        link.writer.write("last words");
        peer = std::move(link.peer);
    }
    CHECK_AWAIT(swallow(peer), 10u);
}

ASYNC_TEST_CASE("handles: dropped with much in the buffer, all of it is sent") {
    RawSocket peer;
    {
        Link link = co_await make_narrow_link();
        link.writer.write(std::string(much, 'x'));
        peer = std::move(link.peer);
    }
    CHECK_AWAIT(swallow(peer), much);
}

ASYNC_TEST_CASE("handles: the last writer that goes ends a read in flight") {
    std::optional<Link> link(co_await make_link());
    const RawSocket peer = std::move(link->peer);
    auto reading = create_task(link->reader.read());
    co_await sleep(1ms);
    link.reset();
    CHECK_AWAIT(reading, "");
    CHECK(peer.ended());
}

ASYNC_TEST_CASE("close: while the rest is sent, a read in flight still gets what comes") {
    Link link = co_await make_narrow_link();
    auto reading = create_task(link.reader.read(10));
    link.writer.write(std::string(much, 'x'));
    co_await sleep(1ms);
    link.writer.close();
    link.peer.send("late");
    CHECK_AWAIT(reading, "late");
    CHECK_AWAIT(swallow(link.peer), much);
    co_await link.writer.wait_closed();
}

namespace {

Task<> leave_everything_in_flight() {
    Link link = co_await make_narrow_link();
    create_task(link.reader.readline());
    link.writer.write(std::string(much, 'x'));
    create_task(link.writer.drain());
    create_task(link.writer.wait_closed());
    co_await sleep(1ms);
}

Task<> write_to(StreamWriter writer) {
    for (;;) {
        writer.write(std::string(much, 'x'));
        co_await writer.drain();
    }
}

}  // namespace

TEST_CASE("run: returns with reads, writes and waits for the end in flight, and leaves nothing") {
    const testing::Balance balance;
    testing::run_virtual(leave_everything_in_flight());
    CHECK(balance.difference() == "");
}

TEST_CASE("EventLoop::close: with a read, a write and a drain in flight leaves nothing") {
    const testing::Balance balance;
    {
        RawSocket peer;
        EventLoop loop;
        loop.run_until_complete([](RawSocket& kept) -> Task<> {
            Link link = co_await make_narrow_link();
            kept = std::move(link.peer);
            create_task(link.reader.read());
            create_task(write_to(link.writer));
            co_await sleep(2ms);
        }(peer));
        loop.close();
        CHECK(loop.statistics().tasks == 0);
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("handles: may outlive the loop; they then do nothing") {
    const testing::Balance balance;
    {
        std::optional<StreamWriter> writer;
        std::optional<StreamReader> reader;
        testing::run_virtual([](auto& kept_writer, auto& kept_reader) -> Task<> {
            Link link = co_await make_narrow_link();
            link.writer.write(std::string(much, 'x'));
            co_await turns(2);
            kept_writer.emplace(link.writer);
            kept_reader.emplace(link.reader);
        }(writer, reader));
        writer->write("x");
        writer->write(std::string(100'000, 'x'));
        writer->write_eof();
        static_cast<void>(reader->at_eof());
        writer->close();
        CHECK(writer->is_closing());
        writer->abort();
    }
    CHECK(balance.difference() == "");
}
