#include <ringio/streams/resolve.hpp>

#include "link.hpp"
#include "resolver.hpp"

#include <algorithm>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<std::string> resolved(std::string host, std::uint16_t port, bool passive = false) {
    const std::vector<SocketAddress> addresses = co_await resolve(std::move(host), port, passive);
    std::string text;
    for (const SocketAddress& address : addresses) {
        text.append(text.empty() ? "" : " ").append(address.to_string());
    }
    co_return text;
}

}  // namespace

ASYNC_TEST_CASE("resolve: a literal is its own address") {
    CHECK_AWAIT(resolved("127.0.0.1", 80), "127.0.0.1:80");
    CHECK_AWAIT(resolved("::1", 65535), "[::1]:65535");
    CHECK_AWAIT(resolved("0.0.0.0", 0, true), "0.0.0.0:0");
}

ASYNC_TEST_CASE("resolve: localhost is this machine, each address once") {
    const std::vector<SocketAddress> addresses = co_await resolve("localhost", 80);
    REQUIRE_FALSE(addresses.empty());
    for (const SocketAddress& address : addresses) {
        const std::string host = address.host();
        CHECK((host == "127.0.0.1" || host == "::1"));
        CHECK(address.port() == 80);
        CHECK(std::count(addresses.begin(), addresses.end(), address) == 1);
    }
}

ASYNC_TEST_CASE("resolve: an empty host of a server is every interface") {
    CHECK_AWAIT_HAS(resolved("", 81, true), "0.0.0.0:81");
}

ASYNC_TEST_CASE("resolve: an unknown name is an error of the resolver that names host and port") {
    std::error_code code;
    std::string text;
    try {
        static_cast<void>(co_await resolve("no-such-host.invalid", 80));
    } catch (const std::system_error& error) {
        code = error.code();
        text = error.what();
    }
    CHECK(code.category() == resolver_category());
    CHECK(std::string(code.category().name()) == "getaddrinfo");
    CHECK_THAT(text, Catch::Matchers::StartsWith("resolve no-such-host.invalid:80: "));
    CHECK_FALSE(code.message().empty());
}

ASYNC_TEST_CASE("resolve: a name that no resolver would take is an error too") {
    CHECK_AWAIT(errno_of(resolve(std::string(5000, 'x'), 80)), -1);
    CHECK_AWAIT(errno_of(resolve("256.256.256.256", 80)), -1);
    CHECK_AWAIT(errno_of(resolve("bad host name", 80)), -1);
}

ASYNC_TEST_CASE("resolve: many names at once") {
    std::vector<TaskHandle<std::string>> tasks;
    for (std::uint16_t port = 0; port < 100; ++port) {
        tasks.push_back(create_task(resolved("localhost", port)));
    }
    for (std::uint16_t port = 0; port < 100; ++port) {
        CHECK_AWAIT_HAS(tasks[port], host_and_port("", port));
    }
}

ASYNC_TEST_CASE("resolve: may be cancelled in every turn; the answer is dropped") {
    PlayedResolver resolver;
    for (int turn = 0; turn < 8; ++turn) {
        auto task = create_task(resolved("localhost", 80));
        co_await turns(turn);
        const bool asked = task.cancel();
        CHECK_AWAIT(is_cancelled(task), asked);
    }
}

TEST_CASE("run: returns with names being resolved, and leaves nothing") {
    PlayedResolver resolver;
    for (int round = 0; round < 50; ++round) {
        const testing::Balance balance;
        testing::run_virtual([](int turn) -> Task<> {
            for (int i = 0; i < 10; ++i) {
                create_task(resolved("localhost", 80));
            }
            co_await turns(turn);
        }(round % 4));
        CHECK(balance.difference() == "");
    }
}

TEST_CASE("EventLoop::close: with names being resolved leaves nothing") {
    PlayedResolver resolver;
    for (int round = 0; round < 50; ++round) {
        const testing::Balance balance;
        {
            EventLoop loop;
            loop.set_exception_handler([](EventLoop&, const ExceptionContext&) {});
            loop.run_until_complete([]() -> Task<> {
                for (int i = 0; i < 10; ++i) {
                    create_task(resolved("localhost", 80));
                }
                co_await turns(1);
            }());
        }
        CHECK(balance.difference() == "");
    }
}
