// The pool benchmarks on ringio; the jobs are those of calls.c and threads.c.
#include "threads.hpp"

#include <ringio.hpp>

#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using ringio::Task;
using ringio::concurrent::ProcessPoolExecutor;
using ringio::concurrent::ThreadPoolExecutor;

constexpr std::size_t text_size = 1 << 20;
constexpr int numbers = 1000000;

int next_number(int x) { return x + 1; }
std::string same(std::string text) { return text; }

void require_calls(int number, std::uint64_t count) {
    if (static_cast<std::uint64_t>(number) != count + 1) {
        die("call", EIO);
    }
}

void calls(std::uint64_t count) {
    ProcessPoolExecutor pool(1);
    int number = pool.submit(next_number, 0).result();
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < count; ++i) {
        number = pool.submit(next_number, number).result();
    }
    print_job(clocks, count, -1);
    require_calls(number, count);
}

Task<> awaited_calls(std::uint64_t count) {
    auto& loop = ringio::get_running_loop();
    ProcessPoolExecutor pool(1);
    int number = co_await loop.run_in_executor(pool, next_number, 0);
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < count; ++i) {
        number = co_await loop.run_in_executor(pool, next_number, number);
    }
    print_job(clocks, count, -1);
    require_calls(number, count);
}

void texts(std::uint64_t count) {
    const std::string text(text_size, 'x');
    ProcessPoolExecutor pool(1);
    job_clocks clocks = {};
    for (std::uint64_t i = 0; i <= count; ++i) {
        if (i == 1) {  // the first one starts the worker
            clocks = start_clocks();
        }
        const std::string answer = pool.submit(same, text).result();
        if (answer.size() != text_size) {
            die("bytes", EIO);
        }
    }
    print_job(clocks, count, -1);
}

std::vector<int> map_once(ProcessPoolExecutor& pool, const std::vector<int>& input) {
    std::vector<int> output;
    output.reserve(input.size());
    for (const int number : pool.map(next_number, input)) {
        output.push_back(number);
    }
    return output;
}

void maps(std::uint64_t count) {
    std::vector<int> input(numbers);
    std::iota(input.begin(), input.end(), 0);
    ProcessPoolExecutor pool(2);
    std::vector<int> output = map_once(pool, input);
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < count; ++i) {
        output = map_once(pool, input);
    }
    print_job(clocks, count, -1);
    if (output.size() != numbers || output.front() != 1 || output.back() != numbers) {
        die("map", EIO);
    }
}

void threads(std::string_view job, std::uint64_t count) {
    ThreadPoolExecutor pool(bench::workers_for(job));
    bench::run_threads(
        job, count, [&](auto function, int number) { return pool.submit(function, number); },
        [](const auto& future) { return future.result(); });
}

}  // namespace

int main(int argc, char** argv) {
    if (auto code = ringio::process_worker(argc, argv)) {
        return *code;
    }
    const std::uint64_t count = number_argument(argc, argv, 2);
    const std::string_view job = argv[1];
    if (job == "call" && argc > 3) {
        ringio::run(awaited_calls(count));
    } else if (job == "call") {
        calls(count);
    } else if (job == "map") {
        maps(count);
    } else if (job == "bytes") {
        texts(count);
    } else {
        threads(job, count);
    }
}
