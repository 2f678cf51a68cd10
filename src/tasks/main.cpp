#include <ringio/core/exceptions.hpp>
#include <ringio/tasks/run.hpp>

#include <csignal>
#include <cstdio>

namespace ringio::detail {

int run_main(Task<int> (*program)(int, char**), int argc, char** argv);

int run_main(Task<int> (*program)(int, char**), int argc, char** argv) {
    try {
        return run(program(argc, argv));
    } catch (const KeyboardInterrupt&) {
        std::fflush(nullptr);  // a death by signal flushes nothing
        std::signal(SIGINT, SIG_DFL);
        std::raise(SIGINT);
    } catch (...) {
        std::fprintf(stderr, "%s\n", describe_exception(std::current_exception()).c_str());
    }
    return 1;
}

}  // namespace ringio::detail
