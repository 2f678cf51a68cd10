// The process benchmarks on ringio; the jobs are those of calls.c.
#include "../harness/job.h"

#include <ringio.hpp>

#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {

using ringio::Process;
using ringio::Stdio;
using ringio::Task;

constexpr int together = 64;

Task<> run_true() {
    const Process process = co_await ringio::create_subprocess_exec({"/bin/true"});
    const int status = co_await process.wait();
    if (status != 0) {
        die("/bin/true", EIO);
    }
}

Task<> spawn_in_turns(std::uint64_t count) {
    double blocked = 0;
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < count; ++i) {
        const double began = seconds(CLOCK_MONOTONIC);
        const Process process = co_await ringio::create_subprocess_exec({"/bin/true"});
        blocked += seconds(CLOCK_MONOTONIC) - began;
        const int status = co_await process.wait();
        if (status != 0) {
            die("/bin/true", EIO);
        }
    }
    print_job(clocks, count, blocked);
}

Task<> spawn_together(std::uint64_t count) {
    const std::uint64_t rounds = (count + together - 1) / together;
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < rounds; ++i) {
        std::vector<Task<>> running;
        for (int k = 0; k < together; ++k) {
            running.push_back(run_true());
        }
        co_await ringio::gather(std::move(running));
    }
    print_job(clocks, rounds * together, -1);
}

Task<> communicate(std::uint64_t mib) {
    std::string input(static_cast<std::size_t>(mib) << 20U, 'x');
    const std::size_t size = input.size();
    const job_clocks clocks = start_clocks();
    const Process cat = co_await ringio::create_subprocess_exec(
        {"/bin/cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    const auto [out, err] = co_await cat.communicate(std::move(input));
    if (out.size() != size) {
        die("communicate", EIO);
    }
    print_job(clocks, mib, -1);
}

Task<> signals(std::uint64_t count) {
    auto& loop = ringio::get_running_loop();
    auto done = loop.create_future<void>();
    std::uint64_t left = count;
    loop.add_signal_handler(SIGUSR1, [&] {
        if (--left > 0) {
            ::kill(::getpid(), SIGUSR1);
        } else {
            done.set_result();
        }
    });
    const job_clocks clocks = start_clocks();
    ::kill(::getpid(), SIGUSR1);
    co_await done.get_future();
    print_job(clocks, count, -1);
    loop.remove_signal_handler(SIGUSR1);
}

Task<> reader(std::uint64_t count) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        die("pipe", errno);
    }
    auto& loop = ringio::get_running_loop();
    auto done = loop.create_future<void>();
    std::uint64_t left = count;
    loop.add_reader(ends[0], [&] {
        char byte = 0;
        if (::read(ends[0], &byte, 1) != 1) {
            die("read", errno);
        }
        if (--left == 0) {
            done.set_result();
        } else if (::write(ends[1], &byte, 1) != 1) {
            die("write", errno);
        }
    });
    const job_clocks clocks = start_clocks();
    if (::write(ends[1], "", 1) != 1) {
        die("write", errno);
    }
    co_await done.get_future();
    print_job(clocks, count, -1);
    loop.remove_reader(ends[0]);
}

Task<> work(std::string_view job, std::uint64_t count) {
    if (job == "spawn") {
        return spawn_in_turns(count);
    }
    if (job == "together") {
        return spawn_together(count);
    }
    if (job == "communicate") {
        return communicate(count);
    }
    if (job == "signal") {
        return signals(count);
    }
    return reader(count);
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t count = number_argument(argc, argv, 2);
    ringio::run(work(argv[1], count));
}
