// Cancel at every await, and no memory at each allocation: programs that are started. None of them
// is left, running or as a zombie.
#include <ringio/process.hpp>

#include "sweep_scenario.hpp"

#include <cerrno>
#include <string>

#include <sys/wait.h>

using namespace ringio;
using namespace ringio::test_support;

namespace {

bool no_child_is_left() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

Task<> until_no_child_is_left() {
    while (!no_child_is_left()) {
        co_await sleep(Delay());
    }
}

Task<> run_cat(std::string& heard) {
    const Process cat =
        co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe, .std_out = Stdio::pipe});
    auto [out, err] = co_await cat.communicate("words");
    heard = out;
}

Task<> communicate_with_cat(Sweep& sweep) {
    auto& heard = sweep.make<std::string>();
    sweep.check("all or nothing", [&heard] { return heard.empty() || heard == "words"; });
    co_await ended(sweep.victim(create_task(run_cat(heard))));
    co_await until_no_child_is_left();
}

Task<> read_and_wait() {
    const Process process = co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe});
    process.std_in().close();
    co_await process.wait();
}

Task<> wait_for_its_end(Sweep& sweep) {
    co_await ended(sweep.victim(create_task(read_and_wait())));
    co_await until_no_child_is_left();
}

Task<> run_to_its_end() {
    co_await run_process({"sh", "-c", "cat; exit 3"},
                         {.check = false, .capture_output = true, .input = "words"});
}

Task<> run_one(Sweep& sweep) {
    co_await ended(sweep.victim(create_task(run_to_its_end())));
    co_await until_no_child_is_left();
}

}  // namespace

CANCEL_SWEEP("cancel at every await: communicate with a process") {
    co_await communicate_with_cat(sweep);
}
CANCEL_SWEEP("cancel at every await: a process and its end") { co_await wait_for_its_end(sweep); }
CANCEL_SWEEP("cancel at every await: run_process") { co_await run_one(sweep); }

ALLOCATION_SWEEP("no memory: communicate with a process") { co_await communicate_with_cat(sweep); }
ALLOCATION_SWEEP("no memory: run_process") { co_await run_one(sweep); }
