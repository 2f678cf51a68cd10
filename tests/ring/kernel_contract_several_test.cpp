// Several requests on one descriptor: of one direction, of both, and what a cancel of one of them
// does to the others.
#include "kernel_scene_table.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

namespace {

using Id = Driver::Id;

// Submits `count` of the scene's requests and lets them wait.
std::vector<Id> submit_several(Scene& scene, Driver& driver, std::size_t count) {
    std::vector<Id> ids;
    for (std::size_t slot = 0; slot < count; ++slot) {
        ids.push_back(scene.submit(driver, slot));
    }
    driver.turn();
    for (const Id id : ids) {
        REQUIRE(driver.result(id) == not_over);
    }
    return ids;
}

std::size_t ended_of(const Driver& driver, const std::vector<Id>& ids) {
    return static_cast<std::size_t>(
        std::ranges::count_if(ids, [&](Id id) { return driver.is_over(id); }));
}

// Which of them is over and was not taken. Kernel: io_uring wakes whom it likes first.
std::size_t newly_ended(Driver& driver, const std::vector<Id>& ids, std::vector<bool>& taken) {
    for (;;) {
        for (std::size_t index = 0; index < ids.size(); ++index) {
            if (driver.is_over(ids[index]) && !taken[index]) {
                taken[index] = true;
                return index;
            }
        }
        driver.sleep();
    }
}

void serve_one_by_one(Scene& scene, Driver& driver, const std::vector<Id>& ids) {
    std::vector<bool> taken(ids.size());
    for (std::size_t round = 0; round < ids.size(); ++round) {
        if (scene.lets == Scene::Lets::one || round == 0) {
            scene.make_ready();
        }
        const std::size_t index = newly_ended(driver, ids, taken);
        driver.turn();
        if (scene.lets == Scene::Lets::one) {
            CHECK(ended_of(driver, ids) == round + 1);
        }
        REQUIRE(is_one_of(scene.ready, driver.result(ids[index])));
        scene.take(driver, ids[index], index);
    }
}

}  // namespace

TEST_CASE("kernel contract: three on one descriptor are all served, each once", "[uring]") {
    for_each_scene(is_shareable, [](Scene& scene, Driver& driver) {
        serve_one_by_one(scene, driver, submit_several(scene, driver, 3));
    });
}

TEST_CASE("kernel contract: two in one batch, of which the first finds what there is", "[uring]") {
    for_each_scene(is_served_singly, [](Scene& scene, Driver& driver) {
        scene.make_ready();
        const Id first = scene.submit(driver, 0);
        const Id second = scene.submit(driver, 1);
        // Kernel: a worker thread of io_uring may take what was there for the other.
        const std::vector<Id> ids = {first, second};
        std::vector<bool> taken(2);
        const std::size_t served = newly_ended(driver, ids, taken);
        driver.turn();
        CHECK(ended_of(driver, ids) == 1);
        scene.take(driver, ids[served], served);
        scene.make_ready();
        scene.check_ready(driver, ids[1 - served], 1 - served);
    });
}

TEST_CASE("kernel contract: of several on one descriptor any one is cancelled", "[uring]") {
    for (const std::size_t victim : {0U, 1U, 2U}) {
        DYNAMIC_SECTION("number " << victim) {
            for_each_scene(is_shareable, [&](Scene& scene, Driver& driver) {
                std::vector<Id> ids = submit_several(scene, driver, 3);
                CHECK(is_one_of(cancel_results, driver.cancelled_result_of(ids[victim])));
                driver.turn();
                CHECK(ended_of(driver, ids) == 1);
                scene.make_ready();
                std::vector<bool> taken(3);
                taken[victim] = true;
                for (int left = 2; left > 0; --left) {
                    const std::size_t index = newly_ended(driver, ids, taken);
                    CHECK(is_one_of(scene.ready, driver.result(ids[index])));
                    scene.take(driver, ids[index], index);
                    if (left == 2 && scene.lets == Scene::Lets::one) {
                        scene.make_ready();
                    }
                }
                CHECK(driver.seen(ids[victim]).size() == 1);
            });
        }
    }
}

TEST_CASE("kernel contract: the other side goes, and all that wait on the descriptor end",
          "[uring]") {
    for_each_scene([](const Scene& scene) { return has_other_side(scene) && is_shareable(scene); },
                   [](Scene& scene, Driver& driver) {
                       const std::vector<Id> ids = submit_several(scene, driver, 3);
                       scene.hang_up();
                       for (const Id id : ids) {
                           driver.until_over(id);
                           INFO("result " << driver.result(id));
                           CHECK(is_one_of(scene.hung_up, driver.result(id)));
                       }
                   });
}

TEST_CASE("kernel contract: all on one descriptor are cancelled at once, with room for eight",
          "[uring]") {
    for_each_scene(
        is_shareable,
        [](Scene& scene, Driver& driver) {
            const std::vector<Id> ids = submit_several(scene, driver, 20);
            driver.finish();
            for (const Id id : ids) {
                CHECK(is_one_of(cancel_results, driver.result(id)));
                CHECK(driver.seen(id).size() == 1);
            }
        },
        8, 8);
}

TEST_CASE("kernel contract: all on one descriptor become ready at once, with room for eight",
          "[uring]") {
    for_each_scene(
        is_shareable,
        [](Scene& scene, Driver& driver) {
            serve_one_by_one(scene, driver, submit_several(scene, driver, 20));
        },
        8, 8);
}

TEST_CASE("kernel contract: each of several is cancelled by itself, with one entry at a time",
          "[uring]") {
    for_each_scene(
        is_shareable,
        [](Scene& scene, Driver& driver) {
            const std::vector<Id> ids = submit_several(scene, driver, 6);
            for (const Id id : ids) {
                driver.cancel(id);
            }
            for (const Id id : ids) {
                CHECK(is_one_of(cancel_results, driver.cancelled_result_of(id)));
            }
        },
        1, 8);
}

namespace {

// A full socket with a reader and a writer, both of which wait.
class BothDirections {
public:
    BothDirections(Driver& driver, Family family) : driver_(driver) {
        if (family == Family::tcp) {
            ends_ = Ends::sockets(Family::tcp);
        }
        fill(ends_.near.get());
        reader = driver.submit(RecvRequest{ends_.near.get(), bytes_.data(), bytes_.size()});
        writer = driver.submit(SendRequest{ends_.near.get(), "s", 1});
        driver.turn();
        CHECK(driver.result(reader) == not_over);
        CHECK(driver.result(writer) == not_over);
    }
    BothDirections(const BothDirections&) = delete;
    BothDirections& operator=(const BothDirections&) = delete;
    ~BothDirections() { driver_.finish(); }

    void bring_byte() const { ends_.write("x"); }
    void make_room() const { read_now(ends_.far.get()); }
    int fd() const { return ends_.near.get(); }
    UniqueFd& far() { return ends_.far; }

    Id reader = 0;
    Id writer = 0;

private:
    Driver& driver_;
    Ends ends_ = Ends::sockets(Family::local);
    std::array<char, 8> bytes_{};
};

template <class Body>
void for_both_families(Body body) {
    for (const Family family : {Family::tcp, Family::local}) {
        const char* const name = family == Family::tcp ? "tcp" : "unix";
        for_each_kernel(name, [&](const KernelUnderTest& kernel) {
            Driver driver(kernel);
            BothDirections both(driver, family);
            body(driver, both);
        });
    }
}

}  // namespace

TEST_CASE("kernel contract: both directions, and the reader is served while the writer waits",
          "[uring]") {
    for_both_families([](Driver& driver, BothDirections& both) {
        both.bring_byte();
        CHECK(driver.result_of(both.reader) == 1);
        driver.turn();
        CHECK(driver.result(both.writer) == not_over);
        both.make_room();
        CHECK(driver.result_of(both.writer) == 1);
    });
}

TEST_CASE("kernel contract: both directions, and the writer is served while the reader waits",
          "[uring]") {
    for_both_families([](Driver& driver, BothDirections& both) {
        both.make_room();
        CHECK(driver.result_of(both.writer) == 1);
        driver.turn();
        CHECK(driver.result(both.reader) == not_over);
        both.bring_byte();
        CHECK(driver.result_of(both.reader) == 1);
    });
}

TEST_CASE("kernel contract: both directions at once", "[uring]") {
    for_both_families([](Driver& driver, BothDirections& both) {
        both.bring_byte();
        both.make_room();
        CHECK(driver.result_of(both.reader) == 1);
        CHECK(driver.result_of(both.writer) == 1);
    });
}

TEST_CASE("kernel contract: both directions, and the reader is cancelled", "[uring]") {
    for_both_families([](Driver& driver, BothDirections& both) {
        CHECK(driver.cancelled_result_of(both.reader) == -ECANCELED);
        both.bring_byte();
        driver.turn();
        CHECK(driver.result(both.writer) == not_over);
        both.make_room();
        CHECK(driver.result_of(both.writer) == 1);
    });
}

TEST_CASE("kernel contract: both directions, and the writer is cancelled", "[uring]") {
    for_both_families([](Driver& driver, BothDirections& both) {
        CHECK(driver.cancelled_result_of(both.writer) == -ECANCELED);
        both.make_room();
        driver.turn();
        CHECK(driver.result(both.reader) == not_over);
        both.bring_byte();
        CHECK(driver.result_of(both.reader) == 1);
    });
}

TEST_CASE("kernel contract: both directions, and the connection is shut down from here",
          "[uring]") {
    for_both_families([](Driver& driver, BothDirections& both) {
        const NoSigpipe no_sigpipe;
        CHECK(driver.perform(ShutdownRequest{both.fd(), SHUT_RDWR}) == 0);
        CHECK(driver.result_of(both.reader) == 0);
        CHECK(driver.result_of(both.writer) == -EPIPE);
    });
}

TEST_CASE("kernel contract: both directions, and the other side goes without having read",
          "[uring]") {
    for_both_families([](Driver& driver, BothDirections& both) {
        both.far().reset();
        CHECK(is_one_of({0, -ECONNRESET}, driver.result_of(both.reader)));
        CHECK(is_one_of({-EPIPE, -ECONNRESET}, driver.result_of(both.writer)));
    });
}

TEST_CASE("kernel contract: both directions and polls of them beside", "[uring]") {
    for_both_families([](Driver& driver, BothDirections& both) {
        const Id in = driver.submit(PollRequest{both.fd(), POLLIN});
        const Id out = driver.submit(PollRequest{both.fd(), POLLOUT});
        const Id priority = driver.submit(PollRequest{both.fd(), POLLPRI});
        driver.turn();
        CHECK(driver.result(in) == not_over);
        CHECK(driver.result(out) == not_over);
        both.bring_byte();
        CHECK(driver.result_of(both.reader) == 1);
        driver.turn();
        // The poll may have seen the byte or come too late for it.
        CHECK(is_one_of({POLLIN, not_over}, driver.result(in)));
        CHECK(driver.result(out) == not_over);
        both.make_room();
        CHECK(driver.result_of(both.writer) == 1);
        CHECK(driver.result_of(out) == POLLOUT);
        driver.turn();
        CHECK(driver.result(priority) == not_over);
        both.bring_byte();
        CHECK(driver.result_of(in) == POLLIN);
        CHECK(driver.cancelled_result_of(priority) == -ECANCELED);
    });
}
