// Gives a program its main(): write `ringio::Task<int> co_main(int argc, char** argv)` instead.
// To be included in one translation unit of an executable.
#pragma once

#include <ringio/process/process_worker.hpp>
#include <ringio/tasks/run.hpp>

/// The program; its result is the exit status.
ringio::Task<int> co_main(int argc, char** argv);

namespace ringio::detail {

/// Runs `program`, prints an exception that leaves it, and gives the exit status: 1 after an
/// exception; after Ctrl-C the process ends by SIGINT, as a shell expects.
int run_main(Task<int> (*program)(int, char**), int argc, char** argv);

}  // namespace ringio::detail

// The workers of a ProcessPoolExecutor begin here, too.
int main(int argc, char** argv) {
    if (const auto code = ringio::process_worker(argc, argv)) {
        return *code;
    }
    return ringio::detail::run_main(co_main, argc, argv);
}
