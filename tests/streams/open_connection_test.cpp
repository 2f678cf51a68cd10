#include <ringio/streams/open_connection.hpp>

#include "link.hpp"

#include <ringio/streams/start_server.hpp>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

// Coroutines, so that it does not matter whether a bad argument is told at the call or later.
Task<> attempt(std::string host, long port, std::size_t limit = default_stream_limit) {
    static_cast<void>(co_await open_connection(std::move(host), port, {.limit = limit}));
}

Task<> echo(StreamReader reader, StreamWriter writer) {
    for (std::string data = co_await reader.read(100); !data.empty();) {
        writer.write(data);
        co_await writer.drain();
        data = co_await reader.read(100);
    }
    writer.close();
}

Task<std::string> echoed(std::string host, std::uint16_t port, std::string text) {
    auto [reader, writer] = co_await open_connection(std::move(host), port);
    writer.write(text);
    std::string answer = co_await reader.readexactly(static_cast<std::ptrdiff_t>(text.size()));
    writer.close();
    co_await writer.wait_closed();
    co_return answer;
}

Task<std::string> echoed_over(std::string host) {
    Server server = co_await start_server(echo, host, 0);
    std::string answer = co_await echoed(host, server.sockets()[0].getsockname().port(), "hello");
    server.close();
    co_await server.wait_closed();
    co_return answer;
}

bool has_ipv6() {
    const UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address = {};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    return fd &&
           ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace

ASYNC_TEST_CASE("open_connection: connects by IPv4 literal") {
    CHECK_AWAIT(echoed_over("127.0.0.1"), "hello");
}

TEST_CASE("open_connection: connects by IPv6 literal") {
    if (!has_ipv6()) {
        WARN("skipped: this machine has no ::1");
        return;
    }
    testing::run_virtual([]() -> Task<> { CHECK_AWAIT(echoed_over("::1"), "hello"); }());
}

ASYNC_TEST_CASE("open_connection: connects by the name localhost") {
    CHECK_AWAIT(echoed_over("localhost"), "hello");
}

ASYNC_TEST_CASE("open_connection: a port out of range is a std::invalid_argument that names it") {
    for (const long port : {-1L, 65536L, 1L << 40}) {
        const std::string text =
            co_await text_of<std::invalid_argument>(attempt("localhost", port));
        CHECK(text == "open_connection: port " + std::to_string(port) +
                          " is out of range; a port is 0-65535");
    }
}

ASYNC_TEST_CASE("open_connection: an empty host and a limit of 0 are std::invalid_arguments") {
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(attempt("", 80)), "host is empty");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(attempt("localhost", 80, 0)), "limit is 0");
}

ASYNC_TEST_CASE("open_connection: a host with a zero byte is refused, not cut off there") {
    const RawSocket listener = RawSocket::listening();
    const std::string host("127.0.0.1\0.example.org", 22);
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(attempt(host, listener.port())), "host");
    const std::string name("localhost\0.example.org", 22);
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(attempt(name, listener.port())), "host");
}

ASYNC_TEST_CASE("open_connection: a refused connection names host and port") {
    const RawSocket closed = RawSocket::bound();
    const std::string text =
        co_await text_of<std::system_error>(attempt("127.0.0.1", closed.port()));
    CHECK(text == "connect to 127.0.0.1:" + std::to_string(closed.port()) + ": Connection refused");
    CHECK_AWAIT(errno_of(attempt("127.0.0.1", closed.port())), ECONNREFUSED);
    CHECK_AWAIT(errno_of(attempt("localhost", closed.port())), ECONNREFUSED);
}

ASYNC_TEST_CASE("open_connection: a name that does not resolve names host and port") {
    const std::string text =
        co_await text_of<std::system_error>(attempt("no-such-host.invalid", 4711));
    CHECK_THAT(text, Catch::Matchers::Contains("no-such-host.invalid:4711"));
}

ASYNC_TEST_CASE("open_connection: the limit is that of the reader") {
    Link link = co_await make_link(8);
    link.peer.send("0123456789");
    CHECK_AWAIT(text_of<LimitOverrunError>(link.reader.readuntil()),
                "Separator is not found, and chunk exceed the limit");
}

ASYNC_TEST_CASE("open_connection: a small write goes out at once, without Nagle's delay") {
    Link link = co_await make_link();
    int on = 0;
    socklen_t size = sizeof(on);
    const std::uint16_t local = link.writer.getsockname().port();
    for (int fd = 0; fd < 1024; ++fd) {
        sockaddr_in address = {};
        socklen_t length = sizeof(address);
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
            address.sin_family == AF_INET && ntohs(address.sin_port) == local) {
            ::getsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, &size);
        }
    }
    CHECK(on != 0);
}

ASYNC_TEST_CASE("open_connection: cancelled while it connects leaves no descriptor") {
    // A listener whose queue is full: the kernel leaves the connection half open.
    const RawSocket listener = RawSocket::listening(0);
    const RawSocket first = RawSocket::connected(listener.port());
    std::vector<TaskHandle<>> attempts;
    for (int i = 0; i < 5; ++i) {
        attempts.push_back(create_task(attempt("127.0.0.1", listener.port())));
    }
    co_await sleep(5ms);
    int cancelled = 0;
    for (TaskHandle<>& task : attempts) {
        cancelled += task.cancel() ? 1 : 0;
        static_cast<void>(co_await errno_of(task));
    }
    CHECK(cancelled >= 3);
}

ASYNC_TEST_CASE("open_connection: wait_for ends a connect that takes too long") {
    const RawSocket listener = RawSocket::listening(0);
    const RawSocket first = RawSocket::connected(listener.port());
    bool timed_out = false;
    for (int i = 0; i < 3 && !timed_out; ++i) {
        try {
            co_await wait_for(attempt("127.0.0.1", listener.port()), 20ms);
        } catch (const TimeoutError&) {
            timed_out = true;
        }
    }
    CHECK(timed_out);
}

ASYNC_TEST_CASE("open_connection: may be cancelled in every turn of its life") {
    const RawSocket listener = RawSocket::listening();
    for (int turn = 0; turn < 12; ++turn) {
        for (const char* host : {"127.0.0.1", "localhost"}) {
            auto task = create_task(attempt(host, listener.port()));
            co_await turns(turn);
            task.cancel();
            static_cast<void>(co_await errno_of(task));
        }
    }
}

TEST_CASE("run: returns with connects in flight, and leaves nothing") {
    const testing::Balance balance;
    {
        const RawSocket listener = RawSocket::listening(0);
        testing::run_virtual([](const RawSocket& target) -> Task<> {
            for (int i = 0; i < 5; ++i) {
                create_task(attempt("127.0.0.1", target.port()));
                create_task(attempt("localhost", target.port()));
            }
            co_await turns(2);
        }(listener));
    }
    CHECK(balance.difference() == "");
}
