#include <ringio/process/worker_initializer.hpp>

#include <support/catch.hpp>

#include <string>

using ringio::concurrent::WorkerInitializer;

namespace {

void set_up() {}
int load(const std::string&, int) { return 0; }

struct HasInitializer {
    int before = 0;
    WorkerInitializer initializer = {};
};

}  // namespace

TEST_CASE("WorkerInitializer: is nothing, a function, or one with its arguments") {
    CHECK(WorkerInitializer().message().empty());
    const WorkerInitializer alone = set_up;
    CHECK_FALSE(alone.message().empty());
    const HasInitializer options{.before = 1, .initializer = {load, "model", 4}};
    CHECK(options.initializer.message().find("model") != std::string::npos);
    const HasInitializer lambda{.initializer = {[](int) {}, 3}};
    CHECK(lambda.before == 0);
}

TEST_CASE("WorkerInitializer: a copy makes the same call") {
    const WorkerInitializer first{load, "model", 4};
    WorkerInitializer second = first;
    CHECK(second.message() == first.message());
    const WorkerInitializer third = std::move(second);
    CHECK(third.message() == first.message());
}
