// What a server calls: its handler for each connection, and the exception handler when accept
// fails.
#include "acting.hpp"
#include "calls.hpp"

#include <ringio/streams.hpp>
#include <ringio/tasks.hpp>
#include <support/ends.hpp>
#include <support/raw_socket.hpp>

#include <cerrno>
#include <functional>
#include <optional>
#include <string>

#include "../core/watching.hpp"
#include "../streams/link.hpp"

namespace ringio::test_support::server_calls {

namespace {

/// Serves one client with an ordinary function that acts, and gives how many bytes it was sent
/// before the end.
Task<std::size_t> served(std::function<void(Server&, StreamReader&, StreamWriter&)> act) {
    std::optional<Server> server;
    bool called = false;
    auto handler = [&](StreamReader& reader, StreamWriter& writer) {
        called = true;
        act(*server, reader, writer);
    };
    server = co_await start_server(handler, "127.0.0.1", 0);
    Server kept = *server;
    const RawSocket client = RawSocket::connected(server->sockets()[0].getsockname().port());
    for (int round = 0; round < 1000 && !called; ++round) {
        co_await sleep(std::chrono::milliseconds(1));
    }
    CHECK(called);
    kept.close();
    kept.close_clients();
    co_await kept.wait_closed();
    CHECK_FALSE(kept.is_serving());
    co_return co_await swallow(client);
}

Task<> handler_closes_server() {
    CHECK_AWAIT(served([](Server& server, StreamReader&, StreamWriter& writer) {
                    server.close();
                    writer.write("bye");
                }),
                3u);
}

Task<> handler_aborts_clients() {
    CHECK_AWAIT(served([](Server& server, StreamReader&, StreamWriter& writer) {
                    writer.write("lost");
                    server.abort_clients();
                    server.close_clients();
                    server.close();
                }),
                0u);
}

Task<> handler_cancels_waiting() {
    std::optional<AnyTask> waiting;
    const auto wait = [](Server server) -> Task<> { co_await server.wait_closed(); };
    CHECK_AWAIT(served([&](Server& server, StreamReader&, StreamWriter&) {
                    waiting = create_task(wait(server));
                    waiting->cancel();
                }),
                0u);
    CHECK(waiting->done());
}

Task<> handler_drops_everything() {
    CHECK_AWAIT(served([](Server& server, StreamReader& reader, StreamWriter& writer) {
                    Server last = std::move(server);
                    last.close();
                    {
                        const StreamReader gone = std::move(reader);
                    }
                    {
                        const StreamWriter gone = std::move(writer);
                    }
                    server = last;
                }),
                0u);
}

Task<> handler_throws() {
    Reported reported;
    CHECK_AWAIT(served([](Server&, StreamReader&, StreamWriter&) { boom(); }), 0u);
    CHECK(reported.messages ==
          std::vector<std::string>(1, "Unhandled exception in client_connected_cb"));
}

/// A server on a kernel that the test plays: one accept is in flight.
struct ScriptedServer {
    ScriptedServer() {
        auto handler = [](StreamReader&, StreamWriter&) {};
        TaskHandle<Server> starting =
            scripted.loop.create_task(start_server(handler, "127.0.0.1", 0));
        for (int round = 0; round < 10 && !starting.done(); ++round) {
            scripted.turns(1);
        }
        server = starting.result();
        scripted.turns(1);
        CHECK(scripted.held() == 1);
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;
    ~ScriptedServer() {
        server->close();
        scripted.turns();
        CHECK(scripted.held() == 0);
        CHECK(scripted.loop.statistics().timers == 0);
    }

    /// Has the exception handler do `act`, and accept fail.
    void fail_accept(int error, std::function<void()> act) {
        scripted.loop.set_exception_handler(
            [this, act](EventLoop&, const ExceptionContext& context) {
                message = context.message;
                act();
            });
        scripted.answer(-error);
        scripted.turns();
    }

    ScriptedLoop scripted;
    std::optional<Server> server;
    std::string message;
};

void report_closes_server() {
    ScriptedServer of;
    of.fail_accept(EMFILE, [&] { of.server->close(); });
    CHECK(of.message == "socket.accept() out of system resource");
    CHECK_FALSE(of.server->is_serving());
    CHECK(of.server->sockets().empty());
    CHECK(of.scripted.loop.statistics().timers == 0);
    CHECK(of.scripted.held() == 0);
}

void report_of_the_end_closes_server() {
    ScriptedServer of;
    of.fail_accept(EBADF, [&] {
        CHECK_FALSE(of.server->is_serving());
        of.server->close();
    });
    CHECK(of.message == "the server stops: accept failed");
    CHECK(of.scripted.loop.statistics().timers == 0);
    report_closes_server();
}

void report_replaces_handler() {
    ScriptedServer of;
    const std::string kept = long_text;
    of.fail_accept(EMFILE, [&of, kept] {
        of.scripted.loop.set_exception_handler({});
        CHECK(kept == long_text);
    });
    CHECK(of.server->is_serving());
    CHECK(of.scripted.loop.statistics().timers == 1);
}

void report_destroys_server() {
    ScriptedServer of;
    Server kept = *of.server;
    of.fail_accept(EMFILE, [&] {
        of.server->close();
        of.server.reset();
    });
    of.server = kept;
    CHECK(of.scripted.loop.statistics().timers == 0);
}

void report_throws() {
    ScriptedServer of;
    CHECK_THAT(printed([&] { of.fail_accept(EMFILE, boom); }),
               Catch::Matchers::Contains("Unhandled error in exception handler"));
    CHECK(of.server->is_serving());
    CHECK(of.scripted.loop.statistics().timers == 1);
}

}  // namespace

TEST_CASE("reentrancy: what servers call") {
    check_calls({
        {.code = "the handler of a connection",
         .closes = handler_closes_server,
         .cancels = handler_cancels_waiting,
         .shuts_down = handler_aborts_clients,
         .replaces_itself = "a server has one handler, that nobody can set",
         .destroys_owner = handler_drops_everything,
         .throws = handler_throws},
        {.code = "the exception handler, when accept fails,",
         .closes = report_of_the_end_closes_server,
         .cancels = report_closes_server,
         .shuts_down = nothing_to_shut,
         .replaces_itself = report_replaces_handler,
         .destroys_owner = report_destroys_server,
         .throws = report_throws},
    });
}

}  // namespace ringio::test_support::server_calls
