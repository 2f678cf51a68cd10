// What went wrong elsewhere, second part: servers that have nothing to do and use a processor for
// it, because a descriptor tells again and again what nobody wants to know.
#include "kernel_contract.hpp"
#include "kernel_sockets.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;
using namespace std::chrono_literals;

namespace {

using Id = Driver::Id;

std::chrono::nanoseconds time_of_thread() {
    timespec time{};
    REQUIRE(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::uint64_t registrations_of(Driver& driver) {
    return testing::registrations_of(driver.kernel());
}

// Sleeps for a while, in which nothing is to happen: neither does the sleep end, nor is the
// processor used. How long it took in all says nothing and is not looked at.
void check_idle(Driver& driver) {
    driver.turn(5);  // what came before may be told once
    const std::size_t ended = driver.ended().size();
    const std::uint64_t registrations = registrations_of(driver);
    const auto used = time_of_thread();
    const auto end = driver.kernel().now() + 50ms;
    int returns = 0;
    while (driver.kernel().now() < end) {
        driver.enter_for(true, end - driver.kernel().now());
        ++returns;
    }
    CHECK(returns < 20);
    if (std::getenv("RINGIO_EMULATED") == nullptr) {  // by tests/kernels/in_vm.py
        CHECK(time_of_thread() - used < 10ms);
    }
    CHECK(registrations_of(driver) - registrations < 200);
    CHECK(driver.ended().size() == ended);
}

template <class Body>
void with_idle(std::string_view title, Body body) {
    for_each_kernel(title, [&](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        body(driver);
    });
}

// One byte was received from `ends`: the kernel knows the descriptor, and nobody waits on it.
void receive_once(Driver& driver, const Ends& ends) {
    std::array<char, 1> byte{};
    const Id id = driver.submit(RecvRequest{ends.near.get(), byte.data(), 1});
    driver.turn();
    ends.write("x");
    REQUIRE(driver.result_of(id) == 1);
}

// Others wait, so that the kernel has a reason to look.
class Bystander {
public:
    explicit Bystander(Driver& driver)
        : driver_(driver), id_(driver.submit(PollRequest{ends_.near.get(), POLLIN})) {
        driver.turn();
    }
    Bystander(const Bystander&) = delete;
    Bystander& operator=(const Bystander&) = delete;
    ~Bystander() {
        CHECK(driver_.result(id_) == not_over);
        CHECK(driver_.cancelled_result_of(id_) == -ECANCELED);
    }

private:
    Driver& driver_;
    Ends ends_ = Ends::sockets(Family::local);
    Id id_;
};

enum class Gone { closed, reset, half_closed };

void go(Ends& ends, Gone how) {
    switch (how) {
        case Gone::closed:
            return ends.far.reset();
        case Gone::reset:
            return reset_connection(ends.far);
        case Gone::half_closed:
            REQUIRE(::shutdown(ends.far.get(), SHUT_WR) == 0);
    }
}

// Takes every descriptor that there is, of not too many.
class AllDescriptors {
public:
    AllDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        rlimit few = before_;
        few.rlim_cur = 256;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
        for (int fd = ::eventfd(0, EFD_CLOEXEC); fd >= 0; fd = ::eventfd(0, EFD_CLOEXEC)) {
            taken_.emplace_back(fd);
        }
        REQUIRE(errno == EMFILE);
    }
    AllDescriptors(const AllDescriptors&) = delete;
    AllDescriptors& operator=(const AllDescriptors&) = delete;
    ~AllDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
    std::vector<UniqueFd> taken_;
};

}  // namespace

TEST_CASE("kernel incident 20, libuv#4323: the copy of a closed descriptor keeps nobody awake",
          "[uring]") {
    for (const bool data : {true, false}) {
        with_idle(data ? "data comes" : "the other side goes", [&](Driver& driver) {
            const Bystander bystander(driver);
            Ends ends = Ends::sockets(Family::local);
            receive_once(driver, ends);
            const UniqueFd copy(::fcntl(ends.near.get(), F_DUPFD_CLOEXEC, 0));
            ends.near.reset();
            if (data) {
                ends.write("nobody reads this");
            } else {
                ends.far.reset();
            }
            check_idle(driver);
        });
    }
    with_idle("data comes, and no descriptor is left", [](Driver& driver) {
        const Bystander bystander(driver);
        Ends ends = Ends::sockets(Family::local);
        receive_once(driver, ends);
        const UniqueFd copy(::fcntl(ends.near.get(), F_DUPFD_CLOEXEC, 0));
        ends.near.reset();
        const AllDescriptors taken;
        ends.write("nobody reads this");
        check_idle(driver);
    });
    with_idle("the number is in use again, and somebody waits on it", [](Driver& driver) {
        const Bystander bystander(driver);
        Ends ends = Ends::sockets(Family::local);
        receive_once(driver, ends);
        const int number = ends.near.get();
        const UniqueFd copy(::fcntl(number, F_DUPFD_CLOEXEC, 0));
        const Ends fresh = Ends::sockets(Family::local);
        REQUIRE(::dup3(fresh.near.get(), number, O_CLOEXEC) == number);
        std::array<char, 1> byte{};
        const Id id = driver.submit(RecvRequest{number, byte.data(), 1});
        driver.turn();
        ends.write("nobody reads this");
        driver.turn(200);  // it may take the kernel a while to find out
        check_idle(driver);
        CHECK(driver.result(id) == not_over);
        fresh.write("y");
        CHECK(driver.result_of(id) == 1);
        CHECK(byte[0] == 'y');
    });
}

TEST_CASE("kernel incident 21, libuv#1099: a child holds what was closed here", "[uring]") {
    with_idle("data comes, and the other side goes", [](Driver& driver) {
        const Bystander bystander(driver);
        Ends ends = Ends::sockets(Family::local);
        Ends life = Ends::pipe();
        receive_once(driver, ends);
        const pid_t child = ::fork();
        if (child == 0) {  // holds all descriptors until the pipe is closed
            ::close(life.far.get());
            char byte = 0;
            const ssize_t end = ::read(life.near.get(), &byte, 1);
            ::_exit(end == 0 ? 0 : 1);
        }
        REQUIRE(child > 0);
        ends.near.reset();
        ends.write("nobody reads this");
        check_idle(driver);
        ends.far.reset();
        check_idle(driver);
        life.far.reset();
        int status = -1;
        CHECK(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    });
}

TEST_CASE("kernel incidents 26 and 27, h2o#603, seastar#65: the other side goes, nobody waits",
          "[uring]") {
    for (const Gone how : {Gone::closed, Gone::reset, Gone::half_closed}) {
        const std::string name = how == Gone::closed  ? "closed"
                                 : how == Gone::reset ? "reset"
                                                      : "half closed";
        with_idle(name + " after a receive", [&](Driver& driver) {
            const Bystander bystander(driver);
            Ends ends = Ends::sockets(Family::tcp);
            receive_once(driver, ends);
            go(ends, how);
            check_idle(driver);
        });
        with_idle(name + " after a receive that was cancelled", [&](Driver& driver) {
            const Bystander bystander(driver);
            Ends ends = Ends::sockets(Family::tcp);
            std::array<char, 1> byte{};
            const Id id = driver.submit(RecvRequest{ends.near.get(), byte.data(), 1});
            driver.turn();
            CHECK(driver.cancelled_result_of(id) == -ECANCELED);
            go(ends, how);
            check_idle(driver);
        });
        with_idle(name + " after a multishot receive that ended", [&](Driver& driver) {
            const Bystander bystander(driver);
            Ends ends = Ends::sockets(Family::tcp);
            driver.buffers();
            const Id id = driver.submit(RecvMultishotRequest{ends.near.get(), 0});
            driver.turn();
            go(ends, how);
            driver.until_over(id);
            check_idle(driver);
        });
    }
}

TEST_CASE("kernel incident 28, bun#37928: the peer of a Unix socket is gone, ours stays open",
          "[uring]") {
    with_idle("nobody waits, then somebody writes", [](Driver& driver) {
        const Bystander bystander(driver);
        Ends ends = Ends::sockets(Family::local);
        receive_once(driver, ends);
        ends.far.reset();
        check_idle(driver);
        CHECK(driver.perform(SendRequest{ends.near.get(), "x", 1}) == -EPIPE);
        check_idle(driver);
    });
}

TEST_CASE("kernel incident 29, pjproject#3188: data comes and nobody receives", "[uring]") {
    for (const Family family : {Family::tcp, Family::local}) {
        with_idle(family == Family::tcp ? "tcp" : "unix", [&](Driver& driver) {
            const Bystander bystander(driver);
            const Ends ends = Ends::sockets(family);
            receive_once(driver, ends);
            ends.write("later");
            check_idle(driver);
            std::array<char, 8> bytes{};
            CHECK(driver.perform(RecvRequest{ends.near.get(), bytes.data(), 8}) == 5);
        });
    }
}

TEST_CASE("kernel incident 32, netty#4082: half closed by the peer, and we still write",
          "[uring]") {
    with_idle("the writer waits for room", [](Driver& driver) {
        const Ends ends = Ends::sockets(Family::tcp);
        receive_once(driver, ends);
        fill(ends.near.get());
        const Id send = driver.submit(SendRequest{ends.near.get(), "s", 1});
        driver.turn();
        REQUIRE(::shutdown(ends.far.get(), SHUT_WR) == 0);
        check_idle(driver);
        // Kernel: io_uring tries again for POLLRDHUP, and TCP may have room for one byte.
        CHECK(is_one_of({not_over, 1}, driver.result(send)));
        while (!driver.is_over(send)) {
            read_now(ends.far.get());
            driver.enter();
        }
        CHECK(driver.result(send) == 1);
    });
    with_idle("data waits for a reader, and the writer for room", [](Driver& driver) {
        const Ends ends = Ends::sockets(Family::local);
        receive_once(driver, ends);
        fill(ends.near.get());
        const Id send = driver.submit(SendRequest{ends.near.get(), "s", 1});
        driver.turn();
        ends.write("nobody reads this");
        check_idle(driver);
        CHECK(driver.result(send) == not_over);
    });
}

TEST_CASE("kernel incidents 26 to 32: a hundred connections in every state of going", "[uring]") {
    with_idle("all at once", [](Driver& driver) {
        std::deque<Ends> ends;
        driver.buffers();
        std::vector<Id> readers;
        for (int at = 0; at < 100; ++at) {
            ends.push_back(Ends::sockets(at % 2 == 0 ? Family::tcp : Family::local));
            receive_once(driver, ends.back());
            if (at % 3 == 0) {
                readers.push_back(driver.submit(RecvMultishotRequest{ends.back().near.get(), 0}));
            }
        }
        driver.turn();
        for (int at = 0; at < 100; ++at) {
            Ends& each = ends[static_cast<std::size_t>(at)];
            if (at % 6 == 3 || at % 7 == 0) {
                continue;  // stays
            }
            if (at % 5 == 0) {
                each.write("x");
            }
            go(each, at % 2 != 0 ? (at % 4 == 1 ? Gone::closed : Gone::half_closed)
                                 : static_cast<Gone>(at / 2 % 3));
        }
        check_idle(driver);
        for (const Id id : readers) {
            driver.take_bytes(id);
        }
    });
}

TEST_CASE("kernel incident 25, zio#510: a stream that goes on is registered once", "[uring]") {
    with_idle("fifty echoes on sixteen connections", [](Driver& driver) {
        std::deque<Ends> ends;
        std::vector<Id> readers;
        driver.buffers(16);
        for (int at = 0; at < 16; ++at) {
            ends.push_back(Ends::sockets(Family::local));
            readers.push_back(driver.submit(RecvMultishotRequest{ends.back().near.get(), 0}));
        }
        driver.turn();
        const std::uint64_t before = registrations_of(driver);
        for (int round = 0; round < 50; ++round) {
            for (const Ends& each : ends) {
                each.write("x");
            }
            for (std::size_t at = 0; at < ends.size(); ++at) {
                std::string bytes = driver.take_bytes(readers[at]);
                while (bytes.empty()) {
                    if (driver.is_over(readers[at])) {
                        // Kernel: the io_uring of 6.1 and 6.12 asks for the next buffer before it
                        // looks whether anything is there.
                        REQUIRE(driver.result(readers[at]) == -ENOBUFS);
                        readers[at] = driver.submit(RecvMultishotRequest{ends[at].near.get(), 0});
                    }
                    driver.sleep();
                    bytes = driver.take_bytes(readers[at]);
                }
                CHECK(driver.perform(SendRequest{ends[at].near.get(), "x", 1}) == 1);
                read_now(ends[at].far.get());
            }
        }
        CHECK(registrations_of(driver) - before <= 40);  // of 800 echoes
    });
    with_idle("a receive that waits costs one call", [](Driver& driver) {
        const Ends ends = Ends::sockets(Family::local);
        const std::uint64_t before = registrations_of(driver);
        for (int round = 0; round < 50; ++round) {
            receive_once(driver, ends);
        }
        CHECK(registrations_of(driver) - before <= 51);
    });
}
