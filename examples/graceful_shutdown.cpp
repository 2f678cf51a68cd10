// A server that takes jobs, one per line, and leaves in order on Ctrl-C: it accepts no more, its
// workers finish what was accepted, and the program ends well. graceful_shutdown [port].
#include <fmt/core.h>
#include <ringio.hpp>
#include <ringio/main.hpp>

#include <cstdio>
#include <cstdlib>

using namespace std::chrono_literals;

ringio::Queue<std::string> jobs;

ringio::Task<> accept_jobs(ringio::StreamReader reader, ringio::StreamWriter writer) {
    for (;;) {
        auto line = co_await reader.readline();
        if (line.empty()) {
            break;
        }
        jobs.put_nowait(line.substr(0, line.find('\n')));
        writer.write("accepted\n");
        co_await writer.drain();
    }
    writer.close();
    co_await writer.wait_closed();
}

ringio::Task<> work() {
    try {
        for (;;) {
            auto job = co_await jobs.get();
            co_await ringio::sleep(50ms);
            fmt::print("done: {}\n", job);
        }
    } catch (const ringio::QueueShutDown&) {
        fmt::print("a worker leaves\n");
    }
}

ringio::Task<int> co_main(int argc, char** argv) {
    auto server =
        co_await ringio::start_server(accept_jobs, "127.0.0.1", argc > 1 ? std::atol(argv[1]) : 0);
    fmt::print("Serving on {}\n", server.sockets()[0].getsockname().to_string());
    std::fflush(stdout);

    auto workers = ringio::gather(work(), work(), work());
    // [graceful_shutdown]
    try {
        co_await server.serve_forever();
    } catch (const ringio::CancelledError&) {  // Ctrl-C; the connections are closed
        ringio::current_task().uncancel();     // this program knows what to do about it
    }
    jobs.shutdown();  // get() gives what is left, then QueueShutDown
    co_await workers;
    // [/graceful_shutdown]
    fmt::print("nothing is left to do: {}\n", jobs.empty());
    co_return 0;
}
