// Pipes and terminals as streams: connect_read_pipe() and connect_write_pipe().
#include "net.hpp"
#include "telling.hpp"

#include <fcntl.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>

namespace ringio::conformance {
namespace {

constexpr std::size_t pipe_size = 65536;  // what a pipe holds

/// Two descriptors: what is written to `far` is read from `near`.
struct PipeFds {
    PipeFds() {
        int ends[2] = {-1, -1};
        if (::pipe2(ends, O_CLOEXEC) != 0) {
            throw std::runtime_error("pipe2");
        }
        near.reset(ends[0]);
        far.reset(ends[1]);
    }

    UniqueFd near;
    UniqueFd far;
};

/// Both sides of a terminal that passes bytes on as they are, at the time of a kernel thread.
struct RawTerminal {
    RawTerminal() {
        int sides[2] = {-1, -1};
        termios mode{};
        if (::openpty(&sides[0], &sides[1], nullptr, nullptr, nullptr) != 0 ||
            ::tcgetattr(sides[1], &mode) != 0) {
            throw std::runtime_error("openpty");
        }
        ::cfmakeraw(&mode);
        ::tcsetattr(sides[1], TCSANOW, &mode);
        master.reset(sides[0]);
        slave.reset(sides[1]);
    }

    UniqueFd master;
    UniqueFd slave;
};

void put(const UniqueFd& fd, std::string_view data) {
    if (::write(fd.get(), data.data(), data.size()) != static_cast<ssize_t>(data.size())) {
        throw std::runtime_error("write");
    }
}

void make_non_blocking(const UniqueFd& fd) {
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

UniqueFd copy_of(const UniqueFd& fd) { return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

/// Takes what is there, without waiting.
std::string taken(const UniqueFd& fd) {
    make_non_blocking(fd);
    std::string all;
    std::array<char, 16384> part;
    for (ssize_t size = 0; (size = ::read(fd.get(), part.data(), part.size())) > 0;) {
        all.append(part.data(), static_cast<std::size_t>(size));
    }
    return all;
}

bool at_end(const UniqueFd& fd) {
    make_non_blocking(fd);
    char byte = 0;
    return ::read(fd.get(), &byte, 1) == 0;
}

/// Writes until there is no room, and says how much it was.
std::size_t filled(const UniqueFd& fd) {
    make_non_blocking(fd);
    const std::string block(4096, 'x');
    std::size_t count = 0;
    for (ssize_t size = 0; (size = ::write(fd.get(), block.data(), block.size())) > 0;) {
        count += static_cast<std::size_t>(size);
    }
    return count;
}

std::string much(std::size_t pipes) { return std::string(pipes * pipe_size, 'x'); }

/// The type of the error, or the value.
template <class A>
Task<std::string> kind_of(A awaitable) {
    const std::string outcome = co_await ended(std::move(awaitable));
    co_return outcome.substr(0, outcome.find(':'));
}

Task<> drained(StreamWriter writer) { co_await writer.drain(); }

CONFORMS("pipes.read_to_the_end") {
    PipeFds pipe;
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    put(pipe.far, "one\ntwo\nthree\nfour");
    log(co_await reader.readline());
    log(co_await reader.readexactly(4));
    log(co_await reader.readuntil("e"));
    log(reader.at_eof());
    pipe.far.reset();
    log(co_await reader.read());
    const bool at_eof = reader.at_eof();
    const std::string more = co_await reader.read();
    const std::string line = co_await reader.readline();
    log(at_eof, more.empty() && line.empty());
}

CONFORMS("pipes.read_waits") {
    PipeFds pipe;
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    auto reading = create_task(reader.readline());
    co_await arrival();
    log(state(reading));
    put(pipe.far, "la");
    co_await arrival();
    log(state(reading));
    put(pipe.far, "te\n");
    log(co_await reading);
}

CONFORMS("pipes.cancelled_read") {
    PipeFds pipe;
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    auto reading = create_task(reader.readexactly(4));
    put(pipe.far, "ab");
    co_await arrival();
    reading.cancel();
    log(co_await ended(reading));
    put(pipe.far, "cd");
    log(co_await reader.readexactly(4));
}

CONFORMS("pipes.incomplete") {
    PipeFds pipe;
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    put(pipe.far, "abc");
    pipe.far.reset();
    try {
        co_await reader.readexactly(10);
    } catch (const IncompleteReadError& exception) {
        log(exception.partial(), exception.expected());
    }
    log(co_await reader.read());
}

CONFORMS("pipes.long_line") {
    PipeFds pipe;
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near), {.limit = 8});
    put(pipe.far, "0123456789abcdef\nshort\n");
    log(co_await kind_of(reader.readline()));
    log(co_await reader.readline());
}

CONFORMS("pipes.reader_is_full") {
    PipeFds pipe;
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near), {.limit = 1000});
    std::size_t count = filled(pipe.far);
    co_await arrival();
    count += filled(pipe.far);
    co_await arrival();
    log(filled(pipe.far));
    pipe.far.reset();
    const std::string all = co_await reader.read();
    log(all.size() == count);
}

CONFORMS("pipes.two_writers") {
    PipeFds pipe;
    UniqueFd other = copy_of(pipe.far);
    StreamReader reader = co_await connect_read_pipe(std::move(pipe.near));
    put(pipe.far, "one ");
    pipe.far.reset();
    auto reading = create_task(static_cast<Task<std::string>>(reader.read()));
    co_await arrival();
    log(state(reading));
    put(other, "two");
    other.reset();
    log(co_await reading);
}

CONFORMS("pipes.read_error") {
    RawSocket listener = RawSocket::listening();
    Peer peer(RawSocket::connected(listener.port()));
    const RawSocket accepted = listener.accept();
    UniqueFd fd(::fcntl(accepted.fd(), F_DUPFD_CLOEXEC, 0));
    StreamReader reader = co_await connect_read_pipe(std::move(fd));
    peer.send("x");
    log(co_await reader.readexactly(1));
    auto reading = create_task(static_cast<Task<std::string>>(reader.read()));
    co_await arrival();
    peer.reset();
    log(co_await ended(reading));
    log(co_await ended(reader.read()));
}

CONFORMS("pipes.write") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.write("one ");
    writer.write("");
    writer.writelines({"two ", "three"});
    co_await writer.drain();
    const std::string first = taken(pipe.near);
    log(first, at_end(pipe.near), writer.is_closing());
    writer.write("last");
    writer.close();
    writer.close();
    const bool closing = writer.is_closing();
    log(closing, co_await ended(writer.wait_closed()));
    const std::string last = taken(pipe.near);
    log(last, at_end(pipe.near));
}

CONFORMS("pipes.write_eof") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    log(writer.can_write_eof());
    writer.write("all");
    writer.write_eof();
    const std::string more = call([&] { writer.write("more"); });
    log(writer.is_closing(), more, call([&] { writer.write_eof(); }));
    writer.close();
    log(co_await ended(writer.wait_closed()));
    const std::string all = taken(pipe.near);
    log(all, at_end(pipe.near));
}

CONFORMS("pipes.write_eof_pending") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.write(much(3));
    writer.write_eof();
    co_await arrival();
    auto closed = create_task(writer.wait_closed());
    std::size_t count = 0;
    for (int round = 0; round < 3; ++round) {
        log(state(closed));
        count += taken(pipe.near).size();
        co_await arrival();
    }
    count += taken(pipe.near).size();
    log(state(closed), count == 3 * pipe_size, at_end(pipe.near));
}

CONFORMS("pipes.write_partial") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.write(std::string(pipe_size + 1000, 'x'));
    co_await arrival();
    log(writer.get_write_buffer_size());
    writer.write(std::string(500, 'y'));
    co_await arrival();
    log(writer.get_write_buffer_size());
    log(taken(pipe.near).size() == pipe_size);
    co_await arrival();
    const std::string rest = taken(pipe.near);
    log(writer.get_write_buffer_size(), rest == std::string(1000, 'x') + std::string(500, 'y'));
}

CONFORMS("pipes.drain") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.set_write_buffer_limits(4 * pipe_size, 0);
    writer.write(much(5));
    co_await arrival();
    const std::string at_once = co_await ended(writer.drain());
    log(at_once, writer.get_write_buffer_size() / pipe_size);
    writer.write(much(2));
    auto draining = create_task(drained(writer));
    co_await arrival();
    for (int round = 0; round < 6; ++round) {
        log(state(draining), writer.get_write_buffer_size() / pipe_size);
        taken(pipe.near);
        co_await arrival();
    }
    log(state(draining));
}

CONFORMS("pipes.reader_goes") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    co_await arrival();
    log(writer.is_closing());
    pipe.near.reset();
    log(co_await ended(writer.wait_closed()));
    log(writer.is_closing());
    writer.write("x");
    log(co_await kind_of(writer.drain()));
}

CONFORMS("pipes.write_to_nobody") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    pipe.near.reset();
    writer.write("x");
    log(co_await kind_of(writer.drain()));
    log(co_await ended(writer.wait_closed()));
    writer.write("x");
    log(co_await kind_of(writer.drain()));
}

CONFORMS("pipes.reader_goes_in_the_middle") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.write(much(3));
    auto draining = create_task(drained(writer));
    co_await arrival();
    log(state(draining));
    pipe.near.reset();
    log(co_await kind_of(draining));
    log(co_await kind_of(writer.wait_closed()));
    log(writer.get_write_buffer_size());
}

CONFORMS("pipes.abort") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.write(much(3));
    co_await arrival();
    writer.abort();
    const bool closing = writer.is_closing();
    log(closing, co_await ended(writer.wait_closed()));
    const bool all = taken(pipe.near).size() == pipe_size;
    log(all, at_end(pipe.near));
}

CONFORMS("pipes.write_after_close") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.write("before");
    writer.close();
    writer.write("after");
    co_await writer.wait_closed();
    const std::string all = taken(pipe.near);
    log(all, at_end(pipe.near));
}

CONFORMS("pipes.drain_after_close") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.write(much(3));
    writer.close();
    auto draining = create_task(drained(writer));
    for (int round = 0; round < 3; ++round) {
        co_await arrival();
        log(state(draining));
        taken(pipe.near);
    }
    co_await arrival();
    log(state(draining));
    PipeFds other;
    StreamWriter quick = co_await connect_write_pipe(std::move(other.far));
    quick.write("x");
    quick.close();
    const std::string outcome = co_await kind_of(quick.drain());
    const std::string all = taken(other.near);
    log(outcome, all, at_end(other.near));
}

CONFORMS("pipes.cancelled_drain") {
    PipeFds pipe;
    StreamWriter writer = co_await connect_write_pipe(std::move(pipe.far));
    writer.set_write_buffer_limits(0);
    writer.write(std::string(pipe_size + 1, 'x'));
    auto draining = create_task(drained(writer));
    co_await arrival();
    draining.cancel();
    log(co_await ended(draining));
    writer.close();
    std::size_t count = taken(pipe.near).size();
    co_await arrival();
    count += taken(pipe.near).size();
    log(count == pipe_size + 1, co_await ended(writer.wait_closed()));
}

CONFORMS_IN_REAL_TIME("pipes.pty_read") {
    RawTerminal terminal;
    StreamReader reader = co_await connect_read_pipe(std::move(terminal.master));
    put(terminal.slave, "1");
    log(co_await reader.readexactly(1));
    put(terminal.slave, "2345\n");
    log(co_await reader.readline());
}

CONFORMS_IN_REAL_TIME("pipes.pty_write") {
    RawTerminal terminal;
    StreamWriter writer = co_await connect_write_pipe(std::move(terminal.slave));
    StreamReader screen = co_await connect_read_pipe(std::move(terminal.master));
    writer.write("1");
    co_await writer.drain();
    log(co_await screen.readexactly(1));
    writer.write("2345");
    co_await writer.drain();
    const std::string shown = co_await screen.readexactly(4);
    log(shown, writer.is_closing());
    writer.close();
    log(co_await ended(writer.wait_closed()));
}

CONFORMS_IN_REAL_TIME("pipes.pty_both_ways") {
    RawTerminal terminal;
    StreamWriter writer = co_await connect_write_pipe(copy_of(terminal.slave));
    StreamReader reader = co_await connect_read_pipe(std::move(terminal.slave));
    put(terminal.master, "question\n");
    log(co_await reader.readline());
    StreamReader screen = co_await connect_read_pipe(std::move(terminal.master));
    writer.write("answer\n");
    co_await writer.drain();
    const std::string answer = co_await screen.readline();
    log(answer, writer.is_closing());
}

CONFORMS("pipes.fifo") {
    const std::string path = "/tmp/ringio-conformance-" + std::to_string(::getpid());
    ::mkfifo(path.c_str(), 0600);
    UniqueFd near(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    UniqueFd far(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    ::unlink(path.c_str());
    StreamReader reader = co_await connect_read_pipe(std::move(near));
    StreamWriter writer = co_await connect_write_pipe(std::move(far));
    writer.write("through a name\n");
    log(co_await reader.readline());
    writer.close();
    const std::string rest = co_await reader.read();
    log(rest.empty());
}

CONFORMS("pipes.socket") {
    int ends[2] = {-1, -1};
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
    UniqueFd near(ends[0]);
    UniqueFd far(ends[1]);
    StreamReader reader = co_await connect_read_pipe(std::move(near));
    StreamWriter writer = co_await connect_write_pipe(std::move(far));
    writer.write("through a socket\n");
    log(co_await reader.readline());
    writer.close();
    const std::string rest = co_await reader.read();
    log(rest.empty());
}

Task<std::string> reading_refused(UniqueFd fd) {
    try {
        co_await connect_read_pipe(std::move(fd));
    } catch (...) {
        co_return error_of_current();
    }
    co_return "nothing";
}

Task<std::string> writing_refused(UniqueFd fd) {
    try {
        co_await connect_write_pipe(std::move(fd));
    } catch (...) {
        co_return error_of_current();
    }
    co_return "nothing";
}

CONFORMS("pipes.refused_files") {
    log(co_await reading_refused(UniqueFd(::open("/proc/self/status", O_RDONLY | O_CLOEXEC))));
    log(co_await writing_refused(UniqueFd(::open("/proc/self/comm", O_WRONLY | O_CLOEXEC))));
}

}  // namespace
}  // namespace ringio::conformance
