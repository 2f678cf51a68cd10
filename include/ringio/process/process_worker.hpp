// process_worker: where a worker process of a ProcessPoolExecutor begins.
#pragma once

#include <optional>

namespace ringio {

/// To be called first in main() of a program that has a concurrent::ProcessPoolExecutor, whose
/// workers are this program, started again:
///
///     if (auto code = ringio::process_worker(argc, argv)) { return *code; }
///
/// In a worker process it makes the calls that the pool sends, until there are no more, and returns
/// the exit status; in any other process it returns nothing. co_main() does it by itself. What has
/// been constructed before main() exists in each worker, too.
///
/// *Python*: `if __name__ == "__main__":`.
std::optional<int> process_worker(int argc, char** argv);

namespace detail {

/// *Errors*: std::runtime_error unless this process has called process_worker().
void require_process_worker_called();

}  // namespace detail
}  // namespace ringio
