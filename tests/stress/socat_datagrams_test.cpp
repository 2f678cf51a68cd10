// DatagramEndpoint against a real peer: socat, which sends back what it gets, over UDP and between
// processes; every byte compared.
#include <ringio/streams/datagram_endpoint.hpp>

#include "nginx.hpp"

#include <ringio/tasks.hpp>
#include <ringio/testing.hpp>
#include <support/catch.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// socat, for as long as this lives.
class Socat {
public:
    static bool is_installed() { return ::access("/usr/bin/socat", X_OK) == 0; }

    explicit Socat(const std::string& address) {
        const pid_t parent = ::getpid();
        process_ = ::fork();
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);
            if (::getppid() == parent) {
                ::execl("/usr/bin/socat", "socat", address.c_str(), "PIPE", nullptr);
            }
            ::_exit(127);
        }
    }
    Socat(const Socat&) = delete;
    Socat& operator=(const Socat&) = delete;
    ~Socat() {
        ::kill(process_, SIGTERM);
        while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }

private:
    pid_t process_ = -1;
};

std::string numbered(int number, std::size_t size) {
    std::string data = std::to_string(number);
    while (data.size() < size) {
        data.push_back(static_cast<char>('a' + (data.size() * 7 + data.size() / 26) % 26));
    }
    return data;
}

Task<std::string> echo_of(DatagramEndpoint endpoint, std::string data) {
    endpoint.send(data);
    const Datagram answer = co_await endpoint.recv();
    co_return answer.data;
}

/// Asks until socat has started, then 200 times, the more the longer.
Task<> compare_echoes(DatagramEndpointOptions options) {
    std::optional<DatagramEndpoint> endpoint;
    std::string first;
    for (int attempt = 0; first.empty() && attempt < 500; ++attempt) {
        bool is_there = true;
        try {
            if (!endpoint) {
                endpoint = co_await create_datagram_endpoint(options);
            }
            first = co_await wait_for(echo_of(*endpoint, "?"), 20ms);
        } catch (const TimeoutError&) {
        } catch (const std::system_error&) {  // a path that is not there yet
            is_there = false;
        }
        if (!is_there) {
            co_await sleep(20ms);
        }
    }
    REQUIRE(first == "?");
    for (int number = 0; number < 200; ++number) {
        std::string answer = "?";
        const std::string data = numbered(number, static_cast<std::size_t>(number) * 40 + 1);
        endpoint->send(data);
        while (answer == "?") {  // there may be more of those, of the attempts
            const Datagram datagram = co_await wait_for(endpoint->recv(), 10s);
            answer = datagram.data;
        }
        REQUIRE(answer == data);
    }
}

void run_compared(const DatagramEndpointOptions& options) {
    const testing::Balance balance;
    run(compare_echoes(options));
    CHECK(balance.difference() == "");
}

}  // namespace

TEST_CASE("datagram endpoint: socat sends back over UDP what it gets") {
    if (!Socat::is_installed()) {
        WARN("skipped: socat is not installed (Debian: apt-get install socat)");
        return;
    }
    SocketAddress address = *SocketAddress::from_literal("127.0.0.1", 0);
    {
        const Socket probe = Socket::datagram(AF_INET);
        probe.bind(address);
        address = probe.getsockname();
    }
    const Socat socat("UDP4-LISTEN:" + std::to_string(address.port()) +
                      ",bind=127.0.0.1,reuseaddr");
    run_compared({.remote = address, .ignore_refused = true});
}

TEST_CASE("datagram endpoint: socat sends back over a Unix socket what it gets") {
    if (!Socat::is_installed()) {
        WARN("skipped: socat is not installed (Debian: apt-get install socat)");
        return;
    }
    const TemporaryDirectory directory;
    const std::string path = (directory.path() / "socat").string();
    const std::string own = (directory.path() / "own").string();
    const Socat socat("UNIX-RECVFROM:" + path + ",fork");
    run_compared(
        {.local = SocketAddress::unix_path(own), .remote = SocketAddress::unix_path(path)});
}
