// What the tests of process pools have their workers do.
#pragma once

#include <support/process_gate.hpp>

#include <csignal>
#include <cstdlib>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

namespace ringio::test_support {

inline int same_number(int number) { return number; }
inline pid_t own_pid() { return ::getpid(); }

/// A crash, without the file and the report that one makes.
[[noreturn]] inline void crash() {
    const rlimit none = {};
    ::setrlimit(RLIMIT_CORE, &none);
    ::signal(SIGSEGV, SIG_DFL);
    ::raise(SIGSEGV);
    ::abort();
}

[[noreturn]] inline void wait_to_be_ended() {
    for (;;) {
        ::pause();
    }
}

inline int pass_with(const std::string& gate, int number) {
    ProcessGate::pass(gate);
    return number;
}

}  // namespace ringio::test_support
