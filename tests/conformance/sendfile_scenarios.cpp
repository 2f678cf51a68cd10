// A file's content over a connection: sendfile() and Socket::sendfile().
#include "net.hpp"

#include <ringio/base/unique_fd.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace ringio::conformance {
namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    while (times-- > 0) {
        all += text;
    }
    return all;
}

const std::string& content() {
    static const std::string all = repeated("0123456789abcdef", 1 << 14) + "x";
    return all;
}

const std::string& long_content() {
    static const std::string all = repeated(content(), 64);
    return all;
}

void write_all(int fd, std::string_view data) {
    if (::write(fd, data.data(), data.size()) != static_cast<ssize_t>(data.size())) {
        throw std::runtime_error("write");
    }
}

UniqueFd file_of(std::string_view data) {
    UniqueFd file(::memfd_create("content", MFD_CLOEXEC));
    write_all(file.get(), data);
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

/// What is no regular file: a pipe.
UniqueFd unseekable(std::string_view data) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw std::runtime_error("pipe2");
    }
    UniqueFd read_end(ends[0]);
    const UniqueFd write_end(ends[1]);
    write_all(write_end.get(), data);
    return read_end;
}

Task<Link> link_with_small_buffers() {
    Link link = co_await connect(default_stream_limit, 4096);
    link.writer.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096);
    co_return link;
}

/// A socket and its peer.
struct SendfilePair {
    SendfilePair(Socket own, RawSocket other) : socket(std::move(own)), peer(std::move(other)) {}

    Socket socket;
    Peer peer;
};

Task<SendfilePair> sendfile_pair(int buffer = 0) {
    const RawSocket listener = RawSocket::listening();
    if (buffer != 0) {
        listener.set_buffer(SO_RCVBUF, buffer);
    }
    Socket socket = Socket::stream(AF_INET);
    const SocketAddress address = *SocketAddress::from_literal("127.0.0.1", listener.port());
    co_await socket.connect(address);
    if (buffer != 0) {
        socket.setsockopt(SOL_SOCKET, SO_SNDBUF, buffer);
    }
    co_return SendfilePair(std::move(socket), listener.accept());
}

/// How many bytes were sent, or the error; ConnectionError stands for each way to lose a peer.
template <class Output>
Task<std::string> sent(Output& output, int file, SendfileOptions options = {}) {
    try {
        std::uint64_t count = 0;
        if constexpr (std::is_same_v<Output, Link>) {
            count = co_await sendfile(output.writer, file, options);
        } else {
            count = co_await output.socket.sendfile(file, options);
        }
        co_return text(count);
    } catch (const std::system_error& lost) {
        const int error = lost.code().value();
        co_return error == EPIPE || error == ECONNRESET ? "ConnectionError" : error_of_current();
    } catch (...) {
        co_return error_of_current();
    }
}

std::int64_t position(const UniqueFd& file) { return ::lseek(file.get(), 0, SEEK_CUR); }

bool in_between(const UniqueFd& file) {
    const auto at = static_cast<std::size_t>(position(file));
    return 1024 <= at && at < long_content().size();
}

CONFORMS("sendfile.whole") {
    Link link = co_await connect();
    const UniqueFd file = file_of(content());
    auto taking = create_task(link.peer.take());
    log(co_await sent(link, file.get()));
    link.writer.close();
    const std::string taken = co_await taking;
    log(taken == content(), position(file));
}

CONFORMS("sendfile.partial") {
    Link link = co_await connect();
    const UniqueFd file = file_of(content());
    const SendfileOptions part = {.offset = 1000, .count = 100};
    log(co_await sent(link, file.get(), part));
    link.writer.close();
    const std::string taken = co_await link.peer.take();
    log(taken == content().substr(1000, 100), position(file));
}

CONFORMS("sendfile.ends_of_the_file") {
    Link link = co_await connect();
    const UniqueFd file = file_of("0123456789");
    SendfileOptions part = {.offset = 8, .count = 100};
    std::string count = co_await sent(link, file.get(), part);
    log(count, position(file));
    part = {.offset = 100};
    count = co_await sent(link, file.get(), part);
    log(count, position(file));
    const UniqueFd nothing = file_of("");
    log(co_await sent(link, nothing.get()));
    link.writer.close();
    log(co_await link.peer.take());
}

CONFORMS("sendfile.pre_and_post_data") {
    Link link = co_await connect();
    const UniqueFd file = file_of(content());
    auto taking = create_task(link.peer.take());
    const std::string before = repeated("PREFIX__", 1024);
    const std::string after = repeated("--SUFFIX", 1024);
    link.writer.write(before);
    log(co_await sent(link, file.get()));
    link.writer.write(after);
    link.writer.close();
    const std::string taken = co_await taking;
    log(taken == before + content() + after);
}

CONFORMS("sendfile.twice") {
    Link link = co_await connect();
    const UniqueFd file = file_of(content());
    auto taking = create_task(link.peer.take());
    SendfileOptions part = {.count = 10};
    log(co_await sent(link, file.get(), part));
    link.writer.write("-");
    part = {.offset = 10, .count = 6};
    log(co_await sent(link, file.get(), part));
    link.writer.close();
    log(co_await taking);
}

CONFORMS("sendfile.fallback") {
    Link link = co_await connect();
    const UniqueFd file = unseekable(content().substr(0, 60000));
    auto taking = create_task(link.peer.take());
    log(co_await sent(link, file.get()));
    link.writer.close();
    const std::string taken = co_await taking;
    log(taken == content().substr(0, 60000));
}

CONFORMS("sendfile.fallback_count") {
    Link link = co_await connect();
    const UniqueFd file = unseekable("0123456789");
    const SendfileOptions part = {.count = 4};
    log(co_await sent(link, file.get(), part));
    link.writer.close();
    log(co_await link.peer.take());
}

CONFORMS("sendfile.no_fallback") {
    Link link = co_await connect();
    const UniqueFd file = unseekable("x");
    const SendfileOptions strict = {.fallback = false};
    log(co_await sent(link, file.get(), strict));
    link.writer.write("y");
    link.writer.close();
    log(co_await link.peer.take());
}

CONFORMS("sendfile.closing") {
    Link link = co_await connect();
    const UniqueFd file = file_of(content());
    link.writer.close();
    const std::string outcome = co_await sent(link, file.get());
    log(outcome, position(file));
}

CONFORMS("sendfile.prevents_bare_write") {
    Link link = co_await link_with_small_buffers();
    const UniqueFd file = file_of(long_content());
    auto sending = create_task(sent(link, file.get()));
    co_await arrival();
    log(call([&] { link.writer.write("data"); }));
    auto taking = create_task(link.peer.take());
    log(co_await sending);
    link.writer.write("after");
    link.writer.close();
    const std::string taken = co_await taking;
    log(taken == long_content() + "after");
}

Task<std::string> take_and_close(Peer& peer, std::size_t size) {
    std::string data = co_await peer.take(size);
    peer.close();
    co_return data;
}

CONFORMS("sendfile.close_peer_after_receiving") {
    Link link = co_await connect();
    const UniqueFd file = file_of(content());
    auto taking = create_task(take_and_close(link.peer, content().size()));
    log(co_await sent(link, file.get()));
    const std::string taken = co_await taking;
    log(taken == content(), position(file));
}

CONFORMS("sendfile.close_peer_in_the_middle") {
    Link link = co_await link_with_small_buffers();
    const UniqueFd file = file_of(long_content());
    auto sending = create_task(sent(link, file.get()));
    static_cast<void>(co_await link.peer.take(1024));
    link.peer.reset();
    log(co_await sending);
    log(in_between(file));
}

CONFORMS("sendfile.cancel") {
    Link link = co_await link_with_small_buffers();
    const UniqueFd file = file_of(long_content());
    auto sending = create_task(sent(link, file.get()));
    static_cast<void>(co_await link.peer.take(1024));
    sending.cancel();
    log(co_await sending);
    log(call([&] { link.writer.write("data"); }));
    link.writer.abort();
}

CONFORMS("sendfile.cancel_before_it_begins") {
    Link link = co_await connect();
    const UniqueFd file = file_of(content());
    auto sending = create_task(sent(link, file.get()));
    sending.cancel();
    const std::string outcome = co_await ended(sending);
    log(outcome, position(file));
    link.writer.close();
    log(co_await got(link.peer.take()));
}

CONFORMS("sendfile.sock") {
    SendfilePair ends = co_await sendfile_pair();
    const UniqueFd file = file_of(content());
    auto taking = create_task(ends.peer.take());
    log(co_await sent(ends, file.get()));
    ends.socket.close();
    const std::string taken = co_await taking;
    log(taken == content(), position(file));
}

CONFORMS("sendfile.sock_with_offset_and_count") {
    SendfilePair ends = co_await sendfile_pair();
    const UniqueFd file = file_of(content());
    const SendfileOptions part = {.offset = 1000, .count = 2000};
    log(co_await sent(ends, file.get(), part));
    ends.socket.close();
    const std::string taken = co_await ends.peer.take();
    log(taken == content().substr(1000, 2000), position(file));
}

CONFORMS("sendfile.sock_zero_size") {
    SendfilePair ends = co_await sendfile_pair();
    const UniqueFd file = file_of("");
    log(co_await sent(ends, file.get()));
    ends.socket.close();
    const std::string taken = co_await got(ends.peer.take());
    log(taken, position(file));
}

CONFORMS("sendfile.sock_mix_with_regular_send") {
    SendfilePair ends = co_await sendfile_pair(4096);
    const UniqueFd file = file_of(content());
    const std::string other = repeated("mix_regular_send", 4 * 1024);
    auto taking = create_task(ends.peer.take());
    co_await ends.socket.sendall(other);
    log(co_await sent(ends, file.get()));
    co_await ends.socket.sendall(other);
    ends.socket.close();
    const std::string taken = co_await taking;
    log(taken == other + content() + other, position(file));
}

CONFORMS("sendfile.sock_fallback") {
    SendfilePair ends = co_await sendfile_pair();
    const UniqueFd file = unseekable(content().substr(0, 60000));
    auto taking = create_task(ends.peer.take());
    log(co_await sent(ends, file.get()));
    ends.socket.close();
    const std::string taken = co_await taking;
    log(taken == content().substr(0, 60000));
}

CONFORMS("sendfile.sock_fallback_count") {
    SendfilePair ends = co_await sendfile_pair();
    const UniqueFd file = unseekable("0123456789");
    const SendfileOptions part = {.count = 4};
    log(co_await sent(ends, file.get(), part));
    ends.socket.close();
    log(co_await ends.peer.take());
}

CONFORMS("sendfile.sock_no_fallback") {
    SendfilePair ends = co_await sendfile_pair();
    const UniqueFd file = unseekable("x");
    const SendfileOptions strict = {.fallback = false};
    log(co_await sent(ends, file.get(), strict));
    ends.socket.close();
    log(co_await got(ends.peer.take()));
}

CONFORMS("sendfile.sock_nonstream") {
    const Socket socket = Socket::datagram(AF_INET);
    const UniqueFd file = file_of(content());
    const std::string refusal = call([&] { static_cast<void>(socket.sendfile(file.get())); });
    log(refusal, position(file));
    co_return;
}

CONFORMS("sendfile.sock_cancel") {
    SendfilePair ends = co_await sendfile_pair(4096);
    const UniqueFd file = file_of(long_content());
    auto sending = create_task(ends.socket.sendfile(file.get()));
    static_cast<void>(co_await ends.peer.take(1024));
    co_await turns(2);
    sending.cancel();
    log(co_await ended(sending));
    ends.socket.close();
    const std::string rest = co_await ends.peer.take();
    log(1024 + rest.size() < long_content().size());
}

CONFORMS("sendfile.sock_peer_gone") {
    SendfilePair ends = co_await sendfile_pair(4096);
    const UniqueFd file = file_of(long_content());
    auto sending = create_task(sent(ends, file.get()));
    static_cast<void>(co_await ends.peer.take(1024));
    ends.peer.reset();
    log(co_await sending);
    log(in_between(file));
}

CONFORMS("sendfile.sock_peer_gone_before") {
    SendfilePair ends = co_await sendfile_pair();
    const UniqueFd file = file_of(content());
    ends.peer.reset();
    co_await arrival();
    log(co_await sent(ends, file.get()));
}

}  // namespace
}  // namespace ringio::conformance
