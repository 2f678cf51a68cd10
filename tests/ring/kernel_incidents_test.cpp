// What went wrong elsewhere, first part: several requests, cancels, and numbers of descriptors that
// are used again. Each case names the incident.
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

using Id = Driver::Id;

template <class Body>
void with_incident(Body body) {
    for_each_kernel("", [&](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        body(driver);
    });
}

// A descriptor with the number of another one, which is closed.
UniqueFd reused(int number, UniqueFd fresh) {
    if (fresh.get() == number) {
        return fresh;
    }
    UniqueFd moved(::dup3(fresh.get(), number, O_CLOEXEC));
    REQUIRE(moved.get() == number);
    return moved;
}

}  // namespace

TEST_CASE("kernel incident 13, compio#345: a cancel on a silent descriptor waits for no event",
          "[uring]") {
    with_incident([](Driver& driver) {
        const Ends ends = Ends::sockets(Family::tcp);
        const Listener listener(Family::tcp);
        std::array<char, 8> bytes{};
        const Id recv = driver.submit(RecvRequest{ends.near.get(), bytes.data(), bytes.size()});
        const Id accept = driver.submit(AcceptRequest{listener.fd()});
        driver.turn();
        driver.cancel(recv);
        driver.cancel(accept);
        driver.turn();
        CHECK(driver.result(recv) == -ECANCELED);
        CHECK(driver.result(accept) == -ECANCELED);
    });
}

TEST_CASE("kernel incident 14, compio#66: of two receives on one descriptor none is forgotten",
          "[uring]") {
    with_incident([](Driver& driver) {
        const Ends ends = Ends::sockets(Family::local);
        std::array<std::array<char, 1>, 2> bytes{};
        const Id first = driver.submit(RecvRequest{ends.near.get(), bytes[0].data(), 1});
        const Id second = driver.submit(RecvRequest{ends.near.get(), bytes[1].data(), 1});
        driver.turn();
        ends.write("ab");
        CHECK(driver.result_of(first) == 1);
        CHECK(driver.result_of(second) == 1);
        // Kernel: io_uring serves the last one first.
        CHECK(bytes[0][0] + bytes[1][0] == 'a' + 'b');
        if (driver.kernel().name() == "epoll") {
            CHECK(bytes[0][0] == 'a');
        }
    });
}

TEST_CASE("kernel incident 15, compio#636: one event for three requests ends each once",
          "[uring]") {
    with_incident([](Driver& driver) {
        const NoSigpipe no_sigpipe;
        Ends ends = Ends::sockets(Family::local);
        std::array<char, 8> bytes{};
        fill(ends.near.get());
        const std::vector<Id> ids = {
            driver.submit(RecvRequest{ends.near.get(), bytes.data(), bytes.size()}),
            driver.submit(SendRequest{ends.near.get(), "s", 1}),
            driver.submit(PollRequest{ends.near.get(), POLLIN | POLLOUT})};
        driver.turn();
        ends.far.reset();
        for (const Id id : ids) {
            driver.until_over(id);
        }
        driver.turn();
        for (const Id id : ids) {
            CHECK(driver.seen(id).size() == 1);
        }
    });
}

TEST_CASE("kernel incident 16, kaappi#1462: an event finds the reader gone and serves the writer",
          "[uring]") {
    with_incident([](Driver& driver) {
        const Ends ends = Ends::sockets(Family::local);
        std::array<char, 8> bytes{};
        fill(ends.near.get());
        const Id recv = driver.submit(RecvRequest{ends.near.get(), bytes.data(), bytes.size()});
        const Id send = driver.submit(SendRequest{ends.near.get(), "s", 1});
        driver.turn();
        driver.cancel(recv);
        driver.turn();
        for (int round = 0; round < 3; ++round) {
            ends.write("x");  // nobody reads
            driver.turn();
        }
        CHECK(driver.result(send) == not_over);
        read_now(ends.far.get());
        CHECK(driver.result_of(send) == 1);
    });
}

TEST_CASE("kernel incident 18, io-event#71: a number used again is no old acquaintance",
          "[uring]") {
    for (const bool by_request : {false, true}) {
        for_each_kernel(
            by_request ? "closed by a request" : "closed here", [&](const KernelUnderTest& kernel) {
                Driver driver(kernel);
                std::array<char, 8> bytes{};
                int number = -1;
                for (int round = 0; round < 50; ++round) {
                    Ends ends = round % 2 == 0 ? Ends::pipe() : Ends::sockets(Family::local);
                    if (number >= 0) {
                        ends.near = reused(number, std::move(ends.near));
                    }
                    number = ends.near.get();
                    const Id id = driver.submit(ReadRequest{number, bytes.data(), bytes.size()});
                    driver.turn();
                    REQUIRE(driver.result(id) == not_over);
                    if (round % 3 != 0) {
                        ends.write("x");
                        REQUIRE(driver.result_of(id) == 1);
                    } else {
                        REQUIRE(driver.cancelled_result_of(id) == -ECANCELED);
                    }
                    if (by_request) {
                        REQUIRE(driver.perform(CloseRequest{ends.near.release()}) == 0);
                    }
                }
            });
    }
}

TEST_CASE("kernel incident 18, io-event#71: a number used again while its old file lives on",
          "[uring]") {
    with_incident([](Driver& driver) {
        std::array<char, 8> bytes{};
        Ends old = Ends::sockets(Family::local);
        const int number = old.near.get();
        const UniqueFd copy(::fcntl(number, F_DUPFD_CLOEXEC, 0));
        const Id first = driver.submit(RecvRequest{number, bytes.data(), bytes.size()});
        driver.turn();
        CHECK(driver.cancelled_result_of(first) == -ECANCELED);
        Ends fresh = Ends::sockets(Family::local);
        old.near.reset();
        fresh.near = reused(number, std::move(fresh.near));
        const Id second = driver.submit(RecvRequest{number, bytes.data(), bytes.size()});
        driver.turn();
        old.write("not for you");
        driver.turn(5);
        CHECK(driver.result(second) == not_over);
        fresh.write("x");
        CHECK(driver.result_of(second) == 1);
        CHECK(bytes[0] == 'x');
    });
}

TEST_CASE("kernel incident 19, re#266: an event of a closed descriptor hits no new one",
          "[uring]") {
    with_incident([](Driver& driver) {
        std::array<char, 8> bytes{};
        Ends first = Ends::sockets(Family::local);
        Ends second = Ends::sockets(Family::local);
        const std::vector<Id> ids = {
            driver.submit(RecvRequest{first.near.get(), bytes.data(), 1}),
            driver.submit(RecvRequest{second.near.get(), bytes.data() + 1, 1})};
        driver.turn();
        first.write("ab");
        second.write("cd");
        CHECK(driver.result_of(ids[0]) == 1);
        CHECK(driver.result_of(ids[1]) == 1);
        // Both have more to tell when they are closed, and others take their numbers.
        const int number = second.near.get();
        Ends fresh = Ends::sockets(Family::local);
        second.near.reset();
        fresh.near = reused(number, std::move(fresh.near));
        const Id id = driver.submit(RecvRequest{number, bytes.data(), 1});
        driver.turn(5);
        CHECK(driver.result(id) == not_over);
        fresh.write("x");
        CHECK(driver.result_of(id) == 1);
    });
}

TEST_CASE("kernel incident 22, libxev#230: the cancel of what is over spares the next one",
          "[uring]") {
    with_incident([](Driver& driver) {
        std::array<char, 8> bytes{};
        Ends old = Ends::sockets(Family::local);
        const int number = old.near.get();
        old.write("x");
        const Id first = driver.submit(RecvRequest{number, bytes.data(), 1});
        CHECK(driver.result_of(first) == 1);
        Ends fresh = Ends::sockets(Family::local);
        old.near.reset();
        fresh.near = reused(number, std::move(fresh.near));
        const Id second = driver.submit(RecvRequest{number, bytes.data(), 1});
        driver.turn();
        CHECK(driver.result_of(driver.ask_cancel(first)) == -ENOENT);
        driver.turn();
        CHECK(driver.result(second) == not_over);
        fresh.write("y");
        CHECK(driver.result_of(second) == 1);
    });
}

TEST_CASE("kernel incident 23, libxev#231: who cancels and closes is seen to go", "[uring]") {
    with_incident([](Driver& driver) {
        std::array<char, 8> bytes{};
        Ends ends = Ends::sockets(Family::tcp);
        const Id id = driver.submit(RecvRequest{ends.near.get(), bytes.data(), 1});
        driver.turn();
        CHECK(driver.cancelled_result_of(id) == -ECANCELED);
        ends.near.reset();
        pollfd end{ends.far.get(), POLLIN, 0};
        REQUIRE(::poll(&end, 1, 10'000) == 1);
        CHECK(::recv(ends.far.get(), bytes.data(), 1, MSG_DONTWAIT) == 0);
    });
}

TEST_CASE("kernel incident 24, libxev#234: a stale event of the batch wakes nobody twice",
          "[uring]") {
    with_incident([](Driver& driver) {
        std::array<char, 8> bytes{};
        std::vector<Ends> ends;
        std::vector<Id> ids;
        for (std::size_t at = 0; at < 8; ++at) {
            ends.push_back(Ends::sockets(Family::local));
            ids.push_back(driver.submit(RecvRequest{ends[at].near.get(), &bytes[at], 1}));
        }
        driver.turn();
        for (const Ends& each : ends) {
            each.write("x");
        }
        for (std::size_t at = 0; at < 8; at += 2) {
            driver.cancel(ids[at]);  // the event is there already
        }
        driver.turn();
        for (std::size_t at = 0; at < 8; ++at) {
            REQUIRE(driver.seen(ids[at]).size() == 1);
            const bool taken = driver.result(ids[at]) == 1;
            CHECK((taken || driver.result(ids[at]) == -ECANCELED));
            CHECK(read_now(ends[at].near.get()) == (taken ? "" : "x"));
        }
    });
}

TEST_CASE("kernel incident 41, compio#315: an accept cancelled as it completes loses no client",
          "[uring]") {
    for (const Family family : {Family::tcp, Family::local}) {
        for_each_kernel(family == Family::tcp ? "tcp" : "unix", [&](const KernelUnderTest& kernel) {
            Driver driver(kernel);
            const Listener listener(family);
            for (int round = 0; round < 100; ++round) {
                const Id id = driver.submit(AcceptRequest{listener.fd()});
                if (round % 2 == 0) {
                    driver.enter();
                }
                const UniqueFd client = listener.client();
                if (round % 3 == 0) {
                    driver.enter();
                }
                driver.cancel(id);
                driver.until_over(id);
                UniqueFd accepted;
                if (driver.result(id) >= 0) {
                    accepted.reset(driver.result(id));
                } else {
                    REQUIRE(driver.result(id) == -ECANCELED);
                    accepted.reset(driver.perform(AcceptRequest{listener.fd()}));
                }
                REQUIRE(accepted);
                REQUIRE(::send(client.get(), "x", 1, MSG_NOSIGNAL) == 1);
                pollfd entry{accepted.get(), POLLIN, 0};
                REQUIRE(::poll(&entry, 1, 10'000) == 1);
                REQUIRE(read_now(accepted.get()) == "x");
            }
        });
    }
}

TEST_CASE("kernel incident 43, libuv#5227: a cancel's answer and the result agree, files too",
          "[uring]") {
    with_incident([](Driver& driver) {
        char name[] = "/tmp/ringio_incident_XXXXXX";
        const UniqueFd file(::mkostemp(name, O_CLOEXEC));
        REQUIRE(file);
        ::unlink(name);
        for (int round = 0; round < 50; ++round) {
            std::vector<Id> ids;
            std::vector<Id> cancels;
            for (int each = 0; each < 10; ++each) {
                ids.push_back(driver.submit(FsyncRequest{file.get(), true}));
            }
            for (const Id id : ids) {
                cancels.push_back(driver.ask_cancel(id));
            }
            for (std::size_t at = 0; at < ids.size(); ++at) {
                const int answer = driver.result_of(cancels[at]);
                const int result = driver.result_of(ids[at]);
                INFO("answer " << answer << ", result " << result);
                const Outcomes expected = answer == 0         ? cancel_results
                                          : answer == -ENOENT ? Outcomes{0}
                                                              : Outcomes{0, -EINTR, -ECANCELED};
                CHECK(is_one_of({0, -ENOENT, -EALREADY}, answer));
                CHECK(is_one_of(expected, result));
            }
        }
    });
}

TEST_CASE("kernel incident 46, helio#624: a cancel ends what it names and nothing else",
          "[uring]") {
    with_incident([](Driver& driver) {
        std::array<char, 8> bytes{};
        const Ends ends = Ends::sockets(Family::local);
        fill(ends.near.get());
        const std::vector<Id> ids = {driver.submit(RecvRequest{ends.near.get(), bytes.data(), 1}),
                                     driver.submit(RecvRequest{ends.near.get(), bytes.data(), 1}),
                                     driver.submit(SendRequest{ends.near.get(), "s", 1}),
                                     driver.submit(PollRequest{ends.near.get(), POLLIN})};
        driver.turn();
        for (std::size_t at = 0; at < ids.size(); ++at) {
            driver.cancel(ids[at]);
            driver.turn();
            for (std::size_t other = 0; other < ids.size(); ++other) {
                CHECK(driver.result(ids[other]) == (other <= at ? -ECANCELED : not_over));
            }
        }
    });
}
