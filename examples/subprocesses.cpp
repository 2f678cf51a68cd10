// Other programs: one that is run, one that is talked to, three whose lines come together, and a
// pipeline of them.
#include <fmt/core.h>
#include <ringio.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using ringio::Process;
using ringio::Stdio;

namespace {

ringio::Task<> run_one() {
    // [run]
    const ringio::CompletedProcess sorted = co_await ringio::run_process(
        {"sort", "-r"}, {.capture_output = true, .input = "b\na\nc\n"});
    fmt::print("{}", sorted.std_out);
    try {
        co_await ringio::run_process({"sh", "-c", "exit 3"});
    } catch (const ringio::CalledProcessError& error) {
        fmt::print("{}\n", error.what());
    }
    try {
        co_await ringio::run_process({"sleep", "1000"}, {.timeout = 20ms});
    } catch (const ringio::TimeoutError& error) {
        fmt::print("{}\n", error.what());  // it got SIGTERM, and has ended
    }
    // [/run]
}

// [talk]
ringio::Task<> talk_to_one() {
    const Process upper = co_await ringio::create_subprocess_exec(
        {"sed", "-u", "s/o/0/g"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    for (const char* const word : {"one\n", "two\n"}) {
        upper.std_in().write(word);
        co_await upper.std_in().drain();
        const std::string answer = co_await upper.std_out().readline();
        fmt::print("{}", answer);
    }
    upper.std_in().close();
    const int status = co_await upper.wait();
    fmt::print("exit status {}\n", status);
}
// [/talk]

// [fan_in]
ringio::Task<> collect(std::string command, std::vector<std::string>& lines) {
    const Process process =
        co_await ringio::create_subprocess_shell(std::move(command), {.std_out = Stdio::pipe});
    for (;;) {
        std::string line = co_await process.std_out().readline();
        if (line.empty()) {
            break;
        }
        lines.push_back(std::move(line));
    }
    co_await process.wait();
}

ringio::Task<> fan_in() {
    std::vector<std::string> lines;
    try {
        co_await ringio::timeout(1h, [&lines]() -> ringio::Task<> {
            co_await ringio::when_all(collect("echo 1; echo 4", lines), collect("echo 2", lines),
                                      collect("echo 3; echo 5", lines));
        });
    } catch (const ringio::TimeoutError&) {  // whose program still ran was killed
        fmt::print("these are all that came in time\n");
    }
    std::sort(lines.begin(), lines.end());
    for (const std::string& line : lines) {
        fmt::print("{}", line);
    }
}
// [/fan_in]

// [pipeline]
ringio::Task<> pipeline() {
    auto [from_producer, to_filter] = ringio::open_pipe();
    auto [from_filter, to_us] = ringio::open_pipe();
    const Process producer = co_await ringio::create_subprocess_exec(
        {"printf", "pear\\napple\\npear\\n"}, {.std_out = std::move(to_filter)});
    const Process filter = co_await ringio::create_subprocess_exec(
        {"sort", "-u"}, {.std_in = std::move(from_producer), .std_out = std::move(to_us)});
    const std::string all = co_await from_filter.read();
    fmt::print("{}", all);
    co_await ringio::when_all(producer.wait(), filter.wait());
}
// [/pipeline]

ringio::Task<> main_coroutine() {
    co_await run_one();
    co_await talk_to_one();
    co_await fan_in();
    co_await pipeline();
}

}  // namespace

int main() { ringio::run(main_coroutine()); }
