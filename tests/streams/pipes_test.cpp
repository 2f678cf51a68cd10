// Pipes and terminals as streams: connect_read_pipe(), connect_write_pipe(), open_pipe().
#include <ringio/streams/pipes.hpp>

#include <ringio/ring/features.hpp>
#include <ringio/tasks.hpp>
#include <support/async_test_case.hpp>
#include <support/descriptor_pair.hpp>
#include <support/ends.hpp>

#include <cerrno>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;
using ringio::testing::Family;
using ringio::testing::fill;
using ringio::testing::read_now;

namespace {

constexpr std::size_t pipe_size = 64 * 1024;

std::string long_text(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>(i * 13 + (i >> 10));
    }
    return text;
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

int flags_of(int fd) { return ::fcntl(fd, F_GETFL); }

// What makes a pipe of `fd` throws.
template <class Connect>
std::string refusal_of_pipe(Connect connect, UniqueFd fd) {
    try {
        static_cast<void>(connect(std::move(fd)));
    } catch (const std::invalid_argument& error) {
        return std::string("invalid_argument: ") + error.what();
    } catch (const std::system_error& error) {
        return std::string("system_error: ") + error.what();
    }
    return "nothing";
}

Task<StreamReader> reading(UniqueFd fd) { return connect_read_pipe(std::move(fd)); }
Task<StreamWriter> writing(UniqueFd fd) { return connect_write_pipe(std::move(fd)); }

/// Two sides of a terminal that passes bytes on as they are.
struct Terminal {
    Terminal() {
        int sides[2] = {-1, -1};
        REQUIRE(::openpty(&sides[0], &sides[1], nullptr, nullptr, nullptr) == 0);
        master.reset(sides[0]);
        slave.reset(sides[1]);
        termios mode{};
        REQUIRE(::tcgetattr(slave.get(), &mode) == 0);
        ::cfmakeraw(&mode);
        REQUIRE(::tcsetattr(slave.get(), TCSANOW, &mode) == 0);
    }

    UniqueFd master;
    UniqueFd slave;
};

}  // namespace

ASYNC_TEST_CASE("connect_read_pipe: reads what is written, to the end") {
    Ends pipe = Ends::pipe();
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    pipe.write("one\ntwo\nthree");
    CHECK_AWAIT(reader.readline(), "one\n");
    CHECK_AWAIT(reader.readexactly(4), "two\n");
    pipe.far.reset();
    CHECK_AWAIT(reader.read(), "three");
    CHECK(reader.at_eof());
}

ASYNC_TEST_CASE("connect_read_pipe: waits until the other side writes") {
    Ends pipe = Ends::pipe();
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    auto waiting = create_task(static_cast<Task<std::string>>(reader.read(10)));
    co_await turns(3);
    CHECK_FALSE(waiting.done());
    pipe.write("late");
    CHECK_AWAIT(waiting, "late");
}

ASYNC_TEST_CASE("connect_read_pipe: a cancelled read loses nothing") {
    Ends pipe = Ends::pipe();
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    auto waiting = create_task(reader.readexactly(4));
    co_await turns(3);
    pipe.write("ab");
    co_await turns(3);
    waiting.cancel();
    CHECK_AWAIT(is_cancelled(waiting), true);
    pipe.write("cd");
    CHECK_AWAIT(reader.readexactly(4), "abcd");
}

ASYNC_TEST_CASE("connect_read_pipe: reads ahead up to its limit, and leaves the rest in the pipe") {
    Ends pipe = Ends::pipe();
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near), {.limit = 1000});
    const std::string text = long_text(pipe_size);
    pipe.write(text);
    co_await turns(20);
    pipe.write("x");  // there is room, for something was read; but not all
    CHECK(fill(pipe.far.get()) < pipe_size);
    pipe.far.reset();
    const std::string all = co_await reader.read();
    CHECK(all.substr(0, text.size()) == text);
    CHECK(all.substr(text.size(), 1) == "x");
}

ASYNC_TEST_CASE("connect_read_pipe: the descriptor is closed with the last copy of the reader") {
    Ends pipe = Ends::pipe();
    const int fd = pipe.near.get();
    {
        StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
        StreamReader copy = reader;
        {
            const StreamReader moved = std::move(reader);
            co_await turns(3);
        }
        co_await turns(3);
        CHECK(is_open(fd));
        copy = StreamReader(std::size_t{10});
    }
    co_await turns(3);
    CHECK_FALSE(is_open(fd));
}

ASYNC_TEST_CASE("connect_read_pipe: who waits when the last reader goes gets the end") {
    Ends pipe = Ends::pipe();
    auto reader = std::optional(co_await connect_read_pipe(std::move(pipe.near)));
    auto waiting = create_task(static_cast<Task<std::string>>(reader->read(1)));
    co_await turns(3);
    reader.reset();
    CHECK_AWAIT(waiting, "");
}

ASYNC_TEST_CASE("connect_read_pipe: O_NONBLOCK stays as it is, either way") {
    for (const int flags : {0, O_NONBLOCK}) {
        Ends pipe = Ends::pipe(flags);
        const int fd = pipe.near.get();
        StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
        auto waiting = create_task(static_cast<Task<std::string>>(reader.read(1)));
        co_await turns(3);
        CHECK((flags_of(fd) & O_NONBLOCK) == flags);
        pipe.write("x");
        CHECK_AWAIT(waiting, "x");
    }
}

ASYNC_TEST_CASE("connect_read_pipe: takes a socket and a character device") {
    Ends sockets = Ends::sockets(Family::local);
    StreamReader reader = co_await connect_read_pipe(std::move(sockets.near));
    sockets.write("bytes");
    CHECK_AWAIT(reader.read(10), "bytes");
    StreamReader null =
        co_await connect_read_pipe(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
    CHECK_AWAIT(null.read(), "");
}

ASYNC_TEST_CASE("connect_read_pipe: a read that fails says so, and nothing else is reported") {
    Reported reported;
    Ends ends = Ends::sockets(Family::tcp);
    StreamReader reader = co_await connect_read_pipe(std::move(ends.near));
    const linger at_once = {1, 0};
    ::setsockopt(ends.far.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ends.far.reset();
    CHECK_AWAIT(errno_of(reader.read(1)), ECONNRESET);
    CHECK_AWAIT(errno_of(reader.read(1)), ECONNRESET);
    CHECK(reported.messages.empty());
}

ASYNC_TEST_CASE("connect_read_pipe: a terminal whose other side was closed is at its end") {
    Terminal terminal;
    StreamReader reader = co_await connect_read_pipe(std::move(terminal.master));
    CHECK(::write(terminal.slave.get(), "last", 4) == 4);
    CHECK_AWAIT(reader.readexactly(4), "last");
    terminal.slave.reset();
    CHECK_AWAIT(reader.read(), "");
}

ASYNC_TEST_CASE("connect_write_pipe: writes, and its close is the end") {
    Ends pipe = Ends::pipe();
    const int fd = pipe.far.get();
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.write("1");
    co_await writer.drain();
    std::string first;
    while (first.empty()) {  // before Linux 6.4 a request writes it
        co_await turns(1);
        first = read_now(pipe.near.get());
    }
    CHECK(first == "1");
    writer.write("2345");
    writer.write_eof();
    CHECK(writer.is_closing());
    co_await writer.wait_closed();
    CHECK_FALSE(is_open(fd));
    CHECK(read_now(pipe.near.get()) == "2345");
}

ASYNC_TEST_CASE("connect_write_pipe: much is written piece by piece, in order") {
    Ends pipe = Ends::pipe();
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    const std::string text = long_text(8 * pipe_size + 1);
    auto sending = create_task([](StreamWriter out, const std::string& all) -> Task<> {
        for (std::size_t sent = 0, size = 1; sent < all.size(); sent += size) {
            size = std::min(all.size() - sent, size * 5 % 40'009 + 1);
            out.write(all.substr(sent, size));
            co_await out.drain();
        }
        out.close();
        co_await out.wait_closed();
    }(writer, text));
    const std::string all = co_await reader.read();
    CHECK((all == text));
    co_await sending;
}

ASYNC_TEST_CASE("connect_write_pipe: drain waits while the pipe is full, and the loop does not") {
    Ends pipe = Ends::pipe();
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.set_write_buffer_limits(0);
    writer.write(std::string(3 * pipe_size, 'x'));
    auto draining = create_task(static_cast<Task<>>(writer.drain()));
    co_await turns(5);
    CHECK_FALSE(draining.done());
    CHECK(writer.get_write_buffer_size() >= pipe_size);
    std::size_t all = 0;
    while (!draining.done()) {
        all += read_now(pipe.near.get()).size();
        co_await turns(1);
    }
    co_await draining;
    all += read_now(pipe.near.get()).size();
    CHECK(all == 3 * pipe_size);
}

ASYNC_TEST_CASE(
    "connect_write_pipe: drain goes on at the low-water mark, not only when all is sent") {
    if (!Features::pipes_never_wait()) {
        co_return;  // one request writes all of it
    }
    Ends pipe = Ends::pipe();
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.set_write_buffer_limits(3 * pipe_size, pipe_size);
    writer.write(std::string(5 * pipe_size, 'x'));
    auto draining = create_task(static_cast<Task<>>(writer.drain()));
    co_await turns(5);
    for (std::size_t left = 4; left > 1; --left) {
        CHECK(writer.get_write_buffer_size() == left * pipe_size);
        CHECK_FALSE(draining.done());
        CHECK(read_now(pipe.near.get()).size() == pipe_size);
        co_await turns(5);
    }
    CHECK(draining.done());
    CHECK(writer.get_write_buffer_size() == pipe_size);
    writer.abort();
}

ASYNC_TEST_CASE(
    "connect_write_pipe: an idle writer whose reader goes is closed, without a failure") {
    Ends pipe = Ends::pipe();
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    co_await turns(3);
    pipe.near.reset();
    co_await writer.wait_closed();
    CHECK(writer.is_closing());
    writer.write("dropped");
    CHECK_AWAIT(errno_of(writer.drain()), EPIPE);
}

ASYNC_TEST_CASE("connect_write_pipe: what nobody reads any more is EPIPE at drain, and no signal") {
    Ends pipe = Ends::pipe();
    const int fd = pipe.far.get();
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    pipe.near.reset();
    writer.write("x");
    if (!Features::pipes_never_wait()) {  // a request finds out
        CHECK_AWAIT(errno_of(writer.wait_closed()), EPIPE);
    }
    const std::string text = co_await text_of<std::system_error>(writer.drain());
    CHECK(text == "write to file descriptor " + std::to_string(fd) + ": Broken pipe");
    CHECK_AWAIT(errno_of(writer.wait_closed()), EPIPE);
}

ASYNC_TEST_CASE("connect_write_pipe: the reader goes while a full pipe is being written") {
    Ends pipe = Ends::pipe();
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.write(std::string(2 * pipe_size, 'x'));
    writer.write(std::string(2 * pipe_size, 'y'));
    auto draining = create_task(static_cast<Task<>>(writer.drain()));
    co_await turns(5);
    pipe.near.reset();
    CHECK_AWAIT(errno_of(draining), EPIPE);
    CHECK_AWAIT(errno_of(writer.wait_closed()), EPIPE);
}

ASYNC_TEST_CASE("connect_write_pipe: abort drops what is buffered") {
    Ends pipe = Ends::pipe();
    const int fd = pipe.far.get();
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.write(std::string(2 * pipe_size, 'x'));
    co_await turns(3);
    writer.abort();
    co_await writer.wait_closed();
    CHECK_FALSE(is_open(fd));
    const std::size_t written = read_now(pipe.near.get()).size();
    CHECK(written <= pipe_size);
    CHECK((written == pipe_size || !Features::pipes_never_wait()));  // a request may not have begun
}

ASYNC_TEST_CASE("connect_write_pipe: input of a terminal or a socket is not taken for its end") {
    Terminal terminal;
    StreamWriter writer = co_await connect_write_pipe(std::move(terminal.slave));
    CHECK(::write(terminal.master.get(), "typed", 5) == 5);
    Ends sockets = Ends::sockets(Family::local);
    StreamWriter other = co_await connect_write_pipe(std::move(sockets.near));
    sockets.write("sent");
    co_await turns(5);
    CHECK_FALSE(writer.is_closing());
    CHECK_FALSE(other.is_closing());
    writer.write("shown");
    other.write("received");
    co_await writer.drain();
    co_await other.drain();
    StreamReader screen = co_await connect_read_pipe(std::move(terminal.master));
    CHECK_AWAIT(screen.readexactly(5), "shown");
    CHECK(read_now(sockets.far.get()) == "received");
}

ASYNC_TEST_CASE("connect_write_pipe: a terminal whose other side goes is closed") {
    Terminal terminal;
    StreamWriter writer = co_await connect_write_pipe(std::move(terminal.slave));
    co_await turns(2);
    terminal.master.reset();
    co_await writer.wait_closed();
}

ASYNC_TEST_CASE("connect_write_pipe: a device that takes everything") {
    StreamWriter writer =
        co_await connect_write_pipe(UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC)));
    co_await turns(3);
    CHECK_FALSE(writer.is_closing());
    writer.write(std::string(pipe_size, 'x'));
    co_await writer.drain();
    writer.close();
    co_await writer.wait_closed();
}

ASYNC_TEST_CASE("pipes: other files are refused, in asyncio's words, and closed") {
    for (const int flags : {O_RDONLY, O_RDONLY | O_DIRECTORY}) {
        UniqueFd fd(::open(flags == O_RDONLY ? "/proc/self/status" : "/", flags | O_CLOEXEC));
        const int number = fd.get();
        CHECK(refusal_of_pipe(&reading, std::move(fd)) ==
              "invalid_argument: Pipe transport is for pipes/sockets only.");
        CHECK_FALSE(is_open(number));
    }
    CHECK(refusal_of_pipe(&writing, UniqueFd(::open("/proc/self/comm", O_WRONLY | O_CLOEXEC))) ==
          "invalid_argument: Pipe transport is only for pipes, sockets and character devices");
    CHECK(refusal_of_pipe(&reading, UniqueFd()) ==
          "system_error: file descriptor -1: Bad file descriptor");
    CHECK(refusal_of_pipe(&writing, UniqueFd()) ==
          "system_error: file descriptor -1: Bad file descriptor");
    Ends pipe = Ends::pipe();
    CHECK_THROWS_AS(connect_read_pipe(std::move(pipe.near), {.limit = 0}), std::invalid_argument);
    co_return;
}

ASYNC_TEST_CASE("open_pipe: both ends are streams") {
    auto [reader, writer] = open_pipe();
    writer.write("hello\n");
    co_await writer.drain();
    CHECK_AWAIT(reader.readline(), "hello\n");
    writer.close();
    co_await writer.wait_closed();
    CHECK_AWAIT(reader.read(), "");
}

ASYNC_TEST_CASE("open_pipe: an end that was not used gives its descriptor away, in blocking mode") {
    auto [reader, writer] = open_pipe();
    const UniqueFd in = std::move(writer).detach();
    CHECK((flags_of(in.get()) & O_NONBLOCK) == 0);
    StreamReader other = co_await connect_read_pipe(std::move(reader));
    CHECK(::write(in.get(), "by hand", 7) == 7);
    CHECK_AWAIT(other.readexactly(7), "by hand");
}

ASYNC_TEST_CASE("open_pipe: an end that was used keeps its descriptor") {
    auto [reader, writer] = open_pipe();
    writer.write("x");
    CHECK_THROWS_AS(std::move(writer).detach(), std::runtime_error);
    CHECK_AWAIT(reader.readexactly(1), "x");
    CHECK_THROWS_AS(std::move(reader).detach(), std::runtime_error);
}

ASYNC_TEST_CASE("open_pipe: a writer whose reader went is told when it writes") {
    auto pipe = std::optional(open_pipe());
    PipeWriter writer = pipe->writer;
    pipe.reset();
    writer.write("x");
    CHECK_AWAIT(errno_of(writer.drain()), EPIPE);
}

TEST_CASE("pipes: the loop closes under a reader that waits and a writer with a full pipe") {
    Ends pipe = Ends::pipe();
    Ends other = Ends::pipe();
    run([](Ends in, UniqueFd out) -> Task<> {
        StreamReader reader = co_await connect_read_pipe(std::move(in.near));
        StreamWriter writer = co_await connect_write_pipe(std::move(out));
        writer.write(std::string(4 * pipe_size, 'x'));
        create_task(static_cast<Task<std::string>>(reader.read(1)));
        co_await turns(3);
    }(std::move(pipe), std::move(other.far)));
    CHECK(read_now(other.near.get()).size() == pipe_size);
}

TEST_CASE("pipes: SIGPIPE is ignored by the first writer where it would end the process, only") {
    struct sigaction before = {};
    ::sigaction(SIGPIPE, nullptr, &before);
    const auto write_one = [] {
        run([]() -> Task<> {
            auto [reader, writer] = open_pipe();
            writer.write("x");
            co_await writer.drain();
        }());
        struct sigaction now = {};
        ::sigaction(SIGPIPE, nullptr, &now);
        return now.sa_handler;
    };
    ::signal(SIGPIPE, SIG_DFL);
    CHECK(write_one() == SIG_IGN);
    const auto handler = [](int) {};
    ::signal(SIGPIPE, handler);
    CHECK(write_one() == static_cast<void (*)(int)>(handler));
    ::sigaction(SIGPIPE, &before, nullptr);
}
