// Programs with a process pool, by the name of what is tried; process_pool_test.py runs them.
#include <ringio/process/process_pool_executor.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

namespace {

namespace concurrent = ringio::concurrent;
using concurrent::ProcessPoolExecutor;

void wait_to_be_ended() {
    for (;;) {
        ::pause();
    }
}
int twice(int number) { return 2 * number; }

template <class Action>
void print_what(Action action) {
    try {
        std::printf("%d\n", action());
    } catch (const std::exception& error) {
        std::puts(error.what());
    }
}

using Number = int(int);

void load(const std::string& path) {
    if (::dlopen(path.c_str(), RTLD_NOW) == nullptr) {
        throw std::runtime_error(::dlerror());
    }
}
Number* triple_of(const char* path) {
    return reinterpret_cast<Number*>(::dlsym(::dlopen(path, RTLD_NOW), "triple"));
}

int plugin(const char* path) {
    Number* const triple = triple_of(path);
    ProcessPoolExecutor without(1);
    print_what([&] { return without.submit(triple, 5).result(); });
    print_what([&] { return without.submit(twice, 5).result(); });
    ProcessPoolExecutor with({.max_workers = 1, .initializer = {load, std::string(path)}});
    print_what([&] { return with.submit(triple, 5).result(); });
    return 0;
}

// Two workers that work for ever, of a pool that nobody will wait for.
void begin_to_work() {
    static ProcessPoolExecutor pool(2);
    for (int i = 0; i < 2; ++i) {
        pool.submit(wait_to_be_ended);
    }
    while (pool.worker_pids().size() < 2) {
    }
    for (const pid_t worker : pool.worker_pids()) {
        std::printf("%d\n", worker);
    }
    std::fflush(stdout);
    pool.shutdown({.wait = false});
}

int killed(const char*) {
    begin_to_work();
    wait_to_be_ended();
    return 0;
}
int exits(const char*) {
    begin_to_work();
    std::exit(7);
}
int returns(const char*) {
    begin_to_work();
    return 7;
}
int throws_away(const char*) {
    {
        ProcessPoolExecutor pool(2);
        pool.submit(twice, 1);
        pool.submit(twice, 2);
        pool.shutdown({.wait = false});
    }
    return 7;
}

// Its calls are made when main() is over.
int ends_late(const char*) {
    static ProcessPoolExecutor pool(1);
    pool.submit([] { std::puts("apple"); });
    return 0;
}

// Says in a file what became of a call, for it may have no standard output.
int tells(const char* path) {
    std::string text;
    {
        ProcessPoolExecutor pool(2);
        try {
            const auto first = pool.submit(twice, 21);
            const auto second = pool.submit(twice, 22);
            text = std::to_string(first.result()) + " " + std::to_string(second.result());
        } catch (const std::exception& error) {
            text = error.what();
        }
    }
    std::FILE* const file = std::fopen(path, "w");
    std::fputs(text.c_str(), file);
    return std::fclose(file);
}

const std::map<std::string_view, int (*)(const char*)> programs = {
    {"plugin", plugin},           {"killed", killed}, {"exits", exits},
    {"returns", returns},         {"tells", tells},   {"ends_late", ends_late},
    {"throws_away", throws_away},
};

}  // namespace

int main(int argc, char** argv) {
    if (::getenv("PRINT_FIRST") != nullptr) {
        std::puts("hello");
    }
    if (const auto code = ringio::process_worker(argc, argv)) {
        return *code;
    }
    return programs.at(argv[1])(argc > 2 ? argv[2] : "");
}
