// Multishot receives, and the buffers that they share.
#include "kernel_contract.hpp"
#include "kernel_sockets.hpp"

#include <cerrno>
#include <deque>
#include <string>
#include <vector>

#include <poll.h>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

namespace {

using Id = Driver::Id;

Id submit_multishot(Driver& driver, const Ends& ends) {
    return driver.submit(RecvMultishotRequest{ends.near.get(), 0});
}

// Kernel: io_uring ends it, with data and no error, when the completion queue overflows, too.
bool may_ask_again(const Driver& driver, Id id) {
    return driver.result(id) == -ENOBUFS || driver.result(id) > 0;
}

// What comes until there are `size` bytes. A request that starved is submitted again, as a stream
// does; `id` is then the new one.
std::string take_many(Driver& driver, const Ends& ends, Id& id, std::size_t size) {
    std::string all = driver.take_bytes(id);
    for (std::size_t asked = 0; all.size() < size;) {
        if (driver.is_over(id)) {
            REQUIRE(may_ask_again(driver, id));
            REQUIRE(++asked <= size);  // each brings a byte at least, or there is no buffer for it
            id = submit_multishot(driver, ends);
        }
        driver.sleep();
        all += driver.take_bytes(id);
    }
    return all;
}

std::string numbered(std::size_t size) {
    std::string text;
    while (text.size() < size) {
        text += std::to_string(text.size()) + ' ';
    }
    text.resize(size);
    return text;
}

}  // namespace

TEST_CASE("kernel contract: a multishot receive brings everything, in order", "[uring]") {
    for (const std::size_t size : {1U, 63U, 64U, 65U, 5000U}) {
        for_each_pair(std::to_string(size) + " bytes", [&](Driver& driver, Ends& ends) {
            driver.buffers();
            Id id = submit_multishot(driver, ends);
            driver.turn();
            const std::string text = numbered(size);
            ends.write(text);
            CHECK((take_many(driver, ends, id, size) == text));
            driver.turn();
            CHECK_FALSE(driver.is_over(id));
            ends.write("more");
            CHECK(take_many(driver, ends, id, 4) == "more");
            CHECK(is_one_of(cancel_results, driver.cancelled_result_of(id)));
        });
        for_each_pair(std::to_string(size) + " bytes, and the end", [&](Driver& driver,
                                                                        Ends& ends) {
            driver.buffers(16);
            Id id = submit_multishot(driver, ends);
            driver.turn();
            const std::string text = numbered(size);
            ends.write(text);
            ends.far.reset();
            CHECK((take_many(driver, ends, id, size) == text));
            driver.until_over(id);
            if (driver.result(id) == -ENOBUFS) {
                id = submit_multishot(driver, ends);
            }
            CHECK(driver.result_of(id) == 0);
            CHECK((driver.seen(id).back().flags & (IORING_CQE_F_MORE | IORING_CQE_F_BUFFER)) == 0);
        });
    }
}

TEST_CASE("kernel contract: what a multishot receive brings, completion by completion", "[uring]") {
    for_each_pair("each but the last says that more comes", [](Driver& driver, Ends& ends) {
        driver.buffers();
        const Id id = submit_multishot(driver, ends);
        ends.write("x");
        driver.turn();
        ends.write("y");
        driver.turn();
        ends.far.reset();
        driver.until_over(id);
        REQUIRE(driver.seen(id).size() == 3);
        for (const std::size_t at : {0U, 1U}) {
            CHECK(driver.seen(id)[at].result == 1);
            CHECK((driver.seen(id)[at].flags & IORING_CQE_F_MORE) != 0);
            CHECK((driver.seen(id)[at].flags & IORING_CQE_F_BUFFER) != 0);
        }
        CHECK(driver.take_bytes(id) == "xy");
    });
    for_each_pair("data is there at submission", [](Driver& driver, Ends& ends) {
        driver.buffers();
        ends.write("early");
        Id id = submit_multishot(driver, ends);
        CHECK(take_many(driver, ends, id, 5) == "early");
        CHECK_FALSE(driver.is_over(id));
    });
    for_each_pair("a cancel leaves the buffers that were lent", [](Driver& driver, Ends& ends) {
        driver.buffers();
        const Id id = submit_multishot(driver, ends);
        ends.write("lent");
        driver.until_seen(id, 1);
        driver.cancel(id);
        driver.turn();
        CHECK(driver.result_of(id) == -ECANCELED);
        CHECK(driver.take_bytes(id) == "lent");
    });
    for_each_pair("a cancel in the batch, with data", [](Driver& driver, Ends& ends) {
        driver.buffers();
        ends.write("data");
        const Id id = submit_multishot(driver, ends);
        driver.cancel(id);
        CHECK(driver.result_of(id) == -ECANCELED);
        const std::string received = driver.take_bytes(id);
        // What the request did not take is there for the next one.
        CHECK(received + read_now(ends.near.get()) == "data");
    });
    // The project's streams tell both in one turn, whoever answers.
    for_each_pair("data and the end in one turn", [](Driver& driver, Ends& ends) {
        driver.buffers();
        const Id id = submit_multishot(driver, ends);
        driver.turn();
        ends.write("data");
        REQUIRE(::shutdown(ends.far.get(), SHUT_WR) == 0);
        pollfd end{ends.near.get(), POLLRDHUP, 0};
        REQUIRE(::poll(&end, 1, 10'000) == 1);
        driver.enter();
        CHECK(driver.is_over(id));
        CHECK(driver.result(id) == 0);
        CHECK(driver.take_bytes(id) == "data");
    });
    for_each_kernel("data and a reset in one turn", [](const KernelUnderTest& kernel) {
        Ends ends = Ends::sockets(Family::tcp);
        Driver driver(kernel);
        driver.buffers();
        const Id id = submit_multishot(driver, ends);
        driver.turn();
        ends.write("data");
        reset_connection(ends.far);
        driver.until_over(id);
        CHECK(driver.result(id) == -ECONNRESET);
        CHECK(is_one_of({0, 4}, static_cast<int>(driver.take_bytes(id).size())));
    });
}

TEST_CASE("kernel contract: no buffer is left", "[uring]") {
    for_each_pair("for the rest of what came", [](Driver& driver, Ends& ends) {
        driver.buffers(2);
        const Id id = submit_multishot(driver, ends);
        const std::string text = numbered(1000);
        ends.write(text);
        driver.until_over(id);  // nobody gives a buffer back
        CHECK(driver.result(id) == -ENOBUFS);
        std::string all = driver.take_bytes(id);
        CHECK(all.size() == 2 * Buffers::size);
        while (all.size() < text.size()) {
            const Id next = submit_multishot(driver, ends);
            driver.until_over(next);
            REQUIRE(driver.result(next) == -ENOBUFS);
            all += driver.take_bytes(next);
            if (text.size() - all.size() < 2 * Buffers::size) {
                all += read_now(ends.near.get());
            }
        }
        CHECK((all == text));
    });
    for_each_pair("and nothing came", [](Driver& driver, Ends& ends) {
        driver.buffers(0);
        const Id id = submit_multishot(driver, ends);
        driver.turn();
        // Kernel: io_uring says at once that there is none.
        CHECK(is_one_of({-ENOBUFS, not_over}, driver.result(id)));
        ends.write("x");
        CHECK(driver.result_of(id) == -ENOBUFS);
        CHECK(read_now(ends.near.get()) == "x");
    });
    for_each_pair("and the end came", [](Driver& driver, Ends& ends) {
        driver.buffers(0);
        ends.far.reset();
        const Id id = submit_multishot(driver, ends);
        CHECK(is_one_of({-ENOBUFS, 0}, driver.result_of(id)));
    });
    for_each_pair("and the request is cancelled", [](Driver& driver, Ends& ends) {
        driver.buffers(0);
        ends.write("x");
        const Id id = submit_multishot(driver, ends);
        driver.cancel(id);
        CHECK(is_one_of({-ENOBUFS, -ECANCELED}, driver.result_of(id)));
        CHECK(read_now(ends.near.get()) == "x");
    });
    for_each_pair("and one comes back in each turn", [](Driver& driver, Ends& ends) {
        driver.buffers(1);
        Id id = submit_multishot(driver, ends);
        driver.turn();
        const std::string text = numbered(200);
        ends.write(text);
        std::string all;
        while (all.size() < text.size()) {
            driver.enter();
            all += driver.take_bytes(id);
            if (driver.is_over(id)) {  // it starved, and asks again, as a stream does
                REQUIRE(driver.result(id) == -ENOBUFS);
                id = submit_multishot(driver, ends);
            }
        }
        CHECK((all == text));
    });
    for_each_kernel("group that nobody registered", [](const KernelUnderTest& kernel) {
        const Ends ends = Ends::sockets(Family::local);
        Driver driver(kernel);
        CHECK(driver.perform(RecvMultishotRequest{ends.near.get(), 7}) == -ENOBUFS);
    });
}

TEST_CASE("kernel contract: buffers are shared by all, and nobody starves for good", "[uring]") {
    for (const unsigned cq_entries : {8U, 0U}) {
        for_each_kernel(cq_entries == 0 ? "thirty sockets" : "thirty sockets, eight completions",
                        [&](const KernelUnderTest& kernel) {
                            constexpr std::size_t sockets = 30;
                            std::deque<Ends> ends;
                            Driver driver(kernel, 8, cq_entries);
                            driver.buffers(4);
                            std::vector<Id> ids;
                            std::vector<std::string> received(sockets);
                            for (std::size_t at = 0; at < sockets; ++at) {
                                ends.push_back(Ends::sockets(Family::local));
                                ids.push_back(submit_multishot(driver, ends[at]));
                            }
                            driver.turn();
                            for (std::size_t at = 0; at < sockets; ++at) {
                                ends[at].write(numbered(300 + at));
                            }
                            std::size_t missing = sockets;
                            while (missing != 0) {
                                missing = 0;
                                for (std::size_t at = 0; at < sockets; ++at) {
                                    received[at] += driver.take_bytes(ids[at]);
                                    missing += received[at].size() < 300 + at ? 1U : 0U;
                                    if (driver.is_over(ids[at])) {
                                        REQUIRE(may_ask_again(driver, ids[at]));
                                        ids[at] = submit_multishot(driver, ends[at]);
                                        driver.enter();
                                    }
                                }
                                driver.enter();
                            }
                            for (std::size_t at = 0; at < sockets; ++at) {
                                CHECK((received[at] == numbered(300 + at)));
                            }
                            driver.finish();
                        });
    }
}

TEST_CASE("kernel contract: a multishot receive beside other requests of its descriptor",
          "[uring]") {
    for_each_pair("a send that waits for room", [](Driver& driver, Ends& ends) {
        driver.buffers();
        fill(ends.near.get());
        const Id send = driver.submit(SendRequest{ends.near.get(), "s", 1});
        Id recv = submit_multishot(driver, ends);
        driver.turn();
        ends.write("x");
        CHECK(take_many(driver, ends, recv, 1) == "x");
        driver.turn();
        CHECK(driver.result(send) == not_over);
        read_now(ends.far.get());
        CHECK(driver.result_of(send) == 1);
        CHECK_FALSE(driver.is_over(recv));
    });
    for_each_pair("a shutdown from here", [](Driver& driver, Ends& ends) {
        driver.buffers();
        const Id recv = submit_multishot(driver, ends);
        driver.turn();
        CHECK(driver.perform(ShutdownRequest{ends.near.get(), SHUT_RDWR}) == 0);
        CHECK(driver.result_of(recv) == 0);
    });
}
