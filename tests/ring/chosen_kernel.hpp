// What a program in a child process gets for a kernel, and whether that serves it.
#pragma once

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <sys/resource.h>

#include <ringio/ring.hpp>

#include "child_process.hpp"
#include "faults/faulty_choice.hpp"
#include "probe.hpp"
#include "seccomp.hpp"

namespace ringio::testing {

/// Prints "name" and, where there is one, ": remark"; or "code: what" of the error.
inline void report_choice(KernelSource& source = automatic_choice()) {
    try {
        Ring ring(source.make(8));
        const std::string name(ring.kernel().name());
        const std::string remark(ring.kernel().remark());
        const int answered = perform(ring, NopRequest{});
        std::fprintf(stderr, "%s%s%s", name.c_str(), remark.empty() ? "" : ": ", remark.c_str());
        if (answered != 0) {
            std::fprintf(stderr, ", and a NOP ends with %d", answered);
        }
    } catch (const std::system_error& error) {
        std::fprintf(stderr, "%d: %s", error.code().value(), error.what());
    } catch (const std::exception& error) {
        std::fputs(error.what(), stderr);
    }
}

/// What report_choice() prints in a child, after `before()` there; "signal N" when that killed it.
template <class Before>
std::string choice_after(Before before, KernelSource& source = automatic_choice()) {
    const ChildResult child = run_in_child([&] {
        before();
        report_choice(source);
    });
    return WIFSIGNALED(child.status) ? "signal " + std::to_string(WTERMSIG(child.status))
                                     : child.text;
}

inline std::string choice_when_answered(const std::vector<long>& calls, std::uint32_t answer,
                                        KernelSource& source = automatic_choice()) {
    return choice_after([&] { answer_calls(calls, answer); }, source);
}

/// How many pages children of this process, which are over, have touched: 0 means there were none.
inline long pages_of_children() {
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

/// How the choice of epoll begins that the machine made necessary.
inline const std::string epoll_because = "epoll: epoll is used: ";

inline void handle(int signal, void (*handler)(int)) {
    struct sigaction action{};
    action.sa_handler = handler;
    ::sigaction(signal, &action, nullptr);
}

inline bool begins_with(const std::string& text, const std::string& beginning) {
    return text.rfind(beginning, 0) == 0;
}

}  // namespace ringio::testing
