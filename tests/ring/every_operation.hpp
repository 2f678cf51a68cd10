// Each operation that ringio asks for, once and with success, for kernels of which somebody may
// have taken something away.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ringio/base/unique_fd.hpp>

#include "probe.hpp"

namespace ringio::testing {

/// Names, in `failed`, what did not end as it does on any kernel.
class EveryOperation {
public:
    explicit EveryOperation(Ring& ring) : ring_(ring) {
        files();
        connection();
        datagrams();
        many_results();
        cancelled();
        ring_.end_requests();
    }

    std::string failed;

private:
    template <class Request>
    int expect(int wanted, Request request) {
        const int result = perform(ring_, request);
        expect_equal(wanted, result, Request::name);
        return result;
    }
    void expect_equal(int wanted, int result, const char* name) {
        if (result != wanted) {
            failed += std::string(name) + " ends with " + std::to_string(result) + "; ";
        }
    }

    void files() {
        char path[] = "/tmp/ringio_operations_XXXXXX";
        const UniqueFd made(::mkstemp(path));
        const int fd = perform(ring_, OpenAtRequest{.path = path, .flags = O_RDWR | O_CLOEXEC});
        if (fd < 0) {
            failed += "openat; ";
            return;
        }
        const int again =
            perform(ring_, OpenAt2Request{.path = path, .how = {O_RDONLY | O_CLOEXEC, 0, 0}});
        expect_equal(0, again < 0 ? again : 0, "openat2");
        OpenAt2Request::dispose(again, 0);
        expect(5, WriteRequest{fd, "hello", 5, 0});
        char bytes[5] = {};
        expect(5, ReadRequest{fd, bytes, sizeof bytes, 0});
        expect(0, FsyncRequest{fd, false});
        expect(0, FsyncRequest{fd, true});
        struct ::statx status{};
        expect(0, StatxRequest{.path = path, .result = &status});
        expect_equal(5, static_cast<int>(status.stx_size), "the size by statx");
        expect(0, FallocateRequest{.fd = fd, .size = 4096});
        expect(0, CloseRequest{fd});
        names(path);
    }

    // Begins with a file of the name, and leaves none.
    void names(const std::string& path) {
        const std::string directory = path + ".d";
        const std::string second = directory + "/second";
        const std::string third = directory + "/third";
        expect(0, MkdirAtRequest{.path = directory.c_str()});
        expect(0, LinkAtRequest{.path = path.c_str(), .new_path = second.c_str()});
        expect(0, RenameAtRequest{.path = path.c_str(), .new_path = second.c_str()});
        expect(0, SymlinkAtRequest{.target = "second", .path = third.c_str()});
        for (const std::string& name : {path, second, third}) {
            expect(0, UnlinkAtRequest{.path = name.c_str()});
        }
        expect(0, UnlinkAtRequest{.path = directory.c_str(), .flags = AT_REMOVEDIR});
    }

    void connection() {
        const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        socklen_t length = sizeof address;
        if (::bind(listener.get(), any, length) != 0 || ::listen(listener.get(), 1) != 0 ||
            ::getsockname(listener.get(), any, &length) != 0) {
            failed += "no listener; ";
            return;
        }
        Probe<AcceptRequest> accepting({listener.get(), SOCK_CLOEXEC});
        ring_.submit(accepting);
        expect(0, ConnectRequest{client.get(), any, length});
        drain(ring_);
        const UniqueFd server(accepting.result);
        if (!server) {
            failed += "accept; ";
            return;
        }
        expect(4, SendRequest{client.get(), "ping", 4});
        expect(POLLIN, PollRequest{server.get(), POLLIN});
        char bytes[4] = {};
        expect(4, RecvRequest{server.get(), bytes, sizeof bytes});
        expect(0, ShutdownRequest{client.get(), SHUT_WR});
        expect(0, RecvRequest{server.get(), bytes, sizeof bytes});
    }

    void datagrams() {
        int ends[2] = {-1, -1};
        if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) {
            failed += "no sockets; ";
            return;
        }
        const UniqueFd left(ends[0]);
        const UniqueFd right(ends[1]);
        char bytes[3] = {'a', 'b', 'c'};
        iovec part{bytes, sizeof bytes};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        expect(3, SendMsgRequest{left.get(), &message});
        expect(3, RecvMsgRequest{right.get(), &message});
    }

    void many_results() {
        BufferPool* const pool = ring_.buffers();
        int ends[2] = {-1, -1};
        if (pool == nullptr || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
            failed += "no buffers; ";
            return;
        }
        const UniqueFd left(ends[0]);
        UniqueFd right(ends[1]);
        expect(4, SendRequest{right.get(), "data", 4});
        right.reset();
        Probe<RecvMultishotRequest> receiving({left.get(), BufferPool::group});
        receiving.then = [](Probe<RecvMultishotRequest>& probe) noexcept {
            if (BufferPool::comes_with(probe.flags)) {
                const unsigned id = BufferPool::id_of(probe.flags);
                probe.ring->buffers()->borrow(id, static_cast<std::size_t>(probe.result));
                probe.ring->buffers()->recycle(id);
            }
        };
        receiving.ring = &ring_;
        ring_.submit(receiving);
        drain(ring_);
        expect_equal(2, static_cast<int>(receiving.calls), "a receive of many results");
        expect_equal(0, receiving.result, "recv");
    }

    void cancelled() {
        int ends[2] = {-1, -1};
        if (::pipe2(ends, O_CLOEXEC) != 0) {
            failed += "no pipe; ";
            return;
        }
        const UniqueFd reading(ends[0]);
        const UniqueFd writing(ends[1]);
        for (const bool all : {false, true}) {
            Probe<PollRequest> polling({reading.get(), POLLIN});
            ring_.submit(polling);
            ring_.enter(false);
            all ? ring_.cancel_all() : ring_.cancel(polling);
            drain(ring_);
            expect_equal(-ECANCELED, polling.result, "cancel");
        }
    }

    Ring& ring_;
};

inline std::string failures_of_every_operation(Ring& ring) { return EveryOperation(ring).failed; }

}  // namespace ringio::testing
