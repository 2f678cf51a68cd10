// What servers and clients do when the process has no descriptors left.
#include <ringio/streams/open_connection.hpp>
#include <ringio/streams/start_server.hpp>

#include "few_descriptors.hpp"
#include "link.hpp"

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> greet(StreamReader, StreamWriter writer) {
    writer.write("hello");
    co_await writer.drain();
}

Task<> wait_for_reports(const Reported& reported, std::size_t count) {
    for (int round = 0; round < 1000 && reported.messages.size() < count; ++round) {
        co_await sleep(1ms);
    }
}

std::vector<RawSocket> connect_many(std::uint16_t port, int count) {
    std::vector<RawSocket> clients;
    for (int i = 0; i < count; ++i) {
        clients.push_back(RawSocket::connected(port));
    }
    return clients;
}

const std::string out_of = "socket.accept() out of system resource";

}  // namespace

TEST_CASE("start_server: out of descriptors it says so once, and accepts when there are some") {
    if (sanitizer_needs_descriptors()) {
        return;
    }
    run_async_test(+[]() -> Task<> {
        Reported reported;
        Server server = co_await start_server(greet, "127.0.0.1", 0);
        const std::uint16_t port = server.sockets()[0].getsockname().port();
        for (std::size_t episode = 1; episode <= 2; ++episode) {
            const std::vector<RawSocket> clients = connect_many(port, 3);
            {
                const NoDescriptors none;
                co_await wait_for_reports(reported, episode);
                co_await sleep(5s);  // several attempts
                CHECK(reported.messages == std::vector<std::string>(episode, out_of));
                CHECK(server.is_serving());
            }
            co_await sleep(2s);
            for (const RawSocket& client : clients) {
                CHECK_AWAIT(swallow(client), 5u);
            }
            CHECK(reported.messages.size() == episode);
        }
        server.close();
        co_await server.wait_closed();
    });
}

TEST_CASE("start_server: out of descriptors it does not keep the processor busy") {
    if (sanitizer_needs_descriptors()) {
        return;
    }
    run_async_test(+[]() -> Task<> {
        Reported reported;
        Server server = co_await start_server(greet, "127.0.0.1", 0);
        const RawSocket client = RawSocket::connected(server.sockets()[0].getsockname().port());
        {
            const NoDescriptors none;
            co_await wait_for_reports(reported, 1);
            CHECK(get_running_loop().statistics().operations == 0);
            CHECK(get_running_loop().statistics().timers == 1);
        }
        server.close();
        CHECK(get_running_loop().statistics().timers == 0);
        co_await server.wait_closed();
        co_await turns(3);
        CHECK(client.ended());
    });
}

TEST_CASE("start_server: a server that is closed while it is out of descriptors is closed") {
    if (sanitizer_needs_descriptors()) {
        return;
    }
    run_async_test(+[]() -> Task<> {
        Reported reported;
        Server server = co_await start_server(greet, "127.0.0.1", 0);
        const std::uint16_t port = server.sockets()[0].getsockname().port();
        const RawSocket client = RawSocket::connected(port);
        {
            const NoDescriptors none;
            co_await wait_for_reports(reported, 1);
            server.close();
            co_await server.wait_closed();
        }
        co_await sleep(5s);
        CHECK(reported.messages.size() == 1);
        CHECK(server.sockets().empty());
    });
}

TEST_CASE("run: returns while a server is out of descriptors, and leaves nothing") {
    if (sanitizer_needs_descriptors()) {
        return;
    }
    const testing::Balance balance;
    {
        RawSocket client;
        testing::run_virtual([](RawSocket& peer) -> Task<> {
            Reported reported;
            const Server server = co_await start_server(greet, "127.0.0.1", 0);
            peer = RawSocket::connected(server.sockets()[0].getsockname().port());
            const NoDescriptors none;
            co_await wait_for_reports(reported, 1);
        }(client));
    }
    CHECK(balance.difference() == "");
}

TEST_CASE("open_connection: without descriptors the error names host and port") {
    if (sanitizer_needs_descriptors()) {
        return;
    }
    run_async_test(+[]() -> Task<> {
        const RawSocket listener = RawSocket::listening();
        const std::string name = "127.0.0.1:" + std::to_string(listener.port());
        std::string text;
        int error = 0;
        {
            const NoDescriptors none;
            error = co_await errno_of(open_connection("127.0.0.1", listener.port()));
            text =
                co_await text_of<std::system_error>(open_connection("127.0.0.1", listener.port()));
        }
        CHECK(error == EMFILE);
        CHECK_THAT(text, Catch::Matchers::Contains(name));
    });
}
