// Slow opens wait in the kernel's workers; other requests for files must not wait behind them.
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>

#include <ringio/base/unique_fd.hpp>
#include <ringio/ring.hpp>
#include <support/catch.hpp>

#include "probe.hpp"

using namespace ringio;
using namespace ringio::testing;

TEST_CASE("uring kernel: opens that wait do not hold up the files of others", "[uring]") {
    constexpr int slow = 16;  // four times as many as held all workers once
    char folder[] = "/tmp/ringio_fifos_XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    const auto path = [&](int number) {
        return std::string(folder) + "/" + std::to_string(number);
    };
    Ring ring(std::make_unique<UringKernel>());
    std::vector<std::string> paths;
    std::vector<std::unique_ptr<Probe<OpenAtRequest>>> opens;
    for (int number = 0; number < slow; ++number) {
        paths.push_back(path(number));
        REQUIRE(::mkfifo(paths.back().c_str(), 0600) == 0);
    }
    for (const std::string& fifo : paths) {
        // Kernel: with O_CREAT an open goes to a worker at once; others are tried before.
        opens.push_back(std::make_unique<Probe<OpenAtRequest>>(
            OpenAtRequest{.path = fifo.c_str(), .flags = O_RDONLY | O_CREAT, .mode = 0600}));
        ring.submit(*opens.back());
    }
    const std::string file = std::string(folder) + "/file";
    Probe<OpenAtRequest> other(
        OpenAtRequest{.path = file.c_str(), .flags = O_RDWR | O_CREAT, .mode = 0600});
    ring.submit(other);
    while (other.in_flight()) {
        ring.enter(true);
        ring.reap();
    }
    CHECK(other.result >= 0);
    const UniqueFd opened(other.result);

    // A writer lets each of them go.
    std::vector<UniqueFd> ends;
    for (int number = 0; number < slow; ++number) {
        CHECK(opens[static_cast<std::size_t>(number)]->in_flight());
        ends.emplace_back(
            ::open(paths[static_cast<std::size_t>(number)].c_str(), O_RDWR | O_CLOEXEC));
    }
    for (const auto& open : opens) {
        while (open->in_flight()) {
            ring.enter(true);
            ring.reap();
        }
        REQUIRE(open->result >= 0);
        ends.emplace_back(open->result);
    }
    for (const std::string& fifo : paths) {
        ::unlink(fifo.c_str());
    }
    ::unlink(file.c_str());
    ::rmdir(folder);
}
