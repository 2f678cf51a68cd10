#include <stdexcept>
#include <string>

#include <ringio/concurrent.hpp>
#include <support/catch.hpp>

#include "../ring/child_process.hpp"

using namespace ringio;

TEST_CASE("thread pool: in the child of a fork it takes no calls, and nobody waits for its end") {
    auto pool = std::make_unique<concurrent::ThreadPoolExecutor>();
    CHECK(pool->submit([] { return 1; }).result() == 1);
    const testing::ChildResult child = testing::run_in_child([&] {
        try {
            pool->submit([] { return 2; });
        } catch (const std::runtime_error& error) {
            std::fputs(error.what(), stderr);
        }
        pool->shutdown();
        pool.reset();
        concurrent::ThreadPoolExecutor another;
        std::fprintf(stderr, ", %d", another.submit([] { return 3; }).result());
    });
    CHECK(child.status == 0);
    CHECK(child.text ==
          "a thread pool is used in the child of a fork(); make a new one there, or exec, 3");
    CHECK(pool->submit([] { return 4; }).result() == 4);
}

TEST_CASE("thread pool: a call may fork; the child ends without its pool") {
    concurrent::ThreadPoolExecutor pool(1);
    const auto fork_and_wait = [] {
        return testing::run_in_child([] { std::fputs("in the child", stderr); });
    };
    const testing::ChildResult child = pool.submit(fork_and_wait).result();
    CHECK(child.status == 0);
    CHECK(child.text == "in the child");
    CHECK(pool.submit([] { return 1; }).result() == 1);
}
