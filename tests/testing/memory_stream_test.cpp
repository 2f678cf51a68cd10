#include <ringio/testing/memory_stream.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;
using ringio::testing::memory_stream_pair;

ASYNC_TEST_CASE("memory_stream_pair: what one end writes the other reads, both ways") {
    auto [client, server] = memory_stream_pair();
    auto serving = create_task([](Connection end) -> Task<> {
        for (std::string line = co_await end.reader.readline(); !line.empty();) {
            end.writer.write("> " + line);
            co_await end.writer.drain();
            line = co_await end.reader.readline();
        }
    }(std::move(server)));
    for (const char* text : {"one\n", "two\n"}) {
        client.writer.write(text);
        co_await client.writer.drain();
        CHECK_AWAIT(client.reader.readline(), std::string("> ") + text);
    }
    client.writer.write_eof();
    co_await serving;
    CHECK_AWAIT(client.reader.read(), "");
    CHECK(client.reader.at_eof());
}

ASYNC_TEST_CASE("memory_stream_pair: while one waits for the other, virtual time jumps") {
    auto [client, server] = memory_stream_pair();
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(client.reader.read(1), 24h)), TimeoutError().what());
    server.writer.write("x");
    CHECK_AWAIT(client.reader.read(1), "x");
}

ASYNC_TEST_CASE("memory_stream_pair: a writer waits for a reader that is slow") {
    auto [client, server] = memory_stream_pair(100);
    client.writer.set_write_buffer_limits(50, 10);
    client.writer.write(std::string(1000, 'x'));
    auto draining = create_task(client.writer.drain());
    co_await turns(3);
    CHECK_FALSE(draining.done());
    CHECK(client.writer.get_write_buffer_size() == 1000 - 201);
    CHECK_AWAIT(server.reader.readexactly(201), std::string(201, 'x'));
    co_await turns(3);
    CHECK(client.writer.get_write_buffer_size() == 1000 - 402);
    CHECK_FALSE(draining.done());
    CHECK_AWAIT(server.reader.readexactly(799), std::string(799, 'x'));
    co_await draining;
    CHECK(client.writer.get_write_buffer_size() == 0);
}

ASYNC_TEST_CASE("memory_stream_pair: close sends what is buffered, then the end") {
    auto [client, server] = memory_stream_pair(100);
    client.writer.write(std::string(1000, 'x'));
    client.writer.close();
    auto closed = create_task(client.writer.wait_closed());
    co_await turns(3);
    CHECK_FALSE(closed.done());
    CHECK_AWAIT(server.reader.read(), std::string(1000, 'x'));
    co_await closed;
    CHECK(server.reader.at_eof());
    server.writer.write("to nobody");
    CHECK_AWAIT(errno_of(server.writer.drain()), EPIPE);
    CHECK_AWAIT(errno_of(server.writer.wait_closed()), EPIPE);
}

ASYNC_TEST_CASE("memory_stream_pair: abort drops what is buffered; the peer reads its end") {
    auto [client, server] = memory_stream_pair(100);
    client.writer.write(std::string(1000, 'x'));
    co_await turns(1);
    client.writer.abort();
    co_await client.writer.wait_closed();
    CHECK_AWAIT(server.reader.read(), std::string(201, 'x'));
}

ASYNC_TEST_CASE("memory_stream_pair: a writer that waits hears that the peer is gone") {
    auto [client, server] = memory_stream_pair(100);
    client.writer.set_write_buffer_limits(0);
    client.writer.write(std::string(1000, 'x'));
    auto draining = create_task(client.writer.drain());
    co_await turns(2);
    server.writer.abort();
    server.writer.abort();
    CHECK_AWAIT(errno_of(draining), 0);  // closed in order: nobody wanted the rest
    client.writer.write("more");
    CHECK_AWAIT(errno_of(client.writer.drain()), EPIPE);
}

ASYNC_TEST_CASE("memory_stream_pair: both ends dropped with much in between leave nothing") {
    auto [client, server] = memory_stream_pair(100);
    client.writer.write(std::string(1000, 'x'));
    server.writer.write(std::string(1000, 'y'));
    co_await turns(2);
}

ASYNC_TEST_CASE("memory_stream_pair: has no addresses, and no limit of 0") {
    auto [client, server] = memory_stream_pair();
    CHECK_THROWS_AS(client.writer.getpeername(), std::system_error);
    CHECK_THROWS_AS(memory_stream_pair(0), std::invalid_argument);
    co_await turns(1);
}

ASYNC_TEST_CASE("memory_stream_pair: one turn may bring more than a kernel would be asked for") {
    auto [client, server] = memory_stream_pair(64 << 20);
    const std::string piece(16 * 1024, 'x');
    constexpr int count = 1000;
    for (int i = 0; i < count; ++i) {
        client.writer.write(piece);
    }
    client.writer.close();
    std::size_t received = 0;
    for (;;) {
        const std::string some = co_await server.reader.read(1 << 20);
        if (some.empty()) {
            break;
        }
        received += some.size();
    }
    CHECK(received == count * piece.size());
}

ASYNC_TEST_CASE("memory_stream_pair: hundreds that write in one turn are all heard") {
    std::vector<std::pair<Connection, Connection>> pairs;
    std::vector<TaskHandle<std::string>> reading;
    for (int i = 0; i < 300; ++i) {
        pairs.push_back(memory_stream_pair());
        reading.push_back(create_task(pairs.back().second.reader.read(10)));
    }
    co_await turns(1);
    for (auto& [client, server] : pairs) {
        client.writer.write("hello");
    }
    for (auto& read : reading) {
        CHECK_AWAIT(read, "hello");
    }
}
