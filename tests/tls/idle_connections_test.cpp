// A thousand connections under TLS that have nothing to say: what they hold, that each still
// answers, and that nothing of them is left.
#include <ringio/tls.hpp>

#include <ringio/base/config.hpp>
#include <ringio/streams.hpp>
#include <ringio/tasks.hpp>
#include <support/ends.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>

#include "certificates.hpp"
#include "peer_process.hpp"

using namespace ringio;
using namespace ringio::test_support;

namespace {

constexpr std::size_t idle_count = 1000;
constexpr std::size_t at_a_time = 50;
constexpr std::size_t bytes_an_end = 32 * 1024;
constexpr bool counts_memory = RINGIO_SANITIZE_ADDRESS == 0;

/// Lets this process have so many descriptors, until the end of the scope.
class DescriptorsAllowed {
public:
    explicit DescriptorsAllowed(rlim_t count) {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        rlimit raised = before_;
        raised.rlim_cur = std::max(before_.rlim_cur, std::min(count, before_.rlim_max));
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &raised) == 0);
        are_enough_ = raised.rlim_cur >= count;
    }
    DescriptorsAllowed(const DescriptorsAllowed&) = delete;
    DescriptorsAllowed& operator=(const DescriptorsAllowed&) = delete;
    ~DescriptorsAllowed() { ::setrlimit(RLIMIT_NOFILE, &before_); }

    bool are_enough() const noexcept { return are_enough_; }

private:
    rlimit before_ = {};
    bool are_enough_ = false;
};

std::size_t bytes_in_use() {
    const struct mallinfo2 now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

/// Sends a line, and gives what comes back.
Task<std::string> echoed(Connection connection, std::string line) {
    connection.writer.write(line);
    co_await connection.writer.drain();
    co_return co_await connection.reader.readline();
}

Task<Connection> connected(long port, TlsContext context) {
    Connection connection = co_await open_connection("localhost", port, {.tls = context});
    CHECK_AWAIT(echoed(connection, "hello\n"), "hello\n");
    co_return connection;
}

/// Connections that have talked: a session ticket comes with the first bytes.
Task<std::vector<Connection>> connect_all(long port, TlsContext context, std::size_t count) {
    std::vector<Connection> all;
    for (std::size_t begun = 0; begun < count; begun += at_a_time) {
        std::vector<TaskHandle<Connection>> some;
        for (std::size_t i = 0; i < at_a_time; ++i) {
            some.push_back(create_task(connected(port, context)));
        }
        const std::vector<Connection> those = co_await gather(some);
        all.insert(all.end(), those.begin(), those.end());
    }
    co_return all;
}

Task<> part_from(std::vector<Connection> connections) {
    for (Connection& each : connections) {
        each.writer.close();
    }
    for (Connection& each : connections) {
        co_await each.writer.wait_closed();
    }
}

Task<> hold_a_thousand() {
    const TlsContext serving = server_context();
    const TlsContext context = client_context();
    Server server = co_await start_server(echo_all, "127.0.0.1", 0, {.tls = serving});
    const long port = std::stol(port_of(server));
    std::vector<Connection> first = co_await connect_all(port, context, at_a_time);
    co_await part_from(std::move(first));  // what is made once is there now

    const std::size_t before = bytes_in_use();
    std::vector<Connection> connections = co_await connect_all(port, context, idle_count);
    if constexpr (counts_memory) {
        CHECK((bytes_in_use() - before) / (2 * idle_count) <= bytes_an_end);
    } else {
        WARN("the memory of idle connections is not counted: a sanitizer is at work");
    }
    for (std::size_t number = 0; number < idle_count; ++number) {
        const std::string line = std::to_string(number) + "\n";
        CHECK_AWAIT(echoed(connections[number], line), line);
    }
    co_await part_from(std::move(connections));
    server.close();
    co_await server.wait_closed();
    CHECK(get_running_loop().statistics().timers == 0);
}

}  // namespace

TEST_CASE("tls: a thousand idle connections hold 32 KiB an end at most, and each still answers") {
    const DescriptorsAllowed allowed(2 * idle_count + 200);
    if (!allowed.are_enough()) {
        WARN("skipped: this process may not have " << 2 * idle_count << " descriptors");
        return;
    }
    const testing::Balance balance;
    run(hold_a_thousand());
    CHECK(balance.difference() == "");
}
