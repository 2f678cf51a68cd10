// Cancel at every await, and no memory at each allocation: pipes, Unix connections, descriptors
// that go over them, a file. What arrives is the beginning of what was sent; nothing stays open.
#include <ringio/io/socket_fds.hpp>
#include <ringio/streams.hpp>

#include <support/descriptor_pair.hpp>
#include <support/temporary_directory.hpp>
#include "sweep_scenario.hpp"

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;
using ringio::testing::Family;

namespace {

constexpr std::string_view letters = "abcdefgh";

Task<> write_letters(StreamWriter writer) {
    for (const char letter : letters) {
        writer.write(std::string_view(&letter, 1));
        co_await writer.drain();
        co_await sleep(Delay());
    }
    writer.close();
    co_await writer.wait_closed();
}

Task<> read_letters(StreamReader reader, std::string& heard) {
    for (;;) {
        const std::string some = co_await reader.read(3);
        if (some.empty()) {
            break;
        }
        heard += some;
    }
}

Task<> connect_and_write(UniqueFd fd) {
    co_await write_letters(co_await connect_write_pipe(std::move(fd)));
}

Task<> connect_and_read(UniqueFd fd, std::string& heard) {
    co_await read_letters(co_await connect_read_pipe(std::move(fd)), heard);
}

void check_letters(Sweep& sweep, const std::string& heard) {
    sweep.check("what was read is the beginning of what was written",
                [&heard] { return letters.starts_with(heard); });
}

Task<> through_a_pipe(Sweep& sweep, bool reader_is_victim) {
    auto& heard = sweep.make<std::string>();
    check_letters(sweep, heard);
    Ends pipe = Ends::pipe();
    auto reading = create_task(connect_and_read(std::move(pipe.near), heard));
    auto writing = create_task(connect_and_write(std::move(pipe.far)));
    if (reader_is_victim) {
        sweep.victim(reading);
    } else {
        sweep.victim(writing);
    }
    co_await ended(writing);
    co_await ended(reading);
}

Task<> through_an_open_pipe(Sweep& sweep) {
    auto& heard = sweep.make<std::string>();
    check_letters(sweep, heard);
    auto [reader, writer] = open_pipe();
    auto writing = create_task(write_letters(std::move(writer)));
    auto reading = sweep.victim(create_task(read_letters(std::move(reader), heard)));
    co_await ended(writing);
    co_await ended(reading);
}

// The client may be gone.
Task<> write_letters_back(StreamReader, StreamWriter writer) {
    try {
        co_await write_letters(writer);
    } catch (const std::system_error&) {
    }
}

Task<> ask_for_letters(std::string path, std::string& heard) {
    auto [reader, writer] = co_await open_unix_connection(std::move(path));
    co_await read_letters(reader, heard);
}

Task<> over_a_unix_server(Sweep& sweep) {
    auto& heard = sweep.make<std::string>();
    check_letters(sweep, heard);
    const auto& directory = sweep.make<testing::TemporaryDirectory>();
    Server server = co_await start_unix_server(write_letters_back, directory / "socket");
    const ScopeExit close([&server] {
        server.abort_clients();
        server.close();
    });
    auto asking = sweep.victim(create_task(ask_for_letters(directory / "socket", heard)));
    co_await ended(asking);
}

Task<> serve_for_a_while(std::string path) {
    Server server = co_await start_unix_server(write_letters_back, std::move(path));
    const ScopeExit close([&server] { server.close(); });
    co_await sleep(1ms);
}

Task<> a_unix_server(Sweep& sweep) {
    const auto& directory = sweep.make<testing::TemporaryDirectory>();
    sweep.check("no path is left",
                [&directory] { return ::access((directory / "socket").c_str(), F_OK) != 0; });
    co_await ended(sweep.victim(create_task(serve_for_a_while(directory / "socket"))));
}

Task<> send_a_file(StreamWriter writer, int file) {
    co_await sendfile(writer, file, {.offset = 1, .count = 5});
    writer.close();
}

Task<> a_file_over_a_stream(Sweep& sweep) {
    auto& heard = sweep.make<std::string>();
    sweep.check("what came is the beginning of the part that was asked for",
                [&heard] { return letters.substr(1, 5).starts_with(heard); });
    const auto& file = sweep.make<UniqueFd>(::memfd_create("letters", MFD_CLOEXEC));
    static_cast<void>(::write(file.get(), letters.data(), letters.size()));
    auto [near, far] = testing::memory_stream_pair();
    auto hearing = create_task(read_letters(far.reader, heard));
    auto sending = sweep.victim(create_task(send_a_file(near.writer, file.get())));
    co_await ended(sending);
    near.writer.close();
    co_await ended(hearing);
}

Task<> send_a_part(const Socket& socket, int file) {
    co_await socket.sendfile(file, {.offset = 1, .count = 5});
}

Task<> a_file_over_a_socket(Sweep& sweep) {
    const auto& file = sweep.make<UniqueFd>(::memfd_create("letters", MFD_CLOEXEC));
    static_cast<void>(::write(file.get(), letters.data(), letters.size()));
    ::lseek(file.get(), 0, SEEK_SET);
    Ends ends = Ends::sockets(Family::local);
    const auto& near = sweep.make<Socket>(std::move(ends.near));
    const auto& far = sweep.make<Socket>(std::move(ends.far));
    sweep.check("the position is behind what was sent", [&file, &far] {
        char heard[16];
        const ssize_t size = ::recv(far.fd(), heard, sizeof(heard), MSG_DONTWAIT);
        return ::lseek(file.get(), 0, SEEK_CUR) == (size > 0 ? 1 + size : 0);
    });
    co_await ended(sweep.victim(create_task(send_a_part(near, file.get()))));
}

Task<> send_one(const Socket& socket, const Ends& pipe) {
    const std::array fds = {pipe.far.get()};
    for (int round = 0; round < 2; ++round) {
        co_await sleep(Delay());
        co_await send_fds(socket, "x", fds);
    }
}

Task<> receive_two(const Socket& socket, std::vector<UniqueFd>& kept) {
    while (kept.size() < 2) {
        ReceivedFds received = co_await recv_fds(socket, 1);
        if (received.data.empty()) {
            break;
        }
        for (UniqueFd& fd : received.fds) {
            kept.push_back(std::move(fd));
        }
    }
}

Task<> descriptors_over_a_socket(Sweep& sweep) {
    const auto& pipe = sweep.make<Ends>(Ends::pipe());
    Ends ends = Ends::sockets(Family::local);
    const auto& near = sweep.make<Socket>(std::move(ends.near));
    const auto& far = sweep.make<Socket>(std::move(ends.far));
    auto& kept = sweep.make<std::vector<UniqueFd>>();
    kept.reserve(2);
    auto sending = create_task(send_one(near, pipe));
    auto receiving = sweep.victim(create_task(receive_two(far, kept)));
    co_await ended(sending);
    near.shutdown(SHUT_RDWR);
    co_await ended(receiving);
}

}  // namespace

CANCEL_SWEEP("cancel at every await: a pipe's reader") { co_await through_a_pipe(sweep, true); }
CANCEL_SWEEP("cancel at every await: a pipe's writer") { co_await through_a_pipe(sweep, false); }
CANCEL_SWEEP("cancel at every await: an open pipe") { co_await through_an_open_pipe(sweep); }
CANCEL_SWEEP("cancel at every await: a Unix connection") { co_await over_a_unix_server(sweep); }
CANCEL_SWEEP("cancel at every await: a Unix server") { co_await a_unix_server(sweep); }
CANCEL_SWEEP("cancel at every await: descriptors over a socket") {
    co_await descriptors_over_a_socket(sweep);
}

CANCEL_SWEEP("cancel at every await: sendfile") { co_await a_file_over_a_stream(sweep); }
CANCEL_SWEEP("cancel at every await: sendfile of a socket") {
    co_await a_file_over_a_socket(sweep);
}

ALLOCATION_SWEEP("no memory: sendfile") { co_await a_file_over_a_stream(sweep); }
ALLOCATION_SWEEP("no memory: sendfile of a socket") { co_await a_file_over_a_socket(sweep); }
ALLOCATION_SWEEP("no memory: a pipe") { co_await through_a_pipe(sweep, true); }
ALLOCATION_SWEEP("no memory: an open pipe") { co_await through_an_open_pipe(sweep); }
// On epoll an accept may find no memory, and that is reported.
ALLOCATION_SWEEP("no memory: a Unix server and a connection", "[uring]") {
    co_await over_a_unix_server(sweep);
}
ALLOCATION_SWEEP("no memory: descriptors over a socket") {
    co_await descriptors_over_a_socket(sweep);
}
