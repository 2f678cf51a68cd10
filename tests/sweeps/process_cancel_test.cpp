// Cancel at every await, and no memory at each allocation: programs that are started. None of them
// is left, running or as a zombie.
#include <ringio/process.hpp>

#include "sweep_scenario.hpp"

#include <cerrno>
#include <new>
#include <string>

#include <poll.h>
#include <sys/wait.h>

using namespace ringio;
using namespace ringio::test_support;

namespace {

bool no_child_is_left() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

// Also when there is no memory, the loop has to come to reap.
Task<> run_as_victim(Sweep& sweep, Task<> work) {
    TaskHandle<> victim = sweep.victim(create_task(std::move(work)));
    while (!victim.done()) {
        bool has_memory = true;
        try {
            co_await ended(victim);
        } catch (const std::bad_alloc&) {
            has_memory = false;
        }
        if (!has_memory) {
            ::poll(nullptr, 0, 1);  // the program's turn, rather than many of the loop's
            co_await sleep(Delay());
        }
    }
    while (!no_child_is_left()) {  // it was killed: the loop comes to reap it
        siginfo_t info{};
        ::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
        co_await sleep(Delay());
    }
    victim.shared_state()->mark_retrieved();
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
    co_await run_as_victim(sweep, run_cat(heard));
}

Task<> read_and_wait() {
    const Process process = co_await create_subprocess_exec({"cat"}, {.std_in = Stdio::pipe});
    process.std_in().close();
    co_await process.wait();
}

Task<> wait_for_its_end(Sweep& sweep) { co_await run_as_victim(sweep, read_and_wait()); }

Task<> run_to_its_end() {
    co_await run_process({"sh", "-c", "cat; exit 3"},
                         {.check = false, .capture_output = true, .input = "words"});
}

Task<> run_one(Sweep& sweep) { co_await run_as_victim(sweep, run_to_its_end()); }

}  // namespace

CANCEL_SWEEP("cancel at every await: communicate with a process") {
    co_await communicate_with_cat(sweep);
}
CANCEL_SWEEP("cancel at every await: a process and its end") { co_await wait_for_its_end(sweep); }
CANCEL_SWEEP("cancel at every await: run_process") { co_await run_one(sweep); }

ALLOCATION_SWEEP("no memory: communicate with a process") { co_await communicate_with_cat(sweep); }
ALLOCATION_SWEEP("no memory: run_process") { co_await run_one(sweep); }
