#include <ringio/streams/relay.hpp>

#include "link.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>('a' + (i * i / 7) % 26);
    }
    return text;
}

Task<std::string> received(const RawSocket& peer, std::size_t size) {
    std::string all;
    while (all.size() < size && !peer.ended()) {
        all += peer.receive_now(1 << 16);
        co_await sleep(Delay());
    }
    co_return all;
}

Task<> send_all(const RawSocket& peer, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent =
            ::send(peer.fd(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        text.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
        co_await sleep(Delay());
    }
    peer.shutdown_write();
}

}  // namespace

ASYNC_TEST_CASE("relay: moves all bytes until the end, counts them, and passes the end on") {
    Link from = co_await make_link();
    Link to = co_await make_link();
    auto relaying = create_task(relay(from.reader, to.writer));
    from.peer.send("one ");
    CHECK_AWAIT(received(to.peer, 4), "one ");
    from.peer.send("two");
    CHECK_AWAIT(received(to.peer, 3), "two");
    CHECK_FALSE(to.peer.ended());
    from.peer.shutdown_write();
    CHECK_AWAIT(relaying, 7u);
    co_await turns(1);
    CHECK(to.peer.ended());
    to.peer.send("the other direction is open");
    CHECK_AWAIT(to.reader.read(100), "the other direction is open");
    CHECK_FALSE(to.writer.is_closing());
    CHECK_FALSE(from.writer.is_closing());
}

ASYNC_TEST_CASE("relay: what is much goes through buffers that are small, in order") {
    const std::string text = pattern(3 << 20);
    Link from = co_await make_narrow_link();
    Link to = co_await make_narrow_link();
    auto relaying = create_task(relay(from.reader, to.writer));
    auto sending = create_task(send_all(from.peer, text));
    const std::string got = co_await received(to.peer, text.size());
    CHECK((got == text));
    co_await sending;
    CHECK_AWAIT(relaying, text.size());
}

ASYNC_TEST_CASE("relay: one for each direction makes a proxy") {
    Link near = co_await make_link();
    Link far = co_await make_link();
    auto there = create_task(relay(near.reader, far.writer));
    auto back = create_task(relay(far.reader, near.writer));
    near.peer.send("question");
    near.peer.shutdown_write();
    CHECK_AWAIT(there, 8u);
    CHECK_AWAIT(received(far.peer, 8), "question");
    far.peer.send("answer");
    far.peer.shutdown_write();
    CHECK_AWAIT(back, 6u);
    CHECK_AWAIT(received(near.peer, 6), "answer");
}

ASYNC_TEST_CASE("relay: without write_eof several go into one writer") {
    Link first = co_await make_link();
    Link second = co_await make_link();
    Link to = co_await make_link();
    for (Link* from : {&first, &second}) {
        from->peer.send("part ");
        from->peer.shutdown_write();
        CHECK_AWAIT(relay(from->reader, to.writer, {.write_eof = false}), 5u);
    }
    CHECK_AWAIT(received(to.peer, 10), "part part ");
    CHECK_FALSE(to.peer.ended());
}

ASYNC_TEST_CASE("relay: the error names the connection that failed; the other one is open") {
    Link from = co_await make_link();
    Link to = co_await make_link();
    auto relaying = create_task(relay(from.reader, to.writer));
    co_await turns(2);
    from.peer.reset();
    CHECK_AWAIT(text_of<std::system_error>(relaying),
                "recv from " + from.name() + ": Connection reset by peer");
    to.writer.write("still open");
    CHECK_AWAIT(received(to.peer, 10), "still open");

    Link other = co_await make_link();
    auto failing = create_task(relay(other.reader, to.writer));
    to.peer.reset();
    std::string text;
    for (int round = 0; round < 100 && !failing.done(); ++round) {
        other.peer.send("x");
        co_await sleep(1ms);
    }
    CHECK_AWAIT_HAS(text_of<std::system_error>(failing), to.name());
    CHECK(other.reader.exception() == nullptr);
}

ASYNC_TEST_CASE("relay: cancelled, it has sent what it read, and leaves the rest to the next") {
    Link from = co_await make_link();
    Link to = co_await make_link();
    std::string expected;
    for (int turn = 0; turn < 6; ++turn) {
        auto relaying = create_task(relay(from.reader, to.writer));
        from.peer.send("data");
        expected += "data";
        co_await turns(turn);
        relaying.cancel();
        CHECK_AWAIT(is_cancelled(relaying), true);
    }
    from.peer.shutdown_write();
    static_cast<void>(co_await relay(from.reader, to.writer));
    CHECK_AWAIT(received(to.peer, expected.size()), expected);
}
