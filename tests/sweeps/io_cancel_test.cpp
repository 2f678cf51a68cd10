// Cancel at every await, and no memory at each allocation: waiting for descriptors. No byte is
// taken by who only waits, and the next one who waits is told.
#include <ringio/io.hpp>

#include <support/descriptor_pair.hpp>
#include "sweep_scenario.hpp"

#include <unistd.h>

using namespace ringio;
using namespace ringio::test_support;
using ringio::testing::Ends;

namespace {

Task<> write_twice(const Ends& pipe) {
    for (int round = 0; round < 2; ++round) {
        co_await sleep(Delay());
        co_await sleep(1ms);
        pipe.write("x");
    }
}

Task<> read_with_watch(const Ends& pipe, int& read) {
    Watch watch(pipe.near.get(), POLLIN);
    while (read < 2) {
        co_await watch.next();
        char byte = 0;
        read += static_cast<int>(::read(pipe.near.get(), &byte, 1));
        co_await wait_writable(pipe.far.get());
    }
}

Task<> watch_pipe(Sweep& sweep) {
    const auto& pipe = sweep.make<Ends>(Ends::pipe());
    int& read = sweep.make<int>(0);
    auto writing = create_task(write_twice(pipe));
    auto reading = sweep.victim(create_task(read_with_watch(pipe, read)));
    co_await ended(writing);
    co_await ended(reading);
    while (read < 2) {  // what the victim left is there for the next one
        co_await wait_readable(pipe.near.get());
        char byte = 0;
        read += static_cast<int>(::read(pipe.near.get(), &byte, 1));
    }
}

Task<> wait_for_callback(int fd, int& calls) {
    EventLoop& loop = get_running_loop();
    Event heard;
    const ScopeExit remove([&loop, fd] { loop.remove_reader(fd); });
    loop.add_reader(fd, [&] {
        ++calls;
        heard.set();
    });
    co_await heard.wait();
}

Task<> call_back(Sweep& sweep) {
    const auto& pipe = sweep.make<Ends>(Ends::pipe());
    int& calls = sweep.make<int>(0);
    auto writing = create_task(write_twice(pipe));
    auto waiting = sweep.victim(create_task(wait_for_callback(pipe.near.get(), calls)));
    co_await ended(writing);
    pipe.write("x");  // it may have had no memory
    co_await ended(waiting);
    sweep.check("nobody is called after the removal",
                [&calls, before = calls] { return calls == before; });
    co_await sleep(1ms);
}

}  // namespace

CANCEL_SWEEP("cancel at every await: a watch of a pipe") { co_await watch_pipe(sweep); }

CANCEL_SWEEP("cancel at every await: a callback for a descriptor") { co_await call_back(sweep); }

ALLOCATION_SWEEP("no memory: a callback for a descriptor") { co_await call_back(sweep); }
