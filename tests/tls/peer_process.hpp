// Real peers of TLS: programs that a test starts at a free port of 127.0.0.1, talks with, and ends
// by their pid.
#pragma once

#include <ringio/process.hpp>
#include <ringio/streams.hpp>
#include <ringio/sync.hpp>
#include <ringio/tasks.hpp>
#include <ringio/testing.hpp>
#include <ringio/tls.hpp>
#include <support/catch.hpp>
#include <support/free_port.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace ringio::test_support {

/// The path of a program, also of one for root; empty when it is not installed.
inline std::string find_program(const std::string& name) {
    for (const char* folder : {"/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"}) {
        if (std::string path = folder + name; ::access(path.c_str(), X_OK) == 0) {
            return path;
        }
    }
    return {};
}

/// Says so when a program is missing: the test is skipped then.
inline bool is_missing(const std::string& name, const std::string& package) {
    if (!find_program(name).empty()) {
        return false;
    }
    WARN("skipped: " + name + " is not installed (Debian: apt-get install " + package + ")");
    return true;
}

/// Arguments of a program. GCC 12: a braced list of texts is none in an expression with a co_await.
class Arguments {
public:
    Arguments() = default;
    template <class... Texts>
        requires(sizeof...(Texts) > 0 && (std::convertible_to<const Texts&, std::string> && ...))
    Arguments(const Texts&... texts) {
        add(texts...);
    }
    Arguments(const Arguments& other) : all_(other.all_) {}
    Arguments(Arguments&& other) noexcept : all_(std::move(other.all_)) {}
    ~Arguments() {}

    template <class... Texts>
    void add(const Texts&... texts) {
        (all_.emplace_back(texts), ...);
    }
    void add(const Arguments& more) { all_.insert(all_.end(), more.all_.begin(), more.all_.end()); }
    const std::vector<std::string>& all() const { return all_; }

private:
    std::vector<std::string> all_;
};

/// A program, for as long as a handle of it lives; what it says is kept.
class Peer {
public:
    /// `arguments` without the path of `program`.
    static Task<Peer> start(std::string program, Arguments arguments) {
        Arguments command(find_program(program));
        command.add(arguments);
        const Process process = co_await create_subprocess_exec(
            command.all(),
            {.std_in = Stdio::pipe, .std_out = Stdio::pipe, .std_err = Stdio::to_stdout});
        Peer peer(std::move(program), process);
        create_task(hear(process.std_out(), peer.words_));
        co_return peer;
    }

    /// Waits until it has said `text`, so many times. *Errors*: std::runtime_error with all that it
    /// said, when it ended without it.
    Task<> says(std::string text, int times = 1) {
        const std::shared_ptr<Words> words = words_;
        const std::string name = name_;
        while (count_of(text, words->text) < times) {
            if (words->is_over) {
                throw std::runtime_error(name + " did not say '" + text + "' but: " + words->text);
            }
            words->news.clear();
            co_await words->news.wait();
        }
    }

    /// Waits until somebody answers at `port`, and leaves again.
    Task<> answers_at(std::string port) {
        const std::shared_ptr<Words> words = words_;
        for (bool is_up = false; !is_up;) {
            try {
                const Connection probe = co_await open_connection("127.0.0.1", std::stol(port));
                is_up = true;
            } catch (const std::system_error&) {
            }
            if (!is_up && words->is_over) {
                throw std::runtime_error(name_ + " serves nobody: " + words->text);
            }
            if (!is_up) {
                co_await sleep(std::chrono::milliseconds(5));
            }
        }
    }

    /// Writes to its standard input.
    Task<> hears(std::string text) {
        process_.std_in().write(text);
        co_await process_.std_in().drain();
    }
    void hears_no_more() { process_.std_in().close(); }

    /// Waits until it has ended and all of its words are there; gives those.
    Task<std::string> ended() {
        const std::shared_ptr<Words> words = words_;
        while (!words->is_over) {
            words->news.clear();
            co_await words->news.wait();
        }
        co_await process_.wait();
        co_return words->text;
    }
    const std::string& words() const { return words_->text; }
    const Process& process() const { return process_; }

private:
    static int count_of(const std::string& text, const std::string& words) {
        int count = 0;
        for (std::size_t at = words.find(text); at != std::string::npos;
             at = words.find(text, at + text.size())) {
            ++count;
        }
        return count;
    }

    struct Words {
        std::string text;
        Event news;
        bool is_over = false;
    };

    Peer(std::string name, Process process)
        : name_(std::move(name)), process_(std::move(process)), words_(std::make_shared<Words>()) {}

    static Task<> hear(StreamReader reader, std::shared_ptr<Words> words) {
        for (std::string some = "?"; !some.empty();) {
            some = co_await reader.read(4096);
            words->text += some;
            words->is_over = some.empty();
            words->news.set();
        }
    }

    std::string name_;
    Process process_;
    std::shared_ptr<Words> words_;
};

/// Bytes that repeat nowhere near.
inline std::string varied_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint64_t state = 42;
    for (char& byte : bytes) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        byte = static_cast<char>(state >> 56);
    }
    return bytes;
}

/// Sends back what comes, until the end.
inline Task<> echo_all(StreamReader reader, StreamWriter writer) {
    for (;;) {
        const std::string some = co_await reader.read(65536);
        if (some.empty()) {
            break;
        }
        writer.write(some);
        co_await writer.drain();
    }
    writer.close();
}

/// The same, for a peer that breaks off.
inline Task<> echo_until_failure(StreamReader reader, StreamWriter writer) {
    try {
        co_await echo_all(std::move(reader), std::move(writer));
    } catch (const TlsError&) {
    }
}

inline Task<> write_all(StreamWriter writer, std::string bytes) {
    writer.write(bytes);
    co_await writer.drain();
}

/// Sends bytes to one who sends them back, reads them meanwhile, and parts from him.
inline Task<> check_echo(Connection connection, std::size_t size) {
    const std::string sent = varied_bytes(size);
    auto writing = create_task(write_all(connection.writer, sent));
    const std::string heard =
        co_await connection.reader.readexactly(static_cast<std::ptrdiff_t>(size));
    co_await writing;
    CHECK(heard.size() == sent.size());
    CHECK((heard == sent));
    connection.writer.close();
    co_await connection.writer.wait_closed();
}

inline std::string port_of(const Server& server) {
    return std::to_string(server.sockets()[0].getsockname().port());
}

/// Runs the body of a test in real time; one that hangs fails.
inline void run_with_peers(Task<> (*body)()) {
    const testing::Balance balance;
    run(wait_for(body(), std::chrono::seconds(30)));
    CHECK(balance.difference() == "");
}

}  // namespace ringio::test_support

// A test that talks with `program`, of Debian's package `package`; skipped where it is missing.
#define PEER_TEST_CASE_JOIN(a, b) a##b
#define PEER_TEST_CASE_NAMED(function, program, package, ...)      \
    static ringio::Task<> function();                              \
    TEST_CASE(__VA_ARGS__) {                                       \
        if (!ringio::test_support::is_missing(program, package)) { \
            ringio::test_support::run_with_peers(&function);       \
        }                                                          \
    }                                                              \
    static ringio::Task<> function()
#define PEER_TEST_CASE_UNIQUE(number, ...) \
    PEER_TEST_CASE_NAMED(PEER_TEST_CASE_JOIN(peer_test_body_, number), __VA_ARGS__)
#define PEER_TEST_CASE(program, package, ...) \
    PEER_TEST_CASE_UNIQUE(__COUNTER__, program, package, __VA_ARGS__)
