// A queue of jobs in Redis, done by workers that are processes of their own: a stream of jobs with
// a group of consumers, in which a job is a worker's until it is acknowledged. A worker that is at
// a job says so again and again; one that a worker has left by dying is claimed by another.
//
//     job_queue HOST PORT                 gives out jobs and starts workers: itself, as below
//     job_queue HOST PORT NAME SECONDS    a worker, which takes so long for a job
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/main.hpp>

#include <chrono>
#include <csignal>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "resp.hpp"

using namespace std::chrono_literals;
using ringio::Process;

namespace {

/// For so long a worker may say nothing; then its job is anybody's.
constexpr std::chrono::milliseconds lease = 500ms;

/// Of a stream: [id, [name, value, name, value, …]].
struct Entry {
    explicit Entry(const resp::Value& entry) : id(entry[0].text()) {
        const std::vector<resp::Value>& texts = entry[1].array();
        for (std::size_t at = 0; at + 1 < texts.size(); at += 2) {
            fields[texts[at].text()] = texts[at + 1].text();
        }
    }

    std::string id;
    std::map<std::string, std::string> fields;
};

// [take]
/// Waits for a job: one that its worker has left, or a new one.
ringio::Task<Entry> take_job(resp::Client& jobs, std::string worker) {
    for (;;) {
        const resp::Value left = co_await jobs.command("XAUTOCLAIM", "jobs", "workers", worker,
                                                       lease.count(), 0, "COUNT", 1);
        if (!left[1].array().empty()) {
            co_return Entry(left[1][0]);
        }
        const resp::Value fresh =
            co_await jobs.command("XREADGROUP", "GROUP", "workers", worker, "COUNT", 1, "BLOCK",
                                  lease.count(), "STREAMS", "jobs", ">");
        if (!fresh.is_null()) {
            co_return Entry(fresh[0][1][0]);
        }
    }
}

ringio::Task<> keep_job(resp::Client& redis, std::string worker, std::string id) {
    for (;;) {
        co_await ringio::sleep(lease / 5);
        co_await redis.command("XCLAIM", "jobs", "workers", worker, 0, id, "JUSTID");
    }
}
// [/take]

ringio::Task<long> square(long number, std::chrono::seconds time) {
    co_await ringio::sleep(time);
    co_return number* number;
}

// [work]
/// Does jobs until SIGTERM; one that has begun is done to its end.
ringio::Task<int> work(std::string host, int port, std::string worker, std::chrono::seconds time) {
    ringio::Event stop;
    ringio::get_running_loop().add_signal_handler(SIGTERM, [&stop] { stop.set(); });
    resp::Client jobs = co_await resp::Client::connect(host, port);  // where it waits for jobs
    resp::Client redis = co_await resp::Client::connect(host, port);
    for (;;) {
        auto next = co_await ringio::when_any(take_job(jobs, worker), stop.wait());
        if (next.index != 0) {
            break;
        }
        const Entry job = std::get<0>(std::move(next.value));
        const std::string number = job.fields.at("number");
        co_await redis.command("XADD", "events", "*", "begun", number, "by", worker);
        const auto done = co_await ringio::when_any(square(std::stol(number), time),
                                                    keep_job(redis, worker, job.id));
        // All or nothing: a job that has a result is acknowledged, and the other way round.
        co_await ringio::gather(redis.command("MULTI"),
                                redis.command("XADD", "events", "*", "done", number, "by", worker,
                                              "result", std::get<0>(done.value)),
                                redis.command("XACK", "jobs", "workers", job.id),
                                redis.command("EXEC"));
    }
    co_return 0;
}
// [/work]

/// What the workers have to say, from the beginning.
ringio::AsyncGenerator<Entry> events(resp::Client& redis) {
    std::string last = "0";
    for (;;) {
        const resp::Value news =
            co_await redis.command("XREAD", "BLOCK", 0, "STREAMS", "events", last);
        for (const resp::Value& one : news[0][1].array()) {
            Entry event(one);
            last = event.id;
            co_yield event;
        }
    }
}

struct Result {
    std::string worker;
    long value;
};

/// Takes results until there are those of `count` jobs. Of one that was done twice, the last
/// counts.
ringio::Task<> collect(ringio::AsyncGenerator<Entry>& events,
                       std::map<std::string, Result>& results, std::size_t count) {
    while (results.size() < count) {
        const auto event = co_await events.next();
        const auto& fields = event->fields;
        if (fields.contains("done")) {
            results[fields.at("done")] = {fields.at("by"), std::stol(fields.at("result"))};
        }
    }
}

ringio::Task<int> give_out_jobs(std::string host, int port) {
    constexpr std::size_t count = 12;
    resp::Client redis = co_await resp::Client::connect(host, port);
    resp::Client listener = co_await resp::Client::connect(host, port);
    co_await redis.command("XGROUP", "CREATE", "jobs", "workers", 0, "MKSTREAM");
    for (std::size_t number = 1; number <= count; ++number) {
        co_await redis.command("XADD", "jobs", "*", "number", number);
    }

    // [kill]
    ringio::AsyncGenerator<Entry> happened = events(listener);
    const Process slow = co_await ringio::create_subprocess_exec(
        {"/proc/self/exe", host, std::to_string(port), "slow", "3600"});
    const auto begun = co_await happened.next();
    const std::string job_of_slow = begun->fields.at("begun");
    fmt::print("slow is at a job\n");

    std::vector<Process> others;
    for (const char* const name : {"one", "two"}) {
        others.push_back(co_await ringio::create_subprocess_exec(
            {"/proc/self/exe", host, std::to_string(port), name, "0"}));
    }
    std::map<std::string, Result> results;
    co_await collect(happened, results, count - 1);
    slow.kill();
    const int status = co_await slow.wait();
    fmt::print("{} jobs are done; slow is killed: {}\n", results.size(), status);

    co_await collect(happened, results, count);
    fmt::print("slow's job is done by another: {}\n", results[job_of_slow].worker != "slow");
    // [/kill]

    long sum = 0;
    for (const auto& [number, result] : results) {
        sum += result.value;
    }
    const resp::Value pending = co_await redis.command("XPENDING", "jobs", "workers");
    fmt::print("{} jobs are done, {} are left; the sum is {}\n", results.size(),
               pending[0].number(), sum);

    for (const Process& worker : others) {
        worker.terminate();
        const int end = co_await worker.wait();
        fmt::print("a worker ends: {}\n", end);
    }
    co_return 0;
}

}  // namespace

ringio::Task<int> co_main(int argc, char** argv) {
    if (argc == 3) {
        co_return co_await give_out_jobs(argv[1], std::stoi(argv[2]));
    }
    if (argc == 5) {
        co_return co_await work(argv[1], std::stoi(argv[2]), argv[3],
                                std::chrono::seconds(std::stoi(argv[4])));
    }
    fmt::print(stderr, "usage: job_queue HOST PORT [NAME SECONDS]\n");
    co_return 2;
}
