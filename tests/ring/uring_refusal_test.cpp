// How it is found out that io_uring would kill, and that nobody notices the child which does it.
// The remarks name what other projects ran into.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ringio/ring/kernel_source.hpp>
#include <support/catch.hpp>

#include "chosen_kernel.hpp"

using namespace ringio;
using namespace ringio::testing;

namespace {

volatile std::sig_atomic_t signals_seen = 0;

void count_signal(int) { signals_seen = signals_seen + 1; }

// In a mount namespace of this process's own; false where that is not permitted.
bool have_own_mounts() {
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// Tells, and says so, whether the child could not have mounts of its own.
bool is_not_permitted(const std::string& text) {
    if (text.find("no mounts") == std::string::npos) {
        return false;
    }
    WARN("not tested: mount namespaces are not permitted here");
    return true;
}

void hide_proc() {
    if (!have_own_mounts() || ::mount("none", "/proc", "tmpfs", 0, nullptr) != 0) {
        std::fputs("no mounts", stderr);
        ::_exit(0);
    }
}

// The sysctl says `value`, in this process.
void pretend_sysctl(const char* value) {
    char name[] = "/tmp/ringio_sysctl_XXXXXX";
    const int file = ::mkstemp(name);
    const bool written = file >= 0 && ::write(file, value, 1) == 1;
    const bool there =
        written && have_own_mounts() &&
        ::mount(name, "/proc/sys/kernel/io_uring_disabled", nullptr, MS_BIND, nullptr) == 0;
    ::unlink(name);
    if (!there) {
        std::fputs("no mounts", stderr);
        ::_exit(0);
    }
}

}  // namespace

// termux-packages#16734, litter#354: a filter that kills.
TEST_CASE("uring refusal: a filter that kills or traps does it to a child, and epoll is used",
          "[uring]") {
    for (const std::uint32_t answer : {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRAP}) {
        for (const long call : uring_calls()) {
            const std::string text = choice_when_answered({call}, answer);
            INFO("system call " << call << ": " << text);
            CHECK(begins_with(text, epoll_because + "a seccomp filter kills programs that use"));
            CHECK(text.find("io_uring_setup, io_uring_enter and io_uring_register") !=
                  std::string::npos);
        }
    }
}

TEST_CASE("uring refusal: a handler of the program for SIGSYS, even a blocked one, hears nothing",
          "[uring]") {
    const ChildResult child = run_in_child([] {
        handle(SIGSYS, count_signal);
        sigset_t signals;
        ::sigemptyset(&signals);
        ::sigaddset(&signals, SIGSYS);
        ::sigprocmask(SIG_BLOCK, &signals, nullptr);
        answer_calls(uring_calls(), SECCOMP_RET_TRAP);
        report_choice();
        ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
        std::fprintf(stderr, "; %d signals", static_cast<int>(signals_seen));
    });
    INFO(child.text);
    CHECK(begins_with(child.text, epoll_because + "a seccomp filter kills"));
    CHECK(child.text.find("; 0 signals") != std::string::npos);
}

// libuv#4010, #4016: Android's filter traps, and the program has a handler or has not.
TEST_CASE("uring refusal: on Android nobody asks, not even a child", "[uring]") {
    const ChildResult child = run_in_child([] {
        ::setenv("ANDROID_ROOT", "/system", 1);
        answer_calls(uring_calls(), SECCOMP_RET_TRAP);
        report_choice();
        std::fprintf(stderr, "; %ld pages of children", pages_of_children());
    });
    INFO(child.text);
    CHECK(begins_with(child.text, epoll_because + "Android"));
    CHECK(child.text.find("; 0 pages of children") != std::string::npos);
}

TEST_CASE("uring refusal: a child asks only where there is a filter, and once for each",
          "[uring]") {
    const ChildResult child = run_in_child([] {
        const auto count = [] {
            static long before = 0;
            const long pages = pages_of_children();
            std::fputs(pages == before ? " nobody asked;" : " a child asked;", stderr);
            before = pages;
        };
        report_choice();
        count();
        answer_calls({__NR_swapon}, failure(EPERM));
        for (int round = 0; round < 2; ++round) {
            report_choice();
            count();
        }
    });
    INFO(child.text);
    if (::prctl(PR_GET_SECCOMP) == 0) {  // else there is one around the tests
        CHECK(begins_with(child.text, "io_uring nobody asked;"));
    }
    CHECK(child.text.find("io_uring a child asked;io_uring nobody asked;", 1) != std::string::npos);
}

TEST_CASE("uring refusal: the program's handlers do not run in the child that asks", "[uring]") {
    static pid_t program = 0;
    const ChildResult child = run_in_child([] {
        ::setpgid(0, 0);
        program = ::getpid();
        handle(SIGUSR1, [](int) {
            if (::getpid() != program) {
                static_cast<void>(!::write(STDERR_FILENO, "a handler", 9));
            }
        });
        int ends[2] = {-1, -1};
        const pid_t sender = ::pipe2(ends, O_NONBLOCK) == 0 ? ::fork() : -1;
        if (sender == 0) {
            handle(SIGUSR1, SIG_IGN);
            ::close(ends[1]);
            char byte = 0;
            while (::read(ends[0], &byte, 1) < 0) {  // until the pipe's other end is closed
                ::kill(0, SIGUSR1);
            }
            ::_exit(0);
        }
        for (int round = 0; round < 20; ++round) {
            answer_calls({__NR_swapon}, failure(EPERM));  // one more filter: a child asks again
            automatic_kernel().make(8);
        }
        ::close(ends[1]);
        while (::waitpid(sender, nullptr, 0) < 0 && errno == EINTR) {
        }
    });
    CHECK(child.status == 0);
    CHECK(child.text.empty());
}

TEST_CASE("uring refusal: the child that asks leaves no core file when a filter kills it",
          "[uring]") {
    char folder[] = "/tmp/ringio_core_XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    const std::string text = choice_after([&] {
        const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
        static_cast<void>(::setrlimit(RLIMIT_CORE, &large));
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        ::prctl(PR_SET_DUMPABLE, 1);
        static_cast<void>(::chdir(folder));
    });
    CHECK(begins_with(text, epoll_because + "a seccomp filter kills"));
    CHECK(::rmdir(folder) == 0);  // it is empty
}

TEST_CASE("uring refusal: a handler for SIGCHLD does not hear of the child that asks", "[uring]") {
    const ChildResult child = run_in_child([] {
        handle(SIGCHLD, count_signal);
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        report_choice();
        std::fprintf(stderr, "; %d signals", static_cast<int>(signals_seen));
    });
    INFO(child.text);
    CHECK(begins_with(child.text, epoll_because + "a seccomp filter kills"));
    CHECK(child.text.find("; 0 signals") != std::string::npos);
}

TEST_CASE("uring refusal: where SIGCHLD is ignored the child that asks is waited for all the same",
          "[uring]") {
    const std::string text = choice_after([] {
        handle(SIGCHLD, SIG_IGN);
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
    });
    CHECK(begins_with(text, epoll_because + "a seccomp filter kills"));
}

TEST_CASE("uring refusal: a thread that waits for any child does not get the one that asks",
          "[uring]") {
    const ChildResult child = run_in_child([] {
        int ends[2] = {-1, -1};
        if (::pipe(ends) != 0) {
            return;
        }
        const pid_t own = ::fork();
        if (own == 0) {
            char byte = 0;
            ::close(ends[1]);
            static_cast<void>(!::read(ends[0], &byte, 1));
            ::_exit(0);
        }
        pid_t waited_for = -1;
        std::thread waiting([&] { waited_for = ::waitpid(-1, nullptr, 0); });
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
        report_choice();
        ::close(ends[1]);
        waiting.join();
        std::fputs(waited_for == own ? "; its own" : "; another one", stderr);
    });
    INFO(child.text);
    CHECK(begins_with(child.text, epoll_because + "a seccomp filter kills"));
    CHECK(child.text.find("; its own") != std::string::npos);
}

TEST_CASE("uring refusal: where /proc cannot be read, a child asks, for there may be a filter",
          "[uring]") {
    const std::string allowed = choice_after(hide_proc);
    if (is_not_permitted(allowed)) {
        return;
    }
    CHECK(allowed == "io_uring");
    const std::string killed = choice_after([] {
        hide_proc();
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
    });
    CHECK(begins_with(killed, epoll_because + "a seccomp filter kills"));
}

TEST_CASE("uring refusal: a sysctl that forbids io_uring to all is believed without asking",
          "[uring]") {
    const std::string text = choice_after([] {
        pretend_sysctl("2");
        answer_calls(uring_calls(), SECCOMP_RET_KILL_PROCESS);
    });
    if (is_not_permitted(text)) {
        return;
    }
    CHECK(begins_with(
        text, epoll_because + "io_uring cannot be used: the sysctl kernel.io_uring_disabled=2"));
}

TEST_CASE("uring refusal: a filter that lets nobody make a child leaves epoll, and says so",
          "[uring]") {
    const std::string text = choice_when_answered({SYS_clone}, failure(EPERM));
    CHECK(begins_with(text, epoll_because + "there is a seccomp filter, and whether it kills"));
    CHECK(text.find("RINGIO_KERNEL=uring") != std::string::npos);
}
