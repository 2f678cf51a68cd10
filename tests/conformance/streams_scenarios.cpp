// StreamReader and StreamWriter over real connections.
#include "net.hpp"

#include <array>
#include <vector>

namespace ringio::conformance {
namespace {

constexpr std::size_t much = 6 << 20;  // more than the kernel takes

CONFORMS("streams.open_connection") {
    Link link = co_await connect();
    link.writer.write("GET / HTTP/1.0\n\n");
    log(co_await link.peer.take(16));
    link.peer.send("HTTP/1.0 200 OK\nHost: x\n\nTest message");
    link.peer.end();
    log(co_await got(link.reader.readline()));
    log(co_await got(link.reader.read()));
    link.writer.close();
    log(co_await got(link.peer.take()));
}

CONFORMS("streams.open_connection_error") {
    Link link = co_await connect();
    auto reading = create_task(link.reader.read());
    co_await arrival();
    link.peer.reset();
    log(co_await got(reading));
    log(co_await got(link.reader.read()));
}

CONFORMS("streams.refused") {
    const RawSocket bound = RawSocket::bound();
    try {
        static_cast<void>(co_await open_connection("127.0.0.1", bound.port()));
    } catch (...) {
        log(error_of_current());
    }
}

CONFORMS("streams.data_while_nobody_reads") {
    Link link = co_await connect();
    link.peer.send("data");
    co_await arrival();
    log(co_await got(link.reader.read(100)));
}

CONFORMS("streams.read_zero") {
    Link link = co_await connect();
    link.peer.send("data");
    log(co_await got(link.reader.read(0)));
    log(co_await got(link.reader.read(100)));
    log(co_await got(link.reader.read(0)));
}

CONFORMS("streams.read") {
    Link link = co_await connect();
    auto reading = create_task(link.reader.read(30));
    co_await arrival();
    log(reading.done());
    link.peer.send("0123456789");
    log(co_await got(reading));
    link.peer.send("0123456789");
    co_await arrival();
    log(co_await got(link.reader.read(3)));
    log(co_await got(link.reader.read(30)));
}

CONFORMS("streams.read_line_breaks") {
    Link link = co_await connect();
    link.peer.send("line1\nline2");
    co_await arrival();
    for (int round = 0; round < 3; ++round) {
        log(co_await got(link.reader.read(5)));
    }
}

CONFORMS("streams.read_eof") {
    Link link = co_await connect();
    auto reading = create_task(link.reader.read(1024));
    co_await arrival();
    link.peer.end();
    log(co_await got(reading));
    const std::string again = co_await got(link.reader.read(1024));
    log(again, link.reader.at_eof());
}

CONFORMS("streams.read_until_eof") {
    Link link = co_await connect(4);
    auto reading = create_task(link.reader.read(-1));
    co_await arrival();
    link.peer.send("chunk1\n");
    co_await arrival();
    log(reading.done());
    link.peer.send("chunk2");
    link.peer.end();
    log(co_await got(reading));
    log(co_await got(link.reader.read()));
}

CONFORMS("streams.errors_come_first") {
    Link link = co_await connect();
    link.peer.send("line\n");
    co_await arrival();
    log(co_await got(link.reader.read(2)));
    link.peer.reset();
    co_await arrival();
    log(co_await got(link.reader.read(2)));
    log(co_await got(link.reader.readline()));
    log(co_await got(link.reader.readexactly(2)));
    log(co_await got(link.reader.readuntil()));
    log(error(link.reader.exception()), link.reader.at_eof());
}

CONFORMS("streams.invalid_limit") {
    try {
        static_cast<void>(co_await connect(0));
    } catch (...) {
        log(kind_of_current());
    }
}

CONFORMS("streams.read_limit") {
    Link link = co_await connect(3);
    link.peer.send("chunk");
    co_await arrival();
    log(co_await got(link.reader.read(5)));
}

CONFORMS("streams.readline") {
    Link link = co_await connect();
    auto reading = create_task(link.reader.readline());
    co_await arrival();
    for (const char* piece : {"chunk1 ", "chunk2 ", "chunk3 "}) {
        link.peer.send(piece);
        co_await arrival();
    }
    log(reading.done());
    link.peer.send("\n chunk4");
    log(co_await got(reading));
    log(co_await got(link.reader.read(100)));
}

CONFORMS("streams.readline_limit_with_existing_data") {
    Link link = co_await connect(3);
    link.peer.send("li");
    co_await arrival();
    auto reading = create_task(link.reader.readline());
    co_await arrival();
    link.peer.send("ne1\nline2\n");
    log(co_await got(reading));
    log(co_await got(link.reader.read(100)));
    link = co_await connect(3);
    link.peer.send("li");
    co_await arrival();
    reading = create_task(link.reader.readline());
    co_await arrival();
    link.peer.send("ne1");
    log(co_await got(reading));
    link.peer.send("li");
    link.peer.end();
    co_await arrival();
    log(co_await got(link.reader.readline()));
}

CONFORMS("streams.readline_limit") {
    Link link = co_await connect(7);
    link.peer.send("chunk1chunk2\nab\n");
    co_await arrival();
    log(co_await got(link.reader.readline()));
    log(co_await got(link.reader.readline()));
    link.peer.send("1234567\n");
    co_await arrival();
    log(co_await got(link.reader.readline()));
}

CONFORMS("streams.at_eof") {
    Link link = co_await connect();
    log(link.reader.at_eof());
    link.peer.send("some data\n");
    co_await arrival();
    log(link.reader.at_eof());
    log(co_await got(link.reader.readline()));
    log(link.reader.at_eof());
    link.peer.send("some data\n");
    link.peer.end();
    co_await arrival();
    log(link.reader.at_eof());
    log(co_await got(link.reader.readline()));
    log(link.reader.at_eof());
}

CONFORMS("streams.at_eof_unread") {
    Link link = co_await connect();
    link.peer.end();
    co_await arrival();
    log(link.reader.at_eof());
}

CONFORMS("streams.readline_nolimit_nowait") {
    Link link = co_await connect();
    link.peer.send("line1\nline2\nline3\n");
    co_await arrival();
    log(co_await got(link.reader.readline()));
    log(co_await got(link.reader.read(100)));
}

CONFORMS("streams.readline_eof") {
    Link link = co_await connect();
    link.peer.send("some data");
    link.peer.end();
    log(co_await got(link.reader.readline()));
    log(co_await got(link.reader.readline()));
}

CONFORMS("streams.readline_empty_eof") {
    Link link = co_await connect();
    link.peer.end();
    log(co_await got(link.reader.readline()));
}

CONFORMS("streams.readline_read_byte_count") {
    Link link = co_await connect();
    link.peer.send("line1\nline2\nline3\n");
    co_await arrival();
    log(co_await got(link.reader.readline()));
    log(co_await got(link.reader.read(7)));
    log(co_await got(link.reader.read(100)));
}

CONFORMS("streams.readuntil_separator") {
    Link link = co_await connect();
    log(co_await got(link.reader.readuntil("")));
}

Task<std::string> until(StreamReader reader, std::vector<std::string> separators) {
    return reader.readuntil(std::move(separators));
}

CONFORMS("streams.readuntil_separators") {
    Link link = co_await connect();
    const std::vector<std::string> separators = {"", "x"};
    log(co_await got(until(link.reader, separators)));
}

CONFORMS("streams.readuntil_multi_chunks") {
    Link link = co_await connect();
    for (const char* text : {"lineAAA", "lineAAA", "lineAAAxxx"}) {
        link.peer.send(text);
        log(co_await got(link.reader.readuntil("AAA")));
    }
    log(co_await got(link.reader.read(100)));
    const std::vector<std::vector<const char*>> rounds = {{"QWERTYaa", "XaaaX"}, {"aaa"},
                                                          {"aaa", "aaa"},        {"aaaXaaaaXaaa"},
                                                          {"aaaa", "a"},         {"aaaaaaa", "a"}};
    for (const std::vector<const char*>& pieces : rounds) {
        auto reading = create_task(link.reader.readuntil("aaa"));
        for (const char* piece : pieces) {
            link.peer.send(piece);
            co_await arrival();
        }
        log(co_await got(reading));
    }
    link.peer.end();
    log(co_await got(link.reader.read()));
}

CONFORMS("streams.readuntil_eof") {
    Link link = co_await connect();
    link.peer.send("some data");
    link.peer.end();
    try {
        static_cast<void>(co_await link.reader.readuntil("AAA"));
    } catch (const IncompleteReadError& exception) {
        log(error_of_current());
        log(exception.partial(), exception.expected() == IncompleteReadError::unknown);
    }
    log(co_await got(link.reader.read()));
}

CONFORMS("streams.readuntil_limit_found_sep") {
    Link link = co_await connect(3);
    for (const char* piece : {"some dataAA", "A", "some dataAAA"}) {
        link.peer.send(piece);
        co_await arrival();
        try {
            static_cast<void>(co_await link.reader.readuntil("AAA"));
        } catch (const LimitOverrunError& exception) {
            log(error_of_current(), exception.consumed());
        }
    }
    log(co_await got(link.reader.readexactly(24)));
}

CONFORMS("streams.readuntil_multi_separator") {
    Link link = co_await connect();
    const std::vector<std::pair<const char*, std::vector<std::string>>> rounds = {
        {"dataX", {"X", "Y"}}, {"dataYX", {"X", "Y"}},
        {"", {"X"}},           {"line1\r\nline2\n", {"\r\n", "\n"}},
        {"", {"\r\n", "\n"}},  {"some DELIMITER", {"DELIM", "DELIMITER", "ELIM"}}};
    for (const auto& [data, separators] : rounds) {
        link.peer.send(data);
        co_await arrival();
        log(co_await got(until(link.reader, separators)));
    }
    log(co_await got(link.reader.read(100)));
}

CONFORMS("streams.readuntil_multi_separator_limit") {
    Link link = co_await connect(3);
    link.peer.send("some dataA");
    co_await arrival();
    const std::vector<std::string> separators = {"A", "ome dataA"};
    try {
        static_cast<void>(co_await until(link.reader, separators));
    } catch (const LimitOverrunError& exception) {
        log(error_of_current(), exception.consumed());
    }
    log(co_await got(link.reader.read(100)));
}

CONFORMS("streams.readuntil_multi_separator_negative_offset") {
    Link link = co_await connect();
    const std::vector<std::string> separators = {"A", "long sep"};
    auto reading = create_task(until(link.reader, separators));
    for (const char* piece : {"line", "long ", "sepX"}) {
        link.peer.send(piece);
        co_await arrival();
    }
    log(co_await got(reading));
    log(co_await got(link.reader.read(100)));
}

Task<std::string> exactly(StreamReader reader, std::ptrdiff_t size) {
    co_return co_await reader.readexactly(size);
}

CONFORMS("streams.readexactly_zero_or_less") {
    Link link = co_await connect();
    link.peer.send("data");
    co_await arrival();
    log(co_await got(exactly(link.reader, 0)));
    log(co_await got(exactly(link.reader, -1)));
    log(co_await got(exactly(link.reader, 4)));
}

CONFORMS("streams.readexactly") {
    Link link = co_await connect();
    auto reading = create_task(link.reader.readexactly(12));
    co_await arrival();
    for (int round = 0; round < 3; ++round) {
        link.peer.send("data");
        co_await arrival();
    }
    log(co_await got(reading));
    link.peer.send("data and more");
    log(co_await got(link.reader.readexactly(4)));
    log(co_await got(link.reader.readexactly(9)));
}

CONFORMS("streams.readexactly_limit") {
    Link link = co_await connect(3);
    link.peer.send("chunk");
    co_await arrival();
    log(co_await got(link.reader.readexactly(5)));
}

CONFORMS("streams.readexactly_beyond_the_limit") {
    Link link = co_await connect(1000);
    link.peer.send(std::string(60000, 'x'));
    co_await arrival();
    const std::string first = co_await link.reader.readexactly(50000);
    const std::string second = co_await link.reader.readexactly(10000);
    log(first.size(), second.size());
}

CONFORMS("streams.readexactly_eof") {
    Link link = co_await connect();
    auto reading = create_task(link.reader.readexactly(8));
    co_await arrival();
    link.peer.send("data");
    link.peer.end();
    try {
        static_cast<void>(co_await reading);
    } catch (const IncompleteReadError& exception) {
        log(error_of_current());
        log(exception.partial(), exception.expected());
    }
    log(co_await got(link.reader.read()));
}

CONFORMS("streams.exception") {
    Link link = co_await connect();
    log(error(link.reader.exception()));
    link.peer.reset();
    co_await arrival();
    log(error(link.reader.exception()));
}

CONFORMS("streams.exception_waiter") {
    Link link = co_await connect();
    auto reading = create_task(link.reader.readline());
    co_await arrival();
    log(reading.done());
    link.peer.reset();
    co_await arrival();
    const bool done = reading.done();
    log(done, co_await got(reading));
}

CONFORMS("streams.exception_cancel") {
    Link link = co_await connect();
    auto reading = create_task(link.reader.readline());
    co_await arrival();
    reading.cancel();
    link.peer.reset();
    log(co_await got(reading));
    co_await arrival();
    log(error(link.reader.exception()));
}

CONFORMS("streams.cancelled_read_loses_nothing") {
    Link link = co_await connect();
    auto reading = create_task(link.reader.readexactly(6));
    co_await arrival();
    link.peer.send("abc");
    co_await arrival();
    reading.cancel();
    log(co_await got(reading));
    link.peer.send("def");
    log(co_await got(link.reader.readexactly(6)));
}

CONFORMS("streams.one_reader_at_a_time") {
    Link link = co_await connect();
    auto reading = create_task(link.reader.readline());
    co_await arrival();
    log(co_await got(link.reader.read(1)));
    log(co_await got(link.reader.readexactly(1)));
    link.peer.send("line\n");
    log(co_await got(reading));
}

CONFORMS("streams.back_pressure") {
    Link link = co_await connect(1000, 4096);
    link.peer.socket().set_buffer(SO_SNDBUF, 65536);
    const std::string data(65536, 'x');
    std::size_t sent = 0;
    for (int idle = 0; idle < 50; ++idle) {
        const ssize_t count =
            ::send(link.peer.socket().fd(), data.data(), data.size(), MSG_DONTWAIT);
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
            idle = 0;
        }
        co_await sleep(0s);
    }
    log(sent < (64u << 20));
    link.peer.end();
    const std::string all = co_await link.reader.read();
    log(all.size() == sent);
}

std::vector<bool> done(const std::vector<TaskHandle<>>& tasks) {
    std::vector<bool> all;
    for (const TaskHandle<>& task : tasks) {
        all.push_back(task.done());
    }
    return all;
}

Task<std::size_t> taken(const Peer& peer, std::size_t size = std::size_t{1} << 30) {
    const std::string all = co_await peer.take(size);
    co_return all.size();
}

CONFORMS("streams.multiple_drain") {
    Link link = co_await connect(default_stream_limit, 65536);
    link.writer.write(std::string(much, 'x'));
    std::vector<TaskHandle<>> draining;
    for (int i = 0; i < 5; ++i) {
        draining.push_back(create_task(link.writer.drain()));
    }
    co_await arrival();
    log(done(draining));
    link.writer.close();
    log(co_await taken(link.peer));
    co_await gather(draining);
    log(done(draining));
}

CONFORMS("streams.drain_raises") {
    Link link = co_await connect();
    link.peer.reset();
    try {
        for (int round = 0; round < 1000; ++round) {
            link.writer.write("foo");
            co_await link.writer.drain();
        }
        log("no error");
    } catch (...) {
        log(kind_of_current());
    }
}

CONFORMS("streams.drain_does_not_wait_below_the_mark") {
    Link link = co_await connect();
    link.writer.write("data");
    co_await link.writer.drain();
    log("drained");
    log(co_await link.peer.take(4));
}

CONFORMS("streams.water_marks") {
    Link link = co_await connect();
    log(call([&] { link.writer.set_write_buffer_limits(10, 20); }));
    log(call([&] { link.writer.set_write_buffer_limits(10); }));
    log(call([&] { link.writer.set_write_buffer_limits({}, 10); }));
    log(call([&] { link.writer.set_write_buffer_limits(0); }));
}

CONFORMS("streams.high_water_of_zero") {
    Link link = co_await connect(default_stream_limit, 65536);
    link.writer.set_write_buffer_limits(0);
    link.writer.write(std::string(much, 'x'));
    auto draining = create_task(link.writer.drain());
    co_await arrival();
    log(draining.done());
    auto taking = create_task(taken(link.peer, much));
    co_await draining;
    log(link.writer.get_write_buffer_size());
    log(co_await taking);
}

CONFORMS("streams.writelines") {
    Link link = co_await connect();
    link.writer.writelines(std::array{"one ", "two ", "", "three"});
    co_await link.writer.drain();
    log(co_await link.peer.take(13));
}

CONFORMS("streams.write_eof") {
    Link link = co_await connect();
    log(link.writer.can_write_eof());
    link.writer.write("question");
    link.writer.write_eof();
    log(co_await got(link.peer.take()));
    link.peer.send("answer");
    link.peer.end();
    log(co_await got(link.reader.read()));
    log(call([&] { link.writer.write("more"); }));
}

CONFORMS("streams.wait_closed_on_close") {
    Link link = co_await connect();
    log(link.writer.is_closing());
    link.writer.write("bye");
    link.writer.close();
    log(link.writer.is_closing());
    co_await link.writer.wait_closed();
    log(co_await got(link.peer.take()));
    link.writer.close();
    co_await link.writer.wait_closed();
}

CONFORMS("streams.wait_closed_on_close_with_unread_data") {
    Link link = co_await connect();
    link.peer.send("line\nunread");
    log(co_await got(link.reader.readline()));
    link.writer.close();
    co_await link.writer.wait_closed();
    log(link.writer.is_closing());
}

CONFORMS("streams.close_with_unread_data_sends_all") {
    Link link = co_await connect();
    link.peer.send("unread");
    co_await arrival();
    link.writer.write(std::string(200000, 'y'));
    link.writer.close();
    log(co_await taken(link.peer));
    co_await link.writer.wait_closed();
}

CONFORMS("streams.wait_closed_raises") {
    Link link = co_await connect();
    auto waiting = create_task(link.writer.wait_closed());
    co_await arrival();
    link.peer.reset();
    log(co_await ended(waiting));
}

CONFORMS("streams.async_writer_api_exception_after_close") {
    Link link = co_await connect();
    link.writer.close();
    try {
        link.writer.write("data");
        co_await link.writer.drain();
    } catch (...) {
        log(kind_of_current());
    }
    co_await arrival();
    log(co_await got(link.peer.take()));
}

CONFORMS("streams.eof_when_closing_writer") {
    Link link = co_await connect();
    link.writer.close();
    co_await link.writer.wait_closed();
    log(link.reader.at_eof());
}

CONFORMS("streams.close_under_a_reader") {
    Link link = co_await connect();
    auto reading = create_task(detail::as_coroutine(link.reader.read(10)));
    co_await arrival();
    link.writer.close();
    log(co_await got(reading));
}

CONFORMS("streams.abort") {
    Link link = co_await connect(default_stream_limit, 65536);
    link.writer.write(std::string(much, 'x'));
    link.writer.abort();
    co_await link.writer.wait_closed();
    log(link.writer.is_closing(), link.writer.get_write_buffer_size());
    const std::size_t size = co_await taken(link.peer);
    log(size < much);
}

CONFORMS("streams.addresses") {
    Link link = co_await connect();
    const std::uint16_t port = link.peer.socket().port();
    const std::uint16_t own = link.writer.getsockname().port();
    for (int round = 0; round < 2; ++round) {
        log(link.writer.getpeername().port() == port);
        log(link.writer.getsockname().port() == own);
        link.writer.close();
        co_await link.writer.wait_closed();
    }
}

std::pair<UniqueFd, UniqueFd> socket_pair(int type) {
    int ends[2] = {-1, -1};
    static_cast<void>(::socketpair(AF_UNIX, type, 0, ends));
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

CONFORMS("streams.given_socket") {
    auto [near, far] = socket_pair(SOCK_STREAM);
    RawSocket peer(far.release());
    auto [reader, writer] = co_await open_connection({.sock = std::move(near)});
    writer.write("data");
    co_await writer.drain();
    log(peer.receive(100));
    peer.close();
    log(co_await got(reader.read()));
    writer.close();
    co_await writer.wait_closed();
}

CONFORMS("streams.given_socket_refused") {
    auto [near, far] = socket_pair(SOCK_DGRAM);
    const auto refused = [](auto&& attempt) {
        try {
            attempt().close();
        } catch (...) {
            log(kind_of_current());
        }
    };
    refused([&fd = near] { return open_connection({.sock = std::move(fd)}); });
    refused([&fd = near] { return open_connection("127.0.0.1", 80, {.sock = std::move(fd)}); });
    refused([] { return open_connection(ConnectionOptions()); });
    co_return;
}

Task<Connection> connect_from(const char* host, std::uint16_t port) {
    co_return co_await open_connection("127.0.0.1", port, {.local_addr = {host, 0}});
}

CONFORMS("streams.local_addr") {
    const RawSocket listener = RawSocket::listening();
    auto [reader, writer] = co_await connect_from("127.0.0.9", listener.port());
    log(writer.getsockname().host());
    writer.close();
    co_await writer.wait_closed();
    try {
        static_cast<void>(co_await connect_from("192.0.2.1", listener.port()));
    } catch (...) {
        log(kind_of_current());
    }
}

}  // namespace
}  // namespace ringio::conformance
