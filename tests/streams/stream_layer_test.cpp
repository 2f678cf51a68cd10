#include <ringio/streams/stream_layer.hpp>

#include <ringio/testing/memory_stream.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include "link.hpp"
#include "xor_layer.hpp"

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::memory_stream_pair;

namespace {

std::string xored(std::string text) {
    for (char& byte : text) {
        byte = static_cast<char>(byte ^ XorLayer::bits);
    }
    return text;
}

}  // namespace

ASYNC_TEST_CASE("stream layer: it is between the stream and its socket, both ways") {
    Link link = co_await make_link();
    const XorContext layer(false);
    co_await link.writer.start_tls(layer, {.server_hostname = "a.org"});
    link.writer.write("out");
    co_await link.writer.drain();
    CHECK(link.peer.receive(3) == xored("out"));
    link.peer.send(xored("in"));
    CHECK_AWAIT(link.reader.readexactly(2), "in");
    CHECK(link.writer.fileno() >= 0);
    CHECK(link.writer.getpeername().port() == link.port);
    CHECK(link.writer.tls_info()->version == "xor");
}

ASYNC_TEST_CASE("stream layer: what came before it, and was not read, goes through it") {
    Link link = co_await make_link();
    link.peer.send("plain\n" + xored("secret"));
    CHECK_AWAIT(link.reader.readline(), "plain\n");
    const XorContext layer(false);
    co_await link.writer.start_tls(layer, {.server_hostname = "a.org"});
    CHECK_AWAIT(link.reader.readexactly(6), "secret");
}

ASYNC_TEST_CASE("stream layer: what was written before it is sent without it, and first") {
    Link link = co_await make_narrow_link();
    const XorContext layer(false);
    const std::string before(much, 'b');
    link.writer.write(before);
    auto starting = create_task(link.writer.start_tls(layer, {.server_hostname = "a.org"}));
    co_await turns(3);
    CHECK_FALSE(starting.done());
    std::string received;
    while (received.size() < before.size()) {
        received += link.peer.receive_now();
        co_await sleep(Delay());
    }
    co_await starting;
    CHECK(received == before);
    link.writer.write("after");
    co_await link.writer.drain();
    CHECK(link.peer.receive(5) == xored("after"));
}

ASYNC_TEST_CASE("stream layer: the end comes through, and so does close()") {
    Link link = co_await make_link();
    const XorContext layer(false);
    co_await link.writer.start_tls(layer, {.server_hostname = "a.org"});
    link.peer.send(xored("last"));
    link.peer.shutdown_write();
    CHECK_AWAIT(link.reader.read(), "last");
    CHECK(link.reader.at_eof());
    link.writer.write("bye");
    link.writer.close();
    co_await link.writer.wait_closed();
    CHECK(link.peer.receive_to_end() == xored("bye"));
}

ASYNC_TEST_CASE("stream layer: layers stand upon layers") {
    auto [client, server] = memory_stream_pair();
    const XorContext outer(true);
    const XorContext inner(true);
    for (Connection* end : {&client, &server}) {
        co_await end->writer.start_tls(outer);
        co_await end->writer.start_tls(inner);
    }
    client.writer.write("through four\n");
    CHECK_AWAIT(server.reader.readline(), "through four\n");
    client.writer.close();
    CHECK_AWAIT(server.reader.read(), "");
    co_await client.writer.wait_closed();
}

ASYNC_TEST_CASE("stream layer: a slow reader makes the writer wait, and nothing is lost") {
    auto [client, server] = memory_stream_pair(100);
    const XorContext layer(true);
    co_await client.writer.start_tls(layer);
    co_await server.writer.start_tls(layer);
    const std::string sent(1'000'000, 's');
    client.writer.write(sent);
    auto draining = create_task(client.writer.drain());
    co_await turns(5);
    CHECK_FALSE(draining.done());
    CHECK_AWAIT(server.reader.readexactly(static_cast<std::ptrdiff_t>(sent.size())), sent);
    co_await draining;
}

ASYNC_TEST_CASE("stream layer: what it does not take at once leaves the memory of the ring") {
    Link link = co_await make_link();
    const XorContext layer(true);
    co_await link.writer.start_tls(layer);
    XorLayer& between = *layer.security->layer;
    between.is_deaf = true;
    const std::string sent(48 * 1024, 's');  // in three of the ring's buffers
    link.peer.send(sent);
    for (int turn = 0; turn < 10'000 && between.below().input().size() < sent.size(); ++turn) {
        co_await turns(1);
        REQUIRE(BufferPool::borrowed_on_thread() == 0);
    }
    between.is_deaf = false;
    between.input_came();
    CHECK_AWAIT(link.reader.readexactly(48 * 1024), xored(sent));
}

ASYNC_TEST_CASE("stream layer: an abort, a failure and dropped handles leave nothing behind") {
    const XorContext layer(true);
    {
        Link link = co_await make_link();
        co_await link.writer.start_tls(layer);
        link.writer.abort();
        co_await link.writer.wait_closed();
    }
    {
        Link link = co_await make_link();
        co_await link.writer.start_tls(layer);
        link.peer.reset();
        CHECK_AWAIT(errno_of(link.reader.read()), ECONNRESET);
    }
    {
        Link link = co_await make_link();
        co_await link.writer.start_tls(layer);
        link.writer.write("dropped with this");
    }
    co_await turns(5);
}
