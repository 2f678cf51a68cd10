// The two queues and the flags between a Kernel and who drives it.
#include "kernel_contract.hpp"
#include "kernel_sockets.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include <poll.h>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;
using namespace std::chrono_literals;

namespace {

constexpr unsigned news = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;

std::vector<Driver::Id> submit_nops(Driver& driver, int count) {
    std::vector<Driver::Id> ids;
    while (count-- > 0) {
        ids.push_back(driver.submit(NopRequest{}));
    }
    return ids;
}

// So many are over, and nobody reads: what does not fit is told by the flags or not accepted yet.
void check_full(Driver& driver, std::size_t count) {
    CHECK(driver.visible() > 0);
    CHECK(driver.visible() <= driver.queues().cq.ring_entries);
    if (driver.visible() + driver.unread() < count) {
        CHECK((driver.flags() & (news | Kernel::look)) != 0);
    } else {
        CHECK((driver.flags() & IORING_SQ_CQ_OVERFLOW) == 0);
    }
}

// Sleeps until the timeout passed; what interrupts it does not count.
void sleep_out(Driver& driver, std::chrono::nanoseconds timeout) {
    const auto begin = driver.kernel().now();
    int entered = -EINTR;
    while (entered == -EINTR) {
        entered = driver.enter_for(true, begin + timeout - driver.kernel().now());
    }
    CHECK(is_one_of({-ETIME, 0}, entered));  // 0: it was interrupted, and no time was left
    CHECK(driver.kernel().now() - begin >= timeout);
}

// Kernel: io_uring's flag for task work may be set by a worker that was late, and stay for an entry
// more with nothing behind it.
unsigned flags_at_rest(Driver& driver) {
    const unsigned may_stay = driver.kernel().name() == "io_uring" ? IORING_SQ_TASKRUN : 0;
    return driver.flags() & ~may_stay;
}

}  // namespace

TEST_CASE("kernel contract: nop", "[uring]") {
    for_each_kernel("one", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Driver::Id id = driver.submit(NopRequest{});
        CHECK(driver.result(id) == not_over);
        CHECK(driver.enter() == 1);
        CHECK(driver.result(id) == 0);
        CHECK(driver.seen(id)[0].flags == 0);
    });
    for_each_kernel("cancelled in its batch", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Driver::Id id = driver.submit(NopRequest{});
        const Driver::Id cancel = driver.ask_cancel(id);
        CHECK(driver.enter() == 2);
        CHECK(driver.result(id) == 0);
        CHECK(driver.result(cancel) == -ENOENT);
    });
    for_each_kernel("a thousand", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        for (const Driver::Id id : submit_nops(driver, 1000)) {
            CHECK(driver.result_of(id) == 0);
        }
        CHECK(flags_at_rest(driver) == 0);
    });
    for_each_kernel("in the order of submission", [](const KernelUnderTest& kernel) {
        Driver driver(kernel, 16, 16);
        const std::vector<Driver::Id> ids = submit_nops(driver, 10);
        driver.enter();
        CHECK(driver.ended() == ids);
    });
}

TEST_CASE("kernel contract: a request that wants no completion on success gets none", "[uring]") {
    for_each_kernel("success", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Driver::Id loud = driver.submit(NopRequest{});
        driver.cancel_all();  // finds nothing, which is an error for some and none for others
        driver.enter();
        CHECK(driver.result(loud) == 0);
    });
    for_each_kernel("the cancel of a request", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Ends ends = Ends::sockets(Family::local);
        const Driver::Id poll = driver.submit(PollRequest{ends.near.get(), POLLIN});
        driver.turn();
        const Driver::Id cancel = driver.cancel(poll);
        CHECK(driver.result_of(poll) == -ECANCELED);
        driver.turn();
        CHECK(driver.seen(cancel).empty());
    });
    for_each_kernel("failure", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Driver::Id nop = driver.submit(NopRequest{});
        driver.enter();
        const Driver::Id cancel = driver.cancel(nop);
        driver.turn();
        CHECK(driver.result(cancel) == -ENOENT);
    });
}

TEST_CASE("kernel contract: the answer of a cancel of everything", "[uring]") {
    for_each_kernel("nothing is in flight", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        // Kernel: 0 is the number of those it found.
        CHECK(is_one_of({0, -ENOENT}, driver.result_of(driver.ask_cancel_all())));
    });
    for_each_kernel("three are in flight", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Ends ends = Ends::sockets(Family::local);
        std::vector<Driver::Id> polls;
        for (int i = 0; i < 3; ++i) {
            polls.push_back(driver.submit(PollRequest{ends.near.get(), POLLIN}));
        }
        driver.turn();
        CHECK(is_one_of({0, 3}, driver.result_of(driver.ask_cancel_all())));
        for (const Driver::Id poll : polls) {
            CHECK(driver.result_of(poll) == -ECANCELED);
        }
    });
}

TEST_CASE("kernel contract: more completions than the queue has room for", "[uring]") {
    for (const int count : {8, 9, 20, 200}) {
        for_each_kernel(std::to_string(count) + " nops", [&](const KernelUnderTest& kernel) {
            Driver driver(kernel, 8, 8);
            REQUIRE(driver.queues().cq.ring_entries == 8);
            driver.keeps_unreaped = true;
            std::vector<Driver::Id> ids = submit_nops(driver, 8);
            driver.enter();
            check_full(driver, ids.size());
            while (ids.size() < static_cast<std::size_t>(count)) {
                if (driver.unread() == 8) {
                    driver.keeps_unreaped = false;  // it may accept no more until somebody reads
                    driver.reap();
                }
                ids.push_back(driver.submit(NopRequest{}));
            }
            driver.keeps_unreaped = false;
            for (const Driver::Id id : ids) {
                CHECK(driver.result_of(id) == 0);
            }
            // Kernel: TASKRUN may stay for an entry more, with nothing behind it.
            CHECK((driver.flags() & IORING_SQ_CQ_OVERFLOW) == 0);
        });
        for_each_kernel(std::to_string(count) + " cancelled at once, nobody reads",
                        [&](const KernelUnderTest& kernel) {
                            Driver driver(kernel, 8, 8);
                            const Ends ends = Ends::sockets(Family::local);
                            std::vector<Driver::Id> ids;
                            for (int i = 0; i < count; ++i) {
                                ids.push_back(driver.submit(PollRequest{ends.near.get(), POLLIN}));
                            }
                            driver.turn();
                            driver.keeps_unreaped = true;
                            driver.cancel_all();
                            driver.turn();
                            check_full(driver, ids.size());
                            driver.keeps_unreaped = false;
                            for (const Driver::Id id : ids) {
                                CHECK(driver.result_of(id) == -ECANCELED);
                            }
                            CHECK((driver.flags() & IORING_SQ_CQ_OVERFLOW) == 0);
                        });
        for_each_kernel(std::to_string(count) + " ready at once, nobody reads",
                        [&](const KernelUnderTest& kernel) {
                            Driver driver(kernel, 8, 8);
                            const Ends ends = Ends::sockets(Family::local);
                            std::vector<Driver::Id> ids;
                            for (int i = 0; i < count; ++i) {
                                ids.push_back(driver.submit(PollRequest{ends.near.get(), POLLIN}));
                            }
                            driver.turn();
                            driver.keeps_unreaped = true;
                            ends.write("x");
                            driver.turn();
                            check_full(driver, ids.size());
                            driver.keeps_unreaped = false;
                            for (const Driver::Id id : ids) {
                                CHECK(driver.result_of(id) == POLLIN);
                            }
                        });
    }
}

TEST_CASE("kernel contract: queues of one entry each", "[uring]") {
    for_each_kernel("nops, polls and cancels", [](const KernelUnderTest& kernel) {
        Driver driver(kernel, 1, 1);
        const Ends ends = Ends::sockets(Family::local);
        std::vector<Driver::Id> polls;
        for (int i = 0; i < 3; ++i) {
            polls.push_back(driver.submit(PollRequest{ends.near.get(), POLLIN}));
            CHECK(driver.perform(NopRequest{}) == 0);
        }
        CHECK(driver.cancelled_result_of(polls[1]) == -ECANCELED);
        ends.write("x");
        CHECK(driver.result_of(polls[0]) == POLLIN);
        CHECK(driver.result_of(polls[2]) == POLLIN);
    });
    for_each_kernel("receives that wait", [](const KernelUnderTest& kernel) {
        const Ends ends = Ends::sockets(Family::local);
        const Ends others = Ends::sockets(Family::local);
        std::array<char, 8> bytes{};
        Driver driver(kernel, 1, 1);
        driver.buffers();
        const Driver::Id recv = driver.submit(RecvRequest{ends.near.get(), bytes.data(), 8});
        const Driver::Id many = driver.submit(RecvMultishotRequest{others.near.get(), 0});
        driver.turn();
        ends.write("x");
        others.write("y");
        CHECK(driver.result_of(recv) == 1);
        driver.until_seen(many, 1);
        CHECK(driver.take_bytes(many) == "y");
    });
}

TEST_CASE("kernel contract: a full completion queue does not stop cancels and their answers",
          "[uring]") {
    for_each_kernel("polls", [](const KernelUnderTest& kernel) {
        Driver driver(kernel, 4, 4);
        const Ends ends = Ends::sockets(Family::local);
        const Driver::Id poll = driver.submit(PollRequest{ends.near.get(), POLLIN});
        driver.turn();
        driver.keeps_unreaped = true;
        const std::vector<Driver::Id> nops = submit_nops(driver, 4);
        driver.turn();
        const Driver::Id cancel = driver.ask_cancel(poll);
        driver.turn();
        driver.keeps_unreaped = false;
        CHECK(driver.result_of(poll) == -ECANCELED);
        CHECK(driver.result_of(cancel) == 0);
        for (const Driver::Id nop : nops) {
            CHECK(driver.result_of(nop) == 0);
        }
    });
}

TEST_CASE("kernel contract: what enter() returns", "[uring]") {
    for_each_kernel("nothing to do", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        CHECK(driver.enter() == 0);
    });
    for_each_kernel("the number of entries", [](const KernelUnderTest& kernel) {
        Driver driver(kernel, 8);
        submit_nops(driver, 5);
        CHECK(driver.enter() == 5);
        CHECK(driver.unread() == 0);
    });
    for_each_kernel("the number of entries, though they fail", [](const KernelUnderTest& kernel) {
        Driver driver(kernel, 8);
        std::array<char, 8> bytes{};
        std::vector<Driver::Id> ids;
        for (int i = 0; i < 4; ++i) {
            ids.push_back(driver.submit(RecvRequest{-1, bytes.data(), bytes.size()}));
        }
        CHECK(driver.enter() == 4);
        for (const Driver::Id id : ids) {
            CHECK(driver.result_of(id) == -EBADF);
        }
    });
    for_each_kernel("the timeout passed", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        sleep_out(driver, 2ms);
    });
    for_each_kernel("the timeout passed, with requests that wait",
                    [](const KernelUnderTest& kernel) {
                        Driver driver(kernel);
                        const Ends ends = Ends::sockets(Family::local);
                        const Driver::Id poll = driver.submit(PollRequest{ends.near.get(), POLLIN});
                        driver.turn();
                        sleep_out(driver, 1ms);
                        CHECK(driver.result(poll) == not_over);
                    });
    for_each_kernel("a timeout of less than a millisecond", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        sleep_out(driver, 300us);
    });
    for_each_kernel("no time, or less", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        CHECK(is_one_of({0, -ETIME}, driver.enter_for(true, 0s)));
        CHECK(is_one_of({0, -ETIME}, driver.enter_for(true, -1s)));
    });
    for_each_kernel("the longest time there is", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Driver::Id nop = driver.submit(NopRequest{});
        CHECK(driver.enter_for(true, std::chrono::nanoseconds::max()) == 1);
        CHECK(driver.result(nop) == 0);
    });
    for_each_kernel("there is something to read already", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        driver.keeps_unreaped = true;
        driver.submit(NopRequest{});
        driver.enter();
        CHECK(driver.enter_for(true, std::nullopt) == 0);
        driver.keeps_unreaped = false;
        driver.reap();
    });
}

TEST_CASE("kernel contract: the flags", "[uring]") {
    for_each_kernel("at rest there are none", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        CHECK(flags_at_rest(driver) == 0);
        submit_nops(driver, 3);
        driver.turn();
        CHECK(flags_at_rest(driver) == 0);
    });
    for_each_kernel("something that waits is no news", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Ends ends = Ends::sockets(Family::local);
        driver.submit(PollRequest{ends.near.get(), POLLIN});
        driver.turn();
        CHECK((driver.flags() & news) == 0);
    });
    for_each_kernel("something that is ready can be told by the flags",
                    [](const KernelUnderTest& kernel) {
                        Driver driver(kernel);
                        const Ends ends = Ends::sockets(Family::local);
                        const Driver::Id poll = driver.submit(PollRequest{ends.near.get(), POLLIN});
                        driver.turn();
                        ends.write("x");
                        CHECK((driver.flags() & (news | Kernel::look)) != 0);
                        CHECK(driver.result_of(poll) == POLLIN);
                        driver.turn();
                        CHECK(flags_at_rest(driver) == 0);
                    });
    for_each_kernel("after a cancel there are none", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Ends ends = Ends::sockets(Family::local);
        const Driver::Id poll = driver.submit(PollRequest{ends.near.get(), POLLIN});
        driver.turn();
        CHECK(driver.cancelled_result_of(poll) == -ECANCELED);
        driver.turn();
        CHECK(flags_at_rest(driver) == 0);
    });
}

TEST_CASE("kernel contract: a request that no kernel knows is invalid", "[uring]") {
    for_each_kernel("opcode 250", [](const KernelUnderTest& kernel) {
        Driver driver(kernel);
        const Driver::Id id = driver.submit([](io_uring_sqe& sqe) {
            sqe = {};
            sqe.opcode = 250;
        });
        CHECK(driver.result_of(id) == -EINVAL);
        CHECK(driver.perform(NopRequest{}) == 0);
    });
}

TEST_CASE("kernel contract: many wait on many descriptors, and each is served once", "[uring]") {
    for_each_kernel("a hundred pipes, eight entries", [](const KernelUnderTest& kernel) {
        Driver driver(kernel, 8, 8);
        std::vector<Ends> pipes;
        std::array<char, 100> bytes{};
        std::vector<Driver::Id> ids;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            pipes.push_back(Ends::pipe());
            ids.push_back(driver.submit(ReadRequest{pipes[i].near.get(), &bytes[i], 1}));
        }
        driver.turn();
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            pipes[i].write(std::string(1, static_cast<char>('0' + i % 64)));
        }
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            CHECK(driver.result_of(ids[i]) == 1);
            CHECK(bytes[i] == static_cast<char>('0' + i % 64));
        }
    });
}
