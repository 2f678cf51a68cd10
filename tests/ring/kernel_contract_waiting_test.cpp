// Every request that can wait, in the situations that one request can be in.
#include "kernel_scene_table.hpp"

#include <cerrno>

#include <support/catch.hpp>

using namespace ringio;
using namespace ringio::testing;

TEST_CASE("kernel contract: ready at submission", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        scene.make_ready();
        scene.check_ready(driver, scene.submit(driver));
    });
}

TEST_CASE("kernel contract: ready between submission and entry", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        const Driver::Id id = scene.submit(driver);
        scene.make_ready();
        CHECK(driver.result(id) == not_over);
        scene.check_ready(driver, id);
    });
}

TEST_CASE("kernel contract: ready later", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        const Driver::Id id = scene.submit(driver);
        driver.turn();
        REQUIRE(driver.result(id) == not_over);
        scene.make_ready();
        scene.check_ready(driver, id);
    });
}

TEST_CASE("kernel contract: ready later, and the loop never sleeps", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        const Driver::Id id = scene.submit(driver);
        driver.turn();
        scene.make_ready();
        while (driver.seen(id).empty()) {
            driver.enter();
        }
        scene.check_ready(driver, id);
    });
}

TEST_CASE("kernel contract: the same request again and again", "[uring]") {
    for_each_scene(is_served_singly, [](Scene& scene, Driver& driver) {
        for (int round = 0; round < 10; ++round) {
            const Driver::Id id = scene.submit(driver);
            if (round % 2 != 0) {
                driver.enter();
            }
            REQUIRE(driver.result(id) == not_over);
            scene.make_ready();
            scene.check_ready(driver, id);
        }
    });
}

TEST_CASE("kernel contract: the other side is gone at submission", "[uring]") {
    for_each_scene(has_other_side, [](Scene& scene, Driver& driver) {
        scene.hang_up();
        const int result = driver.result_of(scene.submit(driver));
        INFO("result " << result);
        CHECK(is_one_of(scene.hung_up, result));
    });
}

TEST_CASE("kernel contract: the other side goes later", "[uring]") {
    for_each_scene(has_other_side, [](Scene& scene, Driver& driver) {
        const Driver::Id id = scene.submit(driver);
        driver.turn();
        REQUIRE(driver.result(id) == not_over);
        scene.hang_up();
        driver.until_over(id);
        INFO("result " << driver.result(id));
        CHECK(is_one_of(scene.hung_up, driver.result(id)));
        CHECK(driver.seen(id).size() == 1);
    });
}

TEST_CASE("kernel contract: cancelled in the batch of its submission", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        const Driver::Id id = scene.submit(driver);
        driver.cancel(id);
        CHECK(is_one_of(cancel_results, driver.cancelled_result_of(id)));
        CHECK(driver.seen(id).size() == 1);
    });
}

TEST_CASE("kernel contract: cancelled in the batch of its submission, and ready", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        scene.make_ready();
        const Driver::Id id = scene.submit(driver);
        driver.cancel(id);
        driver.until_seen(id, 1);
        if (is_one_of(cancel_results, driver.result(id))) {
            CHECK(scene.fd() >= 0);  // a worker thread was not quick enough
        } else {
            scene.check_ready(driver, id);
        }
    });
}

TEST_CASE("kernel contract: cancelled while it waits, and nothing is lost by that", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        const Driver::Id id = scene.submit(driver, 0);
        driver.turn();
        REQUIRE(driver.result(id) == not_over);
        CHECK(is_one_of(cancel_results, driver.cancelled_result_of(id)));
        scene.make_ready();
        driver.turn();
        CHECK(driver.seen(id).size() == 1);
        scene.check_ready(driver, scene.submit(driver, 1), 1);
    });
}

TEST_CASE("kernel contract: what a cancel answers that takes hold", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        const Driver::Id id = scene.submit(driver);
        driver.turn();
        const Driver::Id cancel = driver.ask_cancel(id);
        driver.until_over(cancel);
        // Kernel: io_uring says -EALREADY of what a worker thread runs, which it interrupts.
        INFO("answer " << driver.result(cancel));
        CHECK(is_one_of({0, -EALREADY, -ENOENT}, driver.result(cancel)));
        CHECK(is_one_of(cancel_results, driver.cancelled_result_of(id)));
        if (driver.result(cancel) == 0) {
            CHECK(driver.seen(cancel).size() == 1);
        }
    });
}

TEST_CASE("kernel contract: cancelled after its completion, which nobody has read", "[uring]") {
    for_each_scene([](const Scene& scene) { return !scene.goes_on; },
                   [](Scene& scene, Driver& driver) {
                       scene.make_ready();
                       const Driver::Id id = scene.submit(driver);
                       driver.keeps_unreaped = true;
                       while (driver.visible() == 0) {
                           driver.enter_for(true, std::chrono::seconds(20));
                       }
                       const Driver::Id cancel = driver.ask_cancel(id);
                       driver.enter();
                       driver.keeps_unreaped = false;
                       scene.check_ready(driver, id);
                       CHECK(is_one_of(cancel_found_none, driver.result_of(cancel)));
                   });
}

TEST_CASE("kernel contract: cancelled after its completion was read", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        scene.make_ready();
        const Driver::Id id = scene.submit(driver);
        scene.check_ready(driver, id);
        const Driver::Id cancel = driver.ask_cancel(id);
        // Kernel: -EALREADY of a worker that has told the result, and is not through.
        CHECK(is_one_of(cancel_found_none, driver.result_of(cancel)));
        CHECK(driver.ended().back() == cancel);
    });
}

TEST_CASE("kernel contract: a cancel that is too late touches no later request of the descriptor",
          "[uring]") {
    for_each_scene(is_served_singly, [](Scene& scene, Driver& driver) {
        scene.make_ready();
        const Driver::Id first = scene.submit(driver, 0);
        scene.check_ready(driver, first, 0);
        const Driver::Id second = scene.submit(driver, 1);
        driver.turn();
        driver.cancel(first);
        driver.turn();
        REQUIRE(driver.result(second) == not_over);
        scene.make_ready();
        scene.check_ready(driver, second, 1);
    });
}

TEST_CASE("kernel contract: cancelled twice", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        const Driver::Id id = scene.submit(driver);
        driver.turn();
        const Driver::Id first = driver.ask_cancel(id);
        const Driver::Id second = driver.ask_cancel(id);
        driver.until_over(first);
        driver.until_over(second);
        CHECK(is_one_of(cancel_results, driver.cancelled_result_of(id)));
        CHECK(is_one_of({0, -EALREADY, -ENOENT}, driver.result(second)));
        CHECK(driver.seen(id).size() == 1);
    });
}

TEST_CASE("kernel contract: everything is cancelled", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        const Driver::Id id = scene.submit(driver);
        driver.turn();
        driver.finish();
        CHECK(is_one_of(cancel_results, driver.result(id)));
        CHECK(driver.seen(id).size() == 1);
    });
}

TEST_CASE("kernel contract: everything is cancelled in the batch of its submission", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        const Driver::Id id = scene.submit(driver);
        driver.cancel_all();
        driver.finish();
        CHECK(is_one_of(cancel_results, driver.result(id)));
    });
}

TEST_CASE("kernel contract: a cancel of everything leaves what comes after it", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        driver.cancel_all();
        const Driver::Id id = scene.submit(driver);
        driver.turn();
        REQUIRE(driver.result(id) == not_over);
        scene.make_ready();
        scene.check_ready(driver, id);
    });
}

TEST_CASE("kernel contract: a descriptor that is not open", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        const Driver::Id id = driver.submit([&](io_uring_sqe& sqe) {
            scene.prepare(sqe, 0);
            sqe.fd = 1'000'000;
        });
        CHECK(driver.result_of(id) == -EBADF);
        CHECK(driver.result_of(driver.submit([&](io_uring_sqe& sqe) {
            scene.prepare(sqe, 0);
            sqe.fd = -1;
        })) == -EBADF);
    });
}

TEST_CASE("kernel contract: one entry in the submission queue", "[uring]") {
    for_each_scene(
        any_scene,
        [](Scene& scene, Driver& driver) {
            REQUIRE(driver.queues().sq.ring_entries == 1);
            const Driver::Id cancelled_id = scene.submit(driver, 0);
            driver.cancel(cancelled_id);
            driver.turn();
            CHECK(is_one_of(cancel_results, driver.cancelled_result_of(cancelled_id)));
            const Driver::Id id = scene.submit(driver, 1);
            driver.turn();
            scene.make_ready();
            scene.check_ready(driver, id, 1);
        },
        1, 8);
}

// Kernel: whether a request waits on a descriptor that is O_NONBLOCK depends on the version.
TEST_CASE("kernel contract: a descriptor that does not block waits or says so", "[uring]") {
    for_each_scene(any_scene, [](Scene& scene, Driver& driver) {
        set_non_blocking(scene.fd(), true);
        const Driver::Id id = scene.submit(driver);
        driver.turn();
        if (driver.is_over(id)) {
            CHECK(driver.result(id) == -EAGAIN);
            return;
        }
        scene.make_ready();
        scene.check_ready(driver, id);
    });
}
