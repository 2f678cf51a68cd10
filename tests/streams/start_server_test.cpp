#include <ringio/streams/start_server.hpp>

#include "link.hpp"

#include <functional>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

Task<> serve(std::string host, long port, ServerOptions options = {}) {
    static_cast<void>(
        co_await start_server([](StreamReader, StreamWriter) {}, host, port, options));
}

template <class Handler>
Task<> serve_with(Handler handler) {
    static_cast<void>(co_await start_server(handler, "127.0.0.1", 0));
}

std::uint16_t port_of(const Server& server) { return server.sockets()[0].getsockname().port(); }

Task<std::string> answer_of(std::uint16_t port, std::string question = "") {
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    writer.write(question);
    std::string answer = co_await reader.read();
    writer.close();
    co_await writer.wait_closed();
    co_return answer;
}

Task<> greet(StreamReader, StreamWriter writer) {
    writer.write("hello");
    co_await writer.drain();
    writer.close();
    co_await writer.wait_closed();
}

Task<> greet_by_reference(StreamReader& reader, StreamWriter& writer) {
    const std::string name = co_await reader.readline();
    writer.write("hello " + name);
    co_await writer.drain();
    writer.close();
}

Task<> greet_by_const_reference(StreamReader reader, const StreamWriter& writer) {
    StreamWriter copy = writer;
    const std::string name = co_await reader.readline();
    copy.write("const " + name);
    copy.close();
}

Task<> fail(StreamReader reader, StreamWriter) {
    static_cast<void>(co_await reader.readline());
    throw std::runtime_error("handler");
}

Task<> cancel_itself(StreamReader reader, StreamWriter) {
    static_cast<void>(co_await reader.readline());
    throw CancelledError();
}

Task<> close_and_wait(Server& server) {
    server.close();
    co_await server.wait_closed();
}

Task<Server> greeting_server(std::string greeting) {
    auto handler = [greeting](StreamReader, StreamWriter writer) -> Task<> {
        co_await sleep(1ms);
        writer.write(greeting);
        co_await writer.drain();
    };
    co_return co_await start_server(handler, "127.0.0.1", 0);
}

const std::string unhandled = "Unhandled exception in client_connected_cb";

}  // namespace

ASYNC_TEST_CASE("start_server: runs a coroutine for each connection") {
    Server server = co_await start_server(greet, "127.0.0.1", 0);
    for (int i = 0; i < 10; ++i) {
        CHECK_AWAIT(answer_of(port_of(server)), "hello");
    }
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: many connections at once") {
    Server server = co_await start_server(greet_by_reference, "127.0.0.1", 0);
    std::vector<TaskHandle<std::string>> clients;
    for (int i = 0; i < 200; ++i) {
        clients.push_back(create_task(answer_of(port_of(server), std::to_string(i) + "\n")));
    }
    for (int i = 0; i < 200; ++i) {
        CHECK_AWAIT(clients[static_cast<std::size_t>(i)], "hello " + std::to_string(i) + "\n");
    }
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: a handler may take reader and writer by reference") {
    Server server = co_await start_server(greet_by_reference, "127.0.0.1", 0);
    CHECK_AWAIT(answer_of(port_of(server), "x\n"), "hello x\n");
    co_await close_and_wait(server);
    Server other = co_await start_server(greet_by_const_reference, "127.0.0.1", 0);
    CHECK_AWAIT(answer_of(port_of(other), "x\n"), "const x\n");
    co_await close_and_wait(other);
}

ASYNC_TEST_CASE("start_server: a handler with a state is copied; its captures live on") {
    Server server = co_await greeting_server(std::string(100, 'g'));
    CHECK_AWAIT(answer_of(port_of(server)), std::string(100, 'g'));
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: a plain function may be the handler") {
    auto handler = [](StreamReader, StreamWriter writer) {
        writer.write("plain");
        writer.close();
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    CHECK_AWAIT(answer_of(port_of(server)), "plain");
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: a plain function may keep the handles for later") {
    std::vector<StreamWriter> kept;
    auto handler = [&kept](StreamReader, StreamWriter writer) { kept.push_back(writer); };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    auto answer = create_task(answer_of(port_of(server)));
    while (kept.empty()) {
        co_await sleep(1ms);
    }
    CHECK_FALSE(answer.done());
    kept[0].write("later");
    kept.clear();
    CHECK_AWAIT(answer, "later");
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: a handler that returns without close() ends its connection") {
    auto handler = [](StreamReader, StreamWriter writer) -> Task<> {
        writer.write("bye");
        co_return;
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    CHECK_AWAIT(answer_of(port_of(server)), "bye");
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE(
    "start_server: an exception of the handler is reported, and its connection closed") {
    Reported reported;
    Server server = co_await start_server(fail, "127.0.0.1", 0);
    CHECK_AWAIT(answer_of(port_of(server), "x\n"), "");
    co_await turns(2);
    CHECK(reported.messages == std::vector<std::string>{unhandled});
    CHECK_AWAIT(answer_of(port_of(server), "y\n"), "");
    co_await turns(2);
    CHECK(reported.messages.size() == 2);
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: an exception of a plain handler is reported the same way") {
    Reported reported;
    auto handler = [](StreamReader, StreamWriter) { throw std::runtime_error("plain"); };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    CHECK_AWAIT(answer_of(port_of(server)), "");
    CHECK(reported.messages == std::vector<std::string>{unhandled});
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: a handler that is cancelled ends its connection without a report") {
    Reported reported;
    Server server = co_await start_server(cancel_itself, "127.0.0.1", 0);
    CHECK_AWAIT(answer_of(port_of(server), "x\n"), "");
    co_await turns(2);
    CHECK(reported.messages.empty());
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: an exception closes the connection though a writer was kept") {
    Reported reported;
    std::vector<StreamWriter> kept;
    auto handler = [&kept](StreamReader, StreamWriter writer) -> Task<> {
        kept.push_back(writer);
        co_await sleep(1ms);
        throw std::runtime_error("handler");
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    CHECK_AWAIT(answer_of(port_of(server)), "");
    CHECK(kept[0].is_closing());
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: the limit is that of each reader") {
    Reported reported;
    std::string told;
    auto handler = [&told](StreamReader reader, StreamWriter) -> Task<> {
        told = co_await text_of<LimitOverrunError>(reader.readuntil());
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.limit = 4});
    CHECK_AWAIT(answer_of(port_of(server), "123456789"), "");
    CHECK(told == "Separator is not found, and chunk exceed the limit");
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: bad arguments are std::invalid_arguments") {
    CHECK_AWAIT(text_of<std::invalid_argument>(serve("127.0.0.1", -1)),
                "start_server: port -1 is out of range; a port is 0-65535");
    CHECK_AWAIT(text_of<std::invalid_argument>(serve("127.0.0.1", 65536)),
                "start_server: port 65536 is out of range; a port is 0-65535");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(serve("127.0.0.1", 0, {.limit = 0})),
                    "limit is 0");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(serve("127.0.0.1", 0, {.backlog = -1})),
                    "backlog");
}

ASYNC_TEST_CASE("start_server: a null handler is a std::invalid_argument") {
    Task<> (*function)(StreamReader, StreamWriter) = nullptr;
    const std::function<Task<>(StreamReader, StreamWriter)> empty;
    const std::function<void(StreamReader, StreamWriter)> plain;
    UniqueFunction<void(StreamReader, StreamWriter)> unique;
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(serve_with(function)), "handler is null");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(serve_with(empty)), "handler is null");
    CHECK_AWAIT_HAS(text_of<std::invalid_argument>(serve_with(plain)), "handler is null");
    CHECK_THROWS_AS(start_server(by_move(unique), "127.0.0.1", 0), std::invalid_argument);
}

ASYNC_TEST_CASE("start_server: a port in use, a foreign address and an unknown name are named") {
    const RawSocket taken = RawSocket::listening();
    const std::string address = "127.0.0.1:" + std::to_string(taken.port());
    const std::string text = co_await text_of<std::system_error>(serve("127.0.0.1", taken.port()));
    CHECK(text == "bind to " + address + ": Address already in use");
    CHECK_AWAIT(errno_of(serve("127.0.0.1", taken.port())), EADDRINUSE);
    CHECK_AWAIT_HAS(text_of<std::system_error>(serve("192.0.2.1", 4711)), "192.0.2.1:4711");
    CHECK_AWAIT(errno_of(serve("192.0.2.1", 4711)), EADDRNOTAVAIL);
    CHECK_AWAIT_HAS(text_of<std::system_error>(serve("no-such-host.invalid", 4711)),
                    "no-such-host.invalid:4711");
}

ASYNC_TEST_CASE("start_server: two servers share a port when both say reuse_port") {
    Server first = co_await start_server(greet, "127.0.0.1", 0, {.reuse_port = true});
    Server second = co_await start_server(greet, "127.0.0.1", port_of(first), {.reuse_port = true});
    for (int i = 0; i < 20; ++i) {
        CHECK_AWAIT(answer_of(port_of(second)), "hello");
    }
    first.close();
    CHECK_AWAIT(answer_of(port_of(second)), "hello");
    co_await first.wait_closed();
    co_await close_and_wait(second);
}

ASYNC_TEST_CASE("start_server: an empty host listens on every interface") {
    Server server = co_await start_server(greet, "", 0);
    for (const Socket& socket : server.sockets()) {
        if (socket.getsockname().family() == AF_INET) {
            CHECK_AWAIT(answer_of(socket.getsockname().port()), "hello");
        }
    }
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: with start_serving=false nobody is accepted until it is told to") {
    Server server = co_await start_server(greet, "127.0.0.1", 0, {.start_serving = false});
    CHECK_FALSE(server.is_serving());
    auto answer = create_task(answer_of(port_of(server)));
    co_await sleep(5ms);
    CHECK_FALSE(answer.done());
    server.start_serving();
    server.start_serving();
    CHECK(server.is_serving());
    CHECK_AWAIT(answer, "hello");
    co_await close_and_wait(server);
}

ASYNC_TEST_CASE("start_server: may be cancelled in every turn of its life") {
    for (int turn = 0; turn < 8; ++turn) {
        for (const char* host : {"127.0.0.1", "localhost"}) {
            auto task = create_task(serve(host, 0));
            co_await turns(turn);
            task.cancel();
            static_cast<void>(co_await errno_of(task));
        }
    }
}
