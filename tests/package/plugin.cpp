// A shared object with ringio in it, or beside it: what crosses the boundary must be one and the
// same on both sides.
#include <ringio.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace {

bool is_loop_running() {
    try {
        static_cast<void>(ringio::get_running_loop());  // inline, over a variable of the thread
        return true;
    } catch (const std::runtime_error&) {
        return false;
    }
}

ringio::Task<std::string> slow() {
    co_await ringio::sleep(1h);
    co_return "too late";
}

// Each of these is thrown within the library and caught here, by its type.
ringio::Task<int> caught() {
    int count = 0;
    try {
        co_await ringio::wait_for(slow(), 1ms);
    } catch (const ringio::TimeoutError&) {
        ++count;
    }
    auto task = ringio::create_task(slow());
    co_await ringio::sleep(0s);
    task.cancel();
    try {
        co_await task;
    } catch (const ringio::CancelledError&) {
        ++count;
    }
    ringio::Queue<int> queue;
    queue.shutdown();
    try {
        co_await queue.get();
    } catch (const ringio::QueueShutDown&) {
        ++count;
    }
    const int thread = co_await ringio::to_thread([] { return 1; });
    co_return count + thread + (is_loop_running() ? 1 : 0);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int check_plugin() noexcept {
    try {
        return !is_loop_running() && ringio::run(caught()) == 5 && !is_loop_running() ? 0 : 1;
    } catch (const std::exception& error) {
        std::printf("plugin: %s\n", error.what());
        return 1;
    }
}
