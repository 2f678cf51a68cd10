#include <ringio/tasks/progress.hpp>

#include <ringio/base/unique_fd.hpp>
#include <support/signal_action.hpp>

#include "scenario.hpp"

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using namespace std::chrono_literals;

namespace {

/// A file, and what was written to it.
class PrintedFile {
public:
    PrintedFile() : fd_(::fileno(file_.get())) {}
    int fd() const noexcept { return fd_; }

    std::string text() const {
        std::string text(4096, '\0');
        const ssize_t got = ::pread(fd_, text.data(), text.size(), 0);
        REQUIRE(got >= 0);
        text.resize(static_cast<std::size_t>(got));
        return text;
    }

private:
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{std::tmpfile(), &std::fclose};
    int fd_;
};

/// A terminal of so many columns, and what came out of it since the last look.
class PseudoTerminal {
public:
    explicit PseudoTerminal(unsigned short columns)
        : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        REQUIRE(master_);
        REQUIRE(::grantpt(master_.get()) == 0);
        REQUIRE(::unlockpt(master_.get()) == 0);
        slave_ = UniqueFd(::open(::ptsname(master_.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
        REQUIRE(slave_);
        struct ::termios mode{};
        REQUIRE(::tcgetattr(slave_.get(), &mode) == 0);
        ::cfmakeraw(&mode);
        REQUIRE(::tcsetattr(slave_.get(), TCSANOW, &mode) == 0);
        resize(columns);
    }
    int fd() const noexcept { return slave_.get(); }

    void resize(unsigned short columns) const {
        struct ::winsize size{};
        size.ws_col = columns;
        REQUIRE(::ioctl(slave_.get(), TIOCSWINSZ, &size) == 0);
    }

    /// Kernel: what is written arrives a little later; a mark behind it says when all has.
    std::string text() const {
        REQUIRE(::write(slave_.get(), "\x04", 1) == 1);
        std::string text;
        while (!text.ends_with('\x04')) {
            std::array<char, 4096> part{};
            const ssize_t got = ::read(master_.get(), part.data(), part.size());
            REQUIRE(got > 0);
            text.append(part.data(), static_cast<std::size_t>(got));
        }
        text.pop_back();
        return text;
    }

private:
    UniqueFd master_;
    UniqueFd slave_;
};

/// One after each second.
std::vector<Task<int>> each_second(int count) {
    std::vector<Task<int>> tasks;
    for (int number = 1; number <= count; ++number) {
        tasks.push_back(give_after(number * 1s, number));
    }
    return tasks;
}

template <class Steps>
Task<> drain(Steps& steps) {
    for (auto& next : steps) {
        co_await told(next);
    }
}

template <class Steps>
Task<> take(Steps& steps, int count) {
    for (int taken = 0; taken < count; ++taken) {
        co_await steps.next();
    }
}

}  // namespace

ASYNC_TEST_CASE("progress: gives what as_completed gives, a plain line for each tenth in a file") {
    PrintedFile file;
    std::vector<int> results;
    auto pages = progress(each_second(20), {.label = "pages", .fd = file.fd()});
    CHECK(pages.size() == 20);
    for (auto& next : pages) {
        const int result = co_await next;
        results.push_back(result);
    }
    CHECK(results.size() == 20);
    CHECK(results.front() == 1);
    CHECK(file.text() ==
          "pages: 2/20 00:02 1.0/s 00:18 left (10%)\n"
          "pages: 4/20 00:04 1.0/s 00:16 left (20%)\n"
          "pages: 6/20 00:06 1.0/s 00:14 left (30%)\n"
          "pages: 8/20 00:08 1.0/s 00:12 left (40%)\n"
          "pages: 10/20 00:10 1.0/s 00:10 left (50%)\n"
          "pages: 12/20 00:12 1.0/s 00:08 left (60%)\n"
          "pages: 14/20 00:14 1.0/s 00:06 left (70%)\n"
          "pages: 16/20 00:16 1.0/s 00:04 left (80%)\n"
          "pages: 18/20 00:18 1.0/s 00:02 left (90%)\n"
          "pages: 20/20 00:20 1.0/s (100%)\n");
}

ASYNC_TEST_CASE("progress: a plain line comes after ten seconds without one, too") {
    PrintedFile file;
    std::vector<Task<int>> tasks;
    for (int number = 1; number <= 30; ++number) {
        tasks.push_back(give_after(number * 6s, number));
    }
    auto slow = progress(std::move(tasks), {.fd = file.fd()});
    co_await take(slow, 5);
    CHECK(file.text() ==
          "2/30 00:12 0.17/s 02:48 left (6%)\n"
          "3/30 00:18 0.17/s 02:42 left (10%)\n"
          "5/30 00:30 0.17/s 02:30 left (16%)\n");
    co_await drain(slow);
}

ASYNC_TEST_CASE("progress: on a terminal one line is drawn anew, and ended after the last draw") {
    PseudoTerminal terminal(62);
    auto pages = progress(each_second(4), {.label = "pages", .fd = terminal.fd()});
    CHECK(terminal.text() ==
          "\rpages   0% [......................................] 0/4 00:00\x1b[K");
    co_await take(pages, 1);
    CHECK(terminal.text() ==
          "\rpages  25% [#####................] 1/4 00:01 1.0/s 00:03 left\x1b[K");
    co_await take(pages, 2);
    CHECK(terminal.text() ==
          "\rpages  50% [##########...........] 2/4 00:02 1.0/s 00:02 left\x1b[K"
          "\rpages  75% [###############......] 3/4 00:03 1.0/s 00:01 left\x1b[K");
    co_await take(pages, 1);
    CHECK(terminal.text() ==
          "\rpages 100% [################################] 4/4 00:04 1.0/s\x1b[K\n");
    const auto end = co_await pages.next();
    CHECK_FALSE(end);
}

ASYNC_TEST_CASE("progress: ends that follow each other closely are drawn together, later") {
    PseudoTerminal terminal(20);
    std::vector<Task<int>> tasks;
    tasks.push_back(give_after(1s, 1));
    tasks.push_back(give_after(1010ms, 2));
    tasks.push_back(give_after(1020ms, 3));
    tasks.push_back(give_after(1h, 4));
    auto all = progress(std::move(tasks), {.fd = terminal.fd(), .interval = 200ms});
    co_await take(all, 3);
    CHECK(terminal.text() == "\r  0% 0/4 00:00\x1b[K\r 25% 1/4 00:01 1.0/\x1b[K");
    co_await sleep(179ms);
    CHECK(terminal.text() == "");
    co_await sleep(2ms);
    CHECK(terminal.text() == "\r 75% 3/4 00:01 2.5/\x1b[K");
    co_await take(all, 1);
    CHECK(terminal.text() == "\r100% 4/4 1:00:00 0.\x1b[K\n");
}

ASYNC_TEST_CASE("progress: an interval of nothing draws each end") {
    PseudoTerminal terminal(30);
    std::vector<Task<int>> tasks;
    tasks.push_back(give(1));
    tasks.push_back(give(2));
    auto both = progress(std::move(tasks), {.fd = terminal.fd(), .interval = 0s});
    co_await take(both, 2);
    CHECK(terminal.text() ==
          "\r  0% [............] 0/2 00:00\x1b[K"
          "\r 50% [######......] 1/2 00:00\x1b[K"
          "\r100% [############] 2/2 00:00\x1b[K\n");
}

ASYNC_TEST_CASE("progress: the width is asked for at each draw; 80 where the terminal has none") {
    PseudoTerminal terminal(0);
    auto steps = progress(each_second(3), {.label = "x", .fd = terminal.fd()});
    CHECK(terminal.text() == "\rx   0% [" + std::string(60, '.') + "] 0/3 00:00\x1b[K");
    terminal.resize(39);
    co_await take(steps, 1);
    CHECK(terminal.text() == "\rx  33% 1/3 00:01 1.0/s 00:02 left\x1b[K");
    terminal.resize(1);
    co_await take(steps, 1);
    CHECK(terminal.text() == "\r\x1b[K");
    terminal.resize(41);
    co_await take(steps, 1);
    CHECK(terminal.text() == "\rx 100% [###############] 3/3 00:03 1.0/s\x1b[K\n");
}

ASYNC_TEST_CASE(
    "progress: a label counts the columns that it takes, and is cut between characters") {
    PseudoTerminal terminal(40);
    {
        auto steps = progress(each_second(1), {.label = "下载", .fd = terminal.fd()});
        CHECK(terminal.text() == "\r下载   0% [.................] 0/1 00:00\x1b[K");
        terminal.resize(4);
    }
    CHECK(terminal.text() == "\r下\x1b[K\n");
    terminal.resize(30);
    auto steps = progress(each_second(1), {.label = "e\u0301é", .fd = terminal.fd()});
    CHECK(terminal.text() == "\re\u0301é   0% 0/1 00:00\x1b[K");
    co_return;
}

ASYNC_TEST_CASE("progress: what in a label is no text, or moves the cursor, becomes a '?'") {
    PrintedFile file;
    using namespace std::string_view_literals;
    for (const std::string_view label :
         {"a\nb\x1b[2J"sv, "\xE4\xB8"sv, "\xC2"sv, "\xC0\xAF"sv, "\xED\xA0\x80"sv,
          "\xFF\xC2\x9B."sv, "\xF0\x9F\x98\x80"sv, "\0"sv}) {
        auto nothing = progress(std::vector<Task<int>>(), {.label = label, .fd = file.fd()});
        CHECK(nothing.empty());
    }
    CHECK(file.text() ==
          "a?b?[2J: 0/0 00:00 (100%)\n"
          "??: 0/0 00:00 (100%)\n"
          "?: 0/0 00:00 (100%)\n"
          "??: 0/0 00:00 (100%)\n"
          "???: 0/0 00:00 (100%)\n"
          "??.: 0/0 00:00 (100%)\n"
          "😀: 0/0 00:00 (100%)\n"
          "?: 0/0 00:00 (100%)\n");
    co_return;
}

ASYNC_TEST_CASE("progress: of nothing is complete, on a terminal, too") {
    PseudoTerminal terminal(30);
    auto nothing = progress(std::vector<Task<int>>(), {.label = "none", .fd = terminal.fd()});
    CHECK(terminal.text() == "\rnone 100% 0/0 00:00\x1b[K\n");
    const auto next = co_await nothing.next();
    CHECK_FALSE(next);
}

ASYNC_TEST_CASE("progress: who fails or is cancelled counts as done, and throws what it threw") {
    PrintedFile file;
    auto failing = create_task(fail_after(1s, "bad"));
    auto cancelled = create_task(give_after(2s, 2));
    auto good = create_task(give_after(3s, 3));
    cancelled.cancel();
    EventLog log;
    for (auto& next : progress(std::vector{failing, cancelled, good}, {.fd = file.fd()})) {
        const std::string end = co_await told(next);
        log(end);
    }
    CHECK(log.joined() == "CancelledError bad 3");
    CHECK(file.text() ==
          "1/3 00:00 (33%)\n"
          "2/3 00:01 2.0/s 00:01 left (66%)\n"
          "3/3 00:03 1.0/s (100%)\n");
}

ASYNC_TEST_CASE("progress: whoever leaves before the end leaves a line that is over") {
    PseudoTerminal terminal(40);
    PrintedFile file;
    {
        auto shown = progress(each_second(20), {.fd = terminal.fd()});
        auto written = progress(each_second(40), {.fd = file.fd()});
        co_await take(shown, 3);
        terminal.text();
        co_await sleep(2ms);
    }
    CHECK(terminal.text() == "\r 15%  3/20 00:03 1.0/s 00:18 left\x1b[K\n");
    CHECK(file.text() == "3/40 00:03 1.0/s 00:38 left (7%)\n");
}

ASYNC_TEST_CASE("progress: whoever leaves while a draw is due leaves none behind") {
    PseudoTerminal terminal(30);
    {
        std::vector<Task<int>> tasks;
        tasks.push_back(give(1));
        tasks.push_back(give_after(1h, 2));
        auto steps = progress(std::move(tasks), {.fd = terminal.fd()});
        co_await take(steps, 1);
        CHECK(terminal.text() == "\r  0% [............] 0/2 00:00\x1b[K");
    }
    co_await sleep(1s);
    CHECK(terminal.text() == "\r 50% [######......] 1/2 00:00\x1b[K\n");
}

ASYNC_TEST_CASE("progress: a task that is cancelled while it waits leaves a line that is over") {
    PseudoTerminal terminal(30);
    auto waiting = create_task([](int fd) -> Task<> {
        auto steps = progress(each_second(2), {.fd = fd});
        for (auto& next : steps) {
            co_await next;
        }
    }(terminal.fd()));
    co_await sleep(1500ms);
    terminal.text();
    waiting.cancel();
    const std::string end = co_await told(waiting);
    CHECK(end == "CancelledError");
    CHECK(terminal.text() == "\r 50% 1/2 00:01 0.67/s 00:02 l\x1b[K\n");
}

ASYNC_TEST_CASE("progress: steps that are left when it is gone still give their results") {
    PrintedFile file;
    std::optional<NextCompleted<int>> step;
    {
        auto steps = progress(each_second(2), {.fd = file.fd()});
        step = *steps.begin();
    }
    const int first = co_await *step;
    CHECK(first == 1);
    CHECK(file.text() == "");
}

ASYNC_TEST_CASE("progress: when the limit has passed, the bar stays where it was") {
    PrintedFile file;
    EventLog log;
    {
        auto steps = progress(each_second(3), {.fd = file.fd(), .limit = 1500ms});
        for (auto& next : steps) {
            const std::string end = co_await told(next);
            log(end);
        }
    }
    co_await sleep(5s);
    CHECK(log.joined() == "1 TimeoutError TimeoutError");
    CHECK(file.text() == "1/3 00:01 1.0/s 00:02 left (33%)\n");
}

ASYNC_TEST_CASE("progress: results that can only be moved, of a range that is given away") {
    PrintedFile file;
    std::vector<Task<std::unique_ptr<int>>> tasks;
    tasks.push_back([]() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); }());
    auto steps = progress(std::move(tasks), {.label = std::string(30, 'x'), .fd = file.fd()});
    auto moved = std::move(steps);
    for (auto& next : moved) {
        const std::unique_ptr<int> result = co_await next;
        CHECK(*result == 7);
    }
    CHECK(file.text() == std::string(30, 'x') + ": 1/1 00:00 (100%)\n");
}

ASYNC_TEST_CASE("progress: a descriptor that cannot be written to changes nothing") {
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    REQUIRE(full);
    for (const int fd : {-1, full.get()}) {
        auto steps = progress(each_second(2), {.fd = fd});
        co_await take(steps, 2);
        const auto end = co_await steps.next();
        CHECK_FALSE(end);
    }
}

ASYNC_TEST_CASE("progress: a pipe without a reader does not end the process") {
    const SignalAction default_action(SIGPIPE);
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const UniqueFd write_end(ends[1]);
    ::close(ends[0]);
    auto steps = progress(each_second(2), {.fd = write_end.get()});
    co_await drain(steps);
    CHECK(signal_action(SIGPIPE) == SIG_IGN);
}

ASYNC_TEST_CASE("progress: a full pipe that does not block loses the line, and nobody waits") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    const UniqueFd read_end(ends[0]);
    const UniqueFd write_end(ends[1]);
    const std::string much(4096, '-');
    while (::write(write_end.get(), much.data(), much.size()) > 0) {
    }
    auto steps = progress(each_second(2), {.label = "lost", .fd = write_end.get()});
    co_await take(steps, 1);
    std::string text(1024 * 1024, '\0');
    while (::read(read_end.get(), text.data(), text.size()) > 0) {
    }
    co_await take(steps, 1);
    const ssize_t got = ::read(read_end.get(), text.data(), text.size());
    REQUIRE(got > 0);
    CHECK(text.substr(0, static_cast<std::size_t>(got)) == "lost: 2/2 00:02 1.0/s (100%)\n");
}
