// The jobs of threads.c for what gives a future of a call: one after the other, and all at once.
#pragma once

#include "../harness/job.h"

#include <string_view>
#include <vector>

namespace bench {

inline constexpr int together = 10000;

inline int next_number(int x) { return x + 1; }

template <class Submit>
void in_turns(std::uint64_t count, Submit submit, auto result_of) {
    int number = result_of(submit(next_number, 0));
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < count; ++i) {
        number = result_of(submit(next_number, number));
    }
    print_job(clocks, count, -1);
    if (static_cast<std::uint64_t>(number) != count + 1) {
        die("thread", EIO);
    }
}

template <class Submit>
void all_together(Submit& submit, auto result_of) {
    std::vector<decltype(submit(next_number, 0))> futures;
    futures.reserve(together);
    for (int i = 0; i < together; ++i) {
        futures.push_back(submit(next_number, i));
    }
    for (int i = 0; i < together; ++i) {
        if (result_of(futures[static_cast<std::size_t>(i)]) != i + 1) {
            die("threads", EIO);
        }
    }
}

template <class Submit>
void many(std::uint64_t count, Submit submit, auto result_of) {
    all_together(submit, result_of);
    const job_clocks clocks = start_clocks();
    for (std::uint64_t i = 0; i < count; ++i) {
        all_together(submit, result_of);
    }
    print_job(clocks, count * together, -1);
}

/// `submit(function, number)` gives a future, `result_of(future)` its result.
template <class Submit>
void run_threads(std::string_view job, std::uint64_t count, Submit submit, auto result_of) {
    if (job == "thread") {
        in_turns(count, submit, result_of);
    } else {
        many(count, submit, result_of);
    }
}

/// Of the pool: one thread for one job, else two.
inline std::size_t workers_for(std::string_view job) { return job == "thread" ? 1 : 2; }

}  // namespace bench
