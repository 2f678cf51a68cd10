// Hosts that have several addresses, or none. The resolver of the system is replaced: it knows the
// names of these tests and passes the others on.
#include "link.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <cstdlib>
#include <map>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

const std::map<std::string, std::vector<const char*>> known_hosts = {
    {"none.test", {}},
    {"two.test", {"127.0.0.1", "127.0.0.2"}},
    {"mixed.test", {"127.0.0.1", "::1"}},
};

// Stands at the front of an allocation that freeaddrinfo() may free.
addrinfo* made_answer(const std::vector<const char*>& hosts, std::uint16_t port) {
    addrinfo* first = nullptr;
    for (auto host = hosts.rbegin(); host != hosts.rend(); ++host) {
        const auto address = SocketAddress::from_literal(*host, port);
        auto* memory = static_cast<char*>(std::malloc(sizeof(addrinfo) + address->size()));
        auto* entry = ::new (memory) addrinfo();
        std::memcpy(memory + sizeof(addrinfo), address->data(), address->size());
        entry->ai_addr = reinterpret_cast<sockaddr*>(memory + sizeof(addrinfo));
        entry->ai_addrlen = address->size();
        entry->ai_next = first;
        first = entry;
    }
    return first;
}

}  // namespace

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
    const auto known = known_hosts.find(node != nullptr ? node : "");
    if (known == known_hosts.end()) {
        const auto next =
            reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
        return next(node, service, hints, result);
    }
    *result = made_answer(known->second, static_cast<std::uint16_t>(std::atoi(service)));
    return 0;
}

namespace {

Task<> attempt(std::string host, long port, ConnectionOptions options = {}) {
    static_cast<void>(co_await open_connection(std::move(host), port, options));
}

Task<std::string> peer_of(std::string host, long port, ConnectionOptions options = {}) {
    auto [reader, writer] = co_await open_connection(std::move(host), port, options);
    co_return writer.getpeername().host();
}

Task<std::string> own_address(std::uint16_t port, ConnectionOptions options) {
    auto [reader, writer] = co_await open_connection("127.0.0.1", port, options);
    co_return writer.getsockname().host();
}

Task<> greet(StreamReader, StreamWriter writer) {
    writer.write("hello");
    co_return;
}

/// A listener whose queue is full, so that connecting to it takes for ever.
class Silent {
public:
    Silent() : listener_(RawSocket::listening(0)), first_(RawSocket::connected(port())) {}
    std::uint16_t port() const { return listener_.port(); }

private:
    RawSocket listener_;
    RawSocket first_;
};

/// The time of the loop, less what the kernel takes to answer.
class Stopwatch {
public:
    std::chrono::milliseconds elapsed() const {
        const auto since = get_running_loop().time() - begin_;
        return std::chrono::floor<std::chrono::milliseconds>(since) / 50 * 50;
    }

private:
    EventLoop::TimePoint begin_ = get_running_loop().time();
};

UniqueFd listener_at(const char* host, std::uint16_t port) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = SocketAddress::from_literal(host, port);
    REQUIRE(::bind(fd.get(), address->data(), address->size()) == 0);
    REQUIRE(::listen(fd.get(), 10) == 0);
    return fd;
}

SocketAddress address(const char* host) { return *SocketAddress::from_literal(host, 80); }

}  // namespace

ASYNC_TEST_CASE("resolve: an empty answer is an error with its name") {
    for (const bool passive : {false, true}) {
        try {
            static_cast<void>(co_await resolve("none.test", 80, passive));
            FAIL("resolved");
        } catch (const std::system_error& error) {
            CHECK(error.code() == std::error_code(EAI_NODATA, resolver_category()));
            CHECK_THAT(error.what(), Catch::Matchers::Contains("resolve none.test:80: "));
        }
    }
    CHECK_AWAIT_HAS(text_of<std::system_error>(attempt("none.test", 80)), "none.test:80");
}

ASYNC_TEST_CASE("open_connection: the next address is tried as soon as one is refused") {
    const RawSocket refusing = RawSocket::bound();
    const UniqueFd listener = listener_at("127.0.0.2", refusing.port());
    const Stopwatch watch;
    CHECK_AWAIT(peer_of("two.test", refusing.port()), "127.0.0.2");
    CHECK(watch.elapsed() == 0ms);
}

ASYNC_TEST_CASE(
    "open_connection: the next address is tried after 250 ms beside one that is silent") {
    const Silent silent;
    const UniqueFd listener = listener_at("127.0.0.2", silent.port());
    const Stopwatch watch;
    CHECK_AWAIT(peer_of("two.test", silent.port()), "127.0.0.2");
    CHECK(watch.elapsed() == 250ms);
    CHECK_AWAIT(peer_of("two.test", silent.port(), {.happy_eyeballs_delay = 1s}), "127.0.0.2");
    CHECK(watch.elapsed() == 1250ms);
}

ASYNC_TEST_CASE("open_connection: without a delay a silent address is waited for") {
    const Silent silent;
    const UniqueFd listener = listener_at("127.0.0.2", silent.port());
    const auto attempted = [&silent]() {
        return attempt("two.test", silent.port(), {.happy_eyeballs_delay = std::nullopt});
    };
    CHECK_AWAIT(text_of<TimeoutError>(wait_for(attempted(), 10s)), "timed out");
}

ASYNC_TEST_CASE("open_connection: addresses that all fail are named; a cancel leaves none behind") {
    const RawSocket refusing = RawSocket::bound();
    const std::string port = std::to_string(refusing.port());
    CHECK_AWAIT(text_of<std::system_error>(attempt("two.test", refusing.port())),
                "connect to 127.0.0.1:" + port + ": Connection refused");
    const Silent silent;
    for (int turn = 0; turn < 12; ++turn) {
        auto task = create_task(attempt("two.test", silent.port()));
        co_await turns(turn);
        task.cancel();
        CHECK_AWAIT(errno_of(task), -1);
    }
}

ASYNC_TEST_CASE("open_connection: family chooses among the addresses") {
    const RawSocket listener = RawSocket::listening();
    CHECK_AWAIT(peer_of("localhost", listener.port(), {.family = AF_INET}), "127.0.0.1");
    CHECK_AWAIT_HAS(
        text_of<std::system_error>(attempt("127.0.0.1", listener.port(), {.family = AF_INET6})),
        "resolve 127.0.0.1:");
}

ASYNC_TEST_CASE("open_connection: connects from local_addr") {
    const RawSocket listener = RawSocket::listening();
    CHECK_AWAIT(own_address(listener.port(), {.local_addr = {"127.0.0.9", 0}}), "127.0.0.9");
    const RawSocket taken = RawSocket::listening();
    const std::string text = co_await text_of<std::system_error>(
        attempt("127.0.0.1", listener.port(), {.local_addr = {"127.0.0.1", taken.port()}}));
    CHECK(text == "bind to 127.0.0.1:" + std::to_string(taken.port()) + ": Address already in use");
    CHECK_AWAIT_HAS(text_of<std::system_error>(attempt("127.0.0.1", 1, {.local_addr = {"::1", 0}})),
                    "no local address is of the family");
    CHECK_AWAIT_HAS(
        text_of<std::invalid_argument>(attempt("127.0.0.1", 1, {.local_addr = {"", -1}})),
        "port -1 is out of range");
}

TEST_CASE("resolve: families alternate, the first one first, each in its order") {
    const auto order = [](std::vector<SocketAddress> addresses) {
        std::string text;
        for (const SocketAddress& each : detail::interleaved(addresses)) {
            text += each.host() + " ";
        }
        return text;
    };
    CHECK(order({address("::1"), address("::2"), address("::3"), address("10.0.0.1")}) ==
          "::1 10.0.0.1 ::2 ::3 ");
    CHECK(order({address("10.0.0.1"), address("10.0.0.2"), address("::1")}) ==
          "10.0.0.1 ::1 10.0.0.2 ");
    CHECK(order({address("10.0.0.1")}) == "10.0.0.1 ");
}

ASYNC_TEST_CASE("start_server: listens on several hosts, on an address that comes twice once") {
    Server server = co_await start_server(greet, {"127.0.0.1", "127.0.0.2"}, 0);
    REQUIRE(server.sockets().size() == 2);
    for (const Socket& socket : server.sockets()) {
        const SocketAddress own = socket.getsockname();
        auto [reader, writer] = co_await open_connection(own.host(), own.port());
        CHECK_AWAIT(reader.read(), "hello");
    }
    server.close();
    co_await server.wait_closed();
    const std::vector<std::string> hosts = {"127.0.0.1", "127.0.0.1"};
    Server once = co_await start_server(greet, hosts, 0);
    CHECK(once.sockets().size() == 1);
    once.close();
    co_await once.wait_closed();
    Server both = co_await start_server(greet, "two.test", 0);
    CHECK(both.sockets().size() == 2);
    both.close();
    co_await both.wait_closed();
    const std::vector<std::string> none;
    CHECK_THROWS_AS(start_server(greet, none, 0), std::invalid_argument);
}

ASYNC_TEST_CASE("start_server: family chooses among the addresses") {
    Server server = co_await start_server(greet, "", 0, {.family = AF_INET});
    REQUIRE(server.sockets().size() == 1);
    CHECK(server.sockets()[0].getsockname().family() == AF_INET);
    server.close();
    co_await server.wait_closed();
}
