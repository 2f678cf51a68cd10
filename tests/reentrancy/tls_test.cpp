// What TLS calls in the middle of a handshake: the function of .sni, from within OpenSSL, and the
// exception handler, when that function throws or the handshake with a client of a server fails.
#include "acting.hpp"
#include "calls.hpp"

#include <ringio/streams.hpp>
#include <ringio/tasks.hpp>
#include <ringio/tls.hpp>
#include <support/ends.hpp>
#include <support/printed.hpp>
#include <support/raw_socket.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../tls/tls_pair.hpp"

namespace ringio::test_support::tls_calls {

namespace {

constexpr const char* good = "<good>";
constexpr const char* ended = "ended the connection in the TLS handshake";
constexpr const char* lost = "Connection lost";
constexpr const char* alert = "alert internal error";
constexpr const char* failed = "SSL handshake failed";
constexpr const char* report = "Exception in the function of .sni";

/// A context of a server that calls `act` to choose by name, and goes on with itself.
TlsContext context_that(std::function<void()> act) {
    const auto choose = [act = std::move(act)](std::string_view) -> std::optional<TlsContext> {
        act();
        return std::nullopt;
    };
    return TlsContext::server(
        {.certificate = localhost().certificate, .key = localhost().key, .sni = choose});
}

/// How a task ended, in a few words.
Task<std::string> end_of(TaskHandle<> task) {
    try {
        co_await task;
    } catch (const std::exception& error) {
        co_return error.what();
    } catch (...) {
        co_return "<cancelled>";
    }
    co_return good;
}

/// A handshake in memory. What is called in the middle of it acts upon the server's end.
struct Handshake {
    using Act = std::function<void(Handshake&)>;

    explicit Handshake(Act act) : Handshake(testing::memory_stream_pair(), std::move(act)) {}
    Handshake(std::pair<Connection, Connection> ends, Act act)
        : client(std::move(ends.first)),
          server(std::move(ends.second)),
          context(context_that([this, act = std::move(act)] {
              ++calls;
              act(*this);
          })),
          serving(create_task(server->writer.start_tls(*context))) {}
    Handshake(const Handshake&) = delete;
    Handshake& operator=(const Handshake&) = delete;

    /// Shakes hands to the end; gives how that was for the client.
    Task<std::string> client_end() {
        TaskHandle<> shaking = create_task(as_client(client.writer));
        const std::string text = co_await end_of(shaking);
        CHECK(calls == 1);
        co_return text;
    }
    Task<std::string> server_end() { return end_of(serving); }

    int calls = 0;
    Connection client;
    std::optional<Connection> server;
    std::optional<TlsContext> context;
    TaskHandle<> serving;
};

Task<> sni_closes_stream() {
    Handshake closed([](Handshake& now) { now.server->writer.close(); });
    CHECK_AWAIT_HAS(closed.client_end(), ended);
    CHECK_AWAIT_HAS(closed.server_end(), lost);

    Handshake aborted([](Handshake& now) {
        now.server->writer.write("never sent");
        now.server->writer.abort();
    });
    CHECK_AWAIT_HAS(aborted.client_end(), ended);
    CHECK_AWAIT_HAS(aborted.server_end(), lost);

    // What is buffered goes out first: the handshake goes on for that.
    Handshake closed_later([](Handshake& now) {
        now.server->writer.write("good-bye");
        now.server->writer.close();
    });
    CHECK_AWAIT(closed_later.client_end(), good);
    CHECK_AWAIT_HAS(closed_later.server_end(), lost);
}

Task<> sni_cancels_handshake() {
    Handshake of([](Handshake& now) { now.serving.cancel(); });
    static_cast<void>(co_await of.client_end());
    CHECK_AWAIT(of.server_end(), "<cancelled>");
    CHECK(of.server->writer.is_closing());
}

/// Shakes hands with a server of this context, over another connection.
Task<> shake_other_hands(TlsContext context) {
    auto [client, server] = testing::memory_stream_pair();
    TaskHandle<> serving = create_task(server.writer.start_tls(context));
    co_await as_client(client.writer);
    co_await serving;
}

Task<> sni_shakes_other_hands() {
    std::optional<TaskHandle<>> others;
    Handshake of([&others](Handshake& now) {
        if (!others) {
            others = create_task(shake_other_hands(*now.context));
        }
    });
    TaskHandle<> client = create_task(as_client(of.client.writer));
    CHECK_AWAIT(end_of(client), good);
    CHECK_AWAIT(of.server_end(), good);
    CHECK_AWAIT(end_of(*others), good);
    CHECK(of.calls == 2);
}

Task<> sni_drops_everything() {
    Handshake of([kept = long_text](Handshake& now) {
        now.context.reset();
        now.server.reset();
        CHECK(kept == long_text);
    });
    CHECK_AWAIT_HAS(of.client_end(), ended);
    CHECK_AWAIT_HAS(of.server_end(), lost);
}

Task<> sni_throws() {
    Reported reported;
    Handshake of([](Handshake&) { boom(); });
    CHECK_AWAIT_HAS(of.client_end(), alert);
    CHECK_AWAIT_HAS(of.server_end(), "callback failed");
    CHECK(reported.messages == std::vector<std::string>(1, report));

    Handshake aborted([](Handshake& now) {
        now.server->writer.abort();
        boom();
    });
    CHECK_AWAIT_HAS(aborted.client_end(), ended);
    CHECK_AWAIT_HAS(aborted.server_end(), lost);
    CHECK(reported.messages == std::vector<std::string>(2, report));
}

/// The function of .sni throws, and the exception handler acts.
struct ReportedHandshake : Handshake {
    explicit ReportedHandshake(Act act) : Handshake([](Handshake&) { boom(); }) {
        get_running_loop().set_exception_handler(
            [this, act = std::move(act)](EventLoop&, const ExceptionContext& reported) {
                message = reported.message;
                act(*this);
            });
    }
    ~ReportedHandshake() { get_running_loop().set_exception_handler({}); }

    std::string message;
};

/// Whatever is done there: it comes when the handshake has failed for both.
Task<> check_report(Handshake::Act act) {
    ReportedHandshake of(std::move(act));
    CHECK_AWAIT_HAS(of.client_end(), alert);
    CHECK_AWAIT_HAS(of.server_end(), "callback failed");
    CHECK(of.message == report);
}

Task<> report_closes_stream() {
    co_await check_report([](Handshake& now) {
        CHECK(now.server->writer.is_closing());
        now.server->writer.close();
    });
    co_await check_report([](Handshake& now) { now.server->writer.abort(); });
}

Task<> report_cancels_handshake() {
    ReportedHandshake of([](Handshake& now) { now.serving.cancel(); });
    CHECK_AWAIT_HAS(of.client_end(), alert);
    CHECK_AWAIT(of.server_end(), "<cancelled>");
    CHECK(of.message == report);
}

Task<> report_replaces_handler() {
    const Handshake::Act act = [kept = long_text](Handshake&) {
        get_running_loop().set_exception_handler({});
        CHECK(kept == long_text);
    };
    co_await check_report(act);
}

Task<> report_drops_everything() {
    co_await check_report([](Handshake& now) {
        now.context.reset();
        now.server.reset();
    });
}

Task<> report_that_throws() {
    co_await check_report([](Handshake&) { boom(); });
}

void report_throws() {
    CHECK_THAT(printed([] { testing::run_virtual(report_that_throws()); }),
               Catch::Matchers::Contains("Unhandled error in exception handler"));
}

Task<> connect(std::uint16_t port) {
    const TlsContext context = client_context();
    static_cast<void>(co_await open_connection("127.0.0.1", port, {.tls = context}));
}

/// A server, on TCP, of which a function acts while it shakes hands with its only client.
class Serving {
public:
    /// That of .sni does `act`.
    Task<> start(std::function<void(Server&)> act) {
        const auto handler = [](StreamReader, StreamWriter) { FAIL("nobody shook hands"); };
        const TlsContext context = context_that([this, act = std::move(act)] {
            ++calls_;
            act(*server_);
        });
        server_ = co_await start_server(handler, "127.0.0.1", 0, {.tls = context});
    }

    /// Shakes hands to the end; gives how that was for the client. Leaves nothing open.
    Task<std::string> client_end() {
        Server kept = *server_;
        TaskHandle<> connecting = create_task(connect(kept.sockets()[0].getsockname().port()));
        const std::string text = co_await end_of(connecting);
        CHECK(calls_ == 1);
        kept.close();
        co_await kept.wait_closed();
        CHECK_FALSE(kept.is_serving());
        co_return text;
    }

    std::optional<Server>& server() { return server_; }

private:
    std::optional<Server> server_;
    int calls_ = 0;
};

Task<> sni_ends_server() {
    Serving of;
    co_await of.start([](Server& server) {
        server.close();
        server.abort_clients();
        server.close_clients();
    });
    CHECK_AWAIT_HAS(of.client_end(), ended);
}

/// The handshake with the client of a server fails in debug mode, and the exception handler acts
/// when it is told this.
Task<> check_failed_client(std::string at, std::function<void(Serving&)> act) {
    EventLoop& loop = get_running_loop();
    loop.set_debug(true);
    Serving of;
    co_await of.start([](Server&) { boom(); });
    std::vector<std::string> messages;
    loop.set_exception_handler([&](EventLoop&, const ExceptionContext& context) {
        messages.push_back(context.message);
        if (context.message == at) {
            act(of);
        }
    });
    CHECK_AWAIT_HAS(of.client_end(), alert);
    CHECK(messages == std::vector<std::string>{report, failed});
    loop.set_exception_handler({});
    loop.set_debug(false);
}

Task<> report_ends_server() {
    co_await check_failed_client(report, [](Serving& of) {
        of.server()->close();
        of.server()->abort_clients();
        of.server()->close_clients();
    });
}

Task<> failed_client_closes_server() {
    co_await check_failed_client(failed, [](Serving& of) {
        of.server()->close();
        of.server()->close_clients();
    });
}

Task<> failed_client_ends_server() {
    co_await check_failed_client(failed, [](Serving& of) {
        of.server()->abort_clients();
        of.server()->close();
    });
}

Task<> failed_client_cancels_task() {
    co_await check_failed_client(failed, [](Serving&) { current_task().cancel(); });
}

Task<> failed_client_replaces_handler() {
    const std::function<void(Serving&)> act = [kept = long_text](Serving&) {
        get_running_loop().set_exception_handler({});
        CHECK(kept == long_text);
    };
    co_await check_failed_client(failed, act);
}

Task<> failed_client_drops_server() {
    co_await check_failed_client(failed, [](Serving& of) {
        of.server()->close();
        of.server().reset();
    });
}

Task<> failed_client_that_throws() {
    co_await check_failed_client(failed, [](Serving&) { boom(); });
}

void failed_client_throws() {
    CHECK_THAT(printed([] { testing::run_virtual(failed_client_that_throws()); }),
               Catch::Matchers::Contains("Unhandled error in exception handler"));
}

}  // namespace

TEST_CASE("reentrancy: what TLS calls") {
    check_calls({
        {.code = "the function of .sni",
         .closes = sni_closes_stream,
         .cancels = sni_cancels_handshake,
         .shuts_down = sni_ends_server,
         .replaces_itself = sni_shakes_other_hands,
         .destroys_owner = sni_drops_everything,
         .throws = sni_throws},
        {.code = "the exception handler, when the function of .sni throws,",
         .closes = report_closes_stream,
         .cancels = report_cancels_handshake,
         .shuts_down = report_ends_server,
         .replaces_itself = report_replaces_handler,
         .destroys_owner = report_drops_everything,
         .throws = report_throws},
        {.code = "the exception handler, when the handshake with a client fails,",
         .closes = failed_client_closes_server,
         .cancels = failed_client_cancels_task,
         .shuts_down = failed_client_ends_server,
         .replaces_itself = failed_client_replaces_handler,
         .destroys_owner = failed_client_drops_server,
         .throws = failed_client_throws},
    });
}

}  // namespace ringio::test_support::tls_calls
