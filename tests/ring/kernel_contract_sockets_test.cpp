// What the requests on sockets answer, beside waiting.
#include "kernel_contract.hpp"
#include "kernel_sockets.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <poll.h>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

namespace {

template <class Body>
void with_listener(const char* title, Body body) {
    for (const Family family : {Family::tcp, Family::local}) {
        const std::string name = std::string(title) + (family == Family::tcp ? ", tcp" : ", unix");
        for_each_kernel(name, [&](const KernelUnderTest& kernel) {
            Listener listener(family);
            Driver driver(kernel);
            body(driver, listener);
            driver.finish();
        });
    }
}

ConnectRequest connect_to(const Listener& listener, const UniqueFd& fd) {
    return {fd.get(), listener.address(), listener.length()};
}

bool is_blocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

}  // namespace

TEST_CASE("kernel contract: connect", "[uring]") {
    with_listener("to one that listens", [](Driver& driver, Listener& listener) {
        const UniqueFd fd = listener.socket();
        CHECK(driver.perform(connect_to(listener, fd)) == 0);
        CHECK(is_blocking(fd.get()));
        const UniqueFd other = listener.accept();
        CHECK(::send(fd.get(), "x", 1, MSG_NOSIGNAL) == 1);
        CHECK(read_now(other.get()) == "x");
    });
    with_listener("refused", [](Driver& driver, Listener& listener) {
        const UniqueFd fd = listener.socket();
        listener.close();
        CHECK(driver.perform(connect_to(listener, fd)) == -ECONNREFUSED);
        CHECK(is_blocking(fd.get()));
    });
    with_listener("of a socket that does not block", [](Driver& driver, Listener& listener) {
        const UniqueFd fd = listener.socket();
        set_non_blocking(fd.get(), true);
        CHECK(driver.perform(connect_to(listener, fd)) == 0);
        CHECK_FALSE(is_blocking(fd.get()));
    });
    with_listener("twice", [](Driver& driver, Listener& listener) {
        const UniqueFd fd = listener.socket();
        CHECK(driver.perform(connect_to(listener, fd)) == 0);
        // Kernel: after a connect that did not wait, the next one says 0, once.
        CHECK(is_one_of({-EISCONN, 0}, driver.perform(connect_to(listener, fd))));
    });
    with_listener("of what listens itself", [](Driver& driver, Listener& listener) {
        const ConnectRequest request{listener.fd(), listener.address(), listener.length()};
        CHECK(is_one_of({-EISCONN, -EINVAL}, driver.perform(request)));
    });
    with_listener("with an address that is none", [](Driver& driver, Listener& listener) {
        const UniqueFd fd = listener.socket();
        CHECK(driver.perform(ConnectRequest{fd.get(), listener.address(), 1}) == -EINVAL);
    });
    with_listener("cancelled in its batch", [](Driver& driver, Listener& listener) {
        const UniqueFd fd = listener.socket();
        const Driver::Id id = driver.submit(connect_to(listener, fd));
        driver.cancel(id);
        CHECK(is_one_of({0, -ECANCELED, -EINTR}, driver.result_of(id)));
    });
    with_listener("then accept, as one batch", [](Driver& driver, Listener& listener) {
        const UniqueFd fd = listener.socket();
        const Driver::Id accept = driver.submit(AcceptRequest{listener.fd()});
        const Driver::Id connect = driver.submit(connect_to(listener, fd));
        CHECK(driver.result_of(connect) == 0);
        const UniqueFd accepted(driver.result_of(accept));
        CHECK(accepted);
    });
    // 192.0.2.0/24 is nobody's: the connection is being made, or there is no way to it.
    for_each_kernel("to nobody, cancelled", [](const KernelUnderTest& kernel) {
        sockaddr_in nobody{};
        nobody.sin_family = AF_INET;
        nobody.sin_port = htons(9);
        nobody.sin_addr.s_addr = htonl(0xc000'0201);
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        Driver driver(kernel);
        const Driver::Id id = driver.submit(
            ConnectRequest{fd.get(), reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody});
        driver.turn();
        const int result = driver.cancelled_result_of(id);
        INFO("result " << result);
        CHECK(result < 0);
    });
}

TEST_CASE("kernel contract: accept", "[uring]") {
    with_listener("of three, in one batch", [](Driver& driver, Listener& listener) {
        std::vector<UniqueFd> clients;
        std::vector<Driver::Id> ids;
        for (int i = 0; i < 3; ++i) {
            clients.push_back(listener.client());
            ids.push_back(driver.submit(AcceptRequest{listener.fd()}));
        }
        for (const Driver::Id id : ids) {
            CHECK(UniqueFd(driver.result_of(id)));
        }
    });
    for (const int flags : {0, static_cast<int>(SOCK_NONBLOCK)}) {
        with_listener(flags == 0 ? "that blocks" : "that does not block",
                      [&](Driver& driver, Listener& listener) {
                          const UniqueFd client = listener.client();
                          const UniqueFd fd(driver.perform(AcceptRequest{listener.fd(), flags}));
                          REQUIRE(fd);
                          CHECK(is_blocking(fd.get()) == (flags == 0));
                      });
    }
    with_listener("of a client that is gone by then", [](Driver& driver, Listener& listener) {
        listener.client().reset();
        const UniqueFd fd(driver.perform(AcceptRequest{listener.fd()}));
        REQUIRE(fd);
        std::array<char, 1> byte{};
        CHECK(driver.perform(RecvRequest{fd.get(), byte.data(), 1}) == 0);
    });
    for_each_pair("of what does not listen", [](Driver& driver, Ends& ends) {
        CHECK(driver.perform(AcceptRequest{ends.near.get()}) == -EINVAL);
    });
    for_each_kernel("of what is no socket", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Ends ends = Ends::pipe();
        CHECK(driver.perform(AcceptRequest{ends.near.get()}) == -ENOTSOCK);
        CHECK(is_blocking(ends.near.get()));
    });
}

TEST_CASE("kernel contract: recv and send", "[uring]") {
    std::array<char, 16> bytes{};
    for_each_pair("data before the end", [&](Driver& driver, Ends& ends) {
        ends.write("abc");
        ends.far.reset();
        CHECK(driver.perform(RecvRequest{ends.near.get(), bytes.data(), bytes.size()}) == 3);
        CHECK(driver.perform(RecvRequest{ends.near.get(), bytes.data(), bytes.size()}) == 0);
    });
    for_each_pair("less than there is", [&](Driver& driver, Ends& ends) {
        ends.write("abc");
        CHECK(driver.perform(RecvRequest{ends.near.get(), bytes.data(), 2}) == 2);
        CHECK(driver.perform(RecvRequest{ends.near.get(), bytes.data(), 2}) == 1);
        CHECK(bytes[0] == 'c');
    });
    for_each_pair("peeking takes nothing", [&](Driver& driver, Ends& ends) {
        ends.write("abc");
        const RecvRequest peek{ends.near.get(), bytes.data(), bytes.size(), MSG_PEEK};
        CHECK(driver.perform(peek) == 3);
        CHECK(driver.perform(peek) == 3);
    });
    for_each_pair("without waiting", [&](Driver& driver, Ends& ends) {
        const RecvRequest recv{ends.near.get(), bytes.data(), bytes.size(), MSG_DONTWAIT};
        CHECK(driver.perform(recv) == -EAGAIN);
        fill(ends);
        CHECK(driver.perform(SendRequest{ends.near.get(), "x", 1, MSG_DONTWAIT}) == -EAGAIN);
    });
    for_each_pair("all of four bytes that come one by one", [&](Driver& driver, Ends& ends) {
        const Driver::Id id =
            driver.submit(RecvRequest{ends.near.get(), bytes.data(), 4, MSG_WAITALL});
        for (const char* const byte : {"a", "b", "c"}) {
            ends.write(byte);
            driver.turn();
            CHECK(driver.result(id) == not_over);
        }
        ends.write("d");
        CHECK(driver.result_of(id) == 4);
        CHECK(std::string(bytes.data(), 4) == "abcd");
    });
    for_each_pair("all of four bytes, of which two come, and a cancel",
                  [&](Driver& driver, Ends& ends) {
                      const Driver::Id id =
                          driver.submit(RecvRequest{ends.near.get(), bytes.data(), 4, MSG_WAITALL});
                      ends.write("ab");
                      driver.turn();
                      CHECK(driver.result(id) == not_over);
                      CHECK(driver.cancelled_result_of(id) == 2);
                  });
    for_each_pair("all of four bytes, of which two come, and the end",
                  [&](Driver& driver, Ends& ends) {
                      const Driver::Id id =
                          driver.submit(RecvRequest{ends.near.get(), bytes.data(), 4, MSG_WAITALL});
                      ends.write("ab");
                      driver.turn();
                      ends.far.reset();
                      CHECK(driver.result_of(id) == 2);
                  });
    for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
        for_each_kernel(type == SOCK_DGRAM ? "all of a datagram" : "all of two packets",
                        [&](const KernelUnderTest& kernel) {
                            const Ends ends = Ends::sockets(Family::local, type);
                            Driver driver(kernel);
                            ends.write("abc");
                            const Driver::Id id = driver.submit(
                                RecvRequest{ends.near.get(), bytes.data(), 4, MSG_WAITALL});
                            driver.turn();
                            // Kernel: io_uring goes on with packets, and not with datagrams.
                            CHECK(driver.result(id) == (type == SOCK_DGRAM ? 3 : not_over));
                            ends.write("d");
                            CHECK(driver.result_of(id) == (type == SOCK_DGRAM ? 3 : 4));
                        });
    }
    for_each_pair("all of what has no room, bit by bit", [&](Driver& driver, Ends& ends) {
        const std::vector<char> much(4 << 20, 'm');
        const Driver::Id id =
            driver.submit(SendRequest{ends.near.get(), much.data(), much.size(), MSG_WAITALL});
        std::size_t received = 0;
        while (received < much.size()) {
            driver.enter();
            received += read_now(ends.far.get()).size();
        }
        CHECK(driver.result_of(id) == static_cast<int>(much.size()));
        CHECK(received == much.size());
    });
    for_each_pair("as much as there is room for", [&](Driver& driver, Ends& ends) {
        const std::vector<char> much(16 << 20, 'm');
        const int result = driver.perform(SendRequest{ends.near.get(), much.data(), much.size()});
        CHECK(result > 0);
        CHECK(result < static_cast<int>(much.size()));
    });
    for_each_pair("to a side that is gone", [&](Driver& driver, Ends& ends) {
        ends.far.reset();
        driver.perform(SendRequest{ends.near.get(), "x", 1});  // TCP learns of it by this one
        CHECK(driver.perform(SendRequest{ends.near.get(), "x", 1}) == -EPIPE);
    });
    for_each_pair("into memory that is none", [&](Driver& driver, Ends& ends) {
        ends.write("abc");
        void* const nowhere = reinterpret_cast<void*>(std::uintptr_t{8});
        CHECK(driver.perform(RecvRequest{ends.near.get(), nowhere, 3}) == -EFAULT);
    });
    for_each_kernel("a reset that waits", [&](const KernelUnderTest& kernel) {
        Ends ends = Ends::sockets(Family::tcp);
        Driver driver(kernel);
        const Driver::Id id =
            driver.submit(RecvRequest{ends.near.get(), bytes.data(), bytes.size()});
        driver.turn();
        reset_connection(ends.far);
        CHECK(driver.result_of(id) == -ECONNRESET);
        CHECK(driver.perform(RecvRequest{ends.near.get(), bytes.data(), bytes.size()}) == 0);
        CHECK(driver.perform(SendRequest{ends.near.get(), "x", 1}) == -EPIPE);
    });
    for_each_kernel("of what is no socket", [&](const KernelUnderTest& kernel) {
        const Ends ends = Ends::pipe();
        Driver driver(kernel);
        CHECK(driver.perform(RecvRequest{ends.near.get(), bytes.data(), 1}) == -ENOTSOCK);
        CHECK(driver.perform(SendRequest{ends.far.get(), "x", 1}) == -ENOTSOCK);
    });
    for_each_kernel("of a socket without a connection", [&](const KernelUnderTest& kernel) {
        const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        Driver driver(kernel);
        CHECK(driver.perform(RecvRequest{fd.get(), bytes.data(), 1}) == -ENOTCONN);
        CHECK(is_one_of({-EPIPE, -ENOTCONN}, driver.perform(SendRequest{fd.get(), "x", 1})));
    });
}

TEST_CASE("kernel contract: shutdown", "[uring]") {
    std::array<char, 16> bytes{};
    for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR}) {
        for_each_pair(
            how == SHUT_RD   ? "of reading"
            : how == SHUT_WR ? "of writing"
                             : "of both",
            [&](Driver& driver, Ends& ends) {
                CHECK(driver.perform(ShutdownRequest{ends.near.get(), how}) == 0);
                const bool reads = how == SHUT_WR;
                const bool writes = how == SHUT_RD;
                if (reads) {
                    ends.write("x");
                }
                CHECK(driver.perform(RecvRequest{ends.near.get(), bytes.data(), 1}) ==
                      (reads ? 1 : 0));
                CHECK(driver.perform(SendRequest{ends.near.get(), "x", 1}) ==
                      (writes ? 1 : -EPIPE));
                if (!writes) {
                    CHECK(driver.perform(RecvRequest{ends.far.get(), bytes.data(), 1}) == 0);
                }
            });
    }
    for_each_pair("ends a receive that waits", [&](Driver& driver, Ends& ends) {
        const Driver::Id id = driver.submit(RecvRequest{ends.near.get(), bytes.data(), 1});
        driver.turn();
        CHECK(driver.perform(ShutdownRequest{ends.near.get(), SHUT_RD}) == 0);
        CHECK(driver.result_of(id) == 0);
    });
    for_each_pair("ends a send that waits", [&](Driver& driver, Ends& ends) {
        fill(ends.near.get());
        const Driver::Id id = driver.submit(SendRequest{ends.near.get(), "x", 1});
        driver.turn();
        CHECK(driver.perform(ShutdownRequest{ends.near.get(), SHUT_WR}) == 0);
        CHECK(driver.result_of(id) == -EPIPE);
    });
    for_each_pair("in a way there is not", [&](Driver& driver, Ends& ends) {
        CHECK(driver.perform(ShutdownRequest{ends.near.get(), 7}) == -EINVAL);
    });
    for_each_kernel(
        "of what has no connection, and of no socket", [](const KernelUnderTest& kernel) {
            const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            const Ends ends = Ends::pipe();
            Driver driver(kernel);
            CHECK(driver.perform(ShutdownRequest{fd.get(), SHUT_RDWR}) == -ENOTCONN);
            CHECK(driver.perform(ShutdownRequest{ends.near.get(), SHUT_RDWR}) == -ENOTSOCK);
            CHECK(driver.perform(ShutdownRequest{-1, SHUT_RDWR}) == -EBADF);
        });
}

// Kernel: io_uring tells POLLRDHUP to those who did not ask.
TEST_CASE("kernel contract: a poll for room, and the other side stops sending", "[uring]") {
    for_each_pair("half closed", [](Driver& driver, Ends& ends) {
        fill(ends.near.get());
        const Driver::Id id = driver.submit(PollRequest{ends.near.get(), POLLOUT});
        driver.turn();
        REQUIRE(::shutdown(ends.far.get(), SHUT_WR) == 0);
        driver.turn();
        CHECK(is_one_of({not_over, POLLRDHUP}, driver.result(id)));
    });
}
