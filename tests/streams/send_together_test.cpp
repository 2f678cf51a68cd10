// Connections that send in one turn, where system calls are dear: by requests that share an entry.
#include <ringio/streams/stream_outbound.hpp>

#include <io/scripted_loop.hpp>
#include <ringio/streams.hpp>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using namespace ringio;
using namespace ringio::test_support;

namespace {

constexpr std::size_t several = detail::SendRule::several;

struct Out {
    Out()
        : state(new detail::StreamState(get_running_loop(), Socket(some_descriptor()), "the peer",
                                        default_stream_limit)),
          writer(state) {}

    IntrusivePtr<detail::StreamState> state;
    StreamWriter writer;
};

testing::ScriptedKernel& kernel() { return ScriptedReceive::kernel(); }

std::string text_of(const io_uring_sqe& send) {
    return {reinterpret_cast<const char*>(send.addr), send.len};
}

/// The texts of the sends that the kernel holds.
std::vector<std::string> held() {
    std::vector<std::string> texts;
    for (const io_uring_sqe& request : kernel().held) {
        if (request.opcode == IORING_OP_SEND) {
            texts.push_back(text_of(request));
        }
    }
    return texts;
}
void answer_first(int result) {
    for (std::size_t at = 0; at < kernel().held.size(); ++at) {
        if (kernel().held[at].opcode == IORING_OP_SEND) {
            kernel().answer(at, result);
            return;
        }
    }
}

/// Each writes and drains, in one turn.
Task<> send_each(std::vector<Out>& outs, std::size_t count, std::string_view text) {
    for (std::size_t index = 0; index < count; ++index) {
        outs[index].writer.write(text);
        co_await outs[index].writer.drain();
    }
}

/// Has several connections send in a turn, which they do at once.
Task<> warm_up(std::vector<Out>& outs) {
    kernel().has_room = true;
    kernel().tried.clear();
    co_await send_each(outs, several, "first");
    CHECK(kernel().tried.size() == several);
    CHECK(held().empty());
    co_await turns(1);
}

void run_together(Task<> (*body)()) {
    const testing::Balance balance;
    {
        EventLoop loop({.send_together = true,
                        .kernel = testing::kernel_from<&ScriptedReceive::make_kernel>()});
        loop.run_until_complete(body());
        loop.close();
        CHECK(loop.statistics().operations == 0);
    }
    CHECK(balance.difference() == "");
}

/// Sends back what comes, until the end.
Task<> send_back(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const std::string data = co_await reader.read(64 * 1024);
        if (data.empty()) {
            break;
        }
        writer.write(data);
        co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
}

/// Sends messages of all sizes and compares what comes back.
Task<int> converse(std::uint16_t port, unsigned seed) {
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    std::mt19937 random(seed);
    int same = 0;
    for (int round = 0; round < 30; ++round) {
        const std::ptrdiff_t size = std::ptrdiff_t(1) << random() % 18;
        const std::string message(static_cast<std::size_t>(size),
                                  static_cast<char>('a' + round % 26));
        writer.write(message);
        const std::string half = co_await reader.readexactly(size - size / 2);
        writer.write("!");
        co_await writer.drain();
        const std::string rest = co_await reader.readexactly(size / 2 + 1);
        same += half + rest == message + "!" ? 1 : 0;
    }
    writer.close();
    co_await writer.wait_closed();
    co_return same;
}

Task<> converse_on_many_connections() {
    Server server = co_await start_server(send_back, "127.0.0.1", 0);
    std::vector<TaskHandle<int>> clients;
    for (unsigned seed = 1; seed <= 12; ++seed) {
        clients.push_back(
            create_task(converse(server.sockets().front().getsockname().port(), seed)));
    }
    for (TaskHandle<int>& client : clients) {
        const int same = co_await client;
        CHECK(same == 30);
    }
    server.close();
    co_await server.wait_closed();
}

}  // namespace

TEST_CASE("send together: those of the turn after several leave by requests, at its end") {
    run_together([]() -> Task<> {
        std::vector<Out> outs(several);
        co_await warm_up(outs);
        co_await send_each(outs, several, "second");
        CHECK(held().empty());
        co_await turns(1);
        CHECK(kernel().tried.size() == several);
        CHECK(held() == std::vector<std::string>(several, "second"));
        for (Out& out : outs) {
            CHECK(out.writer.get_write_buffer_size() == 6);
            answer_first(6);
        }
        co_await turns(1);
        for (Out& out : outs) {
            CHECK(out.writer.get_write_buffer_size() == 0);
        }
    });
}

TEST_CASE("send together: a few connections never wait for each other") {
    run_together([]() -> Task<> {
        std::vector<Out> outs(several - 1);
        kernel().has_room = true;
        kernel().tried.clear();
        for (std::size_t turn = 1; turn <= 3; ++turn) {
            co_await send_each(outs, several - 1, "text");
            CHECK(kernel().tried.size() == turn * (several - 1));
            co_await turns(1);
        }
    });
}

TEST_CASE("send together: what is written meanwhile follows in order, after a short send, too") {
    run_together([]() -> Task<> {
        std::vector<Out> outs(several);
        co_await warm_up(outs);
        outs[0].writer.write("one");
        co_await outs[0].writer.drain();
        co_await turns(1);
        CHECK(held() == std::vector<std::string>{"one"});
        outs[0].writer.write("two");
        co_await turns(1);
        answer_first(1);
        co_await turns(2);
        CHECK(held() == std::vector<std::string>{"ne"});
        answer_first(2);
        co_await turns(2);
        CHECK(outs[0].writer.get_write_buffer_size() == 0);  // alone: at once
        CHECK(kernel().tried.back().len == 3);
    });
}

TEST_CASE("send together: an error of a request is told as that of a call is") {
    run_together([]() -> Task<> {
        std::vector<Out> outs(several);
        co_await warm_up(outs);
        co_await send_each(outs, 1, "lost");
        co_await turns(1);
        answer_first(-ECONNRESET);
        co_await turns(2);
        int error = 0;
        try {
            co_await outs[0].writer.drain();
        } catch (const std::system_error& failure) {
            error = failure.code().value();
        }
        CHECK(error == ECONNRESET);
    });
}

TEST_CASE("send together: close() waits for what is with the kernel") {
    run_together([]() -> Task<> {
        std::vector<Out> outs(several);
        co_await warm_up(outs);
        co_await send_each(outs, 1, "last");
        co_await turns(1);
        outs[0].writer.close();
        auto closed = create_task(outs[0].writer.wait_closed());
        co_await turns(3);
        CHECK_FALSE(closed.done());
        answer_first(4);
        co_await closed;
    });
}

TEST_CASE("send together: a socket's send is a request then, and gives what that gave") {
    run_together([]() -> Task<> {
        std::vector<Out> outs(several);
        co_await warm_up(outs);
        const Socket socket(some_descriptor());
        auto sending = create_task([](const Socket* on) -> Task<int> {
            const int sent = co_await on->send("bytes");
            co_return sent;
        }(&socket));
        co_await turns(2);
        CHECK(held() == std::vector<std::string>{"bytes"});
        answer_first(3);
        const int sent = co_await sending;
        CHECK(sent == 3);
    });
}

TEST_CASE("send together: a socket's send that is cancelled in the kernel gives what came first") {
    run_together([]() -> Task<> {
        const Socket socket(some_descriptor());
        for (const bool is_sent : {false, true}) {
            std::vector<Out> outs(several);
            co_await warm_up(outs);
            auto sending = create_task([](const Socket* on) -> Task<int> {
                const int sent = co_await on->send("bytes");
                co_return sent;
            }(&socket));
            co_await turns(2);
            CHECK(held().size() == 1);
            if (is_sent) {
                answer_first(3);
            }
            sending.cancel();
            sending.cancel();
            co_await turns(3);
            CHECK(sending.done());
            CHECK(sending.cancelled() == !is_sent);
        }
    });
}

TEST_CASE("send together: abort() drops what waits, and ends what is with the kernel") {
    run_together([]() -> Task<> {
        std::vector<Out> outs(several);
        co_await warm_up(outs);
        co_await send_each(outs, 1, "lost");
        outs[0].writer.abort();  // before the end of the turn
        co_await turns(2);
        CHECK(held().empty());
        std::vector<Out> others(several);
        co_await warm_up(others);
        others[0].writer.write("gone");
        co_await turns(2);
        CHECK(held() == std::vector<std::string>{"gone"});
        others[0].writer.abort();
        co_await turns(1);
        CHECK_FALSE(others[0].state->closed());  // the kernel has its bytes still
        co_await turns(2);
        CHECK(others[0].state->closed());
    });
}

TEST_CASE("send together: a loop may close with sends in the kernel") {
    run_together([]() -> Task<> {
        std::vector<Out> outs(several);
        co_await warm_up(outs);
        co_await send_each(outs, several, "open");
        co_await turns(1);
        CHECK(held().size() == several);
    });
}

TEST_CASE("send together: over real connections every byte arrives, in order") {
    const testing::Balance balance;
    {
        EventLoop loop({.send_together = true});
        loop.run_until_complete(converse_on_many_connections());
        loop.close();
    }
    CHECK(balance.difference() == "");
}
