// start_server under a thousand clients that are plain sockets, among them unfriendly ones.
#include <ringio/streams.hpp>

#include <ringio/tasks.hpp>
#include <ringio/testing.hpp>
#include <support/catch.hpp>
#include <support/ends.hpp>
#include <support/raw_socket.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

constexpr int client_count = 1000;

enum class Kind { healthy, half_closing, resetting, stalling, leaving };

Kind kind_of(int index) {
    switch (index % 10) {
        case 1:
        case 2:
            return Kind::half_closing;
        case 3:
            return Kind::resetting;
        case 4:
            return Kind::stalling;
        case 5:
            return Kind::leaving;
        default:
            return Kind::healthy;
    }
}

/// One client: sends its text, and wants it back.
class Client {
public:
    Client(int index, std::uint16_t port) : kind_(kind_of(index)) {
        text_.resize(
            static_cast<std::size_t>(kind_ == Kind::stalling ? 8'000'000 : 1000 + index * 61));
        for (std::size_t i = 0; i < text_.size(); ++i) {
            text_[i] = static_cast<char>(static_cast<std::size_t>(index) + i * 7 + (i >> 8));
        }
        socket_ = RawSocket::connected(port);
        ::fcntl(socket_.fd(), F_SETFL, O_NONBLOCK);
    }

    bool is_open() const { return socket_.fd() >= 0; }
    bool stalls() const { return kind_ == Kind::stalling; }
    bool must_succeed() const { return kind_ == Kind::healthy || kind_ == Kind::half_closing; }
    bool succeeded() const { return received_ == text_.size() && right_; }
    void reset() { socket_.reset(); }

    pollfd interest() const {
        const bool sends = sent_ < text_.size();
        return {.fd = socket_.fd(),
                .events = static_cast<short>((sends ? POLLOUT : 0) | (stalls() ? 0 : POLLIN)),
                .revents = 0};
    }

    void on_ready(short events) {
        if ((events & POLLOUT) != 0) {
            send();
        }
        if (is_open() && (events & (POLLIN | POLLERR | POLLHUP)) != 0) {
            receive();
        }
    }

private:
    void send() {
        const std::size_t part = std::min<std::size_t>(text_.size() - sent_, 10'000);
        const ssize_t n = ::send(socket_.fd(), text_.data() + sent_, part, MSG_NOSIGNAL);
        sent_ += n > 0 ? static_cast<std::size_t>(n) : 0;
        if (kind_ == Kind::resetting && sent_ > text_.size() / 2) {
            socket_.reset();
        } else if (kind_ == Kind::leaving && sent_ > text_.size() / 2) {
            socket_.close();
        } else if (kind_ == Kind::half_closing && sent_ == text_.size()) {
            socket_.shutdown_write();
        }
    }

    void receive() {
        char bytes[16384];
        const ssize_t n = ::recv(socket_.fd(), bytes, sizeof(bytes), 0);
        if (n > 0) {
            const auto size = static_cast<std::size_t>(n);
            right_ = right_ && text_.compare(received_, size, bytes, size) == 0;
            received_ += size;
        }
        // A client that has ended its own direction waits until the server does so too.
        if (n <= 0 || (received_ == text_.size() && kind_ == Kind::healthy)) {
            socket_.close();
        }
    }

    Kind kind_;
    std::string text_;
    RawSocket socket_;
    std::size_t sent_ = 0;
    std::size_t received_ = 0;
    bool right_ = true;
};

/// Plays all clients at once until all but the stalling ones are done; then those are cut off.
/// Returns how many of those that had to succeed did.
int play_clients(std::uint16_t port) {
    std::vector<Client> clients;
    for (int index = 0; index < client_count; ++index) {
        clients.emplace_back(index, port);
    }
    const auto deadline = std::chrono::steady_clock::now() + 100s;
    for (bool busy = true; busy && std::chrono::steady_clock::now() < deadline;) {
        std::vector<pollfd> entries;
        busy = false;
        for (const Client& client : clients) {
            entries.push_back(client.interest());  // a closed one has -1, which poll() ignores
            busy = busy || (client.is_open() && !client.stalls());
        }
        ::poll(entries.data(), entries.size(), 1000);
        for (std::size_t i = 0; i < clients.size(); ++i) {
            if (entries[i].revents != 0) {
                clients[i].on_ready(entries[i].revents);
            }
        }
    }
    int succeeded = 0;
    for (Client& client : clients) {
        succeeded += client.must_succeed() && client.succeeded() ? 1 : 0;
        if (client.stalls() && client.is_open()) {
            client.reset();
        }
    }
    return succeeded;
}

Task<> echo(StreamReader reader, StreamWriter writer, int& served, int& most) {
    most = std::max(most, ++served);
    try {
        std::string data = co_await reader.read(8192);
        while (!data.empty()) {
            writer.write(data);
            co_await writer.drain();
            data = co_await reader.read(8192);
        }
        writer.close();
        co_await writer.wait_closed();
    } catch (const std::system_error&) {
        // The client is gone.
    }
    --served;
}

// A server waits for its connections. A handler whose connection has failed has a step to go.
Task<> wait_for_handlers(const int& served) {
    while (served != 0) {
        co_await sleep(1ms);
    }
}

Task<> serve_thousand(int& succeeded, int& most, std::vector<std::string>& reports) {
    const Reported reported;
    int served = 0;
    auto handler = [&](StreamReader reader, StreamWriter writer) {
        return echo(std::move(reader), std::move(writer), served, most);
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0, {.backlog = client_count});
    const std::uint16_t port = server.sockets()[0].getsockname().port();
    std::atomic<bool> done = false;
    std::thread clients([&] {
        succeeded = play_clients(port);
        done = true;
    });
    while (!done) {
        co_await sleep(10ms);
    }
    clients.join();
    server.close();
    co_await server.wait_closed();
    co_await wait_for(wait_for_handlers(served), 100s);
    reports = reported.messages;
}

void raise_descriptor_limit() {
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

TEST_CASE("start_server: an echo server serves a thousand clients, among them unfriendly ones") {
    raise_descriptor_limit();
    const testing::Balance balance;
    int must_succeed = 0;
    for (int index = 0; index < client_count; ++index) {
        const Kind kind = kind_of(index);
        must_succeed += kind == Kind::healthy || kind == Kind::half_closing ? 1 : 0;
    }
    int succeeded = 0;
    int most = 0;
    std::vector<std::string> reports;
    run(serve_thousand(succeeded, most, reports));
    CHECK(succeeded == must_succeed);
    CHECK(most > client_count / 2);
    CHECK(reports == std::vector<std::string>());
    CHECK(balance.difference() == "");
}
