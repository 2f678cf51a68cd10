// main() of every test binary, for Catch2 version 2 or 3, and of the worker processes of its pools.
#include <ringio/process/process_worker.hpp>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>

#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

int main(int argc, char** argv) {
    if (const auto code = ringio::process_worker(argc, argv)) {
        return *code;
    }
    return Catch::Session().run(argc, argv);
}
