// Who answers for hosts in the place of the C library: Resolver, EventLoop::set_resolver().
#include <ringio/streams/resolver.hpp>

#include "link.hpp"
#include "resolver.hpp"

#include <ringio/streams/open_connection.hpp>
#include <ringio/streams/resolve.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;

namespace {

/// Knows a host, a host without addresses, and one that takes for ever.
class Table final : public Resolver {
public:
    explicit Table(std::vector<std::string>& asked) : asked_(asked) {}

    Task<std::vector<AddressInfo>> getaddrinfo(std::string host, std::string service,
                                               AddressHints hints) override {
        asked_.push_back(host + " " + service + " " + std::to_string(hints.type));
        if (host == "slow.test") {
            co_await get_running_loop().create_future().get_future();
        }
        std::vector<AddressInfo> found;
        if (host == "here.test") {
            const auto port = static_cast<std::uint16_t>(std::stoi(service));
            found.push_back({.address = *SocketAddress::from_literal("127.0.0.1", port),
                             .family = AF_INET,
                             .type = SOCK_STREAM,
                             .protocol = IPPROTO_TCP,
                             .canonname = {}});
        } else if (host != "empty.test") {
            throw std::system_error(EAI_NONAME, resolver_category(), "no " + host);
        }
        co_return found;
    }

private:
    std::vector<std::string>& asked_;
};

}  // namespace

ASYNC_TEST_CASE("Resolver: answers for a loop, and open_connection asks it") {
    std::vector<std::string> asked;
    EventLoop& loop = get_running_loop();
    loop.set_resolver(std::make_shared<Table>(asked));
    const RawSocket listener = RawSocket::listening();
    Connection connection = co_await open_connection("here.test", listener.port());
    const std::string port = std::to_string(listener.port());
    CHECK(connection.writer.getpeername().to_string() == "127.0.0.1:" + port);
    connection.writer.close();
    const std::vector<AddressInfo> found = co_await getaddrinfo("here.test", 80);
    REQUIRE(found.size() == 1);
    CHECK(found[0].address.to_string() == "127.0.0.1:80");
    CHECK(asked == std::vector<std::string>{"here.test " + port + " 1", "here.test 80 0"});
}

ASYNC_TEST_CASE("Resolver: literals need nobody; none is an error; what it throws is one") {
    std::vector<std::string> asked;
    EventLoop& loop = get_running_loop();
    loop.set_resolver(std::make_shared<Table>(asked));
    CHECK_AWAIT(failure_of(getaddrinfo("::1", 80)), 0);
    const std::pair<std::string, std::string> name = co_await getnameinfo(
        *SocketAddress::from_literal("127.0.0.1", 80), NI_NUMERICHOST | NI_NUMERICSERV);
    CHECK(name.first == "127.0.0.1");
    CHECK(asked.empty());
    CHECK_AWAIT(failure_of(getaddrinfo("empty.test", 80)), EAI_NODATA);
    CHECK_AWAIT(failure_of(getaddrinfo("nowhere.test", 80)), EAI_NONAME);
    CHECK_AWAIT_HAS(text_of<std::system_error>(open_connection("nowhere.test", 80)),
                    "no nowhere.test");
    CHECK(asked.size() == 3);
}

ASYNC_TEST_CASE("Resolver: who is cancelled is free at once; another may answer meanwhile") {
    std::vector<std::string> asked;
    EventLoop& loop = get_running_loop();
    loop.set_resolver(std::make_shared<Table>(asked));
    auto slow = create_task(failure_of(getaddrinfo("slow.test", 80)));
    co_await turns(3);
    loop.set_resolver(nullptr);
    CHECK_AWAIT(failure_of(getaddrinfo("localhost", 80)), 0);
    CHECK(asked.size() == 1);
    slow.cancel();
    CHECK_AWAIT(is_cancelled(slow), true);
}

ASYNC_TEST_CASE("Resolver: may replace itself in the middle of an answer, and at its end") {
    class Leaving final : public Resolver {
    public:
        ~Leaving() override { get_running_loop().set_resolver(nullptr); }
        Task<std::vector<AddressInfo>> getaddrinfo(std::string, std::string,
                                                   AddressHints) override {
            get_running_loop().set_resolver(nullptr);
            co_await turns(2);
            throw std::system_error(EAI_AGAIN, resolver_category(), name_);
        }

    private:
        std::string name_ = "one that leaves, and still has what is its own";
    };
    get_running_loop().set_resolver(std::make_shared<Leaving>());
    CHECK_AWAIT(failure_of(getaddrinfo("here.test", 80)), EAI_AGAIN);
    get_running_loop().set_resolver(std::make_shared<Leaving>());
    get_running_loop().set_resolver(std::make_shared<Leaving>());  // the first one's end ends it
    CHECK_AWAIT(failure_of(getaddrinfo("localhost", 80)), 0);
}

TEST_CASE("Resolver: refused by a loop that is closed") {
    std::vector<std::string> asked;
    EventLoop loop;
    loop.close();
    CHECK_THROWS_WITH(loop.set_resolver(std::make_shared<Table>(asked)), "Event loop is closed");
}

TEST_CASE("Resolver: goes with the loop") {
    std::vector<std::string> asked;
    std::weak_ptr<Resolver> kept;
    run([](std::vector<std::string>& log, std::weak_ptr<Resolver>& resolver) -> Task<> {
        auto table = std::make_shared<Table>(log);
        resolver = table;
        get_running_loop().set_resolver(std::move(table));
        create_task(getaddrinfo("slow.test", 80));
        co_await turns(3);
    }(asked, kept));
    CHECK(kept.expired());
}
