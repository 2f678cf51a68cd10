// Receiving everything that comes over a real connection.
#include <ringio/io/socket_receiver.hpp>

#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/ends.hpp>
#include <support/raw_socket.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

struct Line {
    explicit Line(std::size_t limit = SocketReceiver::default_limit)
        : Line(RawSocket::listening(), limit) {}
    Line(const RawSocket& listener, std::size_t limit)
        : peer(RawSocket::connected(listener.port())),
          receiver(Socket(UniqueFd(::dup(listener.accept().fd()))), limit) {}

    RawSocket peer;
    SocketReceiver receiver;
};

Task<std::string> take(SocketReceiver& receiver) {
    const Received received = co_await receiver.next();
    co_return std::string(received.data());
}

Task<std::size_t> count_to_end(SocketReceiver& receiver) {
    std::size_t total = 0;
    for (;;) {
        const Received received = co_await receiver.next();
        if (received.empty()) {
            co_return total;
        }
        total += received.size();
    }
}

}  // namespace

ASYNC_TEST_CASE("SocketReceiver: gives what came, then the end") {
    Line line;
    line.peer.send("hello");
    CHECK_AWAIT(take(line.receiver), "hello");
    auto reading = create_task(take(line.receiver));
    co_await turns(2);
    line.peer.send("again");
    CHECK_AWAIT(reading, "again");
    line.peer.shutdown_write();
    CHECK_AWAIT(take(line.receiver), "");
    CHECK_AWAIT(take(line.receiver), "");
}

ASYNC_TEST_CASE("SocketReceiver: two reads may stand in one expression") {
    Line line;
    auto reading = create_task([](SocketReceiver& receiver) -> Task<std::size_t> {
        co_return (co_await receiver.next()).size() + (co_await receiver.next()).size();
    }(line.receiver));
    co_await turns(2);
    line.peer.send("one");
    co_await sleep(1ms);
    line.peer.send("three");
    CHECK_AWAIT(reading, std::size_t{8});
}

ASYNC_TEST_CASE("SocketReceiver: the echo of the documentation") {
    Line line;
    auto echo = create_task([](SocketReceiver& receiver) -> Task<> {
        for (;;) {
            const Received received = co_await receiver.next();
            if (received.empty()) {
                break;
            }
            std::string_view rest = received.data();
            while (!rest.empty()) {
                const int sent = co_await receiver.socket().send(rest);
                rest.remove_prefix(static_cast<std::size_t>(sent));
            }
        }
    }(line.receiver));
    for (const char* text : {"one", "two", "three"}) {
        line.peer.send(text);
        co_await sleep(1ms);
        CHECK(line.peer.receive_now() == text);
    }
    line.peer.shutdown_write();
    co_await echo;
}

ASYNC_TEST_CASE("SocketReceiver: with more connections than buffers all make progress") {
    std::vector<std::unique_ptr<Line>> lines;
    std::vector<TaskHandle<std::size_t>> totals;
    const std::string message(BufferPool::size, 'm');
    for (int index = 0; index < 300; ++index) {
        lines.push_back(std::make_unique<Line>());
        lines.back()->peer.send(message);
        lines.back()->peer.send(message);
        lines.back()->peer.shutdown_write();
    }
    for (const auto& line : lines) {
        totals.push_back(create_task(count_to_end(line->receiver)));
    }
    for (TaskHandle<std::size_t>& total : totals) {
        CHECK_AWAIT(total, 2 * message.size());
    }
    CHECK(get_running_loop().statistics().buffers == 0);
}

ASYNC_TEST_CASE("SocketReceiver: bytes that are kept for long do not stop the others") {
    std::vector<std::unique_ptr<Line>> lines;
    std::vector<Received> kept;
    for (int index = 0; index < 200; ++index) {
        lines.push_back(std::make_unique<Line>());
        lines.back()->peer.send("number " + std::to_string(index));
        kept.push_back(co_await lines.back()->receiver.next());
    }
    CHECK(get_running_loop().statistics().buffers <= BufferPool::count / 2);
    bool right = true;
    for (std::size_t index = 0; index < kept.size(); ++index) {
        right = right && kept[index].data() == "number " + std::to_string(index);
    }
    CHECK(right);
}

ASYNC_TEST_CASE("SocketReceiver: holds a peer back that nobody reads from, and loses nothing") {
    Line line;
    line.peer.send("x");
    CHECK_AWAIT(take(line.receiver), "x");
    const std::string block(8192, 'b');
    std::size_t sent = 0;
    for (int quiet = 0; quiet < 5;) {
        const ssize_t n =
            ::send(line.peer.fd(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? static_cast<std::size_t>(n) : 0;
        quiet = n > 0 ? 0 : quiet + 1;
        co_await turns(1);
    }
    CHECK(sent < (64U << 20));
    line.peer.shutdown_write();
    CHECK_AWAIT(count_to_end(line.receiver), sent);
}

ASYNC_TEST_CASE("SocketReceiver: a wait that times out loses no byte") {
    Line line;
    for (int round = 0; round < 50; ++round) {
        auto reading = create_task(take(line.receiver));
        co_await turns(round % 3);
        line.peer.send("ab");
        co_await turns(round % 4);
        reading.cancel();
        std::string got;
        if (const bool cancelled = co_await is_cancelled(reading); !cancelled) {
            got = reading.result();
        }
        line.peer.send("c");
        while (got.size() < 3) {
            got += co_await take(line.receiver);
        }
        CHECK(got == "abc");
    }
}

ASYNC_TEST_CASE("SocketReceiver: a reset is an error, after what came before") {
    Line line;
    auto reading = create_task(take(line.receiver));
    co_await turns(2);
    line.peer.send("last");
    CHECK_AWAIT(reading, "last");
    line.peer.reset();
    CHECK_AWAIT(errno_of(line.receiver.next()), ECONNRESET);
}

ASYNC_TEST_CASE(
    "SocketReceiver: destroyed, it closes the connection, with a request in flight too") {
    std::optional<Line> line(std::in_place);
    const RawSocket peer = std::move(line->peer);
    auto reading = create_task(take(line->receiver));
    co_await turns(2);
    line->receiver.close();
    CHECK_AWAIT(reading, "");
    line.reset();
    co_await turns(2);
    CHECK(peer.ended());
}

ASYNC_TEST_CASE("Received: bytes of its own move like those of the pool, and are freed once") {
    Line line;
    for (const char* text : {"borrowed", "copied aside"}) {
        line.peer.send("x");
        CHECK_AWAIT(take(line.receiver), "x");
        if (*text == 'b') {
            Received received;
            auto reading = create_task([](SocketReceiver& receiver, Received& to) -> Task<> {
                to = co_await receiver.next();
            }(line.receiver, received));
            co_await turns(2);
            line.peer.send(text);
            co_await reading;
            CHECK(received.data() == text);
            CHECK(get_running_loop().statistics().buffers == 1);
        } else {
            line.peer.send(text);
            co_await sleep(1ms);  // nobody waits: they are copied aside
            Received received = co_await line.receiver.next();
            const char* const place = received.data().data();
            Received moved = std::move(received);
            CHECK(received.empty());
            CHECK(moved.data() == text);
            CHECK(moved.data().data() == place);
            received.swap(moved);
            CHECK(moved.empty());
            moved = std::move(received);
            CHECK(moved.data().data() == place);
        }
    }
    CHECK(get_running_loop().statistics().buffers == 0);
}

TEST_CASE("Received: may outlive the receiver and the loop") {
    const testing::Balance balance;
    {
        Received kept;
        testing::run_virtual([](Received& received) -> Task<> {
            Line line;
            line.peer.send("still here");
            received = co_await line.receiver.next();
        }(kept));
        CHECK(kept.data() == "still here");
        Received moved = std::move(kept);
        CHECK(kept.empty());
        CHECK(moved.size() == 10);
    }
    CHECK(balance.difference() == "");
}

namespace {

Task<> make(std::unique_ptr<SocketReceiver>& receiver, int fd) {
    receiver = std::make_unique<SocketReceiver>(Socket(UniqueFd(fd)));
    co_return;
}

Task<std::string> take_text(SocketReceiver& receiver) {
    try {
        co_return co_await take(receiver);
    } catch (const std::runtime_error& error) {
        co_return error.what();
    }
}

}  // namespace

TEST_CASE("SocketReceiver: refuses to be waited for in another loop, and after its own is gone") {
    const std::string refusal =
        "a connection is read by a task of another event loop than its own, or that is closed";
    const RawSocket listener = RawSocket::listening();
    RawSocket peer = RawSocket::connected(listener.port());
    std::unique_ptr<SocketReceiver> receiver;
    {
        EventLoop first;
        first.run_until_complete(make(receiver, ::dup(listener.accept().fd())));
        CHECK(testing::run_virtual(take_text(*receiver)) == refusal);
        peer.send("hello");
        CHECK(first.run_until_complete(take(*receiver)) == "hello");
    }
    CHECK(testing::run_virtual(take_text(*receiver)) == refusal);
    receiver.reset();
}

// Each of more results than there are buffers is looked at, and destroyed, by another thread.
ASYNC_TEST_CASE("Received: may be destroyed on another thread, and its buffer comes back") {
    constexpr std::size_t rounds = 20 * BufferPool::count;
    Line line;
    for (std::size_t round = 0; round < rounds; ++round) {
        line.peer.send(std::string(100, 'a'));
        Received received = co_await line.receiver.next();
        std::size_t seen = 0;
        std::thread([&seen, there = std::move(received)]() mutable {
            const Received mine = std::move(there);
            seen = mine.data().size();
        }).join();
        CHECK(seen == 100);
    }
    CHECK(get_running_loop().statistics().buffers == 0);
}

TEST_CASE("Received: those that are left over may be destroyed anywhere after the loop") {
    std::deque<Received> kept;
    testing::run_virtual([](std::deque<Received>& received) -> Task<> {
        Line line;
        for (int round = 0; round < 4; ++round) {
            line.peer.send("still here");
            received.push_back(co_await line.receiver.next());
        }
    }(kept));
    std::size_t seen = 0;
    std::thread first([&seen, one = std::move(kept[0]), two = std::move(kept[1])]() mutable {
        const Received here = std::move(one);
        seen = here.size();
    });
    kept.pop_front();
    CHECK(kept.back().data() == "still here");
    kept.clear();
    first.join();
    CHECK(seen == 10);
}
