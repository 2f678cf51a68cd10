#include <ringio/streams/names.hpp>

#include <support/gate.hpp>
#include "link.hpp"
#include "resolver.hpp"

#include <ringio/streams/resolve.hpp>

#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// What the C library answers, asked directly.
std::vector<AddressInfo> from_c_library(const char* host, const char* service,
                                        const AddressHints& wanted) {
    addrinfo hints = {};
    hints.ai_family = wanted.family;
    hints.ai_socktype = wanted.type;
    hints.ai_protocol = wanted.proto;
    hints.ai_flags = wanted.flags;
    addrinfo* found = nullptr;
    REQUIRE(::getaddrinfo(host, service, &hints, &found) == 0);
    std::vector<AddressInfo> answers;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        const SocketAddress address(entry->ai_addr, entry->ai_addrlen);
        answers.push_back({address, entry->ai_family, entry->ai_socktype, entry->ai_protocol,
                           entry->ai_canonname != nullptr ? entry->ai_canonname : ""});
    }
    ::freeaddrinfo(found);
    return answers;
}

Task<std::string> address_of(std::string host, long port) {
    const std::vector<AddressInfo> found = co_await getaddrinfo(std::move(host), port);
    co_return found.at(0).address.to_string();
}

}  // namespace

ASYNC_TEST_CASE("names: a literal is looked up without a thread, as the C library does") {
    const PlayedResolver resolver;
    EventLoop& loop = get_running_loop();
    for (const char* host : {"127.0.0.1", "::1", "fe80::1%lo", "fe80::1%1"}) {
        for (const int type : {0, int{SOCK_STREAM}, int{SOCK_DGRAM}}) {
            INFO(host << " " << type);
            const AddressHints hints = {.type = type};
            CHECK_AWAIT(loop.getaddrinfo(host, 80, hints), from_c_library(host, "80", hints));
        }
    }
    const std::vector<AddressInfo> found = co_await loop.getaddrinfo("127.0.0.1", 80);
    REQUIRE(found.size() == 3);
    CHECK(found[0].address.to_string() == "127.0.0.1:80");
    CHECK(found[0].family == AF_INET);
    CHECK(found[0].type == SOCK_STREAM);
    CHECK(found[0].protocol == IPPROTO_TCP);
    CHECK(found[0].canonname == "");
    CHECK(resolver.asked().empty());
}

ASYNC_TEST_CASE("names: hints choose, and flags are the C library's") {
    EventLoop& loop = get_running_loop();
    const AddressHints tcp = {.family = AF_INET, .proto = IPPROTO_TCP, .flags = AI_CANONNAME};
    CHECK_AWAIT(loop.getaddrinfo("127.0.0.1", "80", tcp), from_c_library("127.0.0.1", "80", tcp));
    const AddressHints passive = {.type = SOCK_STREAM, .flags = AI_PASSIVE};
    CHECK_AWAIT(loop.getaddrinfo("", 80, passive), from_c_library(nullptr, "80", passive));
    const AddressHints any = {.type = SOCK_DGRAM};
    CHECK_AWAIT(loop.getaddrinfo("", "80", any), from_c_library(nullptr, "80", any));
    CHECK_AWAIT(loop.getaddrinfo("127.0.0.1", "", any), from_c_library("127.0.0.1", nullptr, any));
    CHECK_AWAIT(getaddrinfo("localhost", 80, any), from_c_library("localhost", "80", any));
    CHECK_AWAIT(failure_of(loop.getaddrinfo("127.0.0.1", 80, {.family = AF_INET6})),
                EAI_ADDRFAMILY);
    CHECK_AWAIT(failure_of(loop.getaddrinfo("127.0.0.1", 80, {.type = 77})), EAI_SOCKTYPE);
    CHECK_AWAIT(failure_of(loop.getaddrinfo("", "")), EAI_NONAME);
    CHECK_AWAIT(failure_of(loop.getaddrinfo("127.0.0.1", "no such service")), EAI_SERVICE);
}

ASYNC_TEST_CASE("names: the errors of the resolver name what was asked, and keep its text") {
    PlayedResolver resolver;
    resolver.open();
    std::string text;
    try {
        static_cast<void>(co_await getaddrinfo("again", "http"));
    } catch (const std::system_error& error) {
        CHECK(error.code() == std::error_code(EAI_AGAIN, resolver_category()));
        text = error.what();
    }
    CHECK(text == std::string("resolve again:http: ") + ::gai_strerror(EAI_AGAIN));
    CHECK_AWAIT_HAS(text_of<std::system_error>(getaddrinfo("::1", "no such service")),
                    "resolve [::1]:no such service: ");
}

ASYNC_TEST_CASE("names: what no resolver would take is an error, too") {
    CHECK_AWAIT(failure_of(getaddrinfo(std::string(256, 'x'), 80)), EAI_NONAME);
    const std::string with_zero("local\0host", 10);
    CHECK_AWAIT(text_of<std::invalid_argument>(getaddrinfo(with_zero, 80)),
                "resolve: a zero byte in the name of a host or service");
    CHECK_AWAIT(text_of<std::invalid_argument>(getaddrinfo("localhost", with_zero)),
                "resolve: a zero byte in the name of a host or service");
    CHECK_THROWS_WITH(getaddrinfo("localhost", 65536),
                      "getaddrinfo: port 65536 is out of range; a port is 0-65535");
    CHECK_THROWS_AS(getaddrinfo("localhost", -1), std::invalid_argument);
}

ASYNC_TEST_CASE("names: what is asked for already is not asked again") {
    PlayedResolver resolver;
    std::vector<TaskHandle<std::string>> asking;
    for (int each = 0; each < 5; ++each) {
        asking.push_back(create_task(address_of("one.test", 80)));
    }
    asking.push_back(create_task(address_of("one.test", 81)));
    co_await turns(3);
    resolver.wait_for_askers(2);
    CHECK(resolver.asked().size() == 2);
    asking.front().cancel();
    resolver.open();
    CHECK_AWAIT(is_cancelled(asking.front()), true);
    for (std::size_t each = 1; each < asking.size(); ++each) {
        CHECK_AWAIT(asking[each], each < 5 ? "127.0.0.1:80" : "127.0.0.1:81");
    }
    CHECK_AWAIT(address_of("one.test", 80), "127.0.0.1:80");  // nothing is kept for later
    CHECK(resolver.asked().size() == 3);
}

ASYNC_TEST_CASE("names: four are under way at most; one that was given up never begins") {
    PlayedResolver resolver;
    std::vector<TaskHandle<std::string>> asking;
    for (int each = 0; each < 6; ++each) {
        asking.push_back(create_task(address_of(std::to_string(each) + ".test", 80)));
    }
    co_await turns(3);
    resolver.wait_for_askers(4);
    CHECK(resolver.under_way() == 4);
    asking[4].cancel();
    co_await turns(2);
    resolver.open();
    CHECK_AWAIT(is_cancelled(asking[4]), true);
    for (const std::size_t each : {0U, 1U, 2U, 3U, 5U}) {
        CHECK_AWAIT(asking[each], "127.0.0.1:80");
    }
    CHECK(resolver.asked().size() == 5);
}

ASYNC_TEST_CASE("names: do not wait for the default executor") {
    PlayedResolver resolver;
    resolver.open();
    Gate gate;
    EventLoop& loop = get_running_loop();
    loop.set_default_executor(std::make_shared<concurrent::ThreadPoolExecutor>(1));
    Future<> busy = loop.run_in_executor(nullptr, [&gate] { gate.pass(); });
    CHECK_AWAIT(address_of("one.test", 80), "127.0.0.1:80");
    CHECK_FALSE(busy.done());
    gate.open();
    co_await busy;
}

ASYNC_TEST_CASE("names: their threads say what they are for") {
    static std::string name;
    SystemCalls calls = SystemCalls::real;
    calls.getaddrinfo = [](const char*, const char*, const addrinfo*, addrinfo**) {
        char text[32] = {};
        ::pthread_getname_np(::pthread_self(), text, sizeof(text));
        name = text;
        return EAI_FAIL;
    };
    detail::system_calls = &calls;
    const int failure = co_await failure_of(getaddrinfo("one.test", 80));
    detail::system_calls = &SystemCalls::real;
    CHECK(failure == EAI_FAIL);
    CHECK(name == "ringio-dns_0");
}

ASYNC_TEST_CASE("names: cancelled, one is free at once") {
    PlayedResolver resolver;
    for (int turn = 0; turn < 5; ++turn) {
        auto asking = create_task(address_of("one.test", 80));
        co_await turns(turn);
        CHECK(asking.cancel());
        CHECK_AWAIT(is_cancelled(asking), true);
    }
}

TEST_CASE("names: the loop closes without a wait for what is under way") {
    PlayedResolver resolver;
    for (const bool finished : {false, true}) {
        const testing::Balance balance;
        testing::run_virtual([](PlayedResolver& played, bool wait) -> Task<> {
            for (int each = 0; each < 6; ++each) {
                create_task(address_of(std::to_string(each) + ".test", 80));
            }
            co_await turns(2);
            if (wait) {
                played.wait_for_askers(4);
            }
        }(resolver, finished));
        CHECK(balance.difference() == "");
    }
}

ASYNC_TEST_CASE("getnameinfo: numbers need no thread") {
    const PlayedResolver resolver;
    constexpr int numeric = NI_NUMERICHOST | NI_NUMERICSERV;
    EventLoop& loop = get_running_loop();
    const SocketAddress v6 = *SocketAddress::from_literal("::1", 8080);
    const auto [host, service] = co_await loop.getnameinfo(v6, numeric);
    CHECK(host == "::1");
    CHECK(service == "8080");
    const SocketAddress linked = *SocketAddress::from_literal("fe80::1%lo", 1);
    const auto on_link = co_await getnameinfo(linked, numeric);
    CHECK(on_link.first == "fe80::1%lo");
    CHECK(resolver.asked().empty());
}

ASYNC_TEST_CASE("getnameinfo: names come from the resolver, once for all who ask at a time") {
    PlayedResolver resolver;
    const SocketAddress address = *SocketAddress::from_literal("127.0.0.1", 80);
    auto first = create_task(getnameinfo(address, NI_NUMERICSERV));
    auto second = create_task(getnameinfo(address, NI_NUMERICSERV));
    auto third = create_task(getnameinfo(address, NI_NUMERICSERV | NI_DGRAM));
    co_await turns(3);
    resolver.wait_for_askers(2);
    resolver.open();
    CHECK_AWAIT(first, std::pair<std::string, std::string>("127.0.0.1", "80"));
    CHECK_AWAIT(second, std::pair<std::string, std::string>("127.0.0.1", "80"));
    CHECK_AWAIT(third, std::pair<std::string, std::string>("127.0.0.1", "80"));
    CHECK(resolver.asked().size() == 2);
}

ASYNC_TEST_CASE("getnameinfo: what has no name is an error that says of what") {
    CHECK_AWAIT_HAS(text_of<std::system_error>(getnameinfo(SocketAddress())), "getnameinfo :0: ");
    const SocketAddress nameless = *SocketAddress::from_literal("192.0.2.1", 80);
    CHECK_AWAIT_HAS(text_of<std::system_error>(
                        getnameinfo(nameless, NI_NAMEREQD | NI_NUMERICHOST | NI_NUMERICSERV)),
                    "getnameinfo 192.0.2.1:80: ");
}
