// A protocol tested without a network: over two ends in memory, and a reader that is fed by hand.
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/testing.hpp>

#include <chrono>

using namespace std::chrono_literals;

ringio::Task<> serve(ringio::StreamReader reader, ringio::StreamWriter writer) {
    for (;;) {
        const auto line = co_await ringio::wait_for(reader.readline(), 1h);
        if (line.empty()) {
            break;
        }
        writer.write("you said " + line);
        co_await writer.drain();
    }
    writer.close();
}

ringio::Task<> co_main() {
    // [pair]
    auto [client, server] = ringio::testing::memory_stream_pair();
    auto serving = ringio::create_task(serve(server.reader, server.writer));
    client.writer.write("hello\n");
    const auto answer = co_await client.reader.readline();
    client.writer.write_eof();
    co_await serving;
    // [/pair]
    fmt::print("{}", answer);
    // [fed]
    ringio::StreamReader reader;
    reader.feed_data("Header: a\r\nbo");
    reader.feed_data("dy");
    reader.feed_eof();
    const auto header = co_await reader.readuntil({"\r\n", "\n"});
    const auto body = co_await reader.read();
    // [/fed]
    fmt::print("{}{}\n", header, body);
}

int main() { ringio::testing::run_virtual(co_main()); }
