// Cancel at every await, and no memory at each allocation of C++: the life of a connection under
// TLS. Whatever arrives is the beginning of what was sent, and nothing stays open.
#include <ringio/streams.hpp>
#include <ringio/sync.hpp>
#include <ringio/testing.hpp>
#include <ringio/testing/failing_new.hpp>
#include <ringio/tls.hpp>
#include <support/catch.hpp>

#include <string>
#include <string_view>

#include "certificates.hpp"

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Sweep;

namespace {

constexpr std::string_view sentence = "three small words";

Task<> settled_whichever_way(AnyTask task) {
    const std::vector<AnyTask> tasks(1, task);
    static_cast<void>(co_await wait(tasks));
    task.shared_state()->mark_retrieved();
}

Task<> say_under_tls(Connection end, TlsContext context) {
    co_await end.writer.start_tls(context);
    for (const char letter : sentence) {
        end.writer.write(std::string_view(&letter, 1));
        co_await end.writer.drain();
        co_await sleep(Delay());
    }
    end.writer.close();
    co_await end.writer.wait_closed();
}

Task<> hear_under_tls(Connection end, TlsContext context, std::string& heard) {
    co_await end.writer.start_tls(context, {.server_hostname = "localhost"});
    for (;;) {
        const std::string some = co_await end.reader.read(5);
        if (some.empty()) {
            break;
        }
        heard += some;
    }
    end.writer.close();
    co_await end.writer.wait_closed();
}

Task<> conversation(Sweep& sweep, bool cancel_client) {
    auto& heard = sweep.make<std::string>();
    sweep.check("what comes out is the beginning of what went in",
                [&heard] { return sentence.starts_with(heard); });
    auto [client, server] = testing::memory_stream_pair();
    auto saying = create_task(say_under_tls(std::move(server), server_context()));
    auto hearing = create_task(hear_under_tls(std::move(client), client_context(), heard));
    static_cast<void>(cancel_client ? sweep.victim(hearing) : sweep.victim(saying));
    co_await settled_whichever_way(saying);
    co_await settled_whichever_way(hearing);
}

Task<> cancelled_client(Sweep& sweep) { co_await conversation(sweep, true); }
Task<> cancelled_server(Sweep& sweep) { co_await conversation(sweep, false); }

// Over a real socket, by the option of open_connection() and start_server().
Task<> over_tcp(Sweep& sweep) {
    auto& heard = sweep.make<std::string>();
    sweep.check("what comes out is the beginning of what went in",
                [&heard] { return sentence.starts_with(heard); });
    Server server = co_await start_server(
        [](StreamReader, StreamWriter writer) -> Task<> {
            writer.write(sentence);
            co_await writer.drain();
            writer.close();
            co_await writer.wait_closed();
        },
        "127.0.0.1", 0, {.tls = server_context()});
    const std::uint16_t port = server.sockets()[0].getsockname().port();
    auto client = create_task([](std::uint16_t to, std::string& text) -> Task<> {
        const TlsContext context = client_context();
        auto [reader, writer] = co_await open_connection("127.0.0.1", to, {.tls = context});
        text = co_await reader.read();
        writer.close();
        co_await writer.wait_closed();
    }(port, heard));
    static_cast<void>(sweep.victim(client));
    co_await settled_whichever_way(client);
    server.close();
    server.abort_clients();
    co_await server.wait_closed();
}

void check_cancels(Task<> (*scenario)(Sweep&)) {
    const testing::CancelSweepResult result = testing::cancel_sweep(scenario);
    INFO(result.summary());
    CHECK(result.report() == "");
    CHECK(result.points() > 3);
}

}  // namespace

TEST_CASE("tls: a client may be cancelled at every await") { check_cancels(&cancelled_client); }

TEST_CASE("tls: a server may be cancelled at every await") { check_cancels(&cancelled_server); }

TEST_CASE("tls: over TCP, it may be cancelled at every await") { check_cancels(&over_tcp); }

TEST_CASE("tls: no memory at any allocation loses nothing and leaves nothing") {
    static_cast<void>(client_context());  // the files of the certificates
    static_cast<void>(server_context());
    const testing::AllocationSweepResult result = testing::allocation_sweep(&cancelled_client);
    INFO(result.summary());
    CHECK(result.report() == "");
    CHECK(result.allocations() > 20);
}
