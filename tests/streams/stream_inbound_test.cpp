// What a stream reads ahead: the bytes that come while nobody reads, and the end of all that.
#include "link.hpp"

#include <ringio/streams/stream_inbound.hpp>

#include <memory>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

std::size_t borrowed() { return get_running_loop().statistics().buffers; }

Task<> read_one(Link& link, const char* text) {
    link.peer.send(text);
    CHECK_AWAIT(link.reader.read(100), text);
}

Task<> echo_lines(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const std::string line = co_await reader.readline();
        if (line.empty()) {
            break;
        }
        writer.write(line);
        co_await writer.drain();
    }
}

}  // namespace

ASYNC_TEST_CASE("streams: what comes between two reads is there, in order, and holds no buffer") {
    Link link = co_await make_link();
    co_await read_one(link, "first");
    for (const char* text : {"one\n", "two\n", "three\n"}) {
        link.peer.send(text);
        co_await sleep(1ms);
    }
    CHECK(borrowed() == 0);
    CHECK_AWAIT(link.reader.readline(), "one\n");
    CHECK_AWAIT(link.reader.readexactly(2), "tw");
    CHECK_AWAIT(link.reader.read(100), "o\nthree\n");
}

ASYNC_TEST_CASE("streams: what a read leaves over is copied aside at once") {
    Link link = co_await make_link();
    auto reading = create_task(link.reader.read(2));
    co_await turns(2);
    link.peer.send("abcdef");
    CHECK_AWAIT(reading, "ab");
    CHECK(borrowed() == 0);
    auto line = create_task(link.reader.readuntil("|"));
    co_await turns(2);
    link.peer.send("gh|i");
    CHECK_AWAIT(line, "cdefgh|");
    CHECK(borrowed() == 0);
    CHECK_AWAIT(link.reader.read(100), "i");
}

ASYNC_TEST_CASE("streams: a line beyond the limit is dropped where it came, and holds no buffer") {
    Link link = co_await make_link(4);
    auto reading = create_task(link.reader.readline());
    co_await turns(2);
    link.peer.send("123456\nok\n");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(reading), "longer than limit");
    CHECK(borrowed() == 0);
    auto until = create_task(link.reader.readuntil("|"));
    co_await turns(2);
    link.peer.send("9876543210");
    CHECK_AWAIT_HAS(text_of<LimitOverrunError>(until), "exceed the limit");
    CHECK(borrowed() == 0);
    CHECK_AWAIT(link.reader.readline(), "ok\n");
    CHECK_AWAIT(link.reader.readexactly(10), "9876543210");
}

ASYNC_TEST_CASE("streams: a peer that nobody reads from is held back near twice the limit") {
    Link link = co_await make_link(1000);
    co_await read_one(link, "first");
    const std::string block(4096, 'b');
    std::size_t sent = 0;
    for (int quiet = 0; quiet < 5;) {
        const ssize_t n =
            ::send(link.peer.fd(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? static_cast<std::size_t>(n) : 0;
        quiet = n > 0 ? 0 : quiet + 1;
        co_await turns(1);
    }
    link.peer.shutdown_write();
    const std::string all = co_await link.reader.read();
    CHECK(all.size() == sent);
}

ASYNC_TEST_CASE("streams: a read that begins after close() is an error, though more was received") {
    Link link = co_await make_link();
    co_await read_one(link, "first");
    link.writer.close();
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(link.reader.read(1)), "which was closed");
    co_await link.writer.wait_closed();
    CHECK_AWAIT_HAS(text_of<std::runtime_error>(link.reader.readline()), "which was closed");
    CHECK(link.peer.ended());
}

ASYNC_TEST_CASE("streams: close with data in flight closes, and gives every buffer back") {
    for (int round = 0; round < 20; ++round) {
        Link link = co_await make_link();
        co_await read_one(link, "first");
        auto reading = create_task(link.reader.readexactly(1000));
        co_await turns(1 + round % 3);
        link.peer.send("data");
        link.writer.close();
        co_await turns(round % 4);
        link.peer.close();
        CHECK_AWAIT_HAS(text_of<IncompleteReadError>(reading), "bytes read on a total of 1000");
        co_await link.writer.wait_closed();
        CHECK(borrowed() == 0);
    }
}

ASYNC_TEST_CASE("streams: a reset while nobody reads is an error of the next read, and of drain") {
    Link link = co_await make_link();
    co_await read_one(link, "first");
    link.peer.reset();
    co_await sleep(1ms);
    CHECK_AWAIT(errno_of(link.reader.read(1)), ECONNRESET);
    CHECK_AWAIT(errno_of(link.writer.drain()), ECONNRESET);
    CHECK_FALSE(link.reader.at_eof());
}

ASYNC_TEST_CASE("streams: a reset that comes with data is an error, and holds no buffer") {
    for (const bool by_lines : {false, true}) {
        Link link = co_await make_link();
        auto reading =
            by_lines ? create_task(link.reader.readline()) : create_task(link.reader.read(100));
        co_await sleep(1ms);
        link.peer.send("data\n");
        link.peer.reset();
        CHECK_AWAIT(errno_of(reading), ECONNRESET);
        CHECK(borrowed() == 0);
    }
}

ASYNC_TEST_CASE("streams: the end that comes while nobody reads is seen by at_eof") {
    Link link = co_await make_link();
    link.peer.send("ab");
    CHECK_AWAIT(link.reader.read(1), "a");
    link.peer.shutdown_write();
    co_await sleep(1ms);
    CHECK_FALSE(link.reader.at_eof());
    CHECK_AWAIT(link.reader.read(10), "b");
    CHECK_AWAIT(link.reader.read(10), "");
    CHECK(link.reader.at_eof());
}

ASYNC_TEST_CASE("streams: with more connections than buffers all lines are echoed") {
    std::vector<std::unique_ptr<Link>> links;
    std::vector<TaskHandle<>> echoes;
    for (int index = 0; index < 200; ++index) {
        links.push_back(std::make_unique<Link>(co_await make_link()));
        echoes.push_back(create_task(echo_lines(links.back()->reader, links.back()->writer)));
    }
    for (int round = 0; round < 3; ++round) {
        const std::string line(10'000, static_cast<char>('a' + round));
        for (const auto& link : links) {
            link->peer.send(line + "\n");
        }
        co_await sleep(20ms);
        int echoed = 0;
        for (const auto& link : links) {
            std::string got;
            for (int wait = 0; got.size() <= line.size() && wait < 1000; ++wait) {
                got += link->peer.receive_now();
                co_await turns(1);
            }
            echoed += got == line + "\n" ? 1 : 0;
        }
        CHECK(echoed == 200);
    }
    for (const auto& link : links) {
        link->peer.shutdown_write();
    }
    for (TaskHandle<>& echo : echoes) {
        co_await echo;
    }
    CHECK(borrowed() == 0);
}

ASYNC_TEST_CASE("streams: a bulk transfer into memory of the caller arrives whole") {
    Link link = co_await make_link();
    std::string text(8 << 20, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<char>(i * 7 + (i >> 9));
    }
    std::string got(text.size(), '\0');
    std::size_t have = 0;
    std::size_t sent = 0;
    while (have < got.size()) {
        if (sent < text.size()) {
            const ssize_t n = ::send(link.peer.fd(), text.data() + sent, text.size() - sent,
                                     MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += n > 0 ? static_cast<std::size_t>(n) : 0;
        }
        const std::size_t part = std::min<std::size_t>(got.size() - have, 300'000);
        have += co_await link.reader.read(std::span<char>(got).subspan(have, part));
    }
    CHECK((got == text));
}

ASYNC_TEST_CASE("streams: what was written in the last turn of a run is sent") {
    Link link = co_await make_link();
    link.writer.write("now");
    co_await turns(1);
    CHECK(link.peer.receive_now() == "now");
}

ASYNC_TEST_CASE("streams: an end that comes before anybody has read is seen by at_eof") {
    Link link = co_await make_link();
    co_await turns(1);
    CHECK_FALSE(link.reader.at_eof());
    link.peer.shutdown_write();
    co_await sleep(1ms);
    CHECK(link.reader.at_eof());
    link.writer.write("answer");
    co_await link.writer.drain();
    CHECK(link.peer.receive() == "answer");
}

ASYNC_TEST_CASE("streams: a reset is noticed by a client that only writes") {
    Link link = co_await make_link();
    auto closed = create_task(link.writer.wait_closed());
    co_await turns(2);
    link.peer.reset();
    CHECK_AWAIT(errno_of(closed), ECONNRESET);
    CHECK(link.writer.is_closing());
    CHECK(link.reader.exception() != nullptr);
    CHECK_AWAIT(errno_of(link.writer.drain()), ECONNRESET);
}

ASYNC_TEST_CASE("streams: a reset after a large transfer is noticed while nobody reads") {
    Link link = co_await make_link(1000);
    const std::string bulk(100'000, 'x');
    link.peer.send(bulk);
    CHECK_AWAIT(link.reader.readexactly(100'000), bulk);
    auto closed = create_task(link.writer.wait_closed());
    co_await sleep(1ms);
    link.peer.reset();
    CHECK_AWAIT(errno_of(closed), ECONNRESET);
}

ASYNC_TEST_CASE("streams: an orderly close after unread input loses nothing that was sent") {
    constexpr std::size_t upload = 200'000;
    // What nobody reads is with the reader, or, beyond twice its limit, in the kernel.
    for (const std::size_t unread : {std::size_t{12}, std::size_t{50'000}}) {
        Link link = co_await make_link(1000);
        link.peer.send(std::string(unread, 'b'));
        co_await sleep(1ms);
        link.writer.write(std::string(upload, 'u'));
        co_await link.writer.drain();
        link.writer.close();
        CHECK_AWAIT(swallow(link.peer), upload);
        co_await link.writer.wait_closed();
        CHECK(borrowed() == 0);
    }
}

ASYNC_TEST_CASE("streams: after a close of its own a reader is at its end") {
    for (const bool abort : {false, true}) {
        Link link = co_await make_link();
        link.peer.send("unread");
        co_await sleep(1ms);
        CHECK_FALSE(link.reader.at_eof());
        if (abort) {
            link.writer.abort();
        } else {
            link.writer.close();
        }
        CHECK(link.reader.at_eof());
        CHECK_AWAIT_HAS(text_of<std::runtime_error>(link.reader.read(1)), "which was closed");
        co_await link.writer.wait_closed();
        CHECK(link.reader.at_eof());
    }
}
